package smpos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// class is the one class of calls.
const class = "calls"

// longestPause is how long the source asks for quiet at most while the cabinet is
// not available.
const longestPause = 10 * time.Minute

// Source is one account. It implements erp.Source, erp.Metered, erp.ProductReader,
// erp.StockReader, erp.Discoverer and erp.Writer. One goroutine calls it at a time,
// so that one call is in flight.
type Source struct {
	Config
	caller web.Caller
	budget *erp.Budget
	shops  []*shop
	// field is the name of the quantity in UPDGOODS that worked last.
	field string
	// busy counts the calls in a row for which the cabinet was not available.
	busy int
}

// New checks the settings. It makes no call.
func New(c Config, d Deps) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of SM POS", What: err.Error(), Err: err}
	}
	s := &Source{Config: c, field: c.Write.Quantity}
	escaped, err := json.Marshal(c.Password)
	if err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of SM POS", What: "the password can not be sent", Err: err}
	}
	s.caller = web.Caller{HTTP: d.HTTP, Most: int64(c.MostMB) << 20, Timeout: c.Timeout, Secrets: []string{c.Password, strings.Trim(string(escaped), `"`)}}
	s.budget = erp.NewBudget(erp.BudgetConfig{Classes: []erp.Class{{Name: class, PerDay: c.PerDay}}, PerMinute: c.PerMinute, Zone: c.Zone, Kept: d.Kept, Keep: d.Keep})
	for _, section := range c.Sections {
		s.shops = append(s.shops, &shop{Section: section})
	}
	return s, nil
}

// Capabilities are those of SM POS, and the kinds of write-back that are on.
func (s *Source) Capabilities() erp.Capabilities {
	return erp.Capabilities{Products: true, Stock: true, Writes: s.Config.Write.Kinds}
}

// Close has nothing to let go of: the client belongs to who gave it.
func (s *Source) Close() error { return nil }

// Stretch is by how much the pauses between reads are to be lengthened.
func (s *Source) Stretch() int { return s.budget.Stretch(class) }

// Left is what is left of the day's calls.
func (s *Source) Left() []erp.Left { return s.budget.Left() }

// The statuses of answers that mean something to us.
const (
	statusDone       = 0
	statusNotChanged = 4
)

// call sends one command. same says that nothing changed since the stamp that was
// sent. The error is an *erp.Error.
func (s *Source) call(ctx context.Context, doing, req string, with map[string]any, write bool) (v web.Value, notes []erp.Problem, same bool, err error) {
	ask := map[string]any{"req": req, "login": s.Login, "psw": s.Password}
	for k, value := range with {
		ask[k] = value
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return v, nil, false, &erp.Error{Fault: erp.Refused, Doing: doing, Err: err}
	}
	r, err := http.NewRequest(http.MethodPost, s.Address, bytes.NewReader(body))
	if err != nil {
		return v, nil, false, &erp.Error{Fault: erp.Misconfigured, Doing: doing, Err: err}
	}
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	r.Header.Set("Accept", "application/json")
	if err := s.budget.Take(ctx, class); err != nil {
		return v, nil, false, named(err, doing)
	}
	a, err := s.caller.Do(ctx, r, doing, write)
	if err == nil {
		v, notes, same, err = s.judge(a, doing, write)
	}
	return v, notes, same, s.paused(err)
}

// named gives an error of the budget the name of what was tried.
func named(err error, doing string) error {
	if e, ok := err.(*erp.Error); ok {
		e.Doing = doing
		return e
	}
	return &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "it was stopped", Err: err}
}

// paused lets the pauses grow while the cabinet is not available.
func (s *Source) paused(err error) error {
	e, ok := err.(*erp.Error)
	if !ok || e.Fault != erp.Unavailable && e.Fault != erp.Unclear {
		s.busy = 0
		return err
	}
	pause := min(longestPause, time.Minute<<min(s.busy, 4))
	s.busy++
	if e.Fault == erp.Unavailable && e.Until.IsZero() {
		e.Until = time.Now().Add(pause).UTC()
	}
	return e
}

// judge reads an answer: the status in the body counts, whatever the status of HTTP
// is; a body without one counts as HTTP says.
func (s *Source) judge(a web.Answer, doing string, write bool) (v web.Value, notes []erp.Problem, same bool, err error) {
	bad := s.caller.Check(a, doing, write)
	unknown := erp.Garbled
	if write {
		unknown = erp.Unclear
	}
	v, notes, err = web.Parse(a.Body)
	var status int64
	if err == nil {
		status, err = member(v, "status").Int()
	}
	switch {
	case err != nil && bad != nil:
		return web.Value{}, nil, false, bad
	case err != nil:
		return web.Value{}, nil, false, &erp.Error{Fault: unknown, Doing: doing, What: web.Shorten(err.Error(), 300), Err: err, Next: "nothing is concluded from it"}
	case status == statusDone && bad == nil:
		return v, notes, false, nil
	case status == statusNotChanged && bad == nil:
		return v, notes, true, nil
	case status == statusDone || status == statusNotChanged:
		return web.Value{}, nil, false, bad
	}
	message, _ := member(v, "message").Text()
	for _, secret := range s.caller.Secrets {
		if len(secret) < 4 {
			continue // it would be found in every word
		}
		message = strings.ReplaceAll(message, secret, "***")
	}
	fault, what, next := meaning(status, write)
	e := &erp.Error{Fault: fault, Doing: doing, What: web.Shorten(fmt.Sprintf("the cabinet says %d (%s): %s", status, what, message), 300), Next: next}
	return web.Value{}, nil, false, e
}

// wrongParameter is what status 3 means.
const wrongParameter = "wrong parameter"

// meaning is what a status of a refusal means, and what a person can do.
func meaning(status int64, write bool) (fault erp.Fault, what, next string) {
	fault, what = erp.Unavailable, "unknown status"
	switch status {
	case 1:
		what = "general failure"
	case 2:
		return erp.Refused, "unknown command", "the cabinet has another version of its interface: ask the vendor"
	case 3:
		return erp.Refused, wrongParameter, "check the numbers of sections and goods in the configuration"
	case 5:
		return erp.Denied, "forbidden", "check login and password, the rights marked API of the user, and the section's number"
	case 6:
		what = "database query failed"
	case 7:
		what = "temporarily unavailable"
	case 8:
		return erp.Gone, "not found", ""
	case 9:
		what = "a file can not be read there"
	case 10:
		what = "a file can not be written there"
	case 11:
		return erp.Refused, "a file there is damaged or missing", "ask the vendor to repair it"
	default:
		fault = erp.Garbled
	}
	if write {
		fault = erp.Unclear
	}
	return fault, what, ""
}

// member is the first of the named members that is there. The cabinet is not sure
// of capitals, and of blanks around names.
func member(v web.Value, names ...string) web.Value {
	m := v.Get(names...)
	if !m.Missing() {
		return m
	}
	for _, key := range v.Keys() {
		for _, name := range names {
			if strings.EqualFold(strings.TrimSpace(key), name) {
				if other := v.Get(key); !other.Missing() {
					return other
				}
			}
		}
	}
	return m
}
