package orders

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// NextWrite is the write-back to work on now: first one whose outcome is not known,
// which is looked up (look says that), then the oldest. What failed rests for a while,
// so that it does not keep the others or use up the system's budget of calls. Goods of
// a product wait while nobody knows whether earlier ones arrived.
func (b *Book) NextWrite(now time.Time) (w Outgoing, look, ok bool) {
	var best *Outgoing
	doubtful := map[string]bool{}
	for _, o := range b.writes {
		if unclear(o) && o.Write.Kind == erp.Produced {
			doubtful[o.Write.Product] = true
		}
	}
	for _, id := range sortedKeys(b.writes) {
		o := b.writes[id]
		switch {
		case o.State != Intended && !unclear(o), o.Rest.After(now):
			continue
		case o.State == Intended && (b.resting[o.Write.Kind].until.After(now) || o.Write.Kind == erp.Produced && doubtful[o.Write.Product]):
			continue
		}
		if best == nil || unclear(o) && !unclear(best) || unclear(o) == unclear(best) && o.Since.Before(best.Since) {
			best = o
		}
	}
	if best == nil {
		return Outgoing{}, false, false
	}
	w = *best
	w.Write.Unposted = decimal.Zero // what it was at an earlier attempt
	for _, o := range b.DraftsBeside(w.Write) {
		w.Write.Unposted = w.Write.Unposted.Add(o.Write.Delta)
	}
	return w, unclear(best), true
}

// DraftsBeside are the documents about the same goods at the same place that were not
// posted when they were last looked at. Where goods are counted anew they are looked at
// before (Posted, Declined), and NextWrite is asked again.
func (b *Book) DraftsBeside(w erp.Write) []Outgoing {
	var out []Outgoing
	for _, id := range sortedKeys(b.writes) {
		o := b.writes[id]
		if v := o.Write; o.draft() && w.Kind == erp.Produced && v.Product == w.Product && v.Company == w.Company && v.Place == w.Place {
			out = append(out, *o)
		}
	}
	return out
}

// draft says that the goods of a write are in no stock before people post it.
func (o *Outgoing) draft() bool {
	return o.State == Confirmed && o.Receipt.Draft && o.Write.Kind == erp.Produced
}

// How often, and how many at a time, documents are looked at that people have to post.
const (
	lookAtDrafts = 4 * time.Hour
	mostDrafts   = 10
)

// Drafts are documents that are to be looked at: whether they were posted. Report each
// with Posted.
func (b *Book) Drafts(now time.Time) []Outgoing {
	var out []Outgoing
	for _, id := range sortedKeys(b.writes) {
		if o := b.writes[id]; o.draft() && now.Sub(o.Since) >= lookAtDrafts && !o.Rest.After(now) && len(out) < mostDrafts {
			o.Rest = now.Add(lookAtDrafts)
			out = append(out, *o)
		}
	}
	return out
}

// Declined reports that people refused a document: its goods are parked.
func (b *Book) Declined(id string, err error, now time.Time) {
	if o := b.writes[id]; o != nil {
		o.Declined = true
		b.giveUp(o, "", err, now)
	}
}

// Posted reports what a look at a document showed. One that is not there any more was
// taken out by people, who booked its goods otherwise.
func (b *Book) Posted(id string, r erp.Receipt, there bool, now time.Time) {
	o := b.writes[id]
	if o == nil || there && r.Draft {
		return
	}
	o.Receipt.Draft = false
	b.dirty[rowName{rowWrite, id}] = true
	what := "the document %s was posted"
	if !there {
		what = "the document %s is not there any more: its goods count as booked"
	}
	b.say(now, b.entries[o.Entry], false, what, id)
}

func unclear(o *Outgoing) bool { return o.State == Sending || o.State == Unknown }

// resting is a kind of write-back that is left alone, because it is not for the single
// write that it fails.
type resting struct {
	tries int
	until time.Time
}

const (
	// mostDoubts is how often an answer is not understood before a person is asked.
	mostDoubts = 8
	// manyTries is how often something fails before a person is told.
	manyTries = 4
)

// pauseAfter is how long to wait after so many failures: nothing after the first, then
// from a minute to an hour.
func pauseAfter(tries int) time.Duration {
	if tries < 2 {
		return 0
	}
	return min(time.Minute<<min(tries-2, 10), time.Hour)
}

// failed notes that a write failed once more.
func (b *Book) failed(o *Outgoing, state Sent, err error, now time.Time) {
	var e *erp.Error
	if errors.As(err, &e) && e.Fault == erp.Unavailable && e.Until.After(now) {
		o.Rest = e.Until // it says when to come again, which is no failure
		b.become(o, state, oneLine(err.Error(), 300), now)
		return
	}
	o.Tries++
	o.Rest = now.Add(pauseAfter(o.Tries))
	b.become(o, state, oneLine(err.Error(), 300), now)
	if erp.Is(err, erp.Denied) || erp.Is(err, erp.Misconfigured) || erp.Is(err, erp.Exhausted) {
		r := b.resting[o.Write.Kind]
		r.tries++
		r.until = now.Add(min(10*time.Minute<<min(r.tries-1, 10), 6*time.Hour))
		if e != nil && e.Until.After(now) {
			r.until = e.Until
		}
		b.resting[o.Write.Kind] = r
	}
	if o.Tries == manyTries {
		b.say(now, b.entries[o.Entry], true, "the write-back (%s, %s) failed %d times, the next tries are at most an hour apart: %s", o.Write.Kind, o.Write.ID, o.Tries, o.Why)
	}
}

// Leaving reports that a write, with its plan, is about to be sent. Save Changes
// before.
func (b *Book) Leaving(w erp.Write, now time.Time) {
	o := b.writes[w.ID]
	if o == nil {
		return
	}
	o.Write = w
	b.become(o, Sending, "", now)
}

