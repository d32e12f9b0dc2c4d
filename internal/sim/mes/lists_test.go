package mes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// get reads a list with a token.
func (b *bench) get(path, filters string) []map[string]any {
	b.Helper()
	var list []map[string]any
	if filters != "" {
		filters = "&" + filters
	}
	status, text, _, err := b.do("GET", path+"?access_token="+b.token(201)+filters, "", "")
	if err != nil || status != 200 {
		b.Fatalf("%s %s: %d %s %v", path, filters, status, text, err)
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || list == nil {
		b.Fatalf("%s: %v", text, err)
	}
	return list
}

// ids are the numbers of the records of a list.
func ids(list []map[string]any) string {
	var s []string
	for _, r := range list {
		s = append(s, fmt.Sprint(r["id"]))
	}
	return strings.Join(s, " ")
}

// inOneLine is a value as JSON.
func inOneLine(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// history is a bench with three downtimes: one of M1 that is closed, one of M1
// that is open, one that a worker began on another machine; and with three
// productions, the first of which is closed.
func history(t *testing.T, o Options) *bench {
	b := start(t, o)
	b.s.config.Zone = time.FixedZone("", 3600)
	b.clock.Move(10 * time.Minute)
	b.s.FinishProductions("M1")
	if _, err := b.s.StartProduction("M1", Work{Worker: 5, Order: "WO-77", Operation: "OP10", Product: "P1"}); err != nil {
		t.Fatal(err)
	}
	b.post("counter", `{"count":9,"waste":[{"code":"SCRAP","quantity":2}],"parameters":[{"name":"Temp","value":25}]}`, 200)
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	b.clock.Move(2 * time.Minute)
	b.post("startstop", `{"type":"STOP","running":1}`, 200)
	b.clock.Move(time.Minute)
	b.post("startstop", `{"type":"JAM","running":0}`, 200)
	b.clock.Move(time.Hour)
	b.s.StartProduction("Säge 2/a", Work{Worker: 6, Order: "WO-78"})
	if err := b.s.WorkerStops("Säge 2/a", "BREAK", 6); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDowntimesList(t *testing.T) {
	b := history(t, Options{})
	list := b.get("/api/downtimes", "")
	if len(list) != 3 {
		t.Fatal(list)
	}
	want := `{"checked-out":true,"closed-by":{},"downtime-type":"STOP","end-time":"2026-03-04T10:12:00.000Z","id":` + fmt.Sprint(list[0]["id"]) +
		`,"machines":[{"code":"M1","name":"Saw"}],"product":"P1","production-order":"WO-77","start-time":"2026-03-04T10:10:00.000Z","started-by":{},"time-spent":"00H02m00s","workers":[]}`
	if got := inOneLine(list[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d := list[1]; d["end-time"] != nil || d["checked-out"] != false || d["time-spent"] != "01H00m00s" {
		t.Errorf("open: %v", d)
	}
	if d := list[2]; inOneLine(d["started-by"]) != `{"number":6}` || inOneLine(d["workers"]) != `[{"number":6}]` {
		t.Errorf("of a worker: %v", d)
	}
}

func TestProductionsList(t *testing.T) {
	b := history(t, Options{})
	list := b.get("/api/v1/productions/", "")
	if len(list) != 3 {
		t.Fatal(list)
	}
	p := list[1]
	order := p["production-order"].(map[string]any)
	waste := p["produced-waste"].([]any)[0].(map[string]any)["waste"].(map[string]any)
	want := fmt.Sprintf(`{"checked-out":false,"end-time":null,"id":%v,"machine":{"code":"M1"},"operation":{"code":"OP10","product":"P1"},"parameters":[{"Temp":25}],`+
		`"produced-waste":[{"quantity":2,"waste":{"billable":false,"code":"SCRAP","description":"SCRAP","flaw":"Flaw","id":%v,"recoverable":false}}],`+
		`"production-order":{"code":"WO-77","id":%v},"quantity":9,"start-time":"2026-03-04T11:10:00.000+01:00","work-time":"00H01m00s","worker":{"number":5}}`,
		p["id"], waste["id"], order["id"])
	if got := inOneLine(p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list[0]["end-time"] != "2026-03-04T11:10:00.000+01:00" || list[0]["work-time"] != "00H10m00s" || inOneLine(list[0]["production-order"]) != "{}" {
		t.Errorf("closed: %v", list[0])
	}
	if again := b.get("/api/productions", ""); inOneLine(again) != inOneLine(list) {
		t.Error("two readings differ")
	}
}

func TestListFilters(t *testing.T) {
	b := history(t, Options{})
	saw, _ := b.s.Machine("M1")
	at := func(clock string) string { return url.QueryEscape("2026-03-04T" + clock) }
	downtimes, productions := b.get("/api/downtimes", ""), b.get("/api/productions", "")
	pick := func(list []map[string]any, which ...int) string {
		var some []map[string]any
		for _, i := range which {
			some = append(some, list[i])
		}
		return ids(some)
	}
	for _, tt := range []struct {
		filters string
		want    []int
	}{
		{"start-time-before=" + at("10:13:00Z"), []int{0}},
		{"start-time-after=" + at("10:10:00Z"), []int{1, 2}},
		{"start_time_after=" + at("11:10:00+01:00"), []int{1, 2}},
		{"startTimeAfter=" + at("11:10:00+0100"), []int{1, 2}},
		{"start-time-after=" + at("11:10:00+01"), []int{1, 2}},
		{"start-time-after=" + at("11:10:00"), []int{1, 2}},
		{"start-time-after=" + at("10:10:00Z") + "&start-time-before=" + at("11:00:00Z"), []int{1}},
		{"end-time-before=" + at("23:00:00Z"), []int{0}},
		{"end-time-after=" + at("10:12:00Z"), []int{1, 2}},
		{"machine=M1", []int{0, 1}},
		{fmt.Sprint("machine=", saw.ID), []int{0, 1}},
		{"machine=" + url.QueryEscape("Säge 2/a"), []int{2}},
		{"machine=none", nil},
		{"checked-out=true", []int{0, 1, 2}}, // not a filter of this list
		{"page=2", nil},
	} {
		if got, want := ids(b.get("/api/downtimes", tt.filters)), pick(downtimes, tt.want...); got != want {
			t.Errorf("downtimes %s: %s, want %s", tt.filters, got, want)
		}
	}
	order := productions[1]["production-order"].(map[string]any)["id"]
	for _, tt := range []struct {
		filters string
		want    []int
	}{
		{"checked-out=true", []int{0}},
		{"checkedOut=false", []int{1, 2}},
		{"worker=5", []int{1}},
		{"production-order-code=WO-78", []int{2}},
		{"production-order-code=WO-77,WO-78", []int{1, 2}},
		{"production-order-code=WO-77&production-order-code=WO-78", []int{1, 2}},
		{fmt.Sprint("production-order-id=", order), []int{1}},
		{"start-time=" + at("10:10:00Z"), []int{1, 2}},
		{"start-time=" + at("10:09:59Z"), []int{0, 1, 2}},
		{"machine=M1", []int{0, 1, 2}}, // not a filter of this list
	} {
		if got, want := ids(b.get("/api/productions", tt.filters)), pick(productions, tt.want...); got != want {
			t.Errorf("productions %s: %s, want %s", tt.filters, got, want)
		}
	}
	if named := b.get("/api/productions", "worker-name=true"); inOneLine(named[1]["worker"]) != `{"name":"Worker 5","number":5}` {
		t.Errorf("%v", named[1])
	}
}

func TestListRefusals(t *testing.T) {
	b := history(t, Options{UnknownFilter: UnknownFilterReject})
	token := b.token(201)
	for _, path := range []string{"/api/downtimes", "/api/productions"} {
		for filters, want := range map[string]int{"page=0": 400, "page=x": 400, "start-time-after=2026-03-04": 400,
			"what=1": 400, "end-time-before=x": 400, "page=1": 200} {
			if got := b.status("GET", path+"?access_token="+token+"&"+filters, "", ""); got != want {
				t.Errorf("%s %s: %d, want %d", path, filters, got, want)
			}
		}
		if got := b.status("GET", path, "basic", ""); got != 401 {
			t.Errorf("%s with Basic: %d", path, got)
		}
		if got := b.status("GET", path, "wrong", ""); got != 401 {
			t.Errorf("%s with a wrong token: %d", path, got)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "HEAD"} {
			if got := b.status(method, path, token, ""); got != 405 {
				t.Errorf("%s %s: %d", method, path, got)
			}
		}
	}
	for filters, want := range map[string]int{"worker=x": 400, "checked-out=2": 400, "worker-name=x": 400, "production-order-id=x": 400} {
		if got := b.status("GET", "/api/productions?access_token="+token+"&"+filters, "", ""); got != want {
			t.Errorf("%s: %d, want %d", filters, got, want)
		}
	}
	if calls := b.s.Calls(0); strings.Contains(inOneLine(calls), token) || !strings.Contains(inOneLine(calls), "page=0") {
		t.Error("calls hold the token, or no query")
	}
}

func TestListPages(t *testing.T) {
	b := start(t, Options{})
	for range 51 {
		b.post("startstop", `{"type":"STOP","running":0}`, 200)
		b.clock.Move(time.Second)
		b.post("startstop", `{"type":"STOP","running":1}`, 200)
		b.clock.Move(time.Minute)
	}
	seen := map[string]bool{}
	for page, want := range []int{25, 25, 1, 0} {
		list := b.get("/api/downtimes", fmt.Sprint("page=", page+1))
		if len(list) != want {
			t.Errorf("page %d: %d records, want %d", page+1, len(list), want)
		}
		for _, r := range list {
			seen[fmt.Sprint(r["id"])] = true
		}
	}
	if len(seen) != 51 {
		t.Errorf("%d different records, want 51", len(seen))
	}
}
