package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	// lookedAt is how many rows are looked at to find out what a column is, and
	// samples how many of its values are shown.
	lookedAt = 500
	samples  = 4
)

// Discover describes the columns of the latest file in the drop folder, in the
// work folder or in the archive, and suggests settings for them. It moves and
// changes nothing.
func (s *Source) Discover(ctx context.Context) ([]erp.Field, string, error) {
	path, err := s.latest()
	if err != nil {
		return nil, "", err
	}
	doing := "look at " + path
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", trouble(doing, err)
	}
	if info.Size() > s.in.MaxBytes {
		return nil, "", &erp.Error{Fault: erp.Garbled, Doing: doing, What: fmt.Sprintf("it has %d bytes, at most %d are read", info.Size(), s.in.MaxBytes), Next: "drop a smaller file, or raise max_bytes"}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, "", trouble(doing, err)
	}
	rows, doubt, err := s.rules.rows(raw)
	if err == nil && rows == nil {
		var fields []erp.Field
		fields, err = s.rules.elements(ctx, raw)
		if err == nil {
			return fields, "# " + filepath.Base(path) + " is B2MML: its elements need no dictionary; name those that are wanted as further facts under info\n", nil
		}
	}
	v := &survey{rules: s.rules}
	if err == nil {
		err = rows(ending(ctx, v.take))
	}
	if ctx.Err() != nil {
		return nil, "", &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "the time for it is over", Err: ctx.Err()}
	}
	var why *refusal
	if err != nil && !errors.As(err, new(enough)) && (!errors.As(err, &why) || len(v.rows) == 0) {
		return nil, "", &erp.Error{Fault: erp.Garbled, Doing: doing, What: err.Error(), Err: err}
	}
	if len(v.rows) == 0 {
		return nil, "", &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the file is empty"}
	}
	fields, suggest := v.tell(filepath.Base(path))
	if doubt != "" {
		suggest = "# " + doubt + "\n" + suggest
	}
	return fields, suggest, nil
}

// latest is the file that was changed last.
func (s *Source) latest() (string, error) {
	best, at := "", int64(0)
	for _, dir := range []string{s.in.Folder, s.in.Work, s.in.Archive, s.in.Errors} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			if dir == s.in.Folder {
				return "", trouble("look into the drop folder "+dir, err)
			}
			continue // it is made by the first read
		}
		for _, e := range entries {
			name := e.Name()
			if c, ok := parseName(name); ok {
				name = c.shown
			}
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() && info.Size() > 0 && s.in.fits(name) && !passing(name) && info.ModTime().UnixNano() > at {
				best, at = filepath.Join(dir, e.Name()), info.ModTime().UnixNano()
			}
		}
	}
	if best == "" {
		return "", &erp.Error{Fault: erp.Gone, Doing: "look for a file in " + s.in.Folder, What: "there is none", Next: "drop one with orders there"}
	}
	return best, nil
}

// survey looks at the first rows of a table.
type survey struct {
	*rules
	rows []row
	// head is the index of the row that is most like a header, known how many of
	// its columns are known.
	head, known int
}

// enough ends a survey: enough rows were looked at.
type enough struct{}

func (enough) Error() string { return "enough rows were looked at" }

func (v *survey) take(r row) error {
	if r.empty() || r.bad != "" {
		return nil
	}
	if len(v.rows) < headerWithin && !v.NoHeader {
		h, _ := v.names.read(r.cells)
		if len(h.at) > v.known || v.known == 0 && len(r.cells) > len(v.at(v.head).cells) {
			v.head, v.known = len(v.rows), len(h.at)
		}
	}
	r.cells = slices.Clone(r.cells)
	v.rows = append(v.rows, r)
	if len(v.rows) > lookedAt {
		return enough{}
	}
	return nil
}

func (v *survey) at(i int) row {
	if i < len(v.rows) {
		return v.rows[i]
	}
	return row{}
}

// trait is what was seen of one column.
type trait struct {
	erp.Field
	values []string
	plain  []bool // of values: numbers of a workbook
}

// tell gives the columns, and settings for them.
func (v *survey) tell(name string) ([]erp.Field, string) {
	body := v.rows[v.head+1:]
	titles := v.rows[v.head].cells
	if v.NoHeader {
		body, titles = v.rows, numbered(v.rows[0].cells)
	}
	h, _ := v.names.read(titles)
	list := make([]trait, len(titles))
	for i, c := range titles {
		list[i].Path = shorten(c.text, 80)
		if list[i].Path == "" {
			list[i].Path = "#" + strconv.Itoa(i+1)
		}
		list[i].Of = len(body)
		if l := v.names.known[plain(c.text)]; l.key != "" {
			list[i].Means = l.key
		}
	}
	for m, i := range h.at {
		list[i].Means = m
	}
	for _, r := range body {
		for i := range list {
			if i < len(r.cells) && strings.TrimSpace(r.cells[i].text) != "" {
				list[i].see(r.cells[i], v.dates)
			}
		}
	}
	fields := make([]erp.Field, len(list))
	for i := range list {
		list[i].Type = v.kind(list[i])
		fields[i] = list[i].Field
	}
	return fields, v.suggest(name, list)
}

func (c *trait) see(one cell, d dates) {
	c.Seen++
	text := strings.TrimSpace(one.text)
	if one.date {
		days, err := decimal.NewFromString(text)
		if w, bad := d.serial(days, one.late); err == nil && bad == nil {
			text = w.Time.Format("2006-01-02 15:04:05")
		}
	}
	if shown := shorten(text, 40); len(c.Samples) < samples && !slices.Contains(c.Samples, shown) {
		c.Samples = append(c.Samples, shown)
	}
	c.values, c.plain = append(c.values, text), append(c.plain, one.number)
}

// kind is what all values of a column look like.
func (v *survey) kind(c trait) string {
	all := func(fits func(i int, s string) bool) bool {
		for i, s := range c.values {
			if !fits(i, s) {
				return false
			}
		}
		return len(c.values) > 0
	}
	switch {
	case all(func(_ int, s string) bool {
		_, ok := answer(s)
		return ok
	}) && !all(func(_ int, s string) bool { return s == "0" || s == "1" }):
		return "yes/no"
	case all(func(_ int, s string) bool { return v.way(s) }):
		return "date"
	case all(func(i int, s string) bool {
		_, comma := erp.ParseDecimal(s, erp.Comma)
		_, point := erp.ParseDecimal(s, erp.Point)
		return c.plain[i] || comma == nil || point == nil
	}):
		return "number"
	}
	return "text"
}

// way says whether a text is a date in a way that is configured, or usual.
func (v *survey) way(s string) bool {
	if w, err := v.dates.read(s); err == nil && !w.IsZero() {
		return true
	}
	return len(waysOf([]string{s})) > 0
}

// waysOf are the usual ways in which all the dates can be read.
func waysOf(values []string) (out []string) {
	for _, way := range []string{"dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "yyyy/mm/dd", "dd.mm.yy", "dd/mm/yyyy hh:mi:ss", "mm/dd/yyyy hh:mi:ss"} {
		d, err := newDates([]string{way}, time.UTC)
		if err == nil && !slices.ContainsFunc(values, func(s string) bool {
			w, err := d.read(s)
			return err != nil || w.IsZero()
		}) {
			out = append(out, way)
		}
	}
	return out
}
