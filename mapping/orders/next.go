package orders

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Act is what the caller is to do for an entry.
type Act string

const (
	// Find looks for an order whose create had no clear answer: list the orders
	// around Task.Start for Task.Product, and give them to Found.
	Find Act = "find"
	// Create makes an order: call Create, save Changes, send it, and report with
	// Created, NotCreated or nothing if the outcome is not clear.
	Create Act = "create"
	// Attend reads the order again: give it to Decide, do what that says, and
	// report with Done or NotDone.
	Attend Act = "attend"
	// Tell sends a notice: call Telling, save Changes, send it, and report with Told.
	Tell Act = "tell"
	// Separate deletes a second order that a repeated request made: read it again, and if
	// Twin still says so, delete it and report with Parted.
	Separate Act = "separate"
)

// Task is one thing to do.
type Task struct {
	Act  Act
	Key  string
	Kind Kind
	// ID is Prodsmart's number of the order, for Attend and Tell.
	ID   int64
	Code string
	// Start and Product narrow the search of Find.
	Start   time.Time
	Product string
}

// shadowMode begins the reason of what is only noted.
const shadowMode = "shadow mode: "

// doubt is how long a create whose answer is not known may still arrive.
const doubt = 2 * time.Minute

// Next is what is to be done now, the most urgent first: what is not known,
// cancellations, other changes, what is to be made by its due date, and notices.
// While an outcome is not known nothing new is made.
func (b *Book) Next(now time.Time) []Task {
	b.tick(now)
	type ranked struct {
		Task
		rank int
		due  time.Time
	}
	var list []ranked
	unknown := false
	for _, e := range b.entries {
		unknown = unknown || e.ID == 0 && !e.Intent.IsZero()
	}
	for _, e := range b.those(func(e *Entry) bool { return e.Kind != Part && (e.ID == 0 || b.differs(e) || len(e.Notices) > 0) }) {
		t := Task{Key: e.Key, Kind: e.Kind, ID: e.ID, Code: e.Code, Start: e.Start, Product: e.Want.Product}
		rank := 0
		switch {
		case e.ID == 0 && !e.Intent.IsZero():
			t.Act = Find
			if e.Applied != nil {
				t.Product = e.Applied.Product
			}
		case e.ID == 0:
			if !b.judge(e, now) || unknown {
				continue
			}
			t.Act, rank = Create, 3
		case b.differs(e):
			t.Act, rank = Attend, 2
			if e.Want.State == erp.Cancelled {
				rank = 1
			}
		case len(e.Notices) > 0 && e.Status != Refused:
			t.Act, rank = Tell, 4
		default:
			continue
		}
		list = append(list, ranked{t, rank, e.Want.Due})
	}
	for id, key := range b.twins {
		if e := b.entries[key]; e != nil {
			list = append(list, ranked{Task{Act: Separate, Key: key, Kind: e.Kind, ID: id, Code: e.Code}, 0, e.Want.Due})
		}
	}
	slices.SortStableFunc(list, func(x, y ranked) int {
		if x.rank != y.rank {
			return x.rank - y.rank
		}
		return x.due.Compare(y.due)
	})
	out := make([]Task, len(list))
	for i := range list {
		out[i] = list[i].Task
	}
	return out
}

// Unknown says that nobody knows whether an entry's order was made.
func (b *Book) Unknown(key string) bool {
	e := b.entries[key]
	return e != nil && e.ID == 0 && !e.Intent.IsZero()
}

// differs says that the source's values are not those that were last written,
// and that something can be done about it.
func (b *Book) differs(e *Entry) bool {
	w, a := e.Want, e.Applied
	if a == nil || e.Status == Refused || b.head.Hold != nil || w.State == erp.Unknown {
		return false
	}
	if e.Stuck != "" && e.Stuck == w.fingerprint() {
		return false
	}
	if a.State == erp.Cancelled && w.State == erp.Cancelled {
		return false
	}
	if w.State != a.State {
		return true
	}
	if e.Kind == Client {
		return !samePositions(w.Client, a.Client)
	}
	if w.State == erp.Closed || e.disputed() && e.Ask != nil && e.Ask.About == e.dispute() && e.Ask.Answer == "" {
		return false
	}
	asked := e.Ask != nil && e.Ask.About == "quantity "+w.Quantity.String() && e.Ask.Answer == ""
	return !w.Quantity.Equal(a.Quantity) && w.Quantity.Sign() > 0 && !asked || !w.Due.Equal(a.Due) && !w.Due.IsZero() || w.Text != a.Text || e.Ask != nil && e.Ask.Answer != ""
}

