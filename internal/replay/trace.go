package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The sources of a trace that are no connections.
const (
	// SourceProdsmart carries the events !link and !answer.
	SourceProdsmart = "prodsmart"
	// SourceGateway carries the events !restart and !end.
	SourceGateway = "gateway"
)

// The events of a trace, written in place of a tag.
const (
	// EventLink says that a connection, or Prodsmart, is up or down.
	EventLink = "!link"
	// EventAlive says that a connection vouches for its last values.
	EventAlive = "!alive"
	// EventAnswer gives the next answers of Prodsmart: a status code, "drop"
	// (not applied, no answer) or "lost" (applied, no answer), with an optional
	// number of times ("429*3").
	EventAnswer = "!answer"
	// EventRestart kills the gateway and starts it again after a duration.
	EventRestart = "!restart"
	// EventEnd ends the replay; without one it ends with the last row.
	EventEnd = "!end"
)

// Header is the first row of a trace.
var header = []string{"time", "source", "tag", "value", "quality", "source_time"}

// Row is one row of a trace.
type Row struct {
	// Line is where the row stands in its file, from 1.
	Line int
	Time time.Time
	// Source is a connection's name, SourceProdsmart or SourceGateway.
	Source string
	// Tag is a tag's label, or an event.
	Tag        string
	Value      string
	Quality    connectors.Quality
	Retained   bool
	Again      bool
	SourceTime time.Time
}

// Label names a tag in a trace: the address as in the configuration, with
// #path for a member of a JSON payload and #bitN for a bit.
func Label(t connectors.Tag) string {
	label := t.Address
	if t.Path != "" {
		label += "#" + t.Path
	}
	if t.Bit != connectors.NoBit {
		label += "#bit" + strconv.Itoa(t.Bit)
	}
	return label
}

// maxTraceRow bounds a row, so that a wrong file fails instead of filling the
// memory.
const maxTraceRow = 1 << 16

// Read reads a trace. Times must not go back. Errors name file, line and
// column.
func Read(r io.Reader, name string) ([]Row, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	first, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1:1: the trace has no header: the first line must be %s", name, strings.Join(header, ","))
	}
	if got := strings.TrimPrefix(strings.Join(first, ","), "\ufeff"); got != strings.Join(header, ",") {
		return nil, fmt.Errorf("%s:1:1: the header is %q; it must be %s", name, got, strings.Join(header, ","))
	}
	var rows []Row
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				return nil, fmt.Errorf("%s:%d:%d: %w", name, bad.Line, bad.Column, bad.Err)
			}
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := c.FieldPos(0)
		row, field, err := parseRow(fields)
		if err == nil && len(rows) > 0 && row.Time.Before(rows[len(rows)-1].Time) {
			err = errors.New("the time lies before that of the row above: a trace goes forward")
		}
		if err != nil {
			_, column := c.FieldPos(min(field, len(fields)-1))
			return nil, fmt.Errorf("%s:%d:%d: %w", name, line, column, err)
		}
		row.Line = line
		rows = append(rows, row)
	}
}

// parseRow gives the row, or the field that is wrong.
func parseRow(f []string) (row Row, field int, err error) {
	if len(f) < 3 || len(f) > len(header) {
		return row, 0, fmt.Errorf("%d fields; a row has %s", len(f), strings.Join(header, ","))
	}
	size := 0
	for _, s := range f {
		size += len(s)
	}
	if size > maxTraceRow {
		return row, 0, fmt.Errorf("the row has %d bytes; at most %d are allowed", size, maxTraceRow)
	}
	at := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	if row.Time, err = time.Parse(time.RFC3339Nano, f[0]); err != nil {
		return row, 0, fmt.Errorf("%q is not a time; write 2026-01-05T06:00:00Z", f[0])
	}
	row.Source, row.Tag, row.Value = strings.Clone(f[1]), strings.Clone(f[2]), strings.Clone(at(3))
	if row.Source == "" {
		return row, 1, errors.New("the source is empty; write a connection's name, prodsmart or gateway")
	}
	if row.Tag == "" {
		return row, 2, errors.New("the tag is empty; write an address or an event such as !link")
	}
	quality, flags, _ := strings.Cut(at(4), "+")
	switch quality {
	case "good", "":
		row.Quality = connectors.Good
	case "uncertain":
		row.Quality = connectors.Uncertain
	case "bad":
	default:
		return row, 4, fmt.Errorf("quality %q; allowed are good, uncertain and bad, with +retained or +again", quality)
	}
	switch flags {
	case "":
	case "retained":
		row.Retained = true
	case "again":
		row.Again = true
	default:
		return row, 4, fmt.Errorf("%q after the quality; allowed are +retained and +again", flags)
	}
	if s := at(5); s != "" {
		if row.SourceTime, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return row, 5, fmt.Errorf("%q is not a time; write 2026-01-05T06:00:00Z", s)
		}
	}
	return row, 0, nil
}

// value reads a value as it stands in a trace: numbers as numbers, true and
// false as bits, anything else as text. Text in double quotes is text whatever
// it looks like.
func value(s string) connectors.Value {
	switch s {
	case "true":
		return connectors.Bool(true)
	case "false":
		return connectors.Bool(false)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return connectors.Int(n)
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return connectors.Uint(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return connectors.Float64(f)
	}
	if text, err := strconv.Unquote(s); err == nil && strings.HasPrefix(s, `"`) {
		return connectors.String(text)
	}
	return connectors.String(s)
}

// text is the inverse of value.
func text(v connectors.Value) string {
	s := v.Text()
	if v.Kind() == connectors.KindString && (value(s).Kind() != connectors.KindString || strings.HasPrefix(s, `"`)) {
		return strconv.Quote(s)
	}
	return s
}

// Writer writes a trace row by row. Its owner calls Flush at the end.
type Writer struct {
	csv   *csv.Writer
	begun bool
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{csv: csv.NewWriter(w)} }

// Write writes what a connection delivered; tags are those it was made with.
func (w *Writer) Write(source string, tags []connectors.Tag, b connectors.Batch) error {
	switch b.Link {
	case connectors.LinkUp:
		w.row(b.Time, source, EventLink, "up", "", "")
	case connectors.LinkDown:
		w.row(b.Time, source, EventLink, "down", "", "")
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		quality := s.Quality.String()
		switch {
		case s.Retained:
			quality += "+retained"
		case s.Redelivered:
			quality += "+again"
		}
		sourceTime := ""
		if !s.SourceTime.IsZero() {
			sourceTime = s.SourceTime.UTC().Format(time.RFC3339Nano)
		}
		w.row(b.Time, source, Label(tags[s.Tag]), text(s.Value), quality, sourceTime)
	}
	if b.Alive {
		w.row(b.Time, source, EventAlive, "", "", "")
	}
	return w.csv.Error()
}

func (w *Writer) row(t time.Time, fields ...string) {
	if !w.begun {
		w.begun = true
		_ = w.csv.Write(header) // the writer keeps its first error
	}
	_ = w.csv.Write(append([]string{t.UTC().Format(time.RFC3339Nano)}, fields...))
}

// Flush writes out what is buffered and gives the first error of all.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}
