package file

import (
	"fmt"
	"strconv"
	"strings"
)

// mostCells is the most cells of a row that are believed: what has more is no
// list of orders.
const mostCells = 1000

// row is one row of a table.
type row struct {
	// line is the line or row number, from 1.
	line int
	// sheet is the sheet of a workbook, empty for text.
	sheet string
	cells []cell
	// bad says why the row as a whole can not be read.
	bad string
	// open says that the text ended in this row without an end of line.
	open bool
}

// cell is one value.
type cell struct {
	text string
	// line and col are its place: line and character of a text, row and column
	// of a sheet.
	line, col int
	// number says that text is a plain number with a point, whatever the plant's
	// way to write numbers is; date, that it counts days.
	number, date bool
	// late says that days are counted from 1904.
	late bool
	// bad says why it can not be read.
	bad string
}

// place is where the cell with an index is, or the row if it has none.
func (r row) place(i int) string {
	line, col := r.line, 1
	if i >= 0 && i < len(r.cells) {
		line, col = r.cells[i].line, r.cells[i].col
	} else if n := len(r.cells); i >= n && n > 0 {
		line, col = r.cells[n-1].line, r.cells[n-1].col
	}
	if r.sheet != "" {
		return r.sheet + "!" + letters(col) + strconv.Itoa(line)
	}
	return fmt.Sprintf("%d:%d", line, col)
}

// empty says that nothing stands in the row.
func (r row) empty() bool {
	for _, c := range r.cells {
		if c.bad != "" || strings.TrimSpace(c.text) != "" {
			return false
		}
	}
	return r.bad == ""
}

// letters is the name of a column of a sheet: 1 is A, 28 is AB.
func letters(col int) string {
	s := ""
	for ; col > 0; col = (col - 1) / 26 {
		s = string(rune('A'+(col-1)%26)) + s
	}
	return s
}

// refusal is why a whole file is refused.
type refusal struct {
	// at is the place in the file, empty for all of it.
	at, what string
}

func (r *refusal) Error() string { return r.what }

func refuse(at, what string, args ...any) error {
	return &refusal{at, fmt.Sprintf(what, args...)}
}

// shorten is a text for people: one line, at most n characters.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}
