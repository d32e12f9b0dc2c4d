package smartup

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

// The classes of calls. Which call is in which is not published; these follow
// what others met.
const (
	frequent  = "frequent"
	rare      = "rare"
	reference = "reference"
)

// The paths. Those that end with $export are reads.
const (
	ordersPath = "/b/trade/txs/tdeal/order$export"
	statusPath = "/b/trade/txs/tdeal/order$change_status"
	attachPath = "/b/trade/txs/tdeal/order$attach_data"
	goodsPath  = "/b/anor/mxsx/mr/inventory$export"
	stockPath  = "/b/anor/mxsx/mkw/balance$export"
	depotPath  = "/b/anor/mxsx/mkw/"
)

// Source is one company. It implements erp.Source, erp.Metered, erp.OrderReader,
// erp.Finder, erp.ProductReader, erp.StockReader and erp.Writer. One goroutine
// calls it at a time.
type Source struct {
	Config
	caller web.Caller
	budget *erp.Budget
	// days is the window in days, told the one that the system last named; 0 if it
	// named none.
	days, told int
	// articles is the catalogue as it was last read; nil before. After articlesFails
	// failures in a row, the last one articlesError, it is read again from articlesRest on.
	articles      *catalogue
	articlesRest  time.Time
	articlesFails int
	articlesError error
}

// New checks the settings. It makes no call.
func New(c Config, d Deps) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of Smartup", What: err.Error(), Err: err}
	}
	s := &Source{Config: c, days: c.Window}
	s.caller = web.Caller{HTTP: d.HTTP, Most: int64(c.MostMB) << 20, Timeout: c.Timeout, Secrets: []string{c.Password}}
	s.budget = erp.NewBudget(erp.BudgetConfig{
		Classes: []erp.Class{{Name: frequent, PerDay: c.Frequent}, {Name: rare, PerDay: c.Rare}, {Name: reference, PerDay: c.Reference}},
		Zone:    c.Zone, Kept: d.Kept, Keep: d.Keep,
	})
	return s, nil
}

// Capabilities are those of Smartup, and the kinds of write-back that are on.
func (s *Source) Capabilities() erp.Capabilities {
	return erp.Capabilities{Orders: true, Incremental: erp.ByDay, ByID: !s.LookupInWindow, Window: time.Duration(s.days) * 24 * time.Hour,
		Products: true, Manufactured: true, Stock: true, Booked: len(s.Conditions) == 0, Counts: s.Config.Write.Goods == Stocktaking, Writes: s.Config.Write.Kinds}
}

// Close has nothing to let go of: the client belongs to who gave it.
func (s *Source) Close() error { return nil }

// Stretch is that of the frequent calls.
func (s *Source) Stretch() int { return s.budget.Stretch(frequent) }

// Left is what is left of each class today.
func (s *Source) Left() []erp.Left { return s.budget.Left() }

// read asks for the list under root. poll says that the call has to leave the
// reserve alone.
func (s *Source) read(ctx context.Context, doing, class, path, root string, ask map[string]any, poll bool) ([]web.Value, []erp.Problem, error) {
	if poll && class == frequent {
		for _, l := range s.budget.Left() {
			if l.Class == class && l.Left <= s.Reserve {
				return nil, nil, &erp.Error{Fault: erp.Exhausted, Doing: doing, Until: l.Until,
					What: fmt.Sprintf("%d calls are left today, which are kept for writing back", l.Left)}
			}
		}
	}
	v, notes, err := s.call(ctx, doing, class, path, ask, false)
	if err != nil {
		return nil, nil, err
	}
	list := v.Get(root)
	if list.Missing() || !list.IsList() {
		return nil, nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: fmt.Sprintf("the answer has no list %q", root), Next: "nothing is concluded from it"}
	}
	return list.Each(), notes, nil
}

