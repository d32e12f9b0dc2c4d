package file

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	// digits is how many significant digits a number of a workbook has.
	digits = 15
	// lastRow is the last row that a sheet can have.
	lastRow = 1 << 20
)

// rows gives all rows of the sheet to take.
func (w *workbook) rows(take func(row) error) error {
	s := &sheetRows{w: w, take: take}
	return w.each(w.part, s.token)
}

// sheetRows puts cells together while it goes through a sheet.
type sheetRows struct {
	w    *workbook
	take func(row) error

	inRow bool
	row   row
	line  int

	inCell  bool
	col     int
	kind    string
	style   int
	formula bool
	has     bool // a value was there
	text    strings.Builder
	reading bool
	hint    int
}

func (s *sheetRows) token(token xml.Token) error {
	switch e := token.(type) {
	case xml.StartElement:
		return s.start(e)
	case xml.CharData:
		if s.reading && s.text.Len() <= s.w.maxCell {
			s.text.Write(e)
		}
	case xml.EndElement:
		switch e.Name.Local {
		case "v", "t":
			s.reading = false
		case "rPh":
			s.hint--
		case "c":
			if s.inCell {
				s.cell()
			}
			s.inCell = false
		case "row":
			if s.inRow {
				s.inRow = false
				return s.take(s.row)
			}
		}
	}
	return nil
}

func (s *sheetRows) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "row":
		s.inRow, s.line, s.col = true, s.line+1, 0
		if r := attr(e, "r"); r != "" {
			n, err := strconv.Atoi(r)
			if err != nil || n < s.line || n > lastRow {
				return refuse("", "the sheet %s has a row %q behind row %d; save the workbook again", shorten(s.w.sheet, 40), shorten(r, 20), s.line-1)
			}
			s.line = n
		}
		s.row = row{line: s.line, sheet: shorten(s.w.sheet, 40)}
	case "c":
		if !s.inRow {
			return nil
		}
		s.inCell, s.kind, s.formula, s.has, s.reading = true, attr(e, "t"), false, false, false
		s.text.Reset()
		s.style, _ = strconv.Atoi(attr(e, "s"))
		s.col++
		if col := column(attr(e, "r")); col > 0 {
			if col < s.col {
				s.row.bad = "two cells stand in the same place; save the workbook again"
			}
			s.col = col
		}
	case "f":
		s.formula = true
	case "rPh":
		s.hint++
	case "v", "t":
		s.reading = s.inCell && s.hint == 0 && (e.Name.Local == "v" || s.kind == "inlineStr")
		s.has = s.has || s.reading
	}
	return nil
}

// column is the number of the column of a reference such as AB12, 0 if it has
// none.
func column(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && n <= mostCells; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n
}

// cell takes over the cell that ended.
func (s *sheetRows) cell() {
	if s.col > mostCells {
		if s.has {
			s.row.bad = fmt.Sprintf("the row has more than %d cells", mostCells)
		}
		return
	}
	for len(s.row.cells) < s.col {
		s.row.cells = append(s.row.cells, cell{line: s.line, col: len(s.row.cells) + 1})
	}
	c := &s.row.cells[s.col-1]
	if !s.has {
		if s.formula {
			c.bad = "the cell has a formula whose result is not in the file; open it in Excel and save it"
		}
		return
	}
	c.text = s.text.String()
	switch s.kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(c.text))
		if err != nil || n < 0 || n >= len(s.w.strings) {
			c.text, c.bad = "", "the text of the cell is missing in the workbook; save it again"
			break
		}
		c.text = s.w.strings[n]
	case "e":
		c.text, c.bad = "", "the cell shows the error "+shorten(c.text, 20)
	case "", "n":
		s.number(c)
	}
	if len(c.text) > s.w.maxCell {
		c.text, c.bad = "", fmt.Sprintf("a cell is longer than %d bytes", s.w.maxCell)
	}
}

// number takes over a number as Excel shows it: what is behind the 15th digit
// is noise of its arithmetic.
func (s *sheetRows) number(c *cell) {
	if strings.TrimSpace(c.text) == "" {
		c.text = ""
		return
	}
	d, err := erp.ParseDecimal(c.text, erp.Point)
	if err != nil {
		c.text, c.bad = "", err.Error()
		return
	}
	d = significant(d)
	var f format
	if s.style >= 0 && s.style < len(s.w.formats) {
		f = s.w.formats[s.style]
	}
	c.text, c.number, c.date, c.late = d.String(), true, f.date, s.w.late
	if missing := f.zeros - len(c.text); missing > 0 && d.IsInteger() && d.Sign() >= 0 {
		c.text = strings.Repeat("0", missing) + c.text
	}
}

func significant(d decimal.Decimal) decimal.Decimal {
	if d.NumDigits() > digits {
		d = d.Round(int32(digits-d.NumDigits()) - d.Exponent())
	}
	return d
}
