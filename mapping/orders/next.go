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
	for _, key := range sortedKeys(b.entries) {
		e := b.entries[key]
		t := Task{Key: key, Kind: e.Kind, ID: e.ID, Code: e.Code, Start: e.Start, Product: e.Want.Product}
		rank := 0
		switch {
		case e.Kind == Part:
			continue
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
	if w.State == erp.Closed {
		return false
	}
	asked := e.Ask != nil && e.Ask.About == "quantity "+w.Quantity.String() && e.Ask.Answer == ""
	return !w.Quantity.Equal(a.Quantity) && w.Quantity.Sign() > 0 && !asked || !w.Due.Equal(a.Due) && !w.Due.IsZero() || w.Text != a.Text || e.Ask != nil && e.Ask.Answer != ""
}

// tick tells of orders that the source closed long ago and that are still open
// in Prodsmart.
func (b *Book) tick(now time.Time) {
	for _, key := range sortedKeys(b.entries) {
		e := b.entries[key]
		if e.ClosedAt.IsZero() || e.ID == 0 || e.Alert || e.Want.State != erp.Closed || now.Sub(e.ClosedAt) < b.settings.Grace {
			continue
		}
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

// Deleted reports that the order is not in Prodsmart any more. Unless the source
// wanted that, a person deleted it: it is not made again.
func (b *Book) Deleted(key string, now time.Time) {
	e := b.entries[key]
	if e == nil || e.final() {
		return
	}
	if e.Want.State == erp.Cancelled {
		if e.Applied != nil {
			e.Applied.State = erp.Cancelled
		}
		b.set(e, now, Cancelled, false, "cancelled in the source; it is not in Prodsmart any more")
		return
	}
	b.set(e, now, Refused, true, "deleted in Prodsmart by a person; it is not made again unless an operator wants it (orders resolve)")
}

// Telling gives the next notice of an entry. Save Changes before it is sent: a
// notice that left is never sent twice.
func (b *Book) Telling(key string, now time.Time) (short, long string, ok bool) {
	e := b.entries[key]
	for e != nil && len(e.Notices) > 0 {
		n := &e.Notices[0]
		if !n.Sent {
			n.Sent = true
			b.touch(e)
			return n.Short, n.Long, true
		}
		b.say(now, e, true, "it is not known whether this notice arrived, and it is not sent twice: %s", n.Short)
		e.Notices = e.Notices[1:]
		b.touch(e)
	}
	return "", "", false
}

// Told reports what became of a notice. again says that it certainly did not
// leave and is to be sent again; why is empty if it arrived.
func (b *Book) Told(key string, again bool, why string, now time.Time) {
	e := b.entries[key]
	if e == nil || len(e.Notices) == 0 {
		return
	}
	b.touch(e)
	if again {
		e.Notices[0].Sent = false
		return
	}
	if why == "" {
		b.say(now, e, false, "told the people at the order: %s", e.Notices[0].Short)
	} else {
		b.say(now, e, true, "the people at the order may not have been told (%s): %s", oneLine(why, 200), e.Notices[0].Short)
	}
	e.Notices = e.Notices[1:]
}

// See takes over production orders as Prodsmart shows them, from lists or
// messages, each with the moment from which it was like that; others than the
// book's are passed by. now is the present.
func (b *Book) See(orders []prodsmart.ProductionOrder, asOf []time.Time, now time.Time) {
	for i, o := range orders {
		key, ours := b.byID[o.ID]
		if !ours {
			continue
		}
		e := b.entries[key]
		if asOf[i].Before(e.Seen.At) {
			continue
		}
		if o.Deleted() {
			b.Deleted(key, now)
			continue
		}
		b.seen(e, o, asOf[i])
		if phaseOf(o) == closed && e.Want.State == erp.Closed && e.Status != Over {
			b.set(e, now, Over, false, "")
		}
	}
	b.progress(now)
}

// Unseen are the numbers of the orders that are not among those listed, though
// they should be: not known to be closed, and last seen before the list's moment.
// They are to be read one by one: give them to See, or to Deleted by their key.
func (b *Book) Unseen(orders []prodsmart.ProductionOrder, trueAt time.Time) map[int64]string {
	listed := map[int64]bool{}
	for _, o := range orders {
		listed[o.ID] = true
	}
	out := map[int64]string{}
	for id, key := range b.byID {
		e := b.entries[key]
		if e == nil || e.Kind != Production || e.ID != id || listed[id] || e.final() || phaseName(e.Seen.Running) == closed && e.Seen.Running != "" {
			continue
		}
		if e.Seen.At.Before(trueAt) && e.Since.Before(trueAt) {
			out[id] = key
		}
	}
	return out
}

// How long, and how often, an order is read again whose goods were written back
// after it was closed: corrections come late, and no list shows them.
const (
	correctable = 7 * 24 * time.Hour
	recheck     = 6 * time.Hour
)

// Corrected are the orders that are to be read again because they may have been
// corrected after they were closed; give them to See.
func (b *Book) Corrected(now time.Time) []int64 {
	var out []int64
	for _, key := range sortedKeys(b.entries) {
		e := b.entries[key]
		if e.ID != 0 && phaseName(e.Seen.Running) == closed && e.Back.Written.Sign() > 0 && now.Sub(e.Back.WrittenAt) < correctable && now.Sub(e.Seen.At) >= recheck {
			out = append(out, e.ID)
		}
	}
	return out
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
		delete(b.byID, e.ID)
		e.ID, e.Applied, e.Intent, e.Seen, e.Notices = 0, nil, time.Time{}, Seen{}, nil
		delete(b.codes, string(e.Kind)+e.Code)
		e.Code = ""
		b.set(e, now, Changing, false, "made again by an operator's decision")
	case e.Stuck != "" && option == "retry":
		e.Stuck = ""
		b.set(e, now, Changing, false, "tried again by an operator's decision")
	default:
		return errNoOption(e, option)
	}
	b.say(now, e, false, "an operator decided: %s", option)
	b.touch(e)
	return nil
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
