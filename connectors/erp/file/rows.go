package file

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	// headerWithin is in how many rows that are not empty the header has to be:
	// titles may stand above it.
	headerWithin = 30
	// longestKey bounds keys and codes, in bytes.
	longestKey = 200
)

// rules are the settings in the form in which rows are read with them.
type rules struct {
	Config
	dates  dates
	mark   erp.Mark
	words  map[string]erp.State
	names  dictionary
	unsaid erp.State // the state of an order that names none
}

func newRules(c Config) (*rules, error) {
	r := &rules{Config: c, mark: map[string]erp.Mark{"auto": erp.Either, "comma": erp.Comma, "point": erp.Point}[c.Decimal], unsaid: erp.Open}
	if c.NoState == "held" {
		r.unsaid = erp.Held
	}
	var err error
	if r.dates, err = newDates(c.Dates, c.Zone); err == nil {
		r.words, err = erp.StateWords(c.States)
	}
	if err == nil {
		r.names, err = newDictionary(c)
	}
	if err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the drop folder", What: err.Error()}
	}
	return r, nil
}

// sheet turns rows into orders: it finds the header, and knows the trailer.
type sheet struct {
	*rules
	to *assembly
	// head is nil before the header was found.
	head *header
	// before are rows that came before the header.
	before int
	first  row
	// trailer is the number in the last row, -1 if there was none; ended is its
	// place.
	trailer int
	ended   string
}

func newSheet(r *rules, to *assembly) *sheet { return &sheet{rules: r, to: to, trailer: -1} }

// take reads the next row. An error refuses the file.
func (s *sheet) take(r row) error {
	if r.empty() {
		return nil
	}
	if s.ended != "" {
		return refuse(r.place(0), "a row follows behind the trailer at %s; two files may have been joined", s.ended)
	}
	if ok, err := s.last(r); ok || err != nil {
		return err
	}
	if s.head == nil {
		if found, err := s.header(r); err != nil || found {
			return err
		}
	}
	if s.head.same(r) {
		return nil
	}
	if s.to.rows++; s.to.rows > s.MaxRows {
		return refuse(r.place(0), "the file has more than %d rows; split it, or raise max_rows", s.MaxRows)
	}
	if r.open && (r.bad != "" || len(r.cells) < s.head.width) {
		return refuse(r.place(len(r.cells)-1), "the file is cut off: its last row has no end, and %d of %d columns; send it again", len(r.cells), s.head.width)
	}
	s.line(r)
	return nil
}

// last reads the trailer: its word in the first cell that is not empty, and the
// number of rows in the next one.
func (s *sheet) last(r row) (bool, error) {
	found := -1
	for i, c := range r.cells {
		t := strings.TrimSpace(c.text)
		switch {
		case t == "":
		case found < 0 && !strings.EqualFold(t, s.TrailerWord):
			return false, nil
		case found < 0:
			found = i
		default:
			n, err := strconv.Atoi(t)
			if err != nil || n < 0 {
				return true, refuse(r.place(i), "the trailer has %q where the number of rows should be", shorten(t, 40))
			}
			s.trailer, s.ended = n, r.place(found)
			return true, nil
		}
	}
	if found < 0 {
		return false, nil
	}
	return true, refuse(r.place(found), "the trailer has no number of rows: the file is cut off; send it again")
}

// header looks whether a row is the header. Without one, columns are numbers.
func (s *sheet) header(r row) (found bool, err error) {
	if s.NoHeader {
		h, err := s.names.read(numbered(r.cells))
		if err != nil {
			return false, refuse(r.place(0), "%s", err)
		}
		if m := h.missing(); m != "" {
			return false, refuse("", "no column is %s; write its number under columns (%s: \"#1\")", m, m)
		}
		h.cells = nil
		s.head = &h
		return false, nil
	}
	h, err := s.names.read(r.cells)
	if err != nil {
		if h.missing() == "" || len(h.at) > 2 {
			return false, refuse(r.place(0), "%s", err)
		}
	} else if h.missing() == "" {
		s.head = &h
		return true, nil
	}
	if s.before == 0 || len(h.at) > len(s.guess().at) {
		s.first = r
	}
	if s.before++; s.before >= headerWithin {
		return false, s.headless()
	}
	return true, nil
}

func (s *sheet) guess() header {
	h, _ := s.names.read(s.first.cells)
	return h
}