// call makes one call, and gives an answer that is no refusal.
func (s *Source) call(ctx context.Context, doing, class, path string, ask any, write bool) (web.Value, []erp.Problem, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return web.Value{}, nil, &erp.Error{Fault: erp.Refused, Doing: doing, Err: err}
	}
	r, err := http.NewRequest(http.MethodPost, strings.TrimRight(s.Address, "/")+path, bytes.NewReader(body))
	if err != nil {
		return web.Value{}, nil, &erp.Error{Fault: erp.Misconfigured, Doing: doing, Err: err}
	}
	r.SetBasicAuth(s.User, s.Password)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Accept", "application/json")
	// The names are written as the vendor has them: some servers compare them so.
	if s.ProjectCode != "" {
		r.Header["project_code"] = []string{s.ProjectCode}
	}
	if s.FilialID != "" || s.SendEmptyFilialID {
		r.Header["filial_id"] = []string{s.FilialID}
	}
	if err := s.budget.Take(ctx, class); err != nil {
		return web.Value{}, nil, named(err, doing)
	}
	a, err := s.caller.Do(ctx, r, doing, write)
	if err != nil {
		return web.Value{}, nil, err
	}
	v, notes, err := s.judge(a, doing, class, write)
	return v, notes, s.spent(err, class, a)
}

// named gives an error of the budget the name of what was tried.
func named(err error, doing string) error {
	if e, ok := err.(*erp.Error); ok {
		e.Doing = doing
		return e
	}
	return &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "it was stopped", Err: err}
}

// judge reads an answer in the order that is needed: status, JSON, error code.
func (s *Source) judge(a web.Answer, doing, class string, write bool) (web.Value, []erp.Problem, error) {
	bad := s.caller.Check(a, doing, write)
	if e, ok := bad.(*erp.Error); ok && e.Fault == erp.Gone {
		// Every call goes to a path that is always there: it is not the order that is gone.
		e.Fault, e.Next = erp.Unavailable, "check the url"
	}
	v, notes, err := web.Parse(a.Body)
	if err == nil {
		if code, _ := v.Get("error_code").Text(); code != "" {
			message, _ := v.Get("message").Text()
			if bad == nil || erp.Is(bad, erp.Refused) {
				return web.Value{}, nil, &erp.Error{Fault: erp.Refused, Doing: doing, What: web.Shorten(code+": "+message, 300), Next: advice(code)}
			}
		}
	}
	if bad != nil {
		return web.Value{}, nil, bad
	}
	if err == nil && !v.IsObject() {
		err = &erp.Error{Fault: erp.Garbled, What: "the answer is no record"}
	}
	if err != nil {
		e := &erp.Error{Fault: erp.Garbled, Doing: doing, What: err.Error(), Err: err}
		if write {
			e.Fault = erp.Unclear
		}
		return web.Value{}, nil, e
	}
	s.limits(v.Get("limits"), class)
	return v, notes, nil
}

// limits takes over what the system says of its limits: a record, or a list of one.
func (s *Source) limits(v web.Value, class string) {
	for _, l := range v.Each() {
		if has, err := l.Get("has_limit").Bool(); err != nil || has == erp.No {
			continue
		}
		if left, err := l.Get("left_limit_quant").Int(); err == nil && left >= 0 && left < 1e6 {
			s.budget.Told(class, int(left))
		}
		if days, err := l.Get("day_range_limit").Int(); err == nil && days >= 1 && days <= 366 {
			s.days, s.told = int(days), int(days)
		}
	}
}

// spent turns a refusal that means that the day's calls are used up into Exhausted:
// 429, words of it, or any refusal when none were left.
func (s *Source) spent(err error, class string, a web.Answer) error {
	e, ok := err.(*erp.Error)
	if !ok {
		return err
	}
	said := strings.ToLower(string(a.Body[:min(len(a.Body), 2000)]) + e.What)
	over := a.Status == http.StatusTooManyRequests
	for _, w := range s.ExhaustedWords {
		over = over || w != "" && strings.Contains(said, strings.ToLower(w))
	}
	var until time.Time
	for _, l := range s.budget.Left() {
		if l.Class == class {
			until = l.Until
			over = over || l.Left == 0 && e.Fault == erp.Refused
		}
	}
	if !over {
		return err
	}
	s.budget.Told(class, 0)
	return &erp.Error{Fault: erp.Exhausted, Doing: e.Doing, What: "Smartup says that the " + class + " calls of this day are used up: " + e.What, Until: until,
		Next: "other tools of the company spend from the same limit; calls go on at midnight there"}
}

// advice is what a person can do about a known error code.
func advice(code string) string {
	switch code {
	case "A02-24-042":
		return "there is no such filial_code: correct it in the configuration"
	case "A02-24-048", "A02-24-070":
		return "filial_code and filial_id do not fit together: correct them, or leave one out"
	case "A02-24-012":
		return "the warehouse code is unknown in this organisation: correct it in the configuration"
	case "A02-02-024":
		return "there is not enough stock in the warehouse that the goods are taken from"
	}
	return ""
}
