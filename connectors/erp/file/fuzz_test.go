package file

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// sane holds what must be true of whatever a file had in it.
func sane(t *testing.T, c Config, raw []byte) {
	r, err := newRules(c)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.parse(t.Context(), "f", raw, -1)
	if err != nil {
		t.Fatal(err)
	}
	if res.refused && (len(res.orders) > 0 || res.complete || len(res.problems) == 0) {
		t.Fatalf("refused with %d orders, complete %v, %d problems", len(res.orders), res.complete, len(res.problems))
	}
	if len(res.problems) > mostProblems+2 {
		t.Fatalf("%d problems", len(res.problems))
	}
	named := map[string]bool{}
	for _, p := range res.problems {
		if !strings.HasPrefix(p.Where, "f") || p.What == "" || len(p.What) > 4000 {
			t.Fatalf("problem %+v", p)
		}
		named[p.Order] = named[p.Order] || p.Order != ""
	}
	seen := map[string]bool{}
	for _, o := range res.orders {
		if o.ID == "" || seen[assemble.Key(o.Company, o.ID)] {
			t.Fatalf("the order %q stands twice or has no key", o.ID)
		}
		seen[assemble.Key(o.Company, o.ID)] = true
		ids := map[string]bool{}
		for _, l := range o.Lines {
			if l.ID == "" || ids[l.ID] || l.Product == "" && l.ProductName == "" {
				t.Fatalf("order %q has the line %+v", o.ID, l)
			}
			ids[l.ID] = true
			if l.Quantity.Abs().GreaterThan(decimal.New(1, 60)) || l.Factor.Sign() < 0 {
				t.Fatalf("quantity %s, factor %s", l.Quantity, l.Factor)
			}
		}
		if len(o.Lines) == 0 && !o.Partial {
			t.Fatalf("order %q has no line and is not partial", o.ID)
		}
	}
	if again, _ := r.parse(t.Context(), "f", bytes.Clone(raw), -1); tell(again.orders, again.problems) != tell(res.orders, res.problems) {
		t.Fatal("the same file gave something else")
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(one), false)
	f.Add([]byte("Auftrag;Pos;Artikel;Menge;ME;Liefertermin;Status\r\nA;1;P;1.200,50;kg;25.11.2026;offen\r\nA;2;\"P\"\"x\";;;;storniert\r\nTRAILER;2\r\n"), true)
	f.Add([]byte("sep=|\norder|product|quantity\n1|\"P|5\n2|P|6"), true)
	f.Add([]byte("\xff\xfeo\x00r\x00d\x00e\x00r\x00"), false)
	f.Add([]byte("company,order,line,product,quantity,factor,price,groups\nA,1,1,P,5,24,1.5,\"a;b\"\nA,1,1,P,6,24,1.5,\nA,1,,P,6,-1,x,\n"), true)
	f.Fuzz(func(t *testing.T, raw []byte, snapshot bool) {
		c := Config{Folder: "x", MaxRows: 1000, MaxCell: 500}
		if snapshot {
			c.Content = Snapshot
		}
		sane(t, c.defaults(), raw)
	})
}

func FuzzSchedule(f *testing.F) {
	f.Add([]byte(operations))
	f.Add([]byte("<CancelProductionSchedule><ProductionRequest><ID>1</ID></ProductionRequest></CancelProductionSchedule>"))
	f.Add([]byte("<a><![CDATA[x]]><?x y?><!--z--></a>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := Config{Folder: "x", MaxRows: 1000, MaxCell: 500, Content: Snapshot}
		sane(t, c.defaults(), append([]byte("<"), bytes.TrimPrefix(raw, []byte("<"))...))
	})
}

// FuzzWorkbook puts any sheet, texts and styles into a workbook, and any bytes
// in the place of one.
func FuzzWorkbook(f *testing.F) {
	whole := book(f, orders)
	var sheet, texts, styles string
	parts(f, whole, func(name, part string) string {
		switch {
		case strings.HasSuffix(name, "sheet1.xml"):
			sheet = part
		case strings.HasSuffix(name, "sharedStrings.xml"):
			texts = part
		case strings.HasSuffix(name, "styles.xml"):
			styles = part
		}
		return part
	})
	f.Add(sheet, texts, styles, []byte{})
	f.Add("<worksheet><sheetData><row><c r=\"ZZZ1\"><v>1e9</v></c><c t=\"s\"><v>99</v></c><c t=\"e\"/></row></sheetData></worksheet>", texts, styles, []byte{})
	f.Add("", "", "", []byte(whole[:len(whole)/2]))
	f.Add("", "", "", []byte(whole))
	f.Fuzz(func(t *testing.T, sheet, texts, styles string, raw []byte) {
		c := Config{Folder: "x", MaxRows: 1000, MaxCell: 500, MaxBytes: 1 << 20, Content: Snapshot}
		if len(raw) == 0 {
			raw = []byte(parts(t, whole, func(name, part string) string {
				switch {
				case strings.HasSuffix(name, "sheet1.xml"):
					return sheet
				case strings.HasSuffix(name, "sharedStrings.xml"):
					return texts
				case strings.HasSuffix(name, "styles.xml"):
					return styles
				}
				return part
			}))
		}
		sane(t, c.defaults(), raw)
	})
}

func FuzzDiscover(f *testing.F) {
	f.Add([]byte(one))
	f.Add([]byte(operations))
	f.Add([]byte("a;b\n1,5;25/11/2026\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := newPlant(t, Config{})
		p.drop("f.csv", string(raw))
		fields, suggest, err := p.source.Discover(t.Context())
		var e *erp.Error
		if err != nil && !errors.As(err, &e) || err == nil && len(fields) == 0 {
			t.Fatalf("%v, %d fields, %q", err, len(fields), suggest)
		}
	})
}
