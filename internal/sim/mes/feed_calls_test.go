package mes

import (
	"strings"
	"testing"
	"time"
)

// TestCallsAreTold has all that clients and people do outside of production end
// up in the channels and webhooks.
func TestCallsAreTold(t *testing.T) {
	b := company(t, Options{Limit: -1})
	for name, kind := range map[string]string{"p": kindProduct, "s": kindStock, "c": kindPunchClock} {
		if err := b.s.AddChannel(ChannelSetup{name, kind}); err != nil {
			t.Fatal(err)
		}
	}
	r := b.receiver()
	b.call("POST", "/api/products", `{"code":"P1","name":"One"}`, 201)
	if got := inOneLine(b.pop("p", "")); got != `[{"code":"P1","name":"One","notification":null}]` {
		t.Error(got)
	}
	b.call("POST", "/api/stock", `{"product-code":"P1","stock":200.5}`, 201)
	if got := inOneLine(b.pop("s", "")); !strings.Contains(got, `"product-code":"P1","stock":200.5`) {
		t.Error(got)
	}
	b.s.AddPunch(2, true, b.clock.Now().Add(-time.Minute))
	if got := b.pop("c", ""); len(got) != 1 || got[0]["entry"] != 1.0 || got[0]["type"] != nil || got[0]["notification"] != nil {
		t.Errorf("%v", got)
	}
	if g := r.wait(1)[0]; g.topic() != "punchClock/create" || !strings.Contains(g.body, `"entry":1`) {
		t.Errorf("%+v", g)
	}
	b.call("POST", "/api/inventory-movements/", `{"product-code":"P1","quantity":"10","type":"out"}`, 200)
	if g := r.wait(2)[1]; g.topic() != "internalInventoryMovement/create" || !strings.Contains(g.body, `"quantity":10,"stock-type":"out"`) {
		t.Errorf("%+v", g)
	}
	b.call("DELETE", "/api/products/P1", "", 204)
	if got := b.pop("p", ""); len(got) != 1 || got[0]["notification"] != "product_deleted" {
		t.Errorf("%v", got)
	}
	b.control("POST", "/faults", `{"kind":"status","service":"products","status":500,"times":1}`, 200)
	b.call("GET", "/api/products", "", 500)
	b.control("POST", "/faults", `{"kind":"status","service":"nothing"}`, 400)
}
