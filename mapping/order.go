package mapping

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// orderConfirm is how long another order must be shown before it is
	// believed. A device that writes the text in pieces, clears it between two
	// orders or shows another one for a moment changes nothing.
	orderConfirm = 2 * time.Second
	// maxOrderText is the number of characters of an order that are kept.
	maxOrderText = 100
	// maxOrders is how many changes in quietFor the journal hears of.
	maxOrders = 60
)

// runningOrder follows the tag that names the order or job that runs.
//
// A change is dated by the sample that first showed it, and what the counter had
// made by then belongs to the order before; the counter's first word after it
// counts, if it comes before the change is believed. A change that was not seen as it
// came, because a link was down, the counter had no usable value or the gateway
// was off, is dated by the first sample after that, and all that the counter
// catches up on belongs to the order before. Some of it may have been made for
// the present one; but pieces that are said to be of an earlier order are told
// at once or held, and named to a person, while pieces wrongly said to be of the
// present one are booked on it without a word. An order that came and went
// meanwhile was never seen.
type runningOrder struct {
	signal int
	source string
	state  orderMark // without a source while nothing is known
	next   orderMark // that waits for its confirmation, if waiting says so

	waiting   bool
	good      bool // the newest sample of this session is usable
	taken     connectors.Value
	mentioned mentions
}

// orderMark is an order and its beginning.
type orderMark struct {
	// Source is the tag that names it.
	Source string `json:"source"`
	// Text is empty if no order runs.
	Text string `json:"text"`
	// Count is the total when it began, Since when that was; zero if it ran at
	// the first contact already.
	Count int64     `json:"count"`
	Since time.Time `json:"since,omitzero"`
	// Open says that the counter has yet to catch up, and Count with it.
	Open bool `json:"open,omitempty"`
}

// bindOrder prepares the order, if there is a tag for it.
func (m *Machine) bindOrder() {
	if o := m.spec.Order; o != nil {
		m.order = &runningOrder{signal: o.Signal, source: m.spec.Signals[o.Signal].key()}
	}
}

// sample takes a sample of the tag. It says whether there is something to judge.
// Values that can not be used change nothing.
func (o *runningOrder) sample(t time.Time, s *connectors.Sample) bool {
	if s.Quality != connectors.Good {
		o.good = false
		return false
	}
	if o.good && s.Value == o.taken {
		return false
	}
	text, ok := orderText(s.Value)
	o.good, o.taken = ok, s.Value
	switch {
	case !ok:
		return false
	case o.state.Source != "" && text == o.state.Text:
		o.waiting = false
		return false
	case !o.waiting || text != o.next.Text:
		o.next, o.waiting = orderMark{Source: o.source, Text: text, Since: t, Open: true}, true
	}
	return true
}

// orderText is how an order is named; empty if the value means that there is
// none: an empty text, zero, or nothing but zeros. It is false for a value that
// says nothing.
func orderText(v connectors.Value) (string, bool) {
	text := ""
	switch v.Kind() {
	case connectors.KindFloat32, connectors.KindFloat64: // without an exponent
		f, bits := v.AsFloat(), 64
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return "", false
		}
		if f == 0 {
			return "", true // there is a negative zero
		}
		if v.Kind() == connectors.KindFloat32 {
			bits = 32
		}
		text = strconv.FormatFloat(f, 'f', -1, bits)
	default:
		text = v.Text()
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	text = strings.TrimSpace(text)
	n := 0
	for i := range text {
		if n == maxOrderText {
			text = strings.TrimSpace(text[:i])
			break
		}
		n++
	}
	if strings.Trim(text, "0") == "" {
		return "", true
	}
	return text, true
}

// relinked forgets what is only true within one session of the source. The next
// value is of the present, whatever was on its way to be believed.
func (o *runningOrder) relinked() { o.good, o.waiting = false, false }

// due is when a waiting order is believed; zero if none is, or if the source
// does not vouch for it.
func (o *runningOrder) due() time.Time {
	if !o.waiting || !o.good {
		return time.Time{}
	}
	return o.next.Since.Add(orderConfirm)
}

// deadline is when time alone brings something about: the order is believed, or
// its count stands.
func (o *runningOrder) deadline() time.Time {
	if !o.waiting {
		return time.Time{}
	}
	return o.next.Since.Add(orderConfirm)
}

// unsettled says that the next step must look at it.
func (o *runningOrder) unsettled() bool { return o.waiting || o.state.Open }

// settleOrder brings the order up to the totals of t.
func (m *Machine) settleOrder(t time.Time, out *Outcome) {
	o := m.order
	if o == nil {
		return
	}
	if o.waiting {
		m.catchUp(t, &o.next)
	}
	if m.catchUp(t, &o.state) {
		out.changed()
	}
	if due := o.due(); !due.IsZero() && !t.Before(due) {
		o.begin(t, out)
	}
}

// catchUp moves the count of an order's beginning along until the part counter
// is current. It says whether anything changed.
func (m *Machine) catchUp(t time.Time, o *orderMark) bool {
	if !o.Open {
		return false
	}
	before := o.Count
	if m.count != nil {
		o.Count = m.count.posted
		// A counter with a rhythm of its own has a moment to say where it was. One
		// that stays silent has made nothing, or is read so seldom that nobody
		// can tell.
		own := m.count.own
		heard := !own.state.At.Before(o.Since) || t.Sub(o.Since) >= orderConfirm
		o.Open = !heard || !m.current(t, own) || m.unknown(t, m.count) != ""
	} else {
		o.Open = false
	}
	return !o.Open || o.Count != before
}

// begin believes the order that was waiting. The first one is no change: nobody
// knows since when it runs.
func (o *runningOrder) begin(t time.Time, out *Outcome) {
	before := o.state
	o.state, o.waiting = o.next, false
	out.changed()
	if before.Source == "" {
		o.state.Since = time.Time{}
		out.event(t, "order", "order", Info, "at the first contact there is "+orderName(o.state.Text), nil)
		return
	}
	n := o.mentioned.count(t)
	if n > maxOrders {
		return
	}
	text := fmt.Sprintf("changed from %s to %s %v ago, at a total of %d", orderName(before.Text), orderName(o.state.Text),
		max(t.Sub(o.state.Since), 0).Round(time.Second), o.state.Count)
	if o.state.Open {
		text += "; what the counter catches up on is taken to be of the one before"
	}
	level := Info
	if n == maxOrders {
		level = Notice
		text += fmt.Sprintf(". That was change %d in %v, and no more are noted for a while: check whether the tag names the order", n, quietFor)
	}
	out.event(t, "order", "order", level, text, nil)
}

func orderName(text string) string {
	if text == "" {
		return "no order"
	}
	return strconv.Quote(text)
}
