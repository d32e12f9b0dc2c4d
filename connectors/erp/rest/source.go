package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// Source is one service. It implements erp.Source, erp.OrderReader and
// erp.Discoverer. One goroutine calls it at a time.
type Source struct {
	Config
	words  map[string]erp.State
	unsaid erp.State
	mark   erp.Mark
	caller web.Caller
	token  *oauth2.Token
}

// New checks the settings. It makes no call.
func New(c Config) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	words, err := erp.StateWords(c.States)
	if err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the service", What: err.Error()}
	}
	s := &Source{Config: c, words: words, unsaid: map[string]erp.State{"open": erp.Open, "held": erp.Held}[c.NoState], mark: map[string]erp.Mark{"auto": erp.Either, "comma": erp.Comma, "point": erp.Point}[c.Decimal]}
	s.caller = web.Caller{Most: c.MaxBytes, Timeout: c.Timeout, Secrets: s.secrets()}
	return s, nil
}

// Capabilities are orders.
func (s *Source) Capabilities() erp.Capabilities {
	c := erp.Capabilities{Orders: true, Manufactured: true}
	if s.Since != "" {
		c.Incremental = erp.ByMoment
	}
	return c
}

// Close has nothing to let go of: connections that nobody uses close themselves.
func (s *Source) Close() error { return nil }

// changed is what a caller keeps: the latest time of a change that was seen.
type changed struct {
	Changed time.Time `json:"changed"`
}

// address is that of the orders, with what is asked for.
func (s *Source) address(since time.Time) (url.URL, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return url.URL{}, &erp.Error{Fault: erp.Misconfigured, Doing: "read the orders", What: "url is no address", Next: "check url"}
	}
	q := u.Query()
	for name, value := range s.Query {
		q.Set(name, value)
	}
	if !since.IsZero() {
		q.Set(s.Since, map[string]string{
			"rfc3339": since.UTC().Format(time.RFC3339), "date": since.In(s.Zone).Format(time.DateOnly),
			"unix": strconv.FormatInt(since.Unix(), 10), "unix_ms": strconv.FormatInt(since.UnixMilli(), 10),
		}[s.SinceFormat])
	}
	u.RawQuery = q.Encode()
	return *u, nil
}

// ReadOrders reads all pages, or with Config.Since those of what changed since
// the mark. It is complete if the service said that there are no more pages, as
// many records came as it counted, and each one's order is known. If a page
// fails, nothing of the read counts.
func (s *Source) ReadOrders(ctx context.Context, ask erp.Ask) (erp.OrderRead, error) {
	began := time.Now()
	a := &assembly{Source: s, began: began}
	var m changed
	if ask.Mark != "" && json.Unmarshal([]byte(ask.Mark), &m) != nil {
		m = changed{}
		a.add(erp.Problem{Where: "the mark of the last read", What: "it is not understood; everything is read"})
	}
	a.latest = m.Changed
	since := time.Time{}
	if s.Since != "" && !ask.Full && !m.Changed.IsZero() {
		since = m.Changed.Add(-s.Overlap)
	}
	first, err := s.address(since)
	if err != nil {
		return erp.OrderRead{}, err
	}
	records, total, counted := 0, int64(0), false
	ended, err := s.walk(ctx, first, func(n int, p sheet) bool {
		for _, note := range p.notes {
			a.add(note)
		}
		if t := p.body.Get(s.Total); s.Total != "" && t.Type == gjson.Number {
			total, counted = t.Int(), true
		}
		for i, r := range p.records {
			a.record(fmt.Sprintf("page %d, record %d", n+1, i+1), r)
		}
		records += len(p.records)
		return a.rows <= s.MaxLines
	})
	if err != nil {
		return erp.OrderRead{}, err
	}
	short := counted && int64(records) < total
	switch {
	case !ended:
		a.add(erp.Problem{Where: "the service", What: fmt.Sprintf("it has more than %d pages or %d lines; the rest was not read: ask for open orders only (query), or raise max_pages or max_lines", s.MaxPages, s.MaxLines), Lost: true})
	case short:
		a.add(erp.Problem{Where: "the service", What: fmt.Sprintf("it counts %d records, and %d came; no order is taken to be missing. Check paging, param and size", total, records), Lost: true})
	}
	whole := ended && !short
	out := erp.OrderRead{Orders: a.orders(whole, since.IsZero()), Complete: since.IsZero() && whole && !a.nameless && a.untold == 0, Mark: ask.Mark, Problems: a.end()}
	if s.Since != "" && whole && !a.latest.IsZero() {
		if text, err := json.Marshal(changed{a.latest.UTC()}); err == nil {
			out.Mark = string(text)
		}
	}
	return out, nil
}
