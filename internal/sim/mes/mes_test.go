package mes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a hand-moved clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is one Prodsmart with a machine M1 and a plain HTTP client.
type bench struct {
	*testing.T
	s      *Server
	clock  *clock
	url    string
	client *http.Client
}

func start(t *testing.T, o Options) *bench { return startProfile(t, Profile{Options: o}) }

func startProfile(t *testing.T, p Profile) *bench {
	t.Helper()
	b := &bench{T: t, clock: &clock{now: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)}}
	s, err := New(Config{
		Key: "key", Secret: "secret", Profile: p, Now: b.clock.Now, Seed: 7,
		Machines: []MachineSetup{{
			Code: "M1", Name: "Saw", InProduction: true, Waste: []string{"SCRAP", "BENT"}, QuantityRatio: 3,
			Parameters: []ParameterSetup{{Name: "Temp", Code: "temperature"}, {Name: "Speed", Code: "speed", Kind: "number"}},
			Types:      []TypeSetup{{Name: "STOP", Code: "S1"}, {Name: "JAM"}, {Name: "REPAIR", RequiresWorker: true}},
		}, {Code: "Säge 2/a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b.s, b.url, b.client = s, "http://"+addr, &http.Client{Transport: tr, Timeout: 5 * time.Second}
	return b
}

// do makes one request; auth is "", "basic" or a token.
func (b *bench) do(method, path, auth, body string) (int, string, http.Header, error) {
	b.Helper()
	if auth != "" && auth != "basic" {
		path += "?access_token=" + auth
	}
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if auth == "basic" {
		r.SetBasicAuth("key", "secret")
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), resp.Header, err
}

// post calls a service of M1 and demands a status.
func (b *bench) post(service, body string, want int) string {
	b.Helper()
	got, text, _, err := b.do("POST", "/api/machines/M1/"+service, "basic", body)
	if err != nil || got != want {
		b.Fatalf("%s %s: status %d %q %v, want %d", service, body, got, text, err, want)
	}
	return text
}

func (b *bench) m1() Machine {
	m, ok := b.s.Machine("M1")
	if !ok {
		b.Fatal("no M1")
	}
	return m
}

// step is a call and the status it must get.
type step struct {
	service string
	body    string
	want    int
}

func c(body string, want int) step { return step{"counter", body, want} }
func p(body string, want int) step { return step{"parameters", body, want} }
func s(body string, want int) step { return step{"startstop", body, want} }

// seen sums up a machine for the tables below.
func seen(m Machine) string {
	quantity := 0.0
	down, open := len(m.Downtimes), 0
	for _, d := range m.Downtimes {
		if d.Open() {
			open++
		}
	}
	for _, p := range m.Productions {
		quantity += p.Quantity
	}
	text := fmt.Sprintf("count %v made %v", m.Counter, quantity)
	if len(m.WasteOf) > 0 {
		text += fmt.Sprintf(" waste %v", m.WasteOf)
	}
	if len(m.Values) > 0 {
		v, _ := json.Marshal(m.Values)
		text += " " + string(v)
	}
	if down > 0 {
		text += fmt.Sprintf(" down %d open %d last %s", down, open, m.Downtimes[down-1].Type)
	}
	return text
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name  string
		o     Options
		steps []step
		want  string
	}{
		{"counts up", Options{}, []step{c(`{"count":5}`, 200), c(`{"count":9,"waste":[{"code":"SCRAP","quantity":2}]}`, 200)}, "count 9 made 9 waste map[SCRAP:2]"},
		{"not JSON", Options{}, []step{c(`{"count":`, 400), c(`[1]`, 400), c(`{"count":1} x`, 400), c(``, 400), c(`{"count":"5"}`, 400), c(`{"count":-1}`, 400), c(`{"count":true}`, 400)}, "count 0 made 0"},
		{"first zero", Options{}, []step{c(`{"count":0}`, 400)}, "count 0 made 0"},
		{"first zero accepted", Options{EqualCount: EqualAccept}, []step{c(`{"count":0}`, 200)}, "count 0 made 0"},
		{"equal refused", Options{}, []step{c(`{"count":5}`, 200), c(`{"count":5}`, 400)}, "count 5 made 5"},
		{"equal accepted", Options{EqualCount: EqualAccept}, []step{c(`{"count":5}`, 200), c(`{"count":5}`, 200)}, "count 5 made 5"},
		{"lower refused", Options{}, []step{c(`{"count":5}`, 200), c(`{"count":4}`, 400)}, "count 5 made 5"},
		{"lower a reset", Options{LowerCount: LowerAsReset}, []step{c(`{"count":5}`, 200), c(`{"count":4}`, 200)}, "count 4 made 9"},
		{"lower ignored", Options{LowerCount: LowerIgnore}, []step{c(`{"count":5}`, 200), c(`{"count":4}`, 200)}, "count 5 made 5"},
		{"first a baseline", Options{FirstCount: FirstBaseline}, []step{c(`{"count":500}`, 200), c(`{"count":510}`, 200)}, "count 510 made 10"},
		{"equal waste refused, nothing applied", Options{}, []step{c(`{"count":5,"waste":[{"code":"SCRAP","quantity":1}]}`, 200), c(`{"count":6,"waste":[{"code":"SCRAP","quantity":1}]}`, 400)}, "count 5 made 5 waste map[SCRAP:1]"},
		{"equal waste accepted", Options{EqualWaste: EqualWasteAccept}, []step{c(`{"count":5,"waste":[{"code":"SCRAP","quantity":1}]}`, 200), c(`{"count":6,"waste":[{"code":"SCRAP","quantity":1}]}`, 200)}, "count 6 made 6 waste map[SCRAP:1]"},
		{"lower waste refused", Options{}, []step{c(`{"count":5,"waste":[{"code":"SCRAP","quantity":3}]}`, 200), c(`{"count":6,"waste":[{"code":"SCRAP","quantity":1}]}`, 400)}, "count 5 made 5 waste map[SCRAP:3]"},
		{"scrap only refused", Options{}, []step{c(`{"count":5}`, 200), c(`{"count":5,"waste":[{"code":"SCRAP","quantity":1}]}`, 400)}, "count 5 made 5"},
		{"scrap only accepted", Options{WasteOnly: WasteOnlyAccept}, []step{c(`{"count":5}`, 200), c(`{"count":5,"waste":[{"code":"SCRAP","quantity":1}]}`, 200)}, "count 5 made 5 waste map[SCRAP:1]"},
		{"waste absent is unchanged", Options{}, []step{c(`{"count":5,"waste":[{"code":"SCRAP","quantity":1}]}`, 200), c(`{"count":6}`, 200)}, "count 6 made 6 waste map[SCRAP:1]"},
		{"no count refused", Options{}, []step{c(`{"waste":[{"code":"SCRAP","quantity":1}]}`, 400)}, "count 0 made 0"},
		{"no count accepted", Options{MissingCount: MissingCountAccept}, []step{c(`{"waste":[{"code":"SCRAP","quantity":1}]}`, 200)}, "count 0 made 0 waste map[SCRAP:1]"},
		{"unknown waste refused", Options{}, []step{c(`{"count":1,"waste":[{"code":"X","quantity":1}]}`, 400)}, "count 0 made 0"},
		{"unknown waste ignored", Options{UnknownWaste: UnknownWasteIgnore}, []step{c(`{"count":1,"waste":[{"code":"X","quantity":1}]}`, 200)}, "count 1 made 1"},
		{"unknown waste created", Options{UnknownWaste: UnknownWasteCreate}, []step{c(`{"count":1,"waste":[{"code":"X","quantity":1}]}`, 200)}, "count 1 made 1 waste map[X:1]"},
		{"waste in the count", Options{WasteIn: WasteIncluded}, []step{c(`{"count":10,"waste":[{"code":"SCRAP","quantity":2}]}`, 200)}, "count 10 made 8 waste map[SCRAP:2]"},
		{"fraction accepted", Options{}, []step{c(`{"count":1.5}`, 200)}, "count 1.5 made 1.5"},
		{"fraction refused", Options{FractionalCount: FractionReject}, []step{c(`{"count":1.5}`, 400), c(`{"count":2.0}`, 200)}, "count 2 made 2"},
		{"fraction truncated", Options{FractionalCount: FractionTruncate}, []step{c(`{"count":1.5}`, 200)}, "count 1 made 1"},
		{"ratio scaled", Options{Ratio: RatioScaled}, []step{c(`{"count":5}`, 200)}, "count 5 made 15"},
		{"name known", Options{}, []step{c(`{"count":1,"parameters":[{"name":"Temp","value":25}]}`, 200)}, `count 1 made 1 {"Temp":25}`},
		{"name unknown refused", Options{}, []step{c(`{"count":1,"parameters":[{"name":"X","value":25}]}`, 400)}, "count 0 made 0"},
		{"name unknown ignored", Options{UnknownParameter: UnknownParameterIgnore}, []step{c(`{"count":1,"parameters":[{"name":"X","value":25}]}`, 200)}, "count 1 made 1"},
		{"name unknown created", Options{UnknownParameter: UnknownParameterCreate}, []step{c(`{"count":1,"parameters":[{"name":"X","value":"a"}]}`, 200)}, `count 1 made 1 {"X":"a"}`},
		{"value of the wrong kind", Options{}, []step{c(`{"count":1,"parameters":[{"name":"Temp","value":true}]}`, 400)}, "count 0 made 0"},

		{"parameters", Options{}, []step{p(`{"parameters":[{"code":"temperature","value":25}]}`, 200)}, `count 0 made 0 {"Temp":25}`},
		{"parameters empty", Options{}, []step{p(`{}`, 400), p(`x`, 400)}, "count 0 made 0"},
		{"code unknown refused", Options{}, []step{p(`{"parameters":[{"code":"Temp","value":25}]}`, 400)}, "count 0 made 0"},
		{"code unknown ignored", Options{UnknownCode: UnknownCodeIgnore}, []step{p(`{"parameters":[{"code":"X","value":25}]}`, 200)}, "count 0 made 0"},
		{"code unknown created", Options{UnknownCode: UnknownCodeCreate}, []step{p(`{"parameters":[{"code":"X","value":25}]}`, 200)}, `count 0 made 0 {"X":25}`},
		{"name for code refused", Options{}, []step{p(`{"parameters":[{"name":"Temp","value":25}]}`, 400)}, "count 0 made 0"},
		{"name for code accepted", Options{NameAlias: NameAliasAccepted}, []step{p(`{"parameters":[{"name":"Temp","value":25}]}`, 200)}, `count 0 made 0 {"Temp":25}`},

		{"stop and start", Options{}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"STOP","running":1}`, 200)}, "count 0 made 0 down 1 open 0 last STOP"},
		{"not a stop", Options{}, []step{s(`{"type":"STOP"}`, 400), s(`{"type":"STOP","running":2}`, 400), s(`{"running":0}`, 400), s(`nope`, 400)}, "count 0 made 0"},
		{"type unknown refused", Options{}, []step{s(`{"type":"X","running":0}`, 400)}, "count 0 made 0"},
		{"type unknown ignored", Options{UnknownType: UnknownTypeIgnore}, []step{s(`{"type":"X","running":0}`, 200)}, "count 0 made 0"},
		{"repeat needless", Options{}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"STOP","running":0}`, 200)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"repeat another", Options{RepeatedStop: RepeatedStopNew}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"STOP","running":0}`, 200)}, "count 0 made 0 down 2 open 2 last STOP"},
		{"repeat refused", Options{RepeatedStop: RepeatedStopReject}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"STOP","running":0}`, 400)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"other stop closes", Options{}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":0}`, 200)}, "count 0 made 0 down 2 open 1 last JAM"},
		{"other stop reclassifies", Options{OtherStop: OtherStopReclassify}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":0}`, 200)}, "count 0 made 0 down 1 open 1 last JAM"},
		{"other stop in parallel", Options{OtherStop: OtherStopParallel}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":0}`, 200)}, "count 0 made 0 down 2 open 2 last JAM"},
		{"other stop refused", Options{OtherStop: OtherStopReject}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":0}`, 400)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"start needless", Options{}, []step{s(`{"type":"STOP","running":1}`, 200)}, "count 0 made 0"},
		{"start needless refused", Options{NeedlessStart: NeedlessStartReject}, []step{s(`{"type":"STOP","running":1}`, 400)}, "count 0 made 0"},
		{"other start closes", Options{}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":1}`, 200)}, "count 0 made 0 down 1 open 0 last STOP"},
		{"other start leaves open", Options{OtherStart: OtherStartCloseMatching}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":1}`, 200)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"other start refused", Options{OtherStart: OtherStartReject}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"type":"JAM","running":1}`, 400)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"untyped start refused", Options{}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"running":1}`, 400)}, "count 0 made 0 down 1 open 1 last STOP"},
		{"untyped start accepted", Options{UntypedStart: UntypedStartAccept}, []step{s(`{"type":"STOP","running":0}`, 200), s(`{"running":1}`, 200)}, "count 0 made 0 down 1 open 0 last STOP"},
		{"running strict", Options{}, []step{s(`{"type":"STOP","running":false}`, 400), s(`{"type":"STOP","running":"0"}`, 400)}, "count 0 made 0"},
		{"running loose", Options{RunningForm: RunningLoose}, []step{s(`{"type":"STOP","running":false}`, 200), s(`{"type":"STOP","running":"1"}`, 200)}, "count 0 made 0 down 1 open 0 last STOP"},
		{"needs a worker", Options{}, []step{s(`{"type":"REPAIR","running":0}`, 400)}, "count 0 made 0"},
		{"needs no worker", Options{WorkerReason: WorkerReasonAccept}, []step{s(`{"type":"REPAIR","running":0}`, 200)}, "count 0 made 0 down 1 open 1 last REPAIR"},
		{"production open during a stop", Options{}, []step{c(`{"count":5}`, 200), s(`{"type":"STOP","running":0}`, 200), c(`{"count":8}`, 200)}, "count 8 made 8 down 1 open 1 last STOP"},
		{"production paused", Options{StopEffect: EffectPause}, []step{c(`{"count":5}`, 200), s(`{"type":"STOP","running":0}`, 200), c(`{"count":8}`, 200), s(`{"type":"STOP","running":1}`, 200), c(`{"count":9}`, 200)}, "count 9 made 6 down 1 open 0 last STOP"},
		{"production checked out", Options{StopEffect: EffectCheckOut}, []step{c(`{"count":5}`, 200), s(`{"type":"STOP","running":0}`, 200), s(`{"type":"STOP","running":1}`, 200), c(`{"count":9}`, 200)}, "count 9 made 5 down 1 open 0 last STOP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, tt.o)
			for _, st := range tt.steps {
				b.post(st.service, st.body, st.want)
			}
			if got := seen(b.m1()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestProductions(t *testing.T) {
	idle := func(o Options) *bench {
		b := start(t, o)
		if n, err := b.s.FinishProductions("M1"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		return b
	}
	t.Run("stored", func(t *testing.T) {
		b := idle(Options{})
		b.post("counter", `{"count":5}`, 200)
		b.s.StartProduction("M1", Work{Worker: 2})
		if got := seen(b.m1()); got != "count 5 made 0" {
			t.Error(got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		b := idle(Options{NoProduction: NoProductionReject, ParametersIdle: ParametersIdleReject})
		b.post("counter", `{"count":5}`, 400)
		b.post("parameters", `{"parameters":[{"code":"temperature","value":1}]}`, 400)
	})
	t.Run("credited", func(t *testing.T) {
		b := idle(Options{NoProduction: NoProductionCredit})
		b.post("counter", `{"count":5}`, 200)
		b.s.StartProduction("M1", Work{Worker: 2})
		if got := seen(b.m1()); got != "count 5 made 5" {
			t.Error(got)
		}
	})
	t.Run("parameters ignored or stored", func(t *testing.T) {
		for o, want := range map[ParametersIdle]int{ParametersIdleIgnore: 0, ParametersIdleStore: 1} {
			b := idle(Options{ParametersIdle: o})
			b.post("parameters", `{"parameters":[{"code":"temperature","value":1}]}`, 200)
			if got := len(b.m1().Values); got != want {
				t.Errorf("%s: %d values, want %d", o, got, want)
			}
		}
	})
	t.Run("several", func(t *testing.T) {
		for o, want := range map[SeveralProductions]string{SeveralFirst: "10 0", SeveralSplit: "5 5", SeveralAll: "10 10"} {
			b := start(t, Options{SeveralProductions: o})
			b.s.StartProduction("M1", Work{Worker: 2})
			b.post("counter", `{"count":10}`, 200)
			p := b.m1().Productions
			if got := fmt.Sprint(p[0].Quantity, " ", p[1].Quantity); got != want {
				t.Errorf("%s: %s, want %s", o, got, want)
			}
		}
	})
	t.Run("scope", func(t *testing.T) {
		b := start(t, Options{CounterScope: ScopePerProduction})
		b.post("counter", `{"count":10}`, 200)
		b.s.StartProduction("M1", Work{Worker: 2})
		b.post("counter", `{"count":4}`, 200)
		b = start(t, Options{CounterScope: ScopeDaily})
		b.post("counter", `{"count":10}`, 200)
		b.post("counter", `{"count":4}`, 400)
		b.clock.Move(24 * time.Hour)
		b.post("counter", `{"count":4}`, 200)
	})
	t.Run("repeated parameters", func(t *testing.T) {
		for o, want := range map[RepeatedParameter]int{RepeatedOverwrite: 0, RepeatedAppend: 2} {
			b := start(t, Options{RepeatedParameter: o})
			b.post("parameters", `{"parameters":[{"code":"temperature","value":1}]}`, 200)
			b.post("parameters", `{"parameters":[{"code":"temperature","value":2}]}`, 200)
			m := b.m1()
			if len(m.History["Temp"]) != want || string(m.Values["Temp"]) != "2" {
				t.Errorf("%s: %s %s", o, m.Values, m.History)
			}
		}
	})
	t.Run("downtime of a worker", func(t *testing.T) {
		for o, open := range map[WorkerDowntime]bool{WorkerDowntimeClose: false, WorkerDowntimeLeaveOpen: true} {
			b := start(t, Options{WorkerDowntime: o})
			if err := b.s.WorkerStops("M1", "STOP", 3); err != nil {
				t.Fatal(err)
			}
			b.post("startstop", `{"type":"STOP","running":1}`, 200)
			if got := b.m1().Downtimes[0].Open(); got != open {
				t.Errorf("%s: open %v", o, got)
			}
		}
	})
	t.Run("downtime is stamped by arrival", func(t *testing.T) {
		b := start(t, Options{})
		b.post("startstop", `{"type":"STOP","running":0}`, 200)
		b.clock.Move(90 * time.Second)
		b.post("startstop", `{"type":"STOP","running":1}`, 200)
		m := b.m1()
		if d := m.Downtimes[0]; d.End.Sub(d.Start) != 90*time.Second || m.Productions[0].Down != 90*time.Second {
			t.Errorf("%+v %v", d, m.Productions[0].Down)
		}
	})
}

func TestAnswers(t *testing.T) {
	for o, want := range map[CounterAnswer]string{AnswerText: "5", AnswerJSON: "5", AnswerObject: `{"count":5}`, AnswerEmpty: ""} {
		b := start(t, Options{CounterAnswer: o})
		if got := b.post("counter", `{"count":5}`, 200); got != want {
			t.Errorf("%s: %q, want %q", o, got, want)
		}
	}
	for o, want := range map[RejectionText]string{TextPlain: "Invalid JSON", TextEmpty: "", TextHTML: "<html>"} {
		b := start(t, Options{RejectionText: o})
		if got := b.post("counter", `x`, 400); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", o, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	b := start(t, Options{})
	for i, path := range []string{"/api/machines/M1/counter", "/api/machines/M1/counter/", "/api/v1/machines/M1/counter", "/api/machines/S%C3%A4ge%202%2Fa/counter"} {
		if got, text, _, err := b.do("POST", path, "basic", fmt.Sprintf(`{"count":%d}`, i+1)); got != 200 {
			t.Errorf("%s: %d %q %v", path, got, text, err)
		}
	}
	for path, want := range map[string]int{"/": 404, "/api": 404, "/api/machines/M1": 404, "/api/machines/M1/other": 404, "/api/machines/M9/counter": 404} {
		if got, _, _, _ := b.do("POST", path, "basic", `{"count":9}`); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got, _, _, _ := b.do("GET", "/api/machines/M1/counter", "basic", ""); got != 405 {
		t.Errorf("GET: %d", got)
	}
	b = start(t, Options{UnknownMachine: UnknownMachineReject})
	if got, _, _, _ := b.do("POST", "/api/machines/M9/counter", "basic", `{"count":9}`); got != 400 {
		t.Errorf("unknown machine: %d", got)
	}
}
