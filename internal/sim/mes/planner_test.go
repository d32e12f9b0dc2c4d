package mes

import (
	"fmt"
	"strings"
	"testing"
)

func TestPlanner(t *testing.T) {
	b := company(t, Options{})
	b.s.FinishProductions("M1")
	r := b.receiver()
	id := strings.Trim(b.control("POST", "/orders", plan("A", ""), 200), `{}id":`)
	b.control("POST", "/orders", plan("", ""), 400)
	b.control("POST", "/orders", "[]", 400)
	if got := b.control("POST", "/orders/"+id+"/production", `{"machine":"M1","worker":7,"operation":"OP10"}`, 200); !strings.Contains(got, `"id"`) {
		t.Error(got)
	}
	m := b.m1()
	if p := m.openProductions(); len(p) != 1 || p[0].Work != (Work{7, "A", "OP10", "P1"}) || fmt.Sprint(p[0].orderID) != id {
		t.Errorf("%+v", p)
	}
	b.post("counter", `{"count":3}`, 200)
	b.s.StartProduction("M1", Work{Order: "other"})
	if got := b.control("DELETE", "/orders/"+id+"/production", "", 200); got != `{"finished":1}` {
		t.Error(got)
	}
	if m = b.m1(); m.Productions[1].Open() || !m.Productions[2].Open() {
		t.Errorf("%+v", m.Productions)
	}
	b.control("PATCH", "/orders/"+id, `{"due-date":"2026-03-09T00:00:00Z","notes":"later"}`, 200)
	b.control("POST", "/orders/"+id+"/close", "", 200)
	b.control("POST", "/orders/"+id+"/archive", "", 200)
	if o := b.s.Orders()[0]; o.Notes != "later" || o.Due.Day() != 9 || o.RunningStatus != "archived" || !o.Ended || o.Made[0] != 3 || o.Extra != nil {
		t.Errorf("%+v", o)
	}
	if got := b.control("GET", "/orders", "", 200); !strings.Contains(got, `"running_status":"archived"`) {
		t.Error(got)
	}
	b.control("DELETE", "/orders/"+id, "", 200)
	if got := r.topics(6); got != "productionOrder/create"+strings.Repeat(" productionOrder/update", 4)+" productionOrder/delete" {
		t.Error(got)
	}
	for _, call := range []string{"DELETE /orders/" + id, "POST /orders/" + id + "/close", "PATCH /orders/" + id, "PATCH /orders/x", "POST /orders/" + id + "/production", "POST /orders/x/production",
		"DELETE /orders/" + id + "/production", "DELETE /orders/x/production"} {
		method, path, _ := strings.Cut(call, " ")
		b.control(method, path, "{}", 400)
	}
	other := b.order("B", "")
	b.control("POST", "/orders/"+strings.TrimPrefix(other, ordersPath)+"/production", `{"machine":"M9"}`, 400)
	for _, body := range []string{`{"archived":"x"}`, `[`, `{"products":[]}`} {
		b.control("PATCH", "/orders/"+strings.TrimPrefix(other, ordersPath), body, 400)
	}
	b.control("POST", "/reset", "", 200)
	if len(b.s.Orders())+len(b.s.Subscriptions())+len(b.s.Hooks()) != 0 {
		t.Error("not reset")
	}
}

// TestOrdersInAllProfiles lives through the life of orders in each profile: at
// the end the list is what the server holds, whatever was lost on the way.
func TestOrdersInAllProfiles(t *testing.T) {
	for _, name := range []string{"documented", "lenient", "hostile"} {
		t.Run(name, func(t *testing.T) {
			p, err := ProfileNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range p.Faults {
				p.Faults[i].Delay /= 100
			}
			p.Options.Limit, p.Options.Foreign = -1, Foreign{}
			b := startProfile(t, p)
			r := b.receiver()
			bad := 0
			try := func(method, path, body string) {
				b.s.lock()
				b.s.freshToken(201)
				token := b.s.lastToken
				b.s.mu.Unlock()
				if _, _, _, err := b.do(method, path, token, body); err != nil {
					bad++
				}
			}
			for n := range 60 {
				try("POST", ordersPath, plan(fmt.Sprint("WO-", n), ""))
			}
			for _, o := range b.s.Orders() {
				one := ordersPath + fmt.Sprint(o.ID)
				try("PUT", one, plan(o.Code, `,"notes":"changed"`))
				if o.ID%3 == 0 {
					try("DELETE", one, "")
				}
			}
			left := len(b.s.Orders())
			if left < 20 || left > 60 {
				t.Errorf("%d orders are left", left)
			}
			b.s.ClearFaults()
			told := 0
			for page := 1; ; page++ {
				list := b.get(ordersPath, fmt.Sprint("page=", page))
				told += len(list)
				if len(list) < pageSize {
					break
				}
			}
			if told != left {
				t.Errorf("%d orders are listed, there are %d", told, left)
			}
			r.wait(80)
			if name == "hostile" && bad == 0 || name != "hostile" && bad > 0 {
				t.Errorf("%d calls broke", bad)
			}
		})
	}
}
