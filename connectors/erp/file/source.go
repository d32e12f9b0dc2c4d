package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// mostFiles is how many files are read at once.
const mostFiles = 200

// Source is one drop folder. It implements erp.Source, erp.OrderReader and
// erp.Discoverer, and erp.Writer for produced goods if there is a folder out.
// One goroutine calls it at a time.
type Source struct {
	rules *rules
	in    *folder
	// said are the lists of unknown columns that were told.
	said map[string]bool
}

// New checks the settings. It touches no folder: the first read does.
func New(c Config) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	r, err := newRules(c)
	if err != nil {
		return nil, err
	}
	return &Source{rules: r, in: &folder{Config: c, seen: map[string]sight{}, overtaken: map[string]bool{}}, said: map[string]bool{}}, nil
}

// Capabilities are orders, and write-back of produced goods into files where a
// folder for that is named.
func (s *Source) Capabilities() erp.Capabilities {
	c := erp.Capabilities{Orders: true, Incremental: erp.Never}
	if s.in.Out != "" {
		c.Writes = []erp.Kind{erp.Produced}
	}
	return c
}

// Close has nothing to let go of: files in the work folder are read again by the
// next source.
func (s *Source) Close() error { return nil }

// mark is what a caller keeps: the files whose content it has.
type mark struct {
	Files []done `json:"files"`
}

// ReadOrders moves the files that the mark names to where they stay, claims what
// is finished, and reads what is in the work folder. A file that is dropped is
// finished at the second read at the earliest (see Config.Ready). Of changes all
// files are read, in their order; of snapshots the latest that can be read. Files
// in the archive are never read again, also when the mark is lost: an order that
// was made and forgotten would be made twice. Somebody who wants that drops them
// once more.
func (s *Source) ReadOrders(ctx context.Context, ask erp.Ask) (erp.OrderRead, error) {
	out := erp.OrderRead{Mark: ask.Mark}
	if err := s.in.open(); err != nil {
		return erp.OrderRead{}, err
	}
	var m mark
	if ask.Mark != "" {
		if err := json.Unmarshal([]byte(ask.Mark), &m); err != nil {
			out.Problems = append(out.Problems, erp.Problem{Where: s.in.Work, What: "the mark of the last read is not understood; the files in this folder are read again"})
			m = mark{}
		}
	}
	left, problems, err := s.in.settle(m.Files)
	if err != nil {
		return erp.OrderRead{}, err
	}
	out.Problems = append(out.Problems, problems...)
	now := s.in.Clock()
	problems, err = s.in.take(now)
	if err != nil {
		return erp.OrderRead{}, err
	}
	out.Problems = append(out.Problems, problems...)
	list, err := s.in.working()
	if err != nil {
		return erp.OrderRead{}, err
	}
	list = slices.DeleteFunc(list, func(c claimed) bool {
		return slices.ContainsFunc(left, func(d done) bool { return d.Name == c.name })
	})
	b := &batch{Source: s, ctx: ctx, out: &out, files: left, index: map[string]int{}}
	if err := b.read(list); err != nil {
		return erp.OrderRead{}, &erp.Error{Fault: erp.Unavailable, Doing: "read the files of " + s.in.Folder, What: "the time for it is over", Err: err}
	}
	if len(b.files) > 0 {
		text, err := json.Marshal(mark{b.files})
		if err != nil {
			return erp.OrderRead{}, &erp.Error{Fault: erp.Unavailable, Doing: "make the mark", Err: err}
		}
		out.Mark = string(text)
	}
	out.Problems = append(out.Problems, s.in.purge(now)...)
	return out, nil
}

// batch is one read.
type batch struct {
	*Source
	ctx   context.Context
	out   *erp.OrderRead
	files []done
	// index is where an order is in out.
	index map[string]int
}

func (b *batch) read(list []claimed) error {
	if b.in.Content == Snapshot {
		return b.snapshots(list)
	}
	rows, bytes := 0, int64(0)
	for i, c := range list {
		if i >= mostFiles || rows >= b.in.MaxRows || bytes >= b.in.MaxBytes {
			return nil // the next read goes on here
		}
		res, look, ok, err := b.file(c)
		if err != nil {
			return err
		}
		if !ok {
			return nil // later files must not be overtaken by this one
		}
		rows, bytes = rows+res.rows, bytes+look.size
		b.keep(c, res, look)
	}
	return nil
}

// snapshots reads the latest file; the one before it only if that is refused. It
// makes older ones worth nothing.
func (b *batch) snapshots(list []claimed) error {
	for i, c := range slices.Backward(list[:min(len(list), mostFiles)]) {
		res, look, ok, err := b.file(c)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		b.keep(c, res, look)
		if res.refused {
			continue
		}
		b.out.Complete = res.complete
		for _, older := range list[:i] {
			b.outdated(older, c)
		}
		return nil
	}
	return nil
}

