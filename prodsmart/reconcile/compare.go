package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// longestText bounds the text of a difference, in characters.
const longestText = 1000

// Compare gives the differences of one machine in the order of their time; none
// means that both sides are in step. terms are those of all machines that were
// read together.
func Compare(terms Terms, in Input) []Difference {
	shifted := in.shifted(terms.Offset)
	out := shifted.downtimes(terms)
	out = append(out, shifted.counts(terms)...)
	out = append(out, shifted.state()...)
	for i := range out {
		out[i].Text = oneLine(out[i].Text)
	}
	slices.SortStableFunc(out, func(a, b Difference) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// oneLine makes a text fit for a line, whatever the names in it hold, and bounds
// it.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
	}), " ")
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText-1]) + "…"
	}
	return text
}

// state compares what is kept as told with the posts that made it so.
func (in *Input) state() []Difference {
	if !in.Told.Counted || in.Told.At.IsZero() {
		return nil
	}
	posted, sent, any := int64(0), int64(0), false
	for i := range in.Posts {
		p := &in.Posts[i]
		body, ok := p.counter()
		if !ok || p.outcome() == notApplied || p.window().last.After(in.Told.At) {
			continue
		}
		any, sent = true, max(sent, *body.Count)
		if p.outcome() == applied {
			posted = max(posted, *body.Count)
		}
	}
	d := Difference{Machine: in.Machine, At: in.Told.At, Cause: LostState, Confidence: Likely}
	switch {
	case !any:
		return nil
	case in.Told.Count < posted:
		d.Kind = ToldBelow
		d.Text = fmt.Sprintf("The gateway believes that %d pieces were told, and Prodsmart accepted %d: an older copy of the data folder has come back.", in.Told.Count, posted)
	case in.Told.Count > sent:
		// The ledger is kept before the journal: an abrupt end can cost a request
		// there. What Prodsmart really has, its productions show.
		d.Kind, d.Confidence, d.Usual = ToldAbove, Possible, true
		d.Text = fmt.Sprintf("The gateway believes that %d pieces were told, and the journal has no request above %d: the newest one was lost in an abrupt end, or the data folder is that of another gateway.", in.Told.Count, sent)
	default:
		return nil
	}
	return []Difference{d}
}
