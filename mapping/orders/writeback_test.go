package orders_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// show lets the book see the order as it is in Prodsmart half an hour later.
func (p *plan) show(running, status, made string) {
	p.now = p.now.Add(30 * time.Minute)
	p.have.Status = status
	p.work(running, made)
}

// write sends what is to be written back, and says what that was.
func (p *plan) write() string {
	var out []string
	for range 10 {
		o, _, ok := p.book.NextWrite(p.now)
		if !ok {
			break
		}
		w := o.Write
		text := fmt.Sprintf("%s %s/%s", w.Stage, w.Produced, w.Ordered)
		if w.Kind == erp.Produced {
			text = fmt.Sprintf("%s, %s more", text, w.Delta)
		} else {
			text += fmt.Sprintf(" %q", w.Text)
		}
		if w.Earlier != "" {
			text += ", instead of " + w.Earlier
		}
		p.book.Leaving(w, p.now)
		p.book.Wrote(w.ID, erp.Receipt{Key: "k-" + w.ID}, p.now)
		out = append(out, text)
	}
	for _, o := range p.book.Writes() {
		if o.State == orders.Parked {
			out = append(out, "parked: "+o.Why)
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, "; ")
}

// TestWriteBack holds what goes back to the source, by kind and trigger, against a
// table: an order of 20 is begun, runs late, is closed with 20, and corrected to 19.
func TestWriteBack(t *testing.T) {
	var b strings.Builder
	for _, kind := range []erp.Kind{erp.Note, erp.Status, erp.Meta, erp.Task, erp.Produced} {
		for _, on := range []orders.Trigger{orders.OnClose, orders.OnStep, orders.Manual} {
			fmt.Fprintf(&b, "%s, %s:\n", kind, on)
			p := planned(t, settings(func(s *orders.Settings) {
				s.Writes = map[erp.Kind]orders.WriteRule{kind: {On: on, Step: dec("10"), Every: 4 * time.Hour, Negative: on == orders.OnStep}}
			}), sale())
			for _, step := range []struct{ name, running, status, made string }{
				{"waits", "notstarted", "scheduled", "0"}, {"1 made", "started", "onschedule", "1"}, {"5 made", "started", "onschedule", "5"}, {"12 made", "started", "onschedule", "12"},
				{"late", "started", "delayed", "13"}, {"18 made, late", "started", "delayed", "18"}, {"closed", "closed", "completed", "20"}, {"seen again", "closed", "completed", "20"}, {"corrected", "closed", "completed", "19"},
			} {
				p.show(step.running, step.status, step.made)
				fmt.Fprintf(&b, "  %-14s  %s\n", step.name, p.write())
				if on == orders.Manual && step.name == "12 made" {
					if err := p.book.Resolve(p.key, "write", p.now); err != nil {
						t.Fatal(err)
					}
					p.book.See(nil, nil, p.now)
					fmt.Fprintf(&b, "  %-14s  %s\n", "operator", p.write())
				}
			}
		}
	}
	golden(t, "writeback.txt", b.String())
}

// TestStagesOfAStatus: a status is only set at stages that the plant named.
func TestStagesOfAStatus(t *testing.T) {
	for want, stages := range map[string][]erp.Stage{"started completed ": nil, "started ": {erp.Started}, "completed ": {erp.Completed}} {
		p := planned(t, settings(func(s *orders.Settings) {
			s.Writes = map[erp.Kind]orders.WriteRule{erp.Status: {On: orders.OnClose, Stages: stages}}
		}), sale())
		got := ""
		for _, status := range []string{"delayed", "onschedule", "completed"} {
			running, made := "started", "3"
			if status == "completed" {
				running, made = "closed", "20"
			}
			p.show(running, status, made)
			if text := p.write(); text != "-" {
				got += strings.Fields(text)[0] + " "
			}
		}
		if got != want {
			t.Errorf("%v: %s", stages, got)
		}
	}
}

// TestWriteBackAfterTime: with a time instead of a number, progress goes back when the
// time is over and something was made.
func TestWriteBackAfterTime(t *testing.T) {
	p := planned(t, settings(func(s *orders.Settings) {
		s.Writes = map[erp.Kind]orders.WriteRule{erp.Note: {On: orders.OnStep, Every: 2 * time.Hour}}
	}), sale())
	sent := ""
	for n := range 12 {
		p.show("started", "onschedule", fmt.Sprint(1+n/6))
		if text := p.write(); text != "-" {
			sent += fmt.Sprintf("%d: %s; ", n, strings.SplitN(text, " \"", 2)[0])
		}
	}
	if sent != "0: started 1/20; 6: progressed 2/20; " {
		t.Error(sent)
	}
}

// TestConflictIsWrittenBack: what was cancelled after it was begun is told.
func TestConflictIsWrittenBack(t *testing.T) {
	for _, kind := range []erp.Kind{erp.Note, erp.Task} {
		p := planned(t, settings(func(s *orders.Settings) {
			s.Writes = map[erp.Kind]orders.WriteRule{kind: {On: orders.OnClose}}
		}), sale())
		p.show("started", "onschedule", "12")
		o := sale()
		o.State = erp.Cancelled
		p.read(o)
		p.react()
		p.show("started", "onschedule", "12")
		if got := p.write(); got != `conflict 12/20 "SU-645-1: 12 of 20 P-1 produced; it was cancelled after production had begun"` {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// TestWriteBackOutcomes: what is not known is looked up first, a text that is refused
// is given up, goods wait for a person.
func TestWriteBackOutcomes(t *testing.T) {
	closed := func(t *testing.T, kind erp.Kind) (*plan, orders.Outgoing) {
		p := planned(t, settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{kind: {On: orders.OnClose}} }), sale())
		p.show("closed", "completed", "20")
		o, look, ok := p.book.NextWrite(p.now)
		if !ok || look {
			t.Fatalf("%+v, %v, %v", o, look, ok)
		}
		p.book.Leaving(o.Write, p.now)
		return p, o
	}
	t.Run("unclear", func(t *testing.T) {
		p, o := closed(t, erp.Produced)
		p.book.Unsure(o.Write.ID, &erp.Error{Fault: erp.Unclear, What: "lost"}, p.now)
		if _, look, ok := p.book.NextWrite(p.now); !look || !ok {
			t.Error("it is not looked up")
		}
		p.book.Looked(o.Write.ID, erp.Receipt{}, false, p.now)
		if _, look, ok := p.book.NextWrite(p.now); look || !ok {
			t.Error("it is not sent again")
		}
		p.book.Looked(o.Write.ID, erp.Receipt{Key: "k"}, true, p.now)
		if _, _, ok := p.book.NextWrite(p.now); ok {
			t.Error("it is sent twice")
		}
	})
	t.Run("refused text", func(t *testing.T) {
		p, o := closed(t, erp.Note)
		p.book.NotWrote(o.Write.ID, &erp.Error{Fault: erp.Refused, What: "closed order"}, p.now)
		if _, _, ok := p.book.NextWrite(p.now); ok || p.book.Writes()[0].State != orders.Failed {
			t.Errorf("%+v", p.book.Writes())
		}
	})
	t.Run("refused goods", func(t *testing.T) {
		p, o := closed(t, erp.Produced)
		p.book.NotWrote(o.Write.ID, &erp.Error{Fault: erp.Refused, What: "no warehouse"}, p.now)
		if _, _, ok := p.book.NextWrite(p.now); ok {
			t.Error("it is sent again without a person")
		}
		for _, bad := range [][2]string{{"X", "send"}, {o.Write.ID, "keep"}} {
			if err := p.book.ResolveWrite(bad[0], bad[1], p.now); err == nil {
				t.Errorf("%v was accepted", bad)
			}
		}
		if err := p.book.ResolveWrite(strings.ToLower(o.Write.ID), "send", p.now); err != nil {
			t.Fatal(err)
		}
		if next, look, ok := p.book.NextWrite(p.now); !ok || look || next.Write.ID != o.Write.ID {
			t.Errorf("%+v", next)
		}
		if err := p.book.ResolveWrite(o.Write.ID, "drop", p.now); err == nil {
			t.Error("what is not parked was dropped")
		}
	})
	t.Run("no right to", func(t *testing.T) {
		p, o := closed(t, erp.Note)
		denied := &erp.Error{Fault: erp.Denied, What: "no right to attach_data"}
		tries := 0
		for end := p.now.Add(24 * time.Hour); p.now.Before(end); p.now = p.now.Add(5 * time.Minute) {
			if _, _, ok := p.book.NextWrite(p.now); ok {
				tries++
				p.book.NotWrote(o.Write.ID, denied, p.now)
			}
		}
		if tries < 6 || tries > 10 || p.book.Writes()[0].State != orders.Intended {
			t.Errorf("tried %d times in a day: %+v", tries, p.book.Writes())
		}
		p.book.NotWrote(o.Write.ID, &erp.Error{Fault: erp.Exhausted, What: "all calls of today are made", Until: p.now.Add(10 * time.Hour)}, p.now)
		if _, _, ok := p.book.NextWrite(p.now.Add(9 * time.Hour)); ok {
			t.Error("it is sent while there are no calls left")
		}
		if _, _, ok := p.book.NextWrite(p.now.Add(11 * time.Hour)); !ok {
			t.Error("it is not sent any more")
		}
	})
	t.Run("never clear", func(t *testing.T) {
		for kind, want := range map[erp.Kind]orders.Sent{erp.Note: orders.Failed, erp.Produced: orders.Parked} {
			p, o := closed(t, kind)
			looks := 0
			for end := p.now.Add(24 * time.Hour); p.now.Before(end); p.now = p.now.Add(5 * time.Minute) {
				if _, look, ok := p.book.NextWrite(p.now); ok && look {
					looks++
					p.book.Unsure(o.Write.ID, &erp.Error{Fault: erp.Garbled, What: "a page of HTML"}, p.now)
				}
			}
			if w := p.book.Writes()[0]; looks > 10 || w.State != want || !strings.Contains(w.Why, "a page of HTML") {
				t.Errorf("%s: looked up %d times: %+v", kind, looks, w)
			}
		}
	})
	t.Run("lost store", func(t *testing.T) {
		p, err := orders.Open(settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{erp.Produced: {On: orders.OnClose}} }), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		have := prodsmart.ProductionOrder{ID: 7, Code: "SU-645-1", RunningStatus: "started", Due: start(), Active: prodsmart.Yes, Description: "Order 645 [src:sales:645:9646]",
			Products: []prodsmart.OrderProduct{{Product: "P-1", Ordered: exact("20"), Produced: exact("12")}}}
		p.Rebuild([]prodsmart.ProductionOrder{have}, start())
		p.Observe(erp.OrderRead{Orders: []erp.Order{sale()}, Complete: true}, start())
		have.RunningStatus = "closed"
		p.See([]prodsmart.ProductionOrder{have}, []time.Time{start().Add(time.Hour)}, start().Add(time.Hour))
		if _, _, ok := p.NextWrite(start().Add(time.Hour)); ok || len(p.Writes()) != 1 || p.Writes()[0].State != orders.Parked {
			t.Errorf("%+v", p.Writes())
		}
	})
}

// A document that people rejected stays; what an operator sends is another one.
func TestDeclinedIsSentAnew(t *testing.T) {
	p := planned(t, settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{erp.Produced: {On: orders.OnClose}} }), sale())
	p.show("closed", "completed", "20")
	first, _, _ := p.book.NextWrite(p.now)
	p.book.Leaving(first.Write, p.now)
	p.book.Wrote(first.Write.ID, erp.Receipt{Key: "k", Draft: true}, p.now)
	p.now = p.now.Add(5 * time.Hour)
	if list := p.book.Drafts(p.now); len(list) != 1 {
		t.Fatalf("%+v", list)
	}
	p.book.Declined(first.Write.ID, &erp.Error{Fault: erp.Refused, What: "somebody refused it"}, p.now)
	if _, _, ok := p.book.NextWrite(p.now); ok {
		t.Error("it is sent again without a person")
	}
	if err := p.book.ResolveWrite(first.Write.ID, "send", p.now); err != nil {
		t.Fatal(err)
	}
	second, look, ok := p.book.NextWrite(p.now)
	if !ok || look || second.Write.ID == first.Write.ID || !second.Write.Delta.Equal(first.Write.Delta) || len(p.book.Writes()) != 1 {
		t.Errorf("%+v", p.book.Writes())
	}
}

