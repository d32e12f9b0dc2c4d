package mes

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestControl(t *testing.T) {
	b := start(t, Options{})
	do := func(method, path, body string, want int) string {
		t.Helper()
		return b.control(method, path, body, want)
	}
	do("PATCH", "/options", `{"equal_count":"accept_noop"}`, 200)
	do("PATCH", "/options", `{"equal_count":"perhaps"}`, 400)
	do("PATCH", "/options", `{"no_such":"x"}`, 400)
	if got := do("GET", "/options", "", 200); !strings.Contains(got, `"equal_count":"accept_noop"`) || !strings.Contains(got, `"lower_count":"reject_400"`) {
		t.Error(got)
	}
	b.post("counter", `{"count":0}`, 200)
	if got := do("GET", "/questions", "", 200); !strings.Contains(got, `"waste_only":["reject_400","accept"]`) {
		t.Error(got)
	}

	do("POST", "/faults", `{"kind":"status","status":500,"times":1}`, 200)
	do("POST", "/faults", `{"kind":"what"}`, 400)
	b.post("counter", `{"count":1}`, 500)
	do("POST", "/faults", `{"kind":"status"}`, 200)
	do("DELETE", "/faults", "", 200)
	if got := do("GET", "/faults", "", 200); strings.TrimSpace(got) != "[]" {
		t.Error(got)
	}
	do("DELETE", "/machines/M1/production", "", 200)
	do("POST", "/machines/M1/production", `{"worker":4}`, 200)
	do("POST", "/machines/M1/downtime", `{"type":"STOP"}`, 200)
	do("POST", "/machines/M9/downtime", `{"type":"STOP"}`, 400)
	if m := b.m1(); m.Productions[1].Worker != 4 || len(m.Downtimes) != 1 {
		t.Errorf("%+v", m)
	}
	if got := do("GET", "/calls?after=1", "", 200); strings.Count(got, `"number"`) != 1 || !strings.Contains(got, `fault 500`) {
		t.Error(got)
	}
	do("GET", "/calls?after=x", "", 400)
	if got := do("GET", "/state", "", 200); !strings.Contains(got, `"busiest_minute":2`) || !strings.Contains(got, `"violations":[]`) {
		t.Error(got)
	}
	token := b.token(201)
	do("POST", "/expire-tokens", "", 200)
	if got := b.status("POST", counterPath, token, `{"count":9}`); got != 401 {
		t.Error(got)
	}
	do("POST", "/profile", `{"name":"hostile"}`, 200)
	if len(b.s.Faults()) == 0 {
		t.Error("hostile without faults")
	}
	do("POST", "/profile", `{"name":"friendly"}`, 400)
	do("POST", "/reset", "", 200)
	if m := b.m1(); m.Counted || len(b.s.Faults()) != 0 || len(b.s.Calls(0)) != 0 {
		t.Error("not reset")
	}
}

func TestProfiles(t *testing.T) {
	lenient := startProfile(t, Lenient())
	lenient.post("counter", `{"count":0}`, 200)
	lenient.post("counter", `{"count":5,"waste":[{"code":"NEW","quantity":1}]}`, 200)
	lenient.post("counter", `{"count":5,"waste":[{"code":"NEW","quantity":2}],"parameters":[{"name":"any","value":1}]}`, 200)
	lenient.post("counter", `{"count":3}`, 200)
	lenient.post("startstop", `{"type":"REPAIR","running":false}`, 200)
	lenient.post("startstop", `{"running":"1"}`, 200)
	if got := seen(lenient.m1()); got != `count 5 made 5 waste map[NEW:2] {"any":1} down 1 open 0 last REPAIR` {
		t.Error(got)
	}

	// The same seed gives the same faults, and enough of them.
	run := func() (string, int) {
		hostile := Hostile()
		for i := range hostile.Faults {
			hostile.Faults[i].Delay /= 100
		}
		b := startProfile(t, hostile)
		noLimit := b.s.Options()
		noLimit.Limit = -1
		b.s.SetOptions(noLimit)
		outcome, bad := "", 0
		for i := range 300 {
			status, text, _, err := b.do("POST", counterPath, "basic", fmt.Sprintf(`{"count":%d}`, i+1))
			outcome += fmt.Sprint(status, err != nil, " ")
			if err != nil || status != http.StatusOK || text != fmt.Sprint(i+1) {
				bad++
			}
		}
		return outcome, bad
	}
	one, bad := run()
	two, _ := run()
	if one != two {
		t.Error("one seed, two runs")
	}
	if bad < 20 || bad > 100 {
		t.Errorf("%d of 300 calls went wrong", bad)
	}
}

func TestAddMachine(t *testing.T) {
	b := start(t, Options{})
	if err := b.s.AddMachine(MachineSetup{Code: "M8", InProduction: true}); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"", "M8", "M1"} {
		if err := b.s.AddMachine(MachineSetup{Code: code}); err == nil {
			t.Errorf("added %q", code)
		}
	}
	if m, ok := b.s.Machine("M8"); !ok || len(m.Productions) != 1 {
		t.Errorf("%+v", m)
	}
}