// tick tells of orders that the source closed long ago and that are still open
// in Prodsmart.
func (b *Book) tick(now time.Time) {
	for _, e := range b.those(func(e *Entry) bool {
		return !e.ClosedAt.IsZero() && e.ID != 0 && !e.Alert && e.Want.State == erp.Closed && now.Sub(e.ClosedAt) >= b.settings.Grace
	}) {
		if r := strings.ToLower(e.Seen.Running); r == "notstarted" || r == "started" {
			b.set(e, now, Mirrored, true, "closed in the source, but open in Prodsmart: shipped from stock? Close or delete it there")
		}
	}
}

// Create gives the production order that an entry is to become. It is an intent
// from then on: save Changes before it is sent.
func (b *Book) Create(key string, now time.Time) (prodsmart.ProductionOrder, bool) {
	e := b.entries[key]
	if e == nil || e.Kind != Production || !b.judge(e, now) {
		return prodsmart.ProductionOrder{}, false
	}
	w := e.Want
	b.name(e)
	e.Start = b.settings.start(w.Due, now, w.Product, w.Groups)
	o := prodsmart.ProductionOrder{
		Code: e.Code, Start: e.Start, Due: w.Due.UTC(), Description: strings.TrimSpace(w.Text + " " + b.marker(e)), Notes: w.Notes, Active: prodsmart.Yes,
		Products: []prodsmart.OrderProduct{{Product: w.Product, Ordered: amount(w.Quantity), Observations: w.Observations}},
	}
	if w.Location != "" {
		o.Location = prodsmart.Reference{Code: w.Location}
	}
	for _, name := range sortedKeys(w.Fields) {
		if text, err := json.Marshal(w.Fields[name]); err == nil {
			o.Parameters = append(o.Parameters, prodsmart.Value{Name: name, JSON: text})
		}
	}
	e.Applied = &Applied{Product: w.Product, Quantity: w.Quantity, Due: w.Due, Text: w.Text, State: w.State}
	e.Intent = now
	b.set(e, now, Creating, false, "")
	b.touch(e)
	return o, true
}

// name gives an entry its code, once.
func (b *Book) name(e *Entry) {
	if e.Code != "" {
		return
	}
	wish := b.settings.clean(e.Bucket)
	switch {
	case e.Document == aggregates:
		wish = b.settings.clean(fmt.Sprintf("%s%s-%d", b.settings.Prefix, e.Bucket, e.Ordinal))
	case e.Bucket == "":
		number := e.Number
		template := b.settings
		if e.Kind == Client {
			template.Template = strings.NewReplacer("-{line}", "", "{line}", "").Replace(template.Template)
		}
		wish = template.code(erp.Order{ID: e.Document, Number: number, Company: e.Company}, e.Ordinal)
	}
	e.Code = free(wish, b.settings.LongestCode, func(code string) bool {
		owner := b.codes[string(e.Kind)+code]
		return owner != "" && owner != e.Key || b.taken != nil && b.taken(code)
	})
	b.touch(e)
}

// marker is the entry's marker; its line is the end of the entry's key.
func (b *Book) marker(e *Entry) string {
	_, line, _ := strings.Cut(e.Key, "\x1f")
	return mark(b.settings.Source, e.Company, e.Document, line)
}

// Created reports that Prodsmart made the order, as it answered.
func (b *Book) Created(key string, o prodsmart.ProductionOrder, now time.Time) {
	e := b.entries[key]
	if e == nil {
		return
	}
	if o.RunningStatus == "" {
		o.RunningStatus = "notstarted"
	}
	e.ID, e.Intent = o.ID, time.Time{}
	if e.Kind == Client {
		b.say(now, e, false, "created in Prodsmart (%d): %d positions", o.ID, len(e.Applied.Client))
	} else {
		b.seen(e, o, now)
		e.Made = now
		b.say(now, e, false, "created in Prodsmart (%d): %s %s, due %s", o.ID, e.Applied.Quantity, e.Applied.Product, e.Applied.Due.In(b.settings.Zone).Format("2006-01-02 15:04"))
	}
	b.set(e, now, Mirrored, false, "")
	b.touch(e)
}

// NotCreated reports that the order was certainly not made. refused says that
// Prodsmart said no to it, with why; otherwise it is tried again.
func (b *Book) NotCreated(key string, refused bool, why string, now time.Time) {
	e := b.entries[key]
	if e == nil || e.ID != 0 {
		return
	}
	e.Intent, e.Applied = time.Time{}, nil
	b.touch(e)
	if !refused {
		b.set(e, now, Changing, false, "to be created")
		return
	}
	e.Stuck = e.Want.fingerprint()
	b.set(e, now, Rejected, true, "Prodsmart refused it: "+oneLine(why, 400))
}

