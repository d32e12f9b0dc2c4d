package board

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// OrderSources is the answer of /api/orders, for whoever asks it in Go.
type OrderSources struct {
	Sources []OrderSource `json:"sources"`
}

// OrderSource is how a source of orders is.
type OrderSource struct {
	Name   string `json:"name"`
	System string `json:"system"`
	// Mode is live, or shadow while it only notes what it would do.
	Mode     string     `json:"mode"`
	Target   string     `json:"target"`
	LastRead *time.Time `json:"last_read,omitempty"`
	NextRead *time.Time `json:"next_read,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	Since    *time.Time `json:"problem_since,omitempty"`
	Held     *OrderHold `json:"held,omitempty"`
	// Alerts lines need a person; Lines are how many there are, by status.
	Alerts int            `json:"alerts"`
	Lines  map[string]int `json:"lines"`
	// Calls are the calls of the system's day, where it counts them.
	Calls []OrderCalls `json:"calls,omitempty"`
}

// OrderHold is why nothing of a source is changed.
type OrderHold struct {
	Since     time.Time `json:"since"`
	What      string    `json:"what"`
	Cancelled int       `json:"cancelled,omitempty"`
}

// OrderCalls is one class of a system's calls.
type OrderCalls struct {
	Class  string    `json:"class"`
	Used   int       `json:"used"`
	PerDay int       `json:"per_day,omitempty"`
	Left   int       `json:"left"`
	Until  time.Time `json:"until"`
}

// orderBook is the answer of /api/orders/{source}.
type orderBook struct {
	Source *OrderSource `json:"source,omitempty"`
	Lines  []orderLine  `json:"lines"`
	Writes []orderWrite `json:"write_backs"`
}

// orderLine is one line of a source's order, and what became of it.
type orderLine struct {
	// Name is what orders show and resolve take.
	Name string `json:"name"`
	Kind string `json:"kind"`
	Code string `json:"code,omitempty"`
	// ID is Prodsmart's.
	ID       int64      `json:"id,omitempty"`
	Company  string     `json:"company,omitempty"`
	Order    string     `json:"order"`
	Number   string     `json:"number,omitempty"`
	Line     string     `json:"line,omitempty"`
	Article  string     `json:"article,omitempty"`
	Product  string     `json:"product,omitempty"`
	Quantity string     `json:"quantity"`
	Due      *time.Time `json:"due,omitempty"`
	Status   string     `json:"status"`
	Reason   string     `json:"reason,omitempty"`
	Alert    bool       `json:"alert,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	// Running, Produced and SeenAt are how Prodsmart showed it last.
	Running  string     `json:"running_status,omitempty"`
	Produced string     `json:"produced,omitempty"`
	SeenAt   *time.Time `json:"seen_at,omitempty"`
	Question string     `json:"question,omitempty"`
	// Options are what orders resolve takes about it.
	Options []string `json:"options,omitempty"`
}

// orderWrite is one write-back.
type orderWrite struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Stage    string    `json:"stage"`
	Name     string    `json:"name"`
	Order    string    `json:"order,omitempty"`
	Produced string    `json:"produced,omitempty"`
	Delta    string    `json:"delta,omitempty"`
	Text     string    `json:"text,omitempty"`
	State    string    `json:"state"`
	Why      string    `json:"why,omitempty"`
	Says     string    `json:"receipt,omitempty"`
	Since    time.Time `json:"since"`
	Options  []string  `json:"options,omitempty"`
}

// timesIn gives moments in a zone, and nothing for the zero time.
func timesIn(zone *time.Location) func(time.Time) *time.Time {
	return func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.In(zone)
		return &t
	}
}

func sourceOf(s *gateway.OrderStatus, zone *time.Location) OrderSource {
	at := timesIn(zone)
	d := OrderSource{
		Name: s.Name, System: s.System, Mode: "live", Target: string(s.Target), LastRead: at(s.LastRead), NextRead: at(s.NextRead),
		Problem: s.Problem, Since: at(s.Since), Alerts: s.Alerts, Lines: map[string]int{},
	}
	if s.Shadow {
		d.Mode = "shadow"
	}
	if s.Hold != nil {
		d.Held = &OrderHold{s.Hold.Since.In(zone), s.Hold.What, s.Hold.Cancelled}
	}
	for status, n := range s.Counts {
		d.Lines[string(status)] = n
	}
	for _, left := range s.Left {
		d.Calls = append(d.Calls, OrderCalls{left.Class, left.Used, left.PerDay, left.Left, left.Until.In(zone)})
	}
	return d
}

// OrdersJSON gives a source's book in the form of the page data, with times in a
// zone; alerts leaves out what needs nobody.
func OrdersJSON(b *rules.Book, alerts bool, zone *time.Location) any { return bookOf(b, alerts, zone) }