// What is in the way of a write's id leaves the write without a way under it, whether it
// was found before it was sent or when nobody knew whether it was.
func TestSomethingInTheWay(t *testing.T) {
	inTheWay := &erp.Error{Fault: erp.Refused, What: "another document has this id", Renew: true}
	for name, report := range map[string]func(b *orders.Book, id string, now time.Time){
		"before it was sent": func(b *orders.Book, id string, now time.Time) { b.NotWrote(id, inTheWay, now) },
		"afterwards":         func(b *orders.Book, id string, now time.Time) { b.Unsure(id, inTheWay, now) },
	} {
		p := planned(t, settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{erp.Produced: {On: orders.OnClose}} }), sale())
		p.show("closed", "completed", "20")
		first, _, _ := p.book.NextWrite(p.now)
		p.book.Leaving(first.Write, p.now)
		report(p.book, first.Write.ID, p.now)
		if w := p.book.Writes()[0]; w.State != orders.Parked || strings.Contains(w.Why, "can not be found out") {
			t.Errorf("%s: %+v", name, w)
		}
		if err := p.book.ResolveWrite(first.Write.ID, "send", p.now); err != nil {
			t.Fatal(err)
		}
		if second, _, ok := p.book.NextWrite(p.now); !ok || second.Write.ID == first.Write.ID {
			t.Errorf("%s: %+v", name, p.book.Writes())
		}
	}
}
