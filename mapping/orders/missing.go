package orders

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// missing looks at the documents that a complete read did not have. An absence
// counts when the read did not shrink too much and a second read, a while
// later, does not have the document either.
func (b *Book) missing(seen map[string]bool, at time.Time) (gone []*Entry) {
	there := 0
	var absent []*Document
	for _, key := range sortedKeys(b.documents) {
		switch d := b.documents[key]; {
		case !d.open():
		case seen[key]:
			there++
		case b.lives(d):
			absent = append(absent, d)
		}
	}
	b.head.Full = at
	b.touchHead()
	if n := len(absent); n > 0 && !b.head.Believe && (there == 0 || n*100 > b.settings.MostShrunk*(there+n)) {
		key := fmt.Sprintf("shrunk %d %d", n, there)
		if !b.told[key] {
			b.say(at, nil, true, "%d of %d open orders are missing in the source: a read that shrinks by more than %d %%, or to nothing, removes nothing (if it is right: orders resolve %s believe)",
				n, there+n, b.settings.MostShrunk, b.settings.Source)
		}
		b.told[key] = true
		return nil
	}
	believed := b.head.Believe
	b.head.Believe = false
	for _, d := range absent {
		d.Missed++
		if d.Missed == 1 {
			d.MissedSince = at
		}
		if believed { // the operator's word stands for a second read
			d.Missed, d.MissedSince = max(d.Missed, 2), at.Add(-b.settings.MissedFor)
		}
		b.touchDocument(d)
		if !b.confirm && b.overdue(d, at) {
			gone = append(gone, b.disappear(d, at)...)
		}
	}
	return gone
}

// overdue says that two complete reads, far enough apart, did not have it.
func (b *Book) overdue(d *Document, at time.Time) bool {
	return d.Missed >= 2 && at.Sub(d.MissedSince) >= b.settings.MissedFor
}

// Doubtful are the documents that are to be asked for one by one, because complete
// reads did not have them: where the source can be asked, that confirms that they
// are gone. Give both to Asked. One that could not be asked for rests for an hour.
func (b *Book) Doubtful(at time.Time) []Document {
	var out []Document
	for _, key := range sortedKeys(b.documents) {
		if d := b.documents[key]; b.confirm && d.open() && b.overdue(d, at) && at.Sub(d.AskedAt) >= time.Hour {
			out = append(out, *d)
		}
	}
	return out
}

// Believe lets the next complete read shrink as much as it does.
func (b *Book) Believe(at time.Time) {
	b.head.Believe = true
	b.touchHead()
	b.say(at, nil, false, "an operator said that the next complete read is right, however much is missing in it")
}

// goneWord stands for the state of a document that the source does not have any more.
const goneWord = "gone"

// disappear cancels a document that the source does not have any more.
func (b *Book) disappear(d *Document, at time.Time) (gone []*Entry) {
	d.State, d.Word = erp.Cancelled, goneWord
	for _, id := range sortedKeys(d.Lines) {
		if e := b.entries[d.Lines[id]]; e != nil {
			if e.Want.State != erp.Cancelled && e.ID != 0 {
				b.say(at, e, false, "the order %s is not in the source any more", d.name())
			}
			gone = append(gone, b.removeLine(e, at)...)
		}
	}
	b.touchDocument(d)
	return gone
}

// gone takes over, of documents that the source was asked for and has none of, those
// that count as gone. gone are the entries that this cancels.
func (b *Book) gone(documents []Document, at time.Time) (gone []*Entry) {
	open := 0
	for _, d := range b.documents {
		if d.open() && b.lives(d) {
			open++
		}
	}
	for _, asked := range documents {
		d := b.find(asked.Company, asked.ID, nil)
		if d == nil || !d.open() {
			continue
		}
		b.Unanswered(asked, at)
		if b.overdue(d, at) { // complete reads do not have it either
			gone = append(gone, b.disappear(d, at)...)
			continue
		}
		switch {
		case !b.head.Proven:
			b.once(at, "order "+d.name()+" was in no read for long, and the source does not show it alone either; it has not been seen yet that the source shows old orders alone, "+
				"so it counts as open: look it up there, and delete it in Prodsmart if it is gone")
		case len(documents)*100 > b.settings.MostShrunk*open && len(documents) > fewOrders:
			b.once(at, fmt.Sprintf("%d of %d open orders were asked for one by one and are not there: that many are not believed to be gone", len(documents), open))
		case d.Unfound.IsZero():
			d.Unfound = at
			b.touchDocument(d)
		case at.Sub(d.Unfound) >= b.settings.MissedFor:
			gone = append(gone, b.disappear(d, at)...)
		}
	}
	return gone
}

// Unanswered notes that the source was asked for a document and did not show it.
func (b *Book) Unanswered(asked Document, at time.Time) {
	if d := b.find(asked.Company, asked.ID, nil); d != nil {
		d.AskedAt = at
		b.touchDocument(d)
	}
}

// fewOrders are too few to say that too many of them are missing.
const fewOrders = 3

// name is what people call the document.
func (d *Document) name() string {
	if d.Number != "" {
		return d.Number
	}
	return d.ID
}

// guard holds the source if too much is cancelled at once.
func (b *Book) guard(gone []*Entry, at time.Time) {
	n := 0
	for _, e := range gone {
		if e.ID != 0 || !e.Intent.IsZero() || e.Into != "" {
			n++
		}
	}
	if h := b.head.Hold; h != nil {
		if n > 0 {
			h.Cancelled += n
			b.touchHead()
		}
		return
	}
	if n <= b.settings.MostCancelled {
		return
	}
	b.head.Hold = &Hold{Since: at, Cancelled: n, What: fmt.Sprintf("%d cancellations came in one read, %d are the most that are believed", n, b.settings.MostCancelled)}
	b.touchHead()
	b.say(at, nil, true, "%s: nothing of this source is changed in Prodsmart until an operator releases it (orders resolve %s release)", b.head.Hold.What, b.settings.Source)
}

// Release lets the source go on after a hold.
func (b *Book) Release(at time.Time) bool {
	if b.head.Hold == nil {
		return false
	}
	b.say(at, nil, false, "released by an operator; %d cancellations go on", b.head.Hold.Cancelled)
	b.head.Hold = nil
	b.touchHead()
	b.judgeAll(at)
	return true
}
