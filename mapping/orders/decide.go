package orders

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Do is what is done to an order of Prodsmart.
type Do string

const (
	// Nothing: what is to be known is in the decision's other fields.
	Nothing Do = "nothing"
	// Put writes the order of the decision, which is the one that was read with
	// the changes in it.
	Put Do = "put"
	// Delete deletes it.
	Delete Do = "delete"
)

// Decision is what follows from the order as Prodsmart has it at this moment.
type Decision struct {
	Do Do
	// Order is what is written by Put; Sale is it for a client order.
	Order prodsmart.ProductionOrder
	Sale  prodsmart.TradeOrder
	// Why is the change in words, for the journal.
	Why string
	// then is what the entry is once it was done.
	then func(e *Entry)
}

// phase is how far an order is in Prodsmart, as far as the rules care.
type phase uint8

const (
	idle phase = iota
	started
	closed
)

// phaseOf reads the running status. What is not understood counts as started:
// then nothing is deleted.
func phaseOf(o prodsmart.ProductionOrder) phase {
	switch strings.ToLower(o.RunningStatus) {
	case "closed", "archived":
		return closed
	case "notstarted":
		if produced(o).Sign() == 0 {
			return idle
		}
	}
	if o.Ended == prodsmart.Yes {
		return closed
	}
	return started
}

// seen takes over what Prodsmart shows of the order.
func (b *Book) seen(e *Entry, o prodsmart.ProductionOrder, at time.Time) {
	s := Seen{At: at, Running: o.RunningStatus, Status: o.Status, Produced: produced(o), Due: o.Due.UTC()}
	for _, p := range o.Products {
		s.Ordered = s.Ordered.Add(number(p.Ordered))
	}
	old := e.Seen
	e.Seen = s
	if !s.Produced.Equal(old.Produced) || s.Running != old.Running || !s.Ordered.Equal(old.Ordered) || !s.Due.Equal(old.Due) || s.Status != old.Status {
		b.touch(e)
	}
}

// Decide says what is to be done with an order that Next named, after it was
// read again. It changes nothing: Settle does, with the outcome.
func (b *Book) Decide(key string, fresh prodsmart.ProductionOrder, at time.Time) Decision {
	e := b.entries[key]
	if e == nil || e.ID == 0 || e.Applied == nil {
		return Decision{Do: Nothing}
	}
	b.seen(e, fresh, at)
	c := change{b: b, e: e, at: at, order: fresh, phase: phaseOf(fresh), applied: *e.Applied, status: Mirrored}
	switch {
	case e.Want.State == erp.Cancelled:
		return c.cancel()
	case e.Want.State == erp.Held:
		c.hold()
	case e.Want.State == erp.Open && (e.Applied.State == erp.Held || e.Applied.State == erp.Cancelled || e.Applied.Hidden):
		c.resume()
	}
	if (e.Want.State == erp.Open || e.Want.State == erp.Held) && c.proven() {
		c.quantity()
		c.due()
		c.text()
	}
	c.applied.State = e.Want.State
	if e.Want.State == erp.Closed && c.phase == closed {
		c.status = Over
	}
	return c.decision()
}

// disputed says that the source and an order that was found by its marker differ in
// what planners change too: nobody knows any more whose change it is.
func (e *Entry) disputed() bool {
	return e.Unproven && e.Applied != nil && e.Want.Quantity.Sign() > 0 && (!e.Want.Quantity.Equal(e.Applied.Quantity) || !e.Want.Due.Equal(e.Applied.Due) && !e.Want.Due.IsZero())
}

// dispute is what such a question is about.
func (e *Entry) dispute() string {
	return "values " + e.Want.Quantity.String() + " " + e.Want.Due.UTC().Format(time.RFC3339)
}

// proven says that the source's values may be taken over. After a loss of the store
// an operator decides on those that differ.
func (c *change) proven() bool {
	if !c.e.disputed() {
		return true
	}
	old := c.e.Ask
	if old == nil || old.About != c.e.dispute() || old.Answer == "" {
		zone := c.b.settings.Zone
		what := fmt.Sprintf("the store was lost, and the source wants %s due %s where Prodsmart has %s due %s: that may be a planner's change", c.e.Want.Quantity,
			c.e.Want.Due.In(zone).Format("2006-01-02 15:04"), c.applied.Quantity, c.applied.Due.In(zone).Format("2006-01-02 15:04"))
		c.ask = &Question{What: what, Options: []string{"apply", "keep"}, About: c.e.dispute()}
		c.attention(Asking, "%s: apply or keep?", what)
		return false
	}
	if old.Answer == "keep" {
		c.applied.Quantity, c.applied.Due, c.applied.Text = c.e.Want.Quantity, c.e.Want.Due, c.e.Want.Text
		c.say("it stays as it is in Prodsmart by an operator's decision")
	}
	return true
}

// change collects what one decision changes.
type change struct {
	b       *Book
	e       *Entry
	at      time.Time
	order   prodsmart.ProductionOrder
	phase   phase
	applied Applied
	put     bool
	why     []string
	notices []Notice
	ask     *Question
	status  Status
	reason  string
	alert   bool
	extra   *decimal.Decimal
}

