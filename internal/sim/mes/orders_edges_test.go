package mes

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestOrderEdges(t *testing.T) {
	b := company(t, Options{ListOrder: ListNewestFirst, KnownFilter: KnownFilterIgnore})
	first := b.order("A", `,"ended":true,"custom-fields":[{"name":"only"},{"a":1,"b":[2]}]`)
	b.order("B", "")
	if got := codesOf(b.get(ordersPath, "running-status=closed")); got != "BA" {
		t.Error(got)
	}
	if got := inOneLine(b.object("GET", first, "", 200)["custom-fields"]); got != `[{"only":null},{"a":1},{"b":[2]}]` {
		t.Error(got)
	}
	// A closed order is better than none.
	id := strings.TrimPrefix(first, ordersPath)
	record := fmt.Sprint("/productions/", b.m1().Productions[0].ID)
	b.control("PATCH", record, `{"order":"A","quantity":3}`, 200)
	if p := b.m1().Productions[0]; fmt.Sprint(p.orderID) != id || b.s.Orders()[0].Made[0] != 3 {
		t.Errorf("%+v", p)
	}
	// A number is better than a code.
	other := b.order("A", "")
	b.s.SetOptions(Options{OrderOptions: OrderOptions{ProductionPut: PutMerge}})
	b.call("PUT", "/api"+record, `{"production-order":{"id":`+strings.TrimPrefix(other, ordersPath)+`}}`, 200)
	if o := b.s.Orders(); o[0].Made[0] != 0 || o[2].Made[0] != 3 {
		t.Errorf("%+v", o)
	}
	for _, bad := range []string{`{"production-order":7}`, `{"worker":7}`, `{"worker":{"number":"x"}}`, `{"operation":"OP"}`, `{"finished":1}`} {
		b.call("PUT", "/api"+record, bad, 400)
	}
}

// TestOrderOfKnownProducts: a company with products makes orders of them only,
// and a product is there when its last operation is done.
func TestOrderOfKnownProducts(t *testing.T) {
	b := company(t, Options{})
	b.s.FinishProductions("M1")
	b.call("POST", "/api/products", `{"code":"P1","name":"One","operations":[{"code":"OP10","name":"Cut"},{"code":"OP20","name":"Weld"},{"code":"OP30","name":"Old","disabled":true}]}`, 201)
	b.call("POST", ordersPath, plan("X", `,"products":[{"product":"P2","quantity-ordered":1}]`), 400)
	b.order("A", "")
	id := b.s.Orders()[0].ID
	count := 0
	for _, step := range []struct {
		operation string
		made      float64
	}{{"OP10", 0}, {"OP20", 4}, {"OP30", 4}, {"", 8}} {
		b.s.FinishProductions("M1")
		if _, err := b.s.StartOrder(id, "M1", Work{Operation: step.operation}); err != nil {
			t.Fatal(err)
		}
		count += 4
		b.post("counter", fmt.Sprintf(`{"count":%d}`, count), 200)
		if made := b.s.Orders()[0].Made[0]; made != step.made {
			t.Errorf("after %q: %v made, want %v", step.operation, made, step.made)
		}
	}
	b.call("POST", "/api/products", `{"code":"P1","name":"One","operations":[7,{"code":"OP10"}]}`, 201)
	if made := b.s.Orders()[0].Made[0]; made != 8 {
		t.Errorf("with another last operation: %v made", made)
	}
}

// TestNothingIsToldTwice has many clients at once: each order is created once,
// told to each webhook once, and popped by one reader of a channel.
func TestNothingIsToldTwice(t *testing.T) {
	b := company(t, Options{Limit: -1})
	b.s.AddChannel(ChannelSetup{"c", kindOrder})
	r := b.receiver("productionOrder/create")
	token := b.token(201)
	const writers, each = 4, 25
	var all sync.WaitGroup
	var mu sync.Mutex
	popped := map[float64]int{}
	pop := func() int {
		_, text, _, err := b.do("GET", "/api/changes/c", token, "")
		var list []map[string]any
		if err == nil {
			err = json.Unmarshal([]byte(text), &list)
		}
		if err != nil {
			t.Errorf("%s %v", text, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, o := range list {
			popped[o["id"].(float64)]++
		}
		return len(list)
	}
	for w := range writers {
		all.Go(func() {
			for n := range each {
				if status, text, _, err := b.do("POST", ordersPath, token, plan(fmt.Sprint(w, "-", n), "")); err != nil || status != 201 {
					t.Errorf("%d %s %v", status, text, err)
				}
				pop()
			}
		})
	}
	all.Wait()
	for pop() > 0 {
	}
	for id, n := range popped {
		if n != 1 {
			t.Errorf("order %v was popped %d times", id, n)
		}
	}
	told := map[string]int{}
	for _, g := range r.wait(writers * each) {
		told[g.body]++
	}
	if len(popped) != writers*each || len(told) != writers*each || len(b.s.Orders()) != writers*each {
		t.Errorf("%d popped, %d told, %d orders", len(popped), len(told), len(b.s.Orders()))
	}
}