func (b *Book) become(o *Outgoing, state Sent, why string, now time.Time) {
	o.State, o.Why, o.Since = state, why, now
	b.dirty[rowName{rowWrite, o.Write.ID}] = true
}

// Wrote reports that a write was done.
func (b *Book) Wrote(id string, r erp.Receipt, now time.Time) {
	o := b.writes[id]
	if o == nil {
		return
	}
	o.Receipt = r
	o.Tries, o.Rest = 0, time.Time{}
	delete(b.resting, o.Write.Kind)
	b.become(o, Confirmed, "", now)
	e := b.entries[o.Entry]
	if e != nil && r.Key != "" && e.Back.Told != nil {
		said := e.Back.Told[o.Write.Kind]
		said.Key = r.Key
		e.Back.Told[o.Write.Kind] = said
		b.touch(e)
	}
	b.say(now, e, false, "written back (%s, %s): %s", o.Write.Kind, id, oneLine(r.Says, 200))
	if r.Doubt != "" {
		b.say(now, e, true, "write-back %s: %s", id, oneLine(r.Doubt, 400))
	}
}

// NotWrote reports that a write was certainly not done. If the system said no, goods
// are parked for a person, and a text is given up.
func (b *Book) NotWrote(id string, err error, now time.Time) {
	o := b.writes[id]
	switch {
	case o == nil:
	case erp.Is(err, erp.Refused), erp.Is(err, erp.Gone):
		o.Declined = renew(err)
		b.giveUp(o, "the system refused it: ", err, now)
	case o.Tries >= mostDoubts && erp.Is(err, erp.Garbled):
		b.giveUp(o, "", err, now)
	default:
		b.failed(o, Intended, err, now)
	}
}

// renew says of an error that a document is in the way of the write's id.
func renew(err error) bool {
	var e *erp.Error
	return errors.As(err, &e) && e.Renew
}

// giveUp parks goods for a person, and lets a text be.
func (b *Book) giveUp(o *Outgoing, because string, err error, now time.Time) {
	o.Receipt.Draft = false // nobody posts it any more
	why := because + oneLine(err.Error(), 300)
	if o.Write.Kind == erp.Produced {
		b.park(o, now, why)
		return
	}
	b.become(o, Failed, why, now)
	b.say(now, b.entries[o.Entry], true, "the write-back (%s, %s) was given up: %s", o.Write.Kind, o.Write.ID, why)
}

// Unsure reports that nobody knows whether a write was done, as err says. If that can
// not be found out either, time after time, a person has to look.
func (b *Book) Unsure(id string, err error, now time.Time) {
	o := b.writes[id]
	switch {
	case o == nil:
	case renew(err):
		o.Declined = true
		b.giveUp(o, "", err, now)
	case erp.Is(err, erp.Refused), erp.Is(err, erp.Gone),
		o.Tries >= mostDoubts && (erp.Is(err, erp.Garbled) || erp.Is(err, erp.Denied) || erp.Is(err, erp.Misconfigured)):
		b.giveUp(o, "whether it was done can not be found out; look in the other system: ", err, now)
	default:
		b.failed(o, Unknown, err, now)
	}
}

// Looked reports what a look for a write showed.
func (b *Book) Looked(id string, r erp.Receipt, done bool, now time.Time) {
	if done {
		b.Wrote(id, r, now)
		return
	}
	if o := b.writes[id]; o != nil {
		b.become(o, Intended, "it had not arrived", now)
	}
}

// Writes gives copies of the write-backs, by id.
func (b *Book) Writes() []Outgoing {
	var out []Outgoing
	for _, id := range sortedKeys(b.writes) {
		out = append(out, *b.writes[id])
	}
	return out
}

// Options are what an operator may decide about a write-back.
func (o Outgoing) Options() []string {
	if o.State != Parked {
		return nil
	}
	return []string{"send", "drop"}
}

// ResolveWrite takes over an operator's decision about a write-back that is
// parked: send it, or drop it because it was booked by hand.
func (b *Book) ResolveWrite(id, option string, now time.Time) error {
	o := b.writes[strings.ToUpper(id)]
	switch {
	case o == nil:
		return fmt.Errorf("there is no write-back %q", id)
	case o.State != Parked:
		return fmt.Errorf("nothing is to be decided about write-back %s: it is %s", id, o.State)
	case !slices.Contains(o.Options(), option):
		return fmt.Errorf("%q can not be said about write-back %s; say one of: %s", option, id, strings.Join(o.Options(), ", "))
	case option == "send" && o.Declined && b.entries[o.Entry] != nil && b.entries[o.Owner] != nil:
		// The document that is in the way keeps its id: this is another one.
		delete(b.writes, o.Write.ID)
		b.dirty[rowName{rowWrite, o.Write.ID}] = true
		b.send(b.entries[o.Entry], b.entries[o.Owner], o.Write, now)
	case option == "send":
		o.Tries, o.Rest = 0, time.Time{}
		delete(b.resting, o.Write.Kind)
		b.become(o, Intended, "sent by an operator's decision", now)
	default:
		b.become(o, Confirmed, "booked by hand, says an operator", now)
	}
	if e := b.entries[o.Owner]; e != nil && e.Rebuilt {
		e.Rebuilt = false
		b.touch(e)
	}
	b.say(now, b.entries[o.Entry], false, "an operator decided about write-back %s: %s", id, option)
	return nil
}

// forget removes write-backs that were done or given up long ago.
func (b *Book) forget(before time.Time) {
	for id, o := range b.writes {
		if (o.State == Confirmed || o.State == Failed) && o.Since.Before(before) {
			delete(b.writes, id)
			b.dirty[rowName{rowWrite, id}] = true
		}
	}
}
