package orders

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// NextWrite is the write-back to work on now, the oldest first: one whose outcome
// is not known is looked up before anything else is sent. look says that.
func (b *Book) NextWrite() (w Outgoing, look, ok bool) {
	var best *Outgoing
	for _, id := range sortedKeys(b.writes) {
		o := b.writes[id]
		if o.State != Intended && o.State != Sending && o.State != Unknown {
			continue
		}
		if best == nil || unclear(o) && !unclear(best) || unclear(o) == unclear(best) && o.Since.Before(best.Since) {
			best = o
		}
	}
	if best == nil {
		return Outgoing{}, false, false
	}
	return *best, unclear(best), true
}

func unclear(o *Outgoing) bool { return o.State == Sending || o.State == Unknown }

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
	b.become(o, Confirmed, "", now)
	e := b.entries[o.Entry]
	if e != nil && r.Key != "" && e.Back.Told != nil {
		said := e.Back.Told[o.Write.Kind]
		said.Key = r.Key
		e.Back.Told[o.Write.Kind] = said
		b.touch(e)
	}
	b.say(now, e, false, "written back (%s, %s): %s", o.Write.Kind, id, oneLine(r.Says, 200))
}

// NotWrote reports that a write was certainly not done. refused says that the
// system said no: goods are then parked for a person, a text is given up.
func (b *Book) NotWrote(id string, refused bool, why string, now time.Time) {
	o := b.writes[id]
	if o == nil {
		return
	}
	switch {
	case !refused:
		b.become(o, Intended, oneLine(why, 300), now)
	case o.Write.Kind == erp.Produced:
		b.park(o, now, "the system refused it: "+oneLine(why, 300))
	default:
		b.become(o, Failed, oneLine(why, 300), now)
		b.say(now, b.entries[o.Entry], true, "the write-back (%s, %s) was refused: %s", o.Write.Kind, id, oneLine(why, 300))
	}
}

// Unsure reports that nobody knows whether a write was done.
func (b *Book) Unsure(id, why string, now time.Time) {
	if o := b.writes[id]; o != nil {
		b.become(o, Unknown, oneLine(why, 300), now)
	}
}

// Looked reports what a look for a write showed.
func (b *Book) Looked(id string, r erp.Receipt, done bool, now time.Time) {
	if done {
		b.Wrote(id, r, now)
		return
	}
	b.NotWrote(id, false, "it had not arrived", now)
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
	case option == "send":
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
