package orders_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// TestChaos lets business systems, planners, workers, operators, outages, crashes and
// lost stores work on each other in virtual time, and compares in the end: no order
// is there twice, none is missing, nothing that was started is deleted, a planner's
// change stays, and every call was within its budget. CHAOS_DAYS and CHAOS_SEED
// choose another run than three days; make chaos runs thirty.
func TestChaos(t *testing.T) {
	days, seed := 3, uint64(1)
	if testing.Short() {
		days = 1
	}
	for name, to := range map[string]func(int){"CHAOS_DAYS": func(n int) { days = n }, "CHAOS_SEED": func(n int) { seed = uint64(n) }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			to(n)
		}
	}
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, []system{newSmartupOffice(t), newFileOffice(t, folder), newSMPOSOffice(t), newRepzoOffice(t), newCSMARTOffice(t)})
		end := time.Now().AddDate(0, 0, days)
		for half, lost := end.AddDate(0, 0, -(days+1)/2), false; time.Now().Before(end); {
			w.step(1)
			w.glance()
			if !lost && time.Now().After(half) {
				lost = true
				w.loseStore()
			}
		}
		w.calm()
		w.compare()
		w.Logf("%d days: %v, %d orders in Prodsmart, busiest minute %d requests", days, w.count, len(w.server.Orders()), w.server.Busiest())
	})
}

// calm ends all trouble, and gives the gateway three days.
func (w *world) calm() {
	for _, s := range w.systems {
		s.mend()
	}
	w.server.ClearFaults()
	if w.stop == nil {
		w.up()
	}
	for range 12 {
		time.Sleep(6 * time.Hour)
		w.operate()
		for _, s := range w.systems {
			s.mend()
		}
	}
}

// glance looks for what must never be, not even for a while: an order that was
// started is gone.
func (w *world) glance() {
	there := map[int]bool{}
	for _, o := range w.server.Orders() {
		there[o.ID] = true
	}
	for id, code := range w.began {
		if !there[id] {
			w.Errorf("%s: the order %s (%d) was started, and is gone", time.Now().Format(time.DateTime), code, id)
			delete(w.began, id)
		}
	}
}

// compare compares the systems with Prodsmart.
func (w *world) compare() {
	bySource := map[string]map[string][]mes.OrderState{}
	codes := map[string]int{}
	spare := w.spare()
	for _, o := range w.server.Orders() {
		name, document := w.origin(o)
		if spare[o.ID] {
			w.count["seconds that people worked on"]++
			continue
		}
		if name == "" {
			w.Errorf("order %s (%d) has no marker: %q", o.Code, o.ID, o.Description)
			continue
		}
		if bySource[name] == nil {
			bySource[name] = map[string][]mes.OrderState{}
		}
		bySource[name][document] = append(bySource[name][document], o)
		w.count[name+" orders"]++
		if codes[o.Code]++; codes[o.Code] > 1 {
			w.Errorf("there are %d orders %s", codes[o.Code], o.Code)
		}
		w.planners(o)
	}
	for _, s := range w.systems {
		name := s.config().Name
		if c, ok := s.(checker); ok {
			c.check(w, bySource[name])
			continue
		}
		wants := s.wants()
		for document, want := range wants {
			w.document(name, document, want, bySource[name][document])
		}
		for document := range bySource[name] {
			if _, known := wants[document]; !known {
				w.document(name, document, documentGone(), bySource[name][document])
			}
		}
		if text := s.overspent(); text != "" {
			w.Errorf("%s: %s", name, text)
		}
		w.count[name+" documents"] = len(wants)
	}
	if n := w.server.Busiest(); n > 120 {
		w.Errorf("%d requests in one minute", n)
	}
}

