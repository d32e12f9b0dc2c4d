package repzo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// class is the one class of calls.
const class = "calls"

// Source is one company. It implements erp.Source, erp.Metered, erp.OrderReader,
// erp.Finder, erp.ProductReader, erp.StockReader and erp.Writer. One goroutine calls it
// at a time.
type Source struct {
	Config
	caller web.Caller
	budget *erp.Budget
	// refusals counts answers of too many calls in a row; until them, pause is when the
	// next call makes sense.
	refusals int
	pause    time.Time
	// documented says that the paths of the documentation are the right ones here.
	documented bool
	// numbered are the lists of this company that can only be read by page number,
	// by path.
	numbered map[string]bool
	// disabledSeen says that lists show disabled orders without being asked.
	disabledSeen bool
	// strangers are variants that the catalogue does not have; clients are the codes of
	// clients by id, empty where they have none, since clientsAt.
	strangers map[string]bool
	clients   map[string]string
	clientsAt time.Time
	// readSince is from when the orders of the last read were new; zero if it had no mark.
	readSince time.Time
	// numbers are the serial numbers of the orders that were read, by _id.
	numbers map[string]string
	lists   map[string]masters
	goods   *catalogue
}

// New checks the settings. It makes no call.
func New(c Config, d Deps) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of Repzo", What: err.Error(), Err: err}
	}
	s := &Source{Config: c, numbered: map[string]bool{}, disabledSeen: c.ShowsDisabled, numbers: map[string]string{}, lists: map[string]masters{}, strangers: map[string]bool{}}
	s.caller = web.Caller{HTTP: d.HTTP, Most: int64(c.MostMB) << 20, Timeout: c.Timeout, Secrets: []string{c.Key}}
	s.budget = erp.NewBudget(erp.BudgetConfig{Classes: []erp.Class{{Name: class, PerDay: c.PerDay}}, PerMinute: c.PerMinute, Kept: d.Kept, Keep: d.Keep})
	return s, nil
}

// Capabilities are those of Repzo, and the kinds of write-back that are on.
func (s *Source) Capabilities() erp.Capabilities {
	return erp.Capabilities{Orders: true, Incremental: erp.ByMoment, ByID: true, Hints: true, Products: true, Stock: true, Writes: s.Config.Write.Kinds}
}

// Close has nothing to let go of: the client belongs to who gave it.
func (s *Source) Close() error { return nil }

// Stretch is that of all calls.
func (s *Source) Stretch() int { return s.budget.Stretch(class) }

// Left is what is left of today's calls.
func (s *Source) Left() []erp.Left { return s.budget.Left() }

// documentedPath is what the documentation calls a path, where that differs.
func documentedPath(path string) string {
	if path == "/measureunits" {
		return "/measure-unit"
	}
	return path
}

// poll refuses a call that has to leave the reserve alone.
func (s *Source) poll(doing string) error {
	for _, l := range s.budget.Left() {
		if l.Left <= s.Reserve {
			return &erp.Error{Fault: erp.Exhausted, Doing: doing, Until: l.Until, What: fmt.Sprintf("%d calls are left today, which are kept for writing back", l.Left)}
		}
	}
	return nil
}

// get reads one address.
func (s *Source) get(ctx context.Context, doing, path string, query url.Values) (web.Value, []erp.Problem, error) {
	return s.call(ctx, doing, http.MethodGet, path, query, nil)
}

