package board

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
)

// missingEntry is one entry of the report as JSON.
type missingEntry struct {
	// ID grows from entry to entry.
	ID      int64      `json:"id"`
	Time    time.Time  `json:"time"`
	Machine string     `json:"machine"`
	What    string     `json:"what"`
	Type    string     `json:"downtime_type,omitempty"`
	From    *time.Time `json:"from,omitempty"`
	To      *time.Time `json:"to,omitempty"`
	// Seconds is the time between From and To.
	Seconds *float64 `json:"seconds,omitempty"`
	Pieces  int64    `json:"pieces,omitempty"`
	Order   string   `json:"order,omitempty"`
	Text    string   `json:"text"`
}

// missingReport is the answer of /api/missing.
type missingReport struct {
	Missing []missingEntry `json:"missing"`
	// More says that the report goes on: ask again with after set to the id of the
	// last entry.
	More bool `json:"more"`
}

func entryOf(m store.Missing, zone *time.Location) missingEntry {
	e := missingEntry{ID: m.ID, Time: m.Time.In(zone), Machine: m.Machine, What: m.Code, Type: m.Type, Pieces: m.Pieces, Order: m.Order, Text: m.Text}
	if !m.From.IsZero() {
		from := m.From.In(zone)
		e.From = &from
	}
	if !m.To.IsZero() {
		to := m.To.In(zone)
		e.To = &to
	}
	if e.From != nil && e.To != nil {
		d := m.To.Sub(m.From).Seconds()
		e.Seconds = &d
	}
	return e
}

// MissingJSON gives the report of what Prodsmart does not show as it was in the
// form of the page data, with times in a zone.
func MissingJSON(list []store.Missing, more bool, zone *time.Location) any {
	r := missingReport{Missing: make([]missingEntry, len(list)), More: more}
	for i, m := range list {
		r.Missing[i] = entryOf(m, zone)
	}
	return r
}

// MissingCSV writes the report for spreadsheets: RFC 4180, UTF-8, with a head,
// times in a zone and with their offset.
func MissingCSV(w io.Writer, list []store.Missing, zone *time.Location) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write([]string{"time", "machine", "what", "downtime_type", "from", "to", "seconds", "pieces", "order", "text"}); err != nil {
		return err
	}
	for _, m := range list {
		seconds, pieces := "", ""
		if !m.From.IsZero() && !m.To.IsZero() {
			seconds = strconv.FormatFloat(m.To.Sub(m.From).Seconds(), 'f', 0, 64)
		}
		if m.Pieces != 0 {
			pieces = strconv.FormatInt(m.Pieces, 10)
		}
		if err := c.Write([]string{
			stamp(m.Time, zone), cell(m.Machine), m.Code, cell(m.Type), stamp(m.From, zone), stamp(m.To, zone),
			seconds, pieces, cell(m.Order), cell(m.Text),
		}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func stamp(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.RFC3339)
}

// cell keeps a text from being taken for a formula by a spreadsheet.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// ParseTime understands what people write for a time, in a zone: today,
// yesterday, a day, a day and a time, or RFC 3339. The empty text is none.
func ParseTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	local := now.In(zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	switch text {
	case "":
		return time.Time{}, nil
	case "today":
		return day, nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write today, yesterday, 2026-11-22, 2026-11-22 14:00 or 2026-11-22T14:00:00+03:00", text)
}

// maxMissing is the greatest number of entries in one answer.
const maxMissing = 5000

// answerMissing serves the report: machine, since, until, after, format=json or csv.
func (d *door) answerMissing(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	query := store.Query{Machine: q.Get("machine"), Limit: maxMissing + 1}
	var err error
	if query.From, err = ParseTime(q.Get("since"), d.now(), d.zone); err == nil {
		query.To, err = ParseTime(q.Get("until"), d.now(), d.zone)
	}
	if after := q.Get("after"); err == nil && after != "" {
		if query.After, err = strconv.ParseInt(after, 10, 64); err != nil {
			err = fmt.Errorf("after: %q is no id of an entry", after)
		}
	}
	format := q.Get("format")
	if err == nil && format != "" && format != "json" && format != "csv" {
		err = fmt.Errorf("format %q is not known; write json or csv", format)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	list, err := d.source.Missing(r.Context(), query)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	more := len(list) > maxMissing
	if more {
		list = list[:maxMissing]
	}
	if format != "csv" {
		answer(w, http.StatusOK, MissingJSON(list, more, d.zone))
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="not-in-prodsmart.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	_ = MissingCSV(w, list, d.zone) // the visitor may be gone
}