// headless says what is missing for a header.
func (s *sheet) headless() error {
	h := s.guess()
	var names []string
	for _, c := range s.first.cells[:min(len(s.first.cells), 40)] {
		names = append(names, strconv.Quote(shorten(c.text, 40)))
	}
	m := h.missing()
	return refuse(s.first.place(-1), "no column is known to be %s; the row that looks most like a header has %s; write under columns which of them it is (%s: [\"...\"]), or set no_header", m, strings.Join(names, ", "), m)
}

// numbered is a header of empty names: only "#n" fits.
func numbered(cells []cell) []cell {
	out := make([]cell, len(cells))
	for i, c := range cells {
		out[i] = cell{line: c.line, col: c.col}
	}
	return out
}

// finish checks what can only be known at the end. demanded is the count of rows
// from elsewhere, -1 for none.
func (s *sheet) finish(demanded int) error {
	switch {
	case s.head == nil && s.trailer < 0 && s.before == 0:
		return refuse("", "the file is empty")
	case s.head == nil:
		return s.headless()
	case s.Count == Trailer && s.trailer < 0:
		return refuse("", "the last row is no trailer (%s, number of rows): the file is cut off; send it again", s.TrailerWord)
	case s.trailer >= 0 && s.trailer != s.to.rows:
		return refuse(s.ended, "the trailer says %d rows, there are %d: rows are missing or were added; nothing of the file counts, send it again", s.trailer, s.to.rows)
	case demanded >= 0 && demanded != s.to.rows:
		return refuse("", "the count file says %d rows, there are %d: rows are missing or were added; nothing of the file counts, send it again", demanded, s.to.rows)
	}
	return nil
}

// field reads the cells of one row by meaning. The first that can not be read
// stays in at and what.
type field struct {
	*sheet
	row  row
	at   string
	what string
}

func (f *field) cell(m string) (cell, int) {
	i, ok := f.head.at[m]
	if !ok || i >= len(f.row.cells) {
		return cell{}, -1
	}
	return f.row.cells[i], i
}

func (f *field) fail(m string, i int, what string, args ...any) {
	if f.what == "" {
		f.at, f.what = f.row.place(i), m+": "+fmt.Sprintf(what, args...)
	}
}

// text gives a text; where the cell can not be read, none. It is a copy: cells
// are parts of the whole file, which nobody is to keep because of one word.
func (f *field) text(m string) string {
	c, _ := f.cell(m)
	return strings.Clone(strings.TrimSpace(c.text))
}

// key gives a key or code. It has to be right to the letter.
func (f *field) key(m string, needed bool) string {
	c, i := f.cell(m)
	t := strings.TrimSpace(c.text)
	switch {
	case c.bad != "":
		f.fail(m, i, "%s", c.bad)
	case t == "" && needed:
		f.fail(m, i, "it is empty")
	case len(t) > longestKey:
		f.fail(m, i, "%q is longer than %d bytes", shorten(t, 40), longestKey)
	case strings.ContainsRune(t, utf8.RuneError):
		f.fail(m, i, "%q has letters that could not be read; set encoding", shorten(t, 40))
	case strings.ContainsFunc(t, unicode.IsControl):
		f.fail(m, i, "%q has control characters or ends of lines in it", shorten(t, 40))
	default:
		return strings.Clone(t)
	}
	return ""
}

func (f *field) number(m string, needed bool) decimal.Decimal {
	c, i := f.cell(m)
	mark := f.mark
	if c.number {
		mark = erp.Point
	}
	switch d, err := erp.ParseDecimal(c.text, mark); {
	case c.bad != "":
		f.fail(m, i, "%s", c.bad)
	case strings.TrimSpace(c.text) == "":
		if needed {
			f.fail(m, i, "it is empty")
		}
	case err != nil:
		f.fail(m, i, "%s", err)
	default:
		return d
	}
	return decimal.Decimal{}
}

func (f *field) date(m string) erp.When {
	c, i := f.cell(m)
	if c.bad != "" {
		f.fail(m, i, "%s", c.bad)
		return erp.When{}
	}
	var w erp.When
	var err error
	if d, bad := decimal.NewFromString(c.text); c.number && bad == nil && (c.date || d.LessThan(decimal.NewFromInt(200_000))) {
		w, err = f.dates.serial(d, c.late)
	} else {
		w, err = f.dates.read(c.text)
	}
	if err != nil {
		f.fail(m, i, "%s", err)
	}
	return w
}

// yes gives a yes or no; what is neither is told, and is no answer.
func (f *field) yes(m string, order, line string) erp.Answer {
	t := f.text(m)
	a, ok := answer(t)
	if !ok {
		_, i := f.cell(m)
		f.to.problem(f.row.place(i), order, line, false, "%s: %q is neither yes nor no", m, shorten(t, 40))
	}
	return a
}
