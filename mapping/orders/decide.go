package orders

import (
	"fmt"
	"slices"
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

// produced is the quantity made so far, over all products of the order.
func produced(o prodsmart.ProductionOrder) decimal.Decimal {
	var sum decimal.Decimal
	for _, p := range o.Products {
		sum = sum.Add(number(p.Produced))
	}
	return sum
}

func number(d prodsmart.Decimal) decimal.Decimal {
	n, err := decimal.NewFromString(d.String())
	if err != nil {
		return decimal.Decimal{}
	}
	return n
}

// amount is a quantity as Prodsmart takes it.
func amount(d decimal.Decimal) prodsmart.Decimal {
	n, err := prodsmart.ParseDecimal(d.String())
	if err != nil {
		return prodsmart.Decimal{}
	}
	return n
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
	if e.Want.State == erp.Open || e.Want.State == erp.Held {
		c.quantity()
		c.due()
		c.text()
	}
	c.applied.State = e.Want.State
	return c.decision()
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
	name := "the line"
	if d := c.b.documents[documentKey(c.e.Company, c.e.Document)]; d != nil {
		name = "order " + d.name()
	}
	c.applied.State = erp.Cancelled
	switch c.phase {
	case closed:
		c.attention(Over, "%s was cancelled in the source after the production order was closed", name)
	case started:
		c.attention(Conflict, "%s was cancelled in the source, but production has begun (%s made): stop or finish it in Prodsmart", name, produced(c.order))
		c.notify("Cancelled in the ERP: %s. Please stop or finish this order.", name)
	default:
		if c.b.settings.DeactivateCancelled {
			c.say("cancelled in the source before it was started: made invisible")
			c.order.Active, c.put, c.applied.Hidden = prodsmart.No, true, true
			c.status = Cancelled
			break
		}
		d := Decision{Do: Delete}
		e, b, at := c.e, c.b, c.at
		d.then = func(*Entry) {
			e.Applied.State = erp.Cancelled
			b.set(e, at, Cancelled, false, "cancelled in the source before it was started; deleted in Prodsmart")
		}
		return d
	}
	return c.decision()
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

// product is the order's product of this entry.
func (c *change) product() *prodsmart.OrderProduct {
	i := slices.IndexFunc(c.order.Products, func(p prodsmart.OrderProduct) bool { return p.Product == c.applied.Product })
	if i < 0 && len(c.order.Products) == 1 {
		i = 0
	}
	if i < 0 {
		return nil
	}
	c.order.Products = slices.Clone(c.order.Products)
	return &c.order.Products[i]
}

// quantity takes over another quantity.
func (c *change) quantity() {
	want, before := c.e.Want.Quantity, c.applied.Quantity
	if want.Equal(before) {
		return
	}
	p := c.product()
	if p == nil {
		c.attention(Asking, "the source wants %s instead of %s, but the product %s is not in the production order any more", want, before, c.applied.Product)
		c.ask = &Question{What: c.reason, Options: []string{"keep"}, About: "quantity " + want.String()}
		c.answered("keep", func() { c.applied.Quantity = want })
		return
	}
	more := want.GreaterThan(before)
	switch {
	case c.phase == closed && more && c.b.settings.Reopen:
		extra := want.Sub(before)
		c.extra, c.applied.Quantity, c.status = &extra, want, Over
		c.say("%s more after it was closed: ordered anew", extra)
	case c.phase == closed:
		c.applied.Quantity = want
		c.attention(Over, "the quantity went from %s to %s after the production order was closed", before, want)
	case c.phase == idle || more:
		c.setQuantity(p, want)
	case want.LessThan(number(p.Produced)):
		c.applied.Quantity = want
		c.attention(Mirrored, "the source wants %s instead of %s, but %s are made already: the quantity stays", want, before, p.Produced)
	case c.b.settings.ApplyLess:
		c.setQuantity(p, want)
	default:
		c.lower(p, want)
	}
}

func (c *change) setQuantity(p *prodsmart.OrderProduct, want decimal.Decimal) {
	before := c.applied.Quantity
	p.Ordered, c.applied.Quantity, c.put = amount(want), want, true
	c.say("quantity %s instead of %s", want, before)
	if c.phase == started {
		c.notify("Quantity changed in the ERP: %s instead of %s.", want, before)
	}
}

// lower asks before it takes pieces away from an order that was started.
func (c *change) lower(p *prodsmart.OrderProduct, want decimal.Decimal) {
	about := "quantity " + want.String()
	if old := c.e.Ask; old != nil && old.About == about {
		c.ask = old
		c.answered("apply", func() { c.setQuantity(p, want) })
		c.answered("keep", func() { c.applied.Quantity = want; c.say("the quantity stays %s by an operator's decision", p.Ordered) })
		if c.ask != nil {
			c.attention(Asking, "%s", c.e.Reason)
		}
		return
	}
	what := fmt.Sprintf("the source wants %s instead of %s, the order was started and %s are made", want, c.applied.Quantity, p.Produced)
	c.ask = &Question{What: what, Options: []string{"apply", "keep"}, About: about}
	c.attention(Asking, "%s: apply or keep?", what)
	c.notify("The ERP wants less: %s instead of %s. A decision is pending.", want, c.applied.Quantity)
}

// answered acts upon what the operator said.
func (c *change) answered(option string, do func()) {
	if old := c.e.Ask; old != nil && c.ask != nil && old.About == c.ask.About && old.Answer == option {
		c.ask, c.status, c.reason, c.alert = nil, Mirrored, "", false
		do()
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