// match is the order of the list that an entry's create made: it has its marker, or
// its code and nobody's marker.
func (b *Book) match(e *Entry, list []prodsmart.ProductionOrder) *prodsmart.ProductionOrder {
	marker := b.marker(e)
	for i, o := range list {
		if _, ours := b.byID[o.ID]; ours || o.ID == 0 {
			continue
		}
		_, _, _, has := readMark(o.Description)
		if strings.HasSuffix(strings.TrimSpace(o.Description), marker) || o.Code == e.Code && !has {
			return &list[i]
		}
	}
	return nil
}

// Holds says whether the list has the order that an entry's create made.
func (b *Book) Holds(key string, list []prodsmart.ProductionOrder) bool {
	e := b.entries[key]
	return e != nil && b.match(e, list) != nil
}

// Found reports what Prodsmart lists of an order whose create had no clear answer:
// it is adopted, or made again, or, while it may still be on its way, looked for
// again. It says whether that is settled.
func (b *Book) Found(key string, list []prodsmart.ProductionOrder, now time.Time) bool {
	e := b.entries[key]
	if e == nil || e.ID != 0 || e.Intent.IsZero() {
		return true
	}
	if o := b.match(e, list); o != nil {
		b.say(now, e, false, "the create without a clear answer had been done: order %d is adopted", o.ID)
		b.Created(key, *o, now)
		return true
	}
	if now.Sub(e.Intent) < doubt {
		return false
	}
	b.say(now, e, false, "the create without a clear answer had not been done: it is made again")
	b.NotCreated(key, false, "", now)
	return true
}

// Doubt keeps an order in sight that Prodsmart accepted and shows differently.
func (b *Book) Doubt(key, why string, now time.Time) {
	if e := b.entries[key]; e != nil {
		b.set(e, now, e.Status, true, oneLine(why, 400))
	}
}

// Done reports that a decision was carried out.
func (b *Book) Done(key string, d Decision, now time.Time) {
	e := b.entries[key]
	if e == nil {
		return
	}
	if d.Why != "" {
		b.say(now, e, false, "%s", d.Why)
	}
	if d.then != nil {
		d.then(e)
	}
	b.touch(e)
}

// NotDone reports that a decision was refused by Prodsmart; it is not tried
// again before the source changes. (What had no clear answer, or could not be
// sent, is not reported: it is decided upon again.)
func (b *Book) NotDone(key string, why string, now time.Time) {
	e := b.entries[key]
	if e == nil {
		return
	}
	e.Stuck = e.Want.fingerprint()
	b.set(e, now, Rejected, true, "Prodsmart refused the change: "+oneLine(why, 400))
	b.touch(e)
}

// Resolve takes over an operator's decision about an entry: an option of its
// question, "recreate" for one that was deleted in Prodsmart, "retry" for one
// that Prodsmart refused. The error says what is possible.
func (b *Book) Resolve(key, option string, now time.Time) error {
	e := b.entries[key]
	switch {
	case e == nil:
		return errNoEntry(key)
	case e.Ask != nil && slices.Contains(e.Ask.Options, option):
		e.Ask.Answer = option
	case e.Status == Refused && option == "recreate":
		b.anew(e)
		b.set(e, now, Changing, false, "made again by an operator's decision")
	case e.Stuck != "" && option == "retry":
		e.Stuck = ""
		b.set(e, now, Changing, false, "tried again by an operator's decision")
	case option == "write" && b.writable(e):
		e.Back.Asked = true
	default:
		return b.errNoOption(e, option)
	}
	b.say(now, e, false, "an operator decided: %s", option)
	b.touch(e)
	return nil
}

// anew forgets the order that an entry had in Prodsmart, so that it is made again.
func (b *Book) anew(e *Entry) {
	delete(b.byID, e.ID)
	delete(b.codes, string(e.Kind)+e.Code)
	e.ID, e.Code, e.Applied, e.Intent, e.Seen, e.Notices, e.Ask = 0, "", nil, time.Time{}, Seen{}, nil, nil
	e.Back = Back{}
	b.touch(e)
}

// Shadow notes what would be done about a task, once, instead of doing it.
func (b *Book) Shadow(t Task, now time.Time) {
	e := b.entries[t.Key]
	if e == nil {
		return
	}
	what := "would be changed"
	if t.Act == Create {
		b.name(e)
		w := e.Want
		what = fmt.Sprintf("would be created as %s: %s %s, due %s", e.Code, w.Quantity, w.Product, w.Due.In(b.settings.Zone).Format("2006-01-02 15:04"))
	}
	b.set(e, now, Waiting, false, shadowMode+what)
}