// LinesJSON gives single lines of a book in the form of the page data.
func LinesJSON(b *rules.Book, lines []rules.Entry, zone *time.Location) any {
	out := make([]orderLine, len(lines))
	for i, e := range lines {
		out[i] = lineOf(b, e, zone)
	}
	return out
}

func bookOf(b *rules.Book, alerts bool, zone *time.Location) orderBook {
	out := orderBook{Lines: []orderLine{}, Writes: []orderWrite{}}
	names := map[string]string{}
	for _, e := range b.Entries() {
		names[e.Key] = e.Name()
		if !alerts || e.Alert {
			out.Lines = append(out.Lines, lineOf(b, e, zone))
		}
	}
	for _, w := range b.Writes() {
		if alerts && w.State != rules.Parked && w.State != rules.Failed {
			continue
		}
		d := orderWrite{
			ID: w.Write.ID, Kind: string(w.Write.Kind), Stage: string(w.Write.Stage), Name: cmp.Or(names[w.Entry], w.Write.Code), Order: w.Write.Order, Text: w.Write.Text,
			Produced: w.Write.Produced.String(), State: string(w.State), Why: w.Why, Says: w.Receipt.Says, Since: w.Since.In(zone), Options: w.Options(),
		}
		if !w.Write.Delta.IsZero() {
			d.Delta = w.Write.Delta.String()
		}
		out.Writes = append(out.Writes, d)
	}
	return out
}

func lineOf(b *rules.Book, e rules.Entry, zone *time.Location) orderLine {
	at := timesIn(zone)
	d := orderLine{
		Name: e.Name(), Kind: string(e.Kind), Code: e.Code, ID: e.ID, Company: e.Company, Order: e.Document, Number: e.Number, Line: e.Line,
		Article: e.Raw.Product, Product: e.Want.Product, Quantity: e.Want.Quantity.String(), Due: at(e.Want.Due), Status: string(e.Status), Reason: e.Reason,
		Alert: e.Alert, Since: at(e.Since), Running: e.Seen.Running, SeenAt: at(e.Seen.At), Options: b.Options(e),
	}
	if e.Want.Quantity.IsZero() { // it was not understood yet
		d.Quantity = strings.TrimSpace(e.Raw.Quantity.String() + " " + e.Raw.Unit)
	}
	if !e.Seen.At.IsZero() {
		d.Produced = e.Seen.Produced.String()
	}
	if e.Ask != nil {
		d.Question = e.Ask.What
	}
	return d
}

func (d *door) answerOrders(w http.ResponseWriter, _ *http.Request) {
	s := d.source.Status()
	out := OrderSources{Sources: []OrderSource{}}
	for i := range s.Orders {
		out.Sources = append(out.Sources, sourceOf(&s.Orders[i], d.zone))
	}
	answer(w, http.StatusOK, out)
}

func (d *door) answerBook(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("source")
	alerts, err := strconv.ParseBool(r.FormValue("alerts"))
	if text := r.FormValue("alerts"); text != "" && err != nil {
		fail(w, http.StatusBadRequest, errors.New("alerts: write true or false"))
		return
	}
	book, err := d.source.OrderBook(r.Context(), name)
	switch {
	case errors.Is(err, gateway.ErrUnknownSource) || errors.Is(err, gateway.ErrNoOrders):
		fail(w, http.StatusNotFound, err)
		return
	case err != nil:
		fail(w, http.StatusInternalServerError, err)
		return
	}
	out := bookOf(book, alerts, d.zone)
	s := d.source.Status()
	for i := range s.Orders {
		if s.Orders[i].Name == name {
			source := sourceOf(&s.Orders[i], d.zone)
			out.Source = &source
		}
	}
	answer(w, http.StatusOK, out)
}

// orders gives the metrics of the sources.
func (c *collector) orders(out emitter, s *gateway.Status) {
	for i := range s.Orders {
		o := &s.Orders[i]
		for _, status := range rules.Statuses() {
			out.gauge(c.d.orderLines, float64(o.Counts[status]), o.Name, string(status))
		}
		out.gauge(c.d.orderAlerts, float64(o.Alerts), o.Name)
		out.gauge(c.d.orderFailing, truth(o.Problem != ""), o.Name)
		out.gauge(c.d.orderHeld, truth(o.Hold != nil), o.Name)
		if !o.LastRead.IsZero() {
			out.gauge(c.d.orderRead, seconds(o.LastRead), o.Name)
		}
		for _, left := range o.Left {
			if left.PerDay == 0 {
				continue // without bound
			}
			out.gauge(c.d.orderCalls, float64(left.Left), o.Name, left.Class)
		}
	}
}