// spare are the second orders of a request that was done twice, which somebody began or
// changed before the gateway saw them: those it tells of, and people delete them.
func (w *world) spare() map[int]bool {
	out := map[int]bool{}
	for _, d := range w.disks {
		for _, e := range d.events {
			_, text, told := strings.Cut(e.What, "another production order carries the same marker: ")
			_, text, _ = strings.Cut(text, "(")
			number, _, _ := strings.Cut(text, ")")
			id, err := strconv.Atoi(number)
			if !told || err != nil {
				continue
			}
			_, touched := w.touched[id]
			_, began := w.began[id]
			out[id] = touched || began
		}
	}
	return out
}

func documentGone() document { return document{state: erp.Cancelled, ever: 1 << 30} }

// planners looks whether what a planner wrote is still there.
func (w *world) planners(o mes.OrderState) {
	p, ok := w.touched[o.ID]
	if !ok || p.wanted == "" || w.wanted(o.Code) != p.wanted {
		return
	}
	got := o.Due.UTC().Format(time.RFC3339)
	if p.field == "quantity" {
		got = fmt.Sprint(o.Lines[0].Ordered)
	}
	if got != p.value {
		w.Errorf("order %s: a planner's %s %s is now %s, and the source did not change it%s", o.Code, p.field, p.value, got, w.storyOf(o))
	}
}

func (w *world) storyOf(o mes.OrderState) string {
	name, document, _ := source(o.Description)
	return w.story(name, document)
}

// document compares a source's document with its orders.
func (w *world) document(name, id string, want document, have []mes.OrderState) {
	var fresh, other []mes.OrderState // those that the source alone decides on, and all others
	for _, o := range have {
		_, touched := w.touched[o.ID]
		if o.RunningStatus == "notstarted" && o.Active && !touched && !w.kept[o.Code] && o.Made[0] == 0 {
			fresh = append(fresh, o)
		} else {
			other = append(other, o)
		}
	}
	about := func() string {
		text := fmt.Sprintf("%s, document %s %v wants %v; there are", name, id, want.state, want.lines)
		for _, o := range have {
			text += fmt.Sprintf(" %s(%d) %gx%s %s made %g active %v;", o.Code, o.ID, o.Lines[0].Ordered, o.Lines[0].Product, o.RunningStatus, o.Made[0], o.Active)
		}
		return text + w.story(name, id)
	}
	if len(have) > want.ever {
		w.Errorf("%d orders, and there were never more than %d lines: %s", len(have), want.ever, about())
	}
	switch want.state {
	case erp.Cancelled:
		if len(fresh) > 0 {
			w.Errorf("it is cancelled: %s", about())
		}
		return
	case erp.Open:
	default:
		return // what is held or over there may be here or not
	}
	lines := append([]line(nil), want.lines...)
	for _, o := range fresh {
		found := false
		for i, l := range lines {
			if l.product == o.Lines[0].Product && dec(l.quantity).Equal(dec(strconv.FormatFloat(o.Lines[0].Ordered, 'f', -1, 64))) {
				lines, found = append(lines[:i:i], lines[i+1:]...), true
				break
			}
		}
		if !found {
			w.Errorf("no line wants %s: %s", o.Code, about())
		}
	}
	for _, l := range lines {
		found := false
		for i, o := range other {
			if o.Lines[0].Product == l.product {
				other, found = append(other[:i:i], other[i+1:]...), true
				break
			}
		}
		if !found && !w.gone(name, id, l) {
			w.Errorf("nothing is made of %v: %s", l, about())
		}
	}
}

// story is what was decided about a document's lines, and about the source as a whole.
func (w *world) story(name, id string) string {
	text := ""
	for _, e := range w.disks[name].events {
		document, _, _ := strings.Cut(e.Entry, "\x1f")
		if e.Entry == "" || document == id || strings.Contains(e.Code, id) {
			text += fmt.Sprintf("\n  %s %s %s", e.At.Format("02 15:04"), e.Code, e.What)
		}
	}
	return text
}

// gone says that a planner deleted the order of a line.
func (w *world) gone(name, id string, l line) bool { return w.thrown[name+" "+id+" "+l.product] }
