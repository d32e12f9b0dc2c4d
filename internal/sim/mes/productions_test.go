package mes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const putRecord = `{"shipping":{"code":"SHP-1"},"production-order":{"code":"WO-77"},"operation":{"product-code":"P1","code":"OP10"},"worker":{"number":"2"},
	"parameters":[{"name":"temperature","value":25}],"quantity":"480","start-time":"2026-03-04T08:00:00Z","end-time":"2026-03-04T09:10:00+01:00","lot-number":"L1","finished":true}`

func TestPutProduction(t *testing.T) {
	b := company(t, Options{})
	one := b.order("WO-77", "")
	b.post("counter", `{"count":4,"waste":[{"code":"SCRAP","quantity":1}]}`, 200)
	record := fmt.Sprint("/api/productions/", b.m1().Productions[0].ID)
	body := strings.Replace(putRecord, "09:10:00+01:00", "10:10:00+01:00", 1)
	got := b.object("PUT", record, body, 200)
	p := b.m1().Productions[0]
	waste := got["produced-waste"].([]any)[0].(map[string]any)["waste"].(map[string]any)["id"]
	want := fmt.Sprintf(`{"end-time":"2026-03-04T09:10:00.000Z","finished":true,"id":%d,"lot-number":"L1","machine":{"code":"M1"},"operation":{"code":"OP10","id":%v,"product-code":"P1"},`+
		`"parameters":[{"name":"temperature","value":25}],"produced-waste":[{"quantity":1,"waste":{"billable":false,"code":"SCRAP","description":"SCRAP","flaw":"Flaw","id":%v,"recoverable":false}}],`+
		`"production-order":{"code":"WO-77","id":%s},"quantity":480,"shipping":{"code":"SHP-1","id":%v},"start-time":"2026-03-04T08:00:00.000Z","work-time":"01H10m00s","worker":{"id":%v,"name":"Worker 2","number":2}}`,
		p.ID, got["operation"].(map[string]any)["id"], waste, strings.TrimPrefix(one, ordersPath), got["shipping"].(map[string]any)["id"], got["worker"].(map[string]any)["id"])
	if inOneLine(got) != want {
		t.Errorf("got  %s\nwant %s", inOneLine(got), want)
	}
	if s := standings(b); s != "completed started [480]" {
		t.Errorf("the order is %s", s)
	}
	// Opened again, and for no order.
	minimal := `{"operation":{"product-code":"P1","code":"OP10"},"worker":{"number":2},"quantity":5,"start-time":"2026-03-04T08:00:00Z","finished":false`
	if got := b.object("PUT", record, minimal+"}", 200); got["finished"] != false || got["end-time"] != nil || got["lot-number"] != "" || inOneLine(got["parameters"]) != "[]" {
		t.Errorf("%v", got)
	}
	if s := standings(b); s != "scheduled notstarted [0]" {
		t.Errorf("the order is %s", s)
	}
	before := inOneLine(b.m1())
	for _, bad := range []string{"", "{}", "[]", strings.Replace(putRecord, `"480"`, "-1", 1), strings.Replace(putRecord, `"480"`, `"many"`, 1), strings.Replace(putRecord, `"2"`, `"2.5"`, 1),
		strings.Replace(putRecord, "WO-77", "WO-78", 1), strings.Replace(putRecord, "T09:10:00+01:00", "T07:10:00Z", 1), minimal + `,"parameters":5}`} {
		b.call("PUT", record, bad, 400)
	}
	if after := inOneLine(b.m1()); after != before {
		t.Errorf("a refusal changed\n%s\nto\n%s", before, after)
	}
	b.call("PUT", "/api/productions/99999", putRecord, 400)
	b.call("PUT", "/api/productions/x", putRecord, 400)
	b.call("GET", record, "", 405)
	if got := b.status("PUT", record, "basic", putRecord); got != 401 {
		t.Error(got)
	}
}

func TestMergeProduction(t *testing.T) {
	b := company(t, Options{OrderOptions: OrderOptions{ProductionPut: PutMerge}})
	b.order("WO-77", "")
	p := b.m1().Productions[0]
	record := fmt.Sprint("/api/productions/", p.ID)
	b.call("PUT", record, `{"production-order":{"code":"WO-77"},"quantity":7}`, 200)
	b.clock.Move(time.Minute)
	b.call("PUT", record, `{"finished":true}`, 200)
	got := b.m1().Productions[0]
	if got.Quantity != 7 || got.Order != "WO-77" || !got.End.Equal(b.clock.Now()) || !got.Start.Equal(p.Start) || got.Worker != p.Worker {
		t.Errorf("%+v", got)
	}
	if s := standings(b); s != "onschedule started [7]" {
		t.Errorf("the order is %s", s)
	}
}

func TestDeleteProduction(t *testing.T) {
	b := company(t, Options{})
	b.order("WO-77", "")
	b.s.FinishProductions("M1")
	b.s.StartProduction("M1", Work{Order: "WO-77"})
	b.post("counter", `{"count":4}`, 200)
	p := b.m1().Productions[1]
	record := fmt.Sprint("/api/productions/", p.ID)
	if got := b.object("DELETE", record, "", 201); got["id"] != float64(p.ID) || got["quantity"] != 4.0 || got["finished"] != false {
		t.Errorf("%v", got)
	}
	b.call("DELETE", record, "", 400)
	if got := len(b.get("/api/productions", "")); got != 1 || standings(b) != "scheduled notstarted [0]" {
		t.Errorf("%d records, the order is %s", got, standings(b))
	}
}

func TestStrictPathsOfOrders(t *testing.T) {
	b := company(t, Options{StrictPaths: PathsStrict})
	b.order("A", "")
	for path, want := range map[string]int{ordersPath: 200, "/api/v1/production-orders/": 200, "/api/production-orders": 404, "/api/productions": 200,
		"/api/productions/": 404, ordersPath + "/": 404} {
		b.call("GET", path, "", want)
	}
	loose := company(t, Options{Mount: MountV1})
	loose.s.SetOptions(Options{})
	for _, path := range []string{ordersPath, "/api/production-orders", "/api/productions/", "/api/v1/productions"} {
		loose.call("GET", path, "", 200)
	}
}
