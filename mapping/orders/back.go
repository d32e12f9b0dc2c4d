package orders

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Trigger says when progress is written back.
type Trigger string

const (
	// OnClose: when the production order is closed.
	OnClose Trigger = "on_close"
	// OnStep: also every so many pieces or minutes.
	OnStep Trigger = "on_step"
	// Manual: only when an operator says so (write, of Book.Resolve).
	Manual Trigger = "manual"
)

// WriteRule is one kind of write-back that is on.
type WriteRule struct {
	On Trigger
	// Step is the number of pieces, and Every the time, after which progress is
	// written with OnStep; zero for none.
	Step  decimal.Decimal
	Every time.Duration
	// Negative lets a correction in Prodsmart be written as a negative document;
	// otherwise it is parked for a person.
	Negative bool
	// Stages are those at which a status is set, of Started and Completed; empty is
	// both.
	Stages []erp.Stage
	// Down is how long a machine stands before a task tells of it; 0 is never.
	Down time.Duration
}

// sets says whether a status is set at a stage.
func (r WriteRule) sets(stage erp.Stage) bool {
	if len(r.Stages) == 0 {
		return stage == erp.Started || stage == erp.Completed
	}
	return slices.Contains(r.Stages, stage)
}

// Sent is how far a write-back is.
type Sent string

// The states of a write-back. Unknown is resolved by looking, never by sending
// again blindly.
const (
	Intended  Sent = "intended"
	Sending   Sent = "sent"
	Confirmed Sent = "confirmed"
	Unknown   Sent = "unknown"
	Failed    Sent = "failed"
	Parked    Sent = "parked"
)

// Outgoing is one write-back.
type Outgoing struct {
	Write erp.Write
	// Entry is the key of the entry it is about, Owner of the one whose order it
	// is (the aggregate of a part).
	Entry, Owner string
	State        Sent
	Since        time.Time
	Why          string `json:",omitempty"`
	Receipt      erp.Receipt
	// Tries are the failures in a row, Rest is until when it is left alone.
	Tries int       `json:",omitempty"`
	Rest  time.Time `json:",omitzero"`
	// Declined says that a document with its id is in the way: people rejected it, or it
	// is another one.
	Declined bool `json:",omitempty"`
}

// Back is what was written back about an entry.
type Back struct {
	// Sequence numbers the writes of an order.
	Sequence int `json:",omitempty"`
	// Written is the quantity of goods that was written back, or is about to be.
	Written   decimal.Decimal `json:",omitzero"`
	WrittenAt time.Time       `json:",omitzero"`
	// Told is what was last said, by kind.
	Told map[erp.Kind]Said `json:",omitempty"`
	// Asked says that an operator wants it written back as it is now.
	Asked bool `json:",omitempty"`
}

// Said is the last word of one kind.
type Said struct {
	Stage    erp.Stage
	Produced decimal.Decimal
	At       time.Time
	Key      string `json:",omitempty"`
}

// progress looks for what is to be written back.
func (b *Book) progress(at time.Time) {
	if len(b.settings.Writes) == 0 {
		return
	}
	b.waiting = map[string]bool{}
	for _, w := range b.writes {
		if w.State != Confirmed && w.State != Failed {
			b.waiting[w.Entry+"\x00"+string(w.Write.Kind)] = true
		}
	}
	entries := b.those(func(e *Entry) bool {
		return e.Kind == Production && e.ID != 0 && !e.Seen.At.IsZero() && !b.settled(e) && !e.nameless()
	})
	open := b.tellOrders(entries, at)
	for _, e := range entries {
		sent := len(b.writes)
		for _, kind := range sortedKinds(b.settings.Writes) {
			rule := b.settings.Writes[kind]
			switch {
			case ofOrder(kind), kind == erp.Meta && e.Bucket != "" && e.Document != aggregates:
			case kind == erp.Produced:
				b.goods(e, kind, rule, at)
			case e.Document == aggregates:
				b.shareOut(e, func(part *Entry, made decimal.Decimal) { b.words(single(part, e, made), kind, rule, at) })
			default:
				b.words(single(e, e, e.Seen.Produced), kind, rule, at)
			}
		}
		if e.Back.Asked {
			e.Back.Asked = false
			b.touch(e)
		}
		if sent == len(b.writes) && len(b.waiting) == 0 && phaseName(e.Seen.Running) == closed && !open[e.Key] {
			b.quiet[e.Key] = e.standing()
		}
	}
}

// switched notes which kinds of write-back are on. What was over before a kind was
// switched on was booked by hand, and is not written back any more.
func (b *Book) switched(at time.Time) {
	for kind := range b.head.On {
		if _, on := b.settings.Writes[kind]; !on {
			delete(b.head.On, kind)
			b.touchHead()
		}
	}
	for kind := range b.settings.Writes {
		if !b.head.On[kind].IsZero() {
			continue
		}
		if b.head.On == nil {
			b.head.On = map[erp.Kind]time.Time{}
		}
		b.head.On[kind] = at
		b.touchHead()
		for _, e := range b.those(func(e *Entry) bool {
			return e.ID != 0 && !e.Rebuilt && phaseName(e.Seen.Running) == closed && !e.Seen.At.IsZero()
		}) {
			b.past(e, kind, at)
		}
	}
}

