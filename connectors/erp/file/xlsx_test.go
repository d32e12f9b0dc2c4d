package file

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// book makes a workbook by another library than the one under test.
func book(t testing.TB, make func(f *excelize.File) error) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := make(f); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func table(f *excelize.File, sheet string, rows ...[]any) error {
	for i, r := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &r); err != nil {
			return err
		}
	}
	return nil
}

func orders(f *excelize.File) error {
	code := "00000"
	zeros, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
	if err != nil {
		return err
	}
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	if err := table(f, "Sheet1",
		[]any{"Open orders"}, nil,
		[]any{"Order", "Line", "Article", "Quantity", "Unit", "Delivery date", "Status"},
		[]any{1001, 10, 123, 0.1 + 0.2, "kg", day, "open"},
		[]any{1001, 20, "P-2", "1.200,5", "kg", day.Add(18 * time.Hour), "open"},
		[]any{"A-7", 10, "P-2", 480, "pcs", "25.11.2026", "storniert"},
		[]any{"A-8", 10, "P-2", "1.234", "pcs", 46351, "open"},
		[]any{"A-9", 10, "P-2", nil, "pcs", nil, "open"},
		[]any{"A-10", 10, "P-2", nil, "pcs", nil, "open"},
		[]any{"A-11", 10, "P-2", true, "pcs", nil, "open"},
	); err != nil {
		return err
	}
	if err := f.SetCellStyle("Sheet1", "C4", "C4", zeros); err != nil {
		return err
	}
	if err := f.SetCellFormula("Sheet1", "D8", "1+1"); err != nil {
		return err
	}
	return f.SetCellValue("Sheet1", "D9", "#N/A!")
}

func TestWorkbook(t *testing.T) {
	res := parse(t, Config{Content: Snapshot}, "o.xlsx", book(t, orders), -1)
	compare(t, tell(res.orders, res.problems), []string{
		"1001 open due 2026-11-25 | 10: 0.3 kg 00123 x? | 20: 1200.5 kg P-2 x?",
		"A-7 cancelled due 2026-11-25 | 10: 480 pcs P-2 x?",
		"A-11 open due - | 10: 1 pcs P-2 x?",
		"! o.xlsx:Sheet1!D7 LOST [A-8/10] order A-8, quantity: \"1.234\" is no number: it could be thousands",
		"! o.xlsx:Sheet1!D8 LOST [A-9/10] order A-9, quantity: the cell has a formula whose result is not in the file",
		"! o.xlsx:Sheet1!D9 LOST [A-10/10] order A-10, quantity: \"#N/A!\" is no number",
	})
	if !res.complete || res.refused {
		t.Errorf("complete %v, refused %v", res.complete, res.refused)
	}
	if due := res.orders[0].Lines[1].Due; when(due) != "2026-11-25T18:00Z" {
		t.Errorf("the time of a cell is %s", when(due))
	}
}

// parts rewrites the parts of a workbook.
func parts(t testing.TB, content string, change func(name, part string) string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, change(f.Name, string(part))); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func simple(f *excelize.File) error {
	return table(f, "Sheet1", []any{"order", "product", "quantity"}, []any{"1", "P", 5}, []any{"2", "P", 6})
}

func TestBrokenWorkbooks(t *testing.T) {
	whole := book(t, simple)
	inSheet := func(old, with string) string {
		return parts(t, whole, func(name, part string) string {
			if strings.HasSuffix(name, "sheet1.xml") {
				if !strings.Contains(part, old) {
					t.Fatalf("%s has no %s", part, old)
				}
				return strings.Replace(part, old, with, 1)
			}
			return part
		})
	}
	for _, c := range []struct{ name, content, want string }{
		{"cut off", whole[:len(whole)-200], "! o.xlsx LOST [/] this is no whole workbook"},
		{"a sheet that ends in the middle", inSheet("</sheetData>", "<row"), "! o.xlsx LOST [/] sheet1.xml, "},
		{"a sheet without its end", parts(t, whole, func(name, part string) string {
			if strings.HasSuffix(name, "sheet1.xml") {
				return part[:strings.Index(part, "<row r=\"3\"")]
			}
			return part
		}), "! o.xlsx LOST [/] sheet1.xml, 2:534: the XML ends in the middle"},
		{"entities", inSheet("<worksheet", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><worksheet"), "! o.xlsx LOST [/] sheet1.xml, 2:"},
		{"a bomb", inSheet("</sheetData>", "<row r=\"9\"><c r=\"A9\" t=\"inlineStr\"><is><t>"+strings.Repeat(" ", 9<<20)+"</t></is></c></row></sheetData>"), "! o.xlsx LOST [/] sheet1.xml, 2:8"},
		{"too deep", inSheet("</sheetData>", strings.Repeat("<a>", 70)), "! o.xlsx LOST [/] sheet1.xml, "},
		{"rows that go back", inSheet("<row r=\"3\"", "<row r=\"1\""), "! o.xlsx LOST [/] the sheet Sheet1 has a row \"1\" behind row 2"},
		{"no sheet with that name", "", "! o.xlsx LOST [/] the workbook has no sheet \"Orders\"; it has \"Sheet1\""},
		{"old kind", "\xd0\xcf\x11\xe0\xa1\xb1", "! o.xlsx LOST [/] this is a workbook of the old kind"},
		{"an archive of something else", parts(t, whole, func(string, string) string { return "" }), "! o.xlsx LOST [/] the workbook has no sheet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{MaxBytes: 1 << 20}
			if c.content == "" {
				c.content, config.Sheet = whole, "Orders"
			}
			res := parse(t, config, "o.xlsx", c.content, -1)
			if !res.refused || len(res.orders) > 0 {
				t.Errorf("it was taken: %s", tell(res.orders, res.problems))
			}
			compare(t, tell(nil, res.problems), []string{c.want})
		})
	}
}

func TestHiddenSheetsAndNames(t *testing.T) {
	content := book(t, func(f *excelize.File) error {
		if _, err := f.NewSheet("Aufträge"); err != nil {
			return err
		}
		if err := table(f, "Aufträge", []any{"order", "product", "quantity"}, []any{"1", "P", 5}); err != nil {
			return err
		}
		f.SetActiveSheet(1)
		return f.SetSheetVisible("Sheet1", false)
	})
	for _, sheet := range []string{"", "aufträge"} {
		if res := parse(t, Config{Sheet: sheet}, "o.xlsx", content, -1); len(res.orders) != 1 {
			t.Errorf("sheet %q: %s", sheet, tell(res.orders, res.problems))
		}
	}
}