// outdated sets a snapshot aside that a later one replaced before it was read.
func (b *batch) outdated(c, by claimed) {
	_, look, err := b.in.read(c)
	var why *refusal
	if err != nil && !errors.As(err, &why) {
		return
	}
	b.aside(c, look, false, fmt.Sprintf("%s was not read: the snapshot %s came after it.\n", c.shown, by.shown))
}

// file reads one file. ok is false if it can not be read now.
func (b *batch) file(c claimed) (res result, look sight, ok bool, err error) {
	raw, look, err := b.in.read(c)
	demanded := -1
	if err == nil {
		demanded, err = b.in.demanded(c)
	}
	var why *refusal
	switch {
	case errors.As(err, &why):
		res = result{refused: true, problems: []erp.Problem{{Where: c.shown, What: why.what, Lost: true}}}
	case err != nil:
		b.out.Problems = append(b.out.Problems, erp.Problem{Where: c.shown, What: "it can not be read now: " + shorten(err.Error(), 300) + "; it is tried again", Lost: true})
		return res, look, false, nil
	default:
		res, err = b.rules.parse(b.ctx, c.shown, raw, demanded)
		if err != nil {
			return res, look, false, err
		}
	}
	b.columns(c, &res)
	return res, look, true, nil
}

// columns tells the columns that mean nothing, once for each set of them.
func (b *batch) columns(c claimed, res *result) {
	names := strings.Join(res.unknown, ", ")
	if names == "" || b.said[names] || res.refused {
		return
	}
	b.said[names] = true
	res.problems = append(res.problems, erp.Problem{Where: c.shown, What: "these columns mean nothing: " + shorten(names, 500) + "; name them under columns, info or ignore"})
}

// keep puts what a file gave into the read, and a reason beside the file.
func (b *batch) keep(c claimed, res result, look sight) {
	for _, o := range res.orders {
		b.merge(o)
	}
	b.out.Problems = append(b.out.Problems, res.problems...)
	bad := res.refused || len(res.orders) == 0 && res.lost > 0
	reason := ""
	if len(res.problems) > 0 {
		reason = b.reason(c, res)
	}
	b.aside(c, look, bad, reason)
}

// aside notes that a file was dealt with. Its reason is written at once: what is
// wrong with a file is not known any more after a crash.
func (b *batch) aside(c claimed, look sight, bad bool, reason string) {
	path := filepath.Join(b.in.Work, c.name+reasonEnd)
	var err error
	if reason != "" {
		err = b.in.write(path, []byte(reason))
	} else if exists(path) { // of a read with other settings
		err = b.in.remove(path)
	}
	if err != nil {
		b.out.Problems = append(b.out.Problems, erp.Problem{Where: c.shown, What: "what is wrong with it can not be written beside it: " + shorten(err.Error(), 300)})
	}
	b.files = append(b.files, done{c.name, look.size, look.mod.UnixNano(), bad})
}

// reason is the text for the people who sent the file.
func (b *batch) reason(c claimed, res result) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s, taken at %s\n", c.shown, c.at.In(b.in.Zone).Format("2006-01-02 15:04:05 -07:00"))
	switch {
	case res.refused:
		t.WriteString("Nothing of this file was taken over. Correct it and drop it again.\n\n")
	case len(res.orders) == 0 && res.lost > 0:
		fmt.Fprintf(&t, "None of its %d rows could be taken over. Correct it and drop it again.\n\n", res.rows)
	case res.lost > 0:
		fmt.Fprintf(&t, "Its %d rows were taken over but for %d that could not be read. Correct those and drop them again.\n\n", res.rows, res.lost)
	default:
		fmt.Fprintf(&t, "Its %d rows were taken over. These are doubtful:\n\n", res.rows)
	}
	for _, p := range res.problems {
		lost := ""
		if p.Lost {
			lost = "not taken over: "
		}
		fmt.Fprintf(&t, "%s: %s%s\n", p.Where, lost, p.What)
	}
	return t.String()
}

// merge puts an order into the read. Where an earlier file of the same read has
// it, the later one counts; if that does not tell all lines, those that it does
// not tell stay.
func (b *batch) merge(o erp.Order) {
	k := assemble.Key(o.Company, o.ID)
	i, known := b.index[k]
	if !known {
		b.index[k] = len(b.out.Orders)
		b.out.Orders = append(b.out.Orders, o)
		return
	}
	before := b.out.Orders[i]
	if o.Partial {
		o.Partial = before.Partial
		lines := slices.Clone(before.Lines)
		for _, l := range o.Lines {
			if at := slices.IndexFunc(lines, func(x erp.Line) bool { return x.ID == l.ID }); at >= 0 {
				lines[at] = l
			} else {
				lines = append(lines, l)
			}
		}
		o.Lines, o.Due = lines, earliest(lines)
	}
	b.out.Orders[i] = o
}

func earliest(lines []erp.Line) (due erp.When) {
	for _, l := range lines {
		if !l.Due.IsZero() && (due.IsZero() || l.Due.Time.Before(due.Time)) {
			due = l.Due
		}
	}
	return due
}