// past takes what is over as written back.
func (b *Book) past(e *Entry, kind erp.Kind, at time.Time) {
	tell := func(e *Entry, made decimal.Decimal) {
		if _, told := e.Back.Told[kind]; told || ofOrder(kind) && b.goesOn(e) {
			return
		}
		if e.Back.Told == nil {
			e.Back.Told = map[erp.Kind]Said{}
		}
		e.Back.Told[kind] = Said{Stage: erp.Completed, Produced: made, At: at}
		b.touch(e)
	}
	switch {
	case kind == erp.Produced && e.Back.WrittenAt.IsZero():
		e.Back.Written, e.Back.WrittenAt = e.Seen.Produced, at
		b.touch(e)
	case kind == erp.Produced:
	case e.Document == aggregates:
		b.shareOut(e, tell)
	default:
		tell(e, e.Seen.Produced)
	}
}

// goesOn says that another line of the same order of the source is not over.
func (b *Book) goesOn(e *Entry) bool {
	d := b.documents[documentKey(e.Company, e.Document)]
	if d == nil {
		return false
	}
	for _, key := range d.Lines {
		other := b.entries[key]
		if other == nil || other == e || other.Kind == Client || other.final() || other.Status == Skipped {
			continue
		}
		owner := other
		if agg := b.entries[other.Into]; other.Kind == Part && agg != nil {
			owner = agg
		}
		if phaseName(owner.Seen.Running) != closed || owner.ID == 0 {
			return true
		}
	}
	return false
}

// nameless says that an entry was found by its marker, and that the source did not
// say since what it calls the article.
func (e *Entry) nameless() bool { return e.Rebuilt && e.Raw.ID == "" && e.Document != aggregates }

// settled says that the entry is closed, and as it was when nothing was left to be
// written back about it.
func (b *Book) settled(e *Entry) bool {
	was, ok := b.quiet[e.Key]
	return ok && !e.Back.Asked && was == e.standing()
}

// standing is all that a write-back about a closed order depends on.
func (e *Entry) standing() string {
	return e.Seen.Running + " " + e.Seen.Status + " " + e.Seen.Produced.String() + " " + string(e.Status) + " " + e.Back.Written.String()
}

func sortedKinds(m map[erp.Kind]WriteRule) []erp.Kind {
	var out []erp.Kind
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, func(x, y erp.Kind) int { return cmp.Compare(x, y) })
	return out
}

// shareOut gives what an aggregate made to its lines, the earliest due first.
func (b *Book) shareOut(agg *Entry, each func(part *Entry, made decimal.Decimal)) {
	left := agg.Seen.Produced
	for _, part := range b.parts() {
		if part.Into != agg.Key {
			continue
		}
		made := decimal.Min(left, part.Want.Quantity)
		left = left.Sub(made)
		each(part, made)
	}
}

// pending says that a write of the kind is under way for the entry: the next one
// waits, and then says the newest.
func (b *Book) pending(key string, kind erp.Kind) bool {
	return b.waiting[key+"\x00"+string(kind)]
}

// stage is what happened to an order last, of which so many are made.
func (e *Entry) stage(owner *Entry, made decimal.Decimal) erp.Stage {
	switch {
	case e.Status == Conflict:
		return erp.Conflict
	case phaseName(owner.Seen.Running) == closed:
		return erp.Completed
	case strings.EqualFold(owner.Seen.Status, "delayed"):
		return erp.Late
	case made.Sign() > 0:
		return erp.Progressed
	}
	return ""
}

func phaseName(running string) phase {
	switch strings.ToLower(running) {
	case "closed", "archived":
		return closed
	case "notstarted":
		return idle
	}
	return started
}

// words writes a text, a status or a mark back.
func (b *Book) words(t telling, kind erp.Kind, rule WriteRule, at time.Time) {
	e, made, stage := t.e, t.made, t.stage
	if kind == erp.Status && (stage == erp.Late || stage == erp.Conflict) {
		stage = ""
		if made.Sign() > 0 {
			stage = erp.Progressed // that a status is late, or cancelled, is not said by us
		}
	}
	last := e.Back.Told[kind]
	if stage == "" || rule.On == Manual && !t.asked || b.pending(e.Key, kind) {
		return
	}
	if stage == erp.Progressed && last.Stage == "" {
		stage = erp.Started
	}
	switch {
	case made.Equal(last.Produced) && (stage == last.Stage || stage == erp.Progressed && last.Stage != ""):
		return
	case stage == erp.Conflict && last.Stage == erp.Conflict && !t.over && !b.stepped(rule, last, made, at):
		return
	case stage == erp.Completed, stage == erp.Conflict:
	case t.asked && kind != erp.Status:
	case stage == erp.Late:
		if kind != erp.Task && (rule.On != OnStep || !b.stepped(rule, last, made, at)) || kind == erp.Task && last.Stage == erp.Late {
			return
		}
	case kind == erp.Task && stage == erp.Started && !b.stepped(rule, last, made, at): // a job for the office is no news
		return
	case kind == erp.Status && stage != erp.Started:
		return
	case kind == erp.Status:
	case rule.On != OnStep || stage == erp.Progressed && !b.stepped(rule, last, made, at):
		return
	}
	if kind == erp.Status && (!rule.sets(stage) || last.Stage == stage || last.Stage == erp.Completed) {
		return
	}
	b.send(e, t.owner, erp.Write{
		Kind: kind, Stage: stage, Ordered: t.ordered, Produced: made, Earlier: last.Key, Before: last.Stage,
		Text: b.tale(t.what, stage, e.Want.Due),
	}, at)
	if e.Back.Told == nil {
		e.Back.Told = map[erp.Kind]Said{}
	}
	e.Back.Told[kind] = Said{Stage: stage, Produced: made, At: at, Key: last.Key}
	b.touch(e)
}