func (c *change) say(format string, args ...any) {
	c.why = append(c.why, fmt.Sprintf(format, args...))
}

// attention keeps the entry in sight of a person.
func (c *change) attention(status Status, format string, args ...any) {
	c.status, c.reason, c.alert = status, fmt.Sprintf(format, args...), true
}

// notify tells the people at the order, once.
func (c *change) notify(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.notices = append(c.notices, Notice{Short: oneLine(text, 140), Long: text + " (" + c.at.In(c.b.settings.Zone).Format("2006-01-02 15:04 -07:00") + ")"})
}

func (c *change) decision() Decision {
	d := Decision{Do: Nothing, Why: strings.Join(c.why, "; ")}
	if c.put {
		d.Do, d.Order = Put, c.order
	}
	after := *c
	d.then = func(e *Entry) {
		e.Applied = &after.applied
		e.Unproven = e.Unproven && after.ask != nil && after.ask.About == e.dispute()
		e.Notices = append(e.Notices, after.notices...)
		e.Ask = after.ask
		e.Stuck = ""
		if after.extra != nil {
			after.b.reopen(e, *after.extra, after.at)
		}
		after.b.set(e, after.at, after.status, after.alert, after.reason)
	}
	return d
}

// cancel is what a cancellation, or a line that is gone, means.
func (c *change) cancel() Decision {
	name, what := c.b.cancelled(c.e)
	c.applied.State = erp.Cancelled
	switch c.phase {
	case closed:
		c.attention(Over, "%s after the production order was closed", what)
	case started:
		c.attention(Conflict, "%s, but production has begun (%s made): stop or finish it in Prodsmart", what, produced(c.order))
		c.notify("Cancelled in the ERP: %s. Please stop or finish this order.", name)
	default:
		if c.b.settings.DeactivateCancelled {
			c.say("%s before it was started: made invisible", what)
			c.order.Active, c.put, c.applied.Hidden = prodsmart.No, true, true
			c.status = Cancelled
			break
		}
		d := Decision{Do: Delete}
		e, b, at := c.e, c.b, c.at
		d.then = func(*Entry) {
			e.Applied.State = erp.Cancelled
			b.set(e, at, Cancelled, false, what+" before it was started; deleted in Prodsmart")
		}
		return d
	}
	return c.decision()
}

// cancelled names what was cancelled, and says how the source said so.
func (b *Book) cancelled(e *Entry) (name, what string) {
	d := b.documents[documentKey(e.Company, e.Document)]
	switch {
	case e.Document == aggregates:
		return "all lines of it", "all lines of it were cancelled in the source"
	case d == nil:
		return "it", "it was cancelled in the source"
	case d.State == erp.Cancelled && d.Word == goneWord:
		return "order " + d.name(), "order " + d.name() + " was taken out of the source"
	case d.State == erp.Cancelled:
		return "order " + d.name(), "order " + d.name() + " was cancelled in the source"
	}
	goods := fmt.Sprintf("%s %s", e.Applied.Quantity, e.Applied.Product)
	return goods + " of order " + d.name(), goods + " was taken out of order " + d.name() + " in the source"
}

// hold is what a draft, or an order that waits, means.
func (c *change) hold() {
	if c.applied.State == erp.Held {
		return
	}
	switch {
	case c.phase == started:
		c.notify("Put on hold in the ERP: %s.", c.e.Number)
		c.say("held in the source after it was started: the people at the order are told")
	case c.phase == idle && c.b.settings.DeactivateHeld:
		c.order.Active, c.put, c.applied.Hidden = prodsmart.No, true, true
		c.say("held in the source: made invisible")
	}
}

// resume is what an order means that is open again.
func (c *change) resume() {
	if c.applied.Hidden {
		c.order.Active, c.put, c.applied.Hidden = prodsmart.Yes, true, false
		c.say("open again in the source: made visible")
	}
	if c.e.Status == Conflict {
		c.notify("No longer cancelled in the ERP: %s.", c.e.Number)
		c.say("open again in the source")
	}
}

// due takes over another date.
func (c *change) due() {
	want, before := c.e.Want.Due, c.applied.Due
	if want.Equal(before) || want.IsZero() {
		return
	}
	c.applied.Due = want
	if c.phase == closed {
		return
	}
	c.order.Due, c.put = want, true
	zone := c.b.settings.Zone
	c.say("due %s instead of %s", want.In(zone).Format(time.DateTime), before.In(zone).Format(time.DateTime))
	if c.phase == started {
		c.notify("Due date changed in the ERP: %s instead of %s.", want.In(zone).Format("2006-01-02 15:04"), before.In(zone).Format("2006-01-02 15:04"))
	}
}

// text takes over what the description says of the source's order. What a
// planner wrote beside it stays.
func (c *change) text() {
	want, before := c.e.Want.Text, c.applied.Text
	if want == before {
		return
	}
	c.applied.Text = want
	if c.phase == closed || before == "" || !strings.Contains(c.order.Description, before) {
		return
	}
	c.order.Description, c.put = strings.Replace(c.order.Description, before, want, 1), true
	c.say("description %q instead of %q", want, before)
}
