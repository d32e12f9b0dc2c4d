package file

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// result is what one file gave.
type result struct {
	orders   []erp.Order
	problems []erp.Problem
	// complete says that the file is a snapshot of which nothing is missing.
	complete bool
	// refused says that nothing of the file counts.
	refused bool
	// unknown are columns that mean nothing.
	unknown []string
	rows    int
	lost    int
}

// parse reads the content of a file. shown is its name for people; demanded is
// the number of rows that it has to have, -1 if nobody says. The error is that
// the context ended.
func (r *rules) parse(ctx context.Context, shown string, raw []byte, demanded int) (result, error) {
	a := newAssembly(shown, r.Config)
	s, err := r.content(ctx, raw, demanded, a)
	if ctx.Err() != nil {
		return result{}, ctx.Err()
	}
	res := result{rows: a.rows, lost: a.lost}
	if s != nil && s.head != nil {
		res.unknown = s.head.unknown
	}
	if err == nil {
		res.orders = a.orders()
		if r.Strict && a.lost > 0 {
			err = refuse("", "%d of %d rows can not be read, and strict is on: nothing of the file counts", a.lost, a.rows)
		}
	}
	if err != nil {
		var why *refusal
		at := ""
		if errors.As(err, &why) {
			at = why.at
		}
		a.problems, a.untold = append([]erp.Problem{}, a.problems...), 0
		lead := newAssembly(shown, r.Config)
		lead.problem(at, "", "", true, "%s", err)
		res.orders, res.refused, res.problems = nil, true, append(lead.problems, a.problems...)
		return res, nil
	}
	res.complete = r.Content == Snapshot && !a.nameless && a.untold == 0
	if res.complete && a.rows == 0 && demanded < 0 && (s == nil || s.trailer < 0) {
		res.complete = false
		a.problem("", "", "", false, "the snapshot has no rows, and no count of rows that says so: nothing is concluded from it")
	}
	res.problems = a.problems
	return res, nil
}

// content reads orders of any kind of file. The sheet is nil for XML.
func (r *rules) content(ctx context.Context, raw []byte, demanded int, a *assembly) (*sheet, error) {
	rows, doubt, err := r.rows(raw)
	if err != nil {
		return nil, err
	}
	if rows == nil {
		if err := r.readSchedule(ctx, raw, a); err != nil {
			return nil, err
		}
		if demanded >= 0 && demanded != a.rows {
			return nil, refuse("", "the count file says %d requests, there are %d; nothing of the file counts, send it again", demanded, a.rows)
		}
		return nil, nil
	}
	if doubt != "" {
		a.problem("", "", "", false, "%s", doubt)
	}
	s := newSheet(r, a)
	if err := rows(ending(ctx, s.take)); err != nil {
		return s, err
	}
	return s, s.finish(demanded)
}

// rows finds out what kind of file it is, by what is in it, and gives what goes
// through its rows; nil for XML. doubt is what is strange about its text.
func (r *rules) rows(raw []byte) (rows func(func(row) error) error, doubt string, err error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")):
		return nil, "", refuse("", "this is a workbook of the old kind (.xls), or one with a password; save it as .xlsx without")
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		w, err := openWorkbook(raw, r.Sheet, r.Config)
		if err != nil {
			return nil, "", err
		}
		return w.rows, "", nil
	case isXML(raw):
		return nil, "", nil
	}
	text, doubt, err := decode(raw, r.Encoding, r.CodePage)
	if err != nil {
		return nil, "", err
	}
	text, delim := r.delimiter(text)
	return func(take func(row) error) error {
		l := newLines(text, delim, r.MaxCell)
		for {
			one, more := l.next()
			if !more {
				return nil
			}
			if err := take(one); err != nil {
				return err
			}
		}
	}, doubt, nil
}

// ending looks now and then whether the context ended.
func ending(ctx context.Context, take func(row) error) func(row) error {
	n := 0
	return func(r row) error {
		if n++; n%500 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return take(r)
	}
}

func isXML(raw []byte) bool {
	head := bytes.TrimPrefix(raw[:min(len(raw), 200)], []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, " \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) || bytes.HasPrefix(raw, []byte("\xff\xfe<\x00")) || bytes.HasPrefix(raw, []byte("\xfe\xff\x00<"))
}

// delimiter finds out what stands between the cells: what makes the most known
// columns in one of the first rows, or else the most cells. A line "sep=;" says
// it, and is taken away (its number stays).
func (r *rules) delimiter(text string) (string, byte) {
	if rest, ok := strings.CutPrefix(text, "sep="); ok && len(rest) > 1 && (rest[1] == '\n' || rest[1] == '\r') {
		return rest[1:], rest[0]
	}
	switch r.Delimiter {
	case "":
	case "tab":
		return text, '\t'
	default:
		return text, r.Delimiter[0]
	}
	best, most := byte(';'), -1
	for _, delim := range []byte{';', '\t', ',', '|'} {
		l := newLines(text, delim, r.MaxCell)
		for n := 0; n < headerWithin; n++ {
			one, more := l.next()
			if !more {
				break
			}
			points := len(one.cells)
			if !r.NoHeader {
				h, _ := r.names.read(one.cells)
				points += 1000 * len(h.at)
			}
			if points > most && one.bad == "" {
				best, most = delim, points
			}
		}
	}
	return text, best
}