// stepped says that enough was made, or enough time went by, since it was last
// told.
func (b *Book) stepped(rule WriteRule, last Said, made decimal.Decimal, at time.Time) bool {
	if made.Equal(last.Produced) {
		return false
	}
	return rule.Step.Sign() > 0 && made.Sub(last.Produced).Abs().GreaterThanOrEqual(rule.Step) || rule.Every > 0 && at.Sub(last.At) >= rule.Every
}

// tale is what people are told.
func (b *Book) tale(what string, stage erp.Stage, due time.Time) string {
	switch stage {
	case erp.Started:
		return what + ", production has begun"
	case erp.Completed:
		return what + " produced"
	case erp.Late:
		return what + " produced, later than " + due.In(b.settings.Zone).Format("2006-01-02 15:04")
	case erp.Conflict:
		return what + " produced; it was cancelled after production had begun"
	}
	return what + " produced"
}

// send puts a write into the book; the caller saves it before it is sent.
func (b *Book) send(e, owner *Entry, w erp.Write, at time.Time) *Outgoing {
	owner.Back.Sequence++
	w.ID = externalID(owner.ID, owner.Back.Sequence)
	w.Company, w.Order, w.Line, w.Number, w.Code = e.Company, e.Document, e.now(), e.Number, owner.Code
	if e.Document == aggregates || e.Bucket != "" {
		w.Company, w.Order, w.Line = "", "", ""
	}
	if ofOrder(w.Kind) {
		w.Line = ""
	}
	w.Product, w.Unit, w.Due, w.At = cmp.Or(e.Raw.Product, e.Want.Product), e.Want.Unit, erp.Moment(e.Want.Due), at
	o := &Outgoing{Write: w, Entry: e.Key, Owner: owner.Key, State: Intended, Since: at}
	b.writes[w.ID] = o
	if b.waiting == nil {
		b.waiting = map[string]bool{}
	}
	b.waiting[e.Key+"\x00"+string(w.Kind)] = true
	b.dirty[rowName{rowWrite, w.ID}] = true
	b.touch(owner)
	return o
}

// goods writes back what was made, as the difference to what was written before.
func (b *Book) goods(e *Entry, kind erp.Kind, rule WriteRule, at time.Time) {
	delta := e.Seen.Produced.Sub(e.Back.Written)
	if delta.Sign() == 0 || b.pending(e.Key, kind) {
		return
	}
	over := phaseName(e.Seen.Running) == closed
	step := rule.On == OnStep && (rule.Step.Sign() > 0 && delta.Abs().GreaterThanOrEqual(rule.Step) || rule.Every > 0 && at.Sub(e.Back.WrittenAt) >= rule.Every)
	if !e.Back.Asked && (rule.On == Manual || !over && !step) {
		return
	}
	stage := erp.Progressed
	if over {
		stage = erp.Completed
	}
	o := b.send(e, e, erp.Write{Kind: kind, Stage: stage, Ordered: e.Want.Quantity, Produced: e.Seen.Produced, Delta: delta, Text: b.tale(single(e, e, e.Seen.Produced).what, stage, e.Want.Due)}, at)
	switch {
	case delta.Sign() < 0 && !rule.Negative:
		b.park(o, at, fmt.Sprintf("%s were made by now, but %s are written back: a correction in Prodsmart; write it in the other system by hand", e.Seen.Produced, e.Back.Written))
	case e.Rebuilt:
		b.park(o, at, "the store was lost: how much was written back before is not known; look in the other system, then release or drop it")
	}
	e.Back.Written, e.Back.WrittenAt = e.Seen.Produced, at
	b.touch(e)
}

func (b *Book) park(o *Outgoing, at time.Time, why string) {
	o.State, o.Why, o.Since = Parked, why, at
	b.dirty[rowName{rowWrite, o.Write.ID}] = true
	b.say(at, b.entries[o.Entry], true, "write-back %s is parked: %s", o.Write.ID, why)
}
