package file

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lines reads the rows of delimited text. Cells may be quoted, with quotes
// inside written twice, and then have line ends in them; a quote in the middle
// of a cell is a letter like any other (12" pipe). Ends of lines are \n, \r\n
// or \r. One bad row ends where its line does.
type lines struct {
	text    string
	delim   byte
	maxCell int

	pos, line, start int // start is where the line begins
	// letters are those of the line before counted.
	letters, counted int
}

func newLines(text string, delim byte, maxCell int) *lines {
	return &lines{text: text, delim: delim, maxCell: maxCell, line: 1}
}

// next gives a row; more is false at the end of the text.
func (l *lines) next() (r row, more bool) {
	if l.pos >= len(l.text) {
		return row{}, false
	}
	r.line = l.line
	from, first := l.pos, l.start
	for {
		c, ok, why := l.cell()
		r.cells = append(r.cells, c)
		if !ok || len(r.cells) > mostCells {
			if why == "" {
				why = fmt.Sprintf("the row has more than %d cells", mostCells)
			}
			r.bad = why
			l.pos, l.line, l.start, l.counted = from, r.line, first, -1
			l.skipLine()
			r.open = l.pos >= len(l.text) && !strings.HasSuffix(l.text, "\n")
			return r, true
		}
		if l.pos >= len(l.text) {
			r.open = true
			return r, true
		}
		if l.text[l.pos] == l.delim {
			l.pos++
			continue
		}
		l.endLine()
		return r, true
	}
}

// cell reads one cell and stops at the delimiter, the end of the line or of the
// text behind it.
func (l *lines) cell() (c cell, ok bool, why string) {
	c = cell{line: l.line, col: l.col()}
	if l.pos < len(l.text) && l.text[l.pos] == '"' {
		return l.quoted(c)
	}
	from := l.pos
	for l.pos < len(l.text) && l.text[l.pos] != l.delim && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		l.pos++
	}
	if l.pos-from > l.maxCell {
		return c, false, fmt.Sprintf("a cell is longer than %d bytes", l.maxCell)
	}
	c.text = l.text[from:l.pos]
	return c, true, ""
}

// col is the number of the letter at pos, from 1.
func (l *lines) col() int {
	if l.counted < l.start {
		l.letters, l.counted = 0, l.start
	}
	l.letters += utf8.RuneCountInString(l.text[l.counted:l.pos])
	l.counted = l.pos
	return l.letters + 1
}

func (l *lines) quoted(c cell) (cell, bool, string) {
	const never = "a quote opens here and is not closed; inside of a cell write quotes twice"
	var b strings.Builder
	l.pos++
	for {
		rest := l.text[l.pos:min(len(l.text), l.pos+l.maxCell+1)]
		at := strings.IndexByte(rest, '"')
		if at < 0 || b.Len()+at > l.maxCell {
			return c, false, never
		}
		b.WriteString(rest[:at])
		l.count(l.pos, l.pos+at)
		l.pos += at + 1
		if l.pos < len(l.text) && l.text[l.pos] == '"' {
			b.WriteByte('"')
			l.pos++
			continue
		}
		break
	}
	for l.pos < len(l.text) && l.text[l.pos] == ' ' && l.delim != ' ' {
		l.pos++
	}
	if l.pos < len(l.text) && l.text[l.pos] != l.delim && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		return c, false, "text follows behind a closing quote; inside of a cell write quotes twice"
	}
	c.text = b.String()
	return c, true, ""
}

// count takes over the ends of lines within a quoted cell.
func (l *lines) count(from, to int) {
	for i := from; i < to; i++ {
		if l.text[i] == '\n' || l.text[i] == '\r' && l.text[i+1] != '\n' {
			l.line++
			l.start = i + 1
		}
	}
}

func (l *lines) skipLine() {
	for l.pos < len(l.text) && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		l.pos++
	}
	l.endLine()
}

func (l *lines) endLine() {
	if strings.HasPrefix(l.text[l.pos:], "\r\n") {
		l.pos++
	}
	l.pos = min(l.pos+1, len(l.text))
	l.line++
	l.start = l.pos
}
