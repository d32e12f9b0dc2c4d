package plant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
)

// TestOffice takes an order through its life, as a gateway would let it go.
func TestOffice(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	now := time.Now()
	work := func(after time.Duration) {
		t.Helper()
		now = now.Add(after)
		if err := p.office.work(now, true); err != nil {
			t.Fatal(err)
		}
	}
	sale := func(deal string) Sale {
		t.Helper()
		for _, s := range p.Sales() {
			if s.Deal == deal {
				return s
			}
		}
		t.Fatalf("no deal %s in %+v", deal, p.Sales())
		return Sale{}
	}
	work(0)
	if s := p.Sales(); len(s) != 4 || s[0].Status != "C" || s[0].Problem != "" || s[1].Problem != "" || SalesDiffer(s) != 2 {
		t.Fatalf("%+v", s)
	}
	deal := p.office.jobs[0].deal
	plan := func(code string, quantity int) int {
		t.Helper()
		id, err := p.mes.PlanOrder(json.RawMessage(fmt.Sprintf(`{"code": %q, "start-date": "2026-01-01T00:00:00Z", "due-date": "2030-01-01T00:00:00Z",
			"products": [{"product": "BRACKET", "quantity-ordered": %d}]}`, code, quantity)))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := plan("SU-"+deal+"-1", 20)
	if s := sale(deal); s.Problem != "" || s.Running != "notstarted" {
		t.Errorf("%+v", s)
	}
	work(time.Second)
	work(readFor)
	if j := p.office.jobs[0]; !j.begun || j.order != id {
		t.Errorf("%+v", j)
	}
	m, _ := p.mes.Machine("BEND-2")
	if status, text := p.mes.ForeignCall("counter", "BEND-2", fmt.Sprintf(`{"count":%g}`, m.Counter+22)); status/100 != 2 {
		t.Fatal(status, text)
	}
	if s := sale(deal); s.Made != 22 || s.Problem != "the note is not right" {
		t.Errorf("%+v", s)
	}
	work(time.Second)
	if s := sale(deal); s.Running != "closed" {
		t.Errorf("%+v", s)
	}
	if err := p.office.sales.Edit(deal, func(o *smartup.Order) { o.Note = "PS 22/20 23.11" }); err != nil {
		t.Fatal(err)
	}
	work(time.Second)
	work(time.Second)
	if s := sale(deal); s.Status != "B#S" || s.Problem != "" || p.office.jobs[0].deal == deal {
		t.Errorf("%+v", s)
	}
	open := 0
	m, _ = p.mes.Machine("BEND-2")
	for _, r := range m.Productions {
		if r.Open() {
			open++
		}
	}
	if open != 1 {
		t.Errorf("%d records are open", open)
	}
	plan("SU-"+deal+"-1.2", 20)
	var out bytes.Buffer
	if err := WriteSales(&out, p.Sales()); err != nil || !strings.Contains(out.String(), "2 production orders") || !strings.Contains(out.String(), "PS 22/20") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