// call makes one call, and gives an answer that is no refusal. All but GET are writes.
func (s *Source) call(ctx context.Context, doing, method, path string, query url.Values, body any) (web.Value, []erp.Problem, error) {
	none := web.Value{}
	write := method != http.MethodGet
	if now := time.Now(); now.Before(s.pause) {
		return none, nil, &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "Repzo said that there were too many calls", Until: s.pause}
	}
	var text []byte
	if write {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return none, nil, &erp.Error{Fault: erp.Refused, Doing: doing, Err: err}
		}
	}
	address := strings.TrimRight(s.Address, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequest(method, address, bytes.NewReader(text))
	if err != nil {
		return none, nil, &erp.Error{Fault: erp.Misconfigured, Doing: doing, What: "the address can not be called: " + path}
	}
	r.Header.Set("api-key", s.Key)
	r.Header.Set("Accept", "application/json")
	if write {
		r.Header.Set("Content-Type", "application/json")
	}
	if err := s.budget.Take(ctx, class); err != nil {
		return none, nil, named(err, doing)
	}
	a, err := s.caller.Do(ctx, r, doing, write)
	if err != nil {
		return none, nil, err
	}
	if a.Status == http.StatusTooManyRequests {
		return none, nil, s.tooMany(a, doing)
	}
	s.refusals = 0
	return s.judge(a, doing, write)
}

// named gives an error of the budget the name of what was tried.
func named(err error, doing string) error {
	if e, ok := err.(*erp.Error); ok {
		e.Doing = doing
		return e
	}
	return &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "it was stopped", Err: err}
}

// tooMany notes a refusal for too many calls: the next one makes sense in the next
// minute, or after the third in a row in a quarter of an hour. Nothing was done.
func (s *Source) tooMany(a web.Answer, doing string) error {
	now := time.Now().UTC()
	s.refusals++
	s.pause = now.Truncate(time.Minute).Add(time.Minute)
	if s.refusals >= 3 {
		s.pause = now.Add(15 * time.Minute)
	}
	if e, ok := s.caller.Check(a, doing, false).(*erp.Error); ok && e.Until.After(s.pause) {
		s.pause = e.Until
	}
	return &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "Repzo says that there were too many calls", Until: s.pause,
		Next: "other integrations of the company spend from the same 100 calls a minute and 10,000 a day"}
}

// judge reads an answer: its status, its JSON, and whether it says that it failed.
func (s *Source) judge(a web.Answer, doing string, write bool) (web.Value, []erp.Problem, error) {
	bad := s.caller.Check(a, doing, write)
	v, notes, err := web.Parse(a.Body)
	if e, ok := bad.(*erp.Error); ok {
		if said := message(v); err == nil && said != "" {
			e.What = fmt.Sprintf("answered %d: %s", a.Status, s.hide(said))
		}
		if e.Fault == erp.Denied {
			e.Next = "check the API key (Settings, API key) and its rights"
		}
		return web.Value{}, nil, e
	}
	if err == nil {
		if ok, wrong := v.Get("success").Bool(); wrong == nil && ok == erp.No {
			return web.Value{}, nil, &erp.Error{Fault: erp.Refused, Doing: doing, What: "Repzo refused it: " + s.hide(message(v))}
		}
		if !v.IsObject() {
			err = &erp.Error{Fault: erp.Garbled, What: "the answer is no record"}
		}
	}
	if err != nil {
		e := &erp.Error{Fault: erp.Garbled, Doing: doing, What: s.hide(err.Error()), Err: err}
		if write {
			e.Fault = erp.Unclear
		}
		return web.Value{}, nil, e
	}
	return v, notes, nil
}

// hide takes the key out of a text from outside, and bounds it.
func (s *Source) hide(text string) string {
	return web.Shorten(strings.ReplaceAll(text, s.Key, "***"), 300)
}

// message is what a refusal says: message, or error as a text or a record.
func message(v web.Value) string {
	for _, one := range []web.Value{v.Get("message"), v.Get("error"), v.Get("error").Get("message"), v.Get("code")} {
		if t, err := one.Text(); err == nil && t != "" {
			return t
		}
	}
	return ""
}

// single takes one object out of the envelopes in which it may be.
func single(v web.Value) web.Value {
	if !v.Get("_id").Missing() {
		return v
	}
	for _, name := range []string{"data", "proforma", "result"} {
		if inner := v.Get(name); inner.IsObject() {
			return single(inner)
		}
	}
	return v
}

// id is the key of an object, or of a reference that may be the object itself.
func id(v web.Value) (string, error) {
	if v.IsObject() {
		v = v.Get("_id")
	}
	return v.Text()
}
