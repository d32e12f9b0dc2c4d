package mes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// raw makes one call and gives all of the answer that a client sees.
func (b *bench) raw(method, path, auth, body string) string {
	b.Helper()
	status, text, h, err := b.do(method, path, auth, body)
	if err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	return fmt.Sprint(status, " ", h.Get("Content-Type"), " ", text, ";")
}

// try makes calls to M1, each "service body", and gives the statuses and what
// the machine is like afterwards.
func (b *bench) try(calls ...string) string {
	b.Helper()
	out := ""
	for _, call := range calls {
		service, body, _ := strings.Cut(call, " ")
		out += fmt.Sprint(b.status("POST", "/api/machines/M1/"+service, "basic", body), " ")
	}
	return out + seen(b.m1())
}

// row is an option, what else must be set for it to matter, and what a client
// or the back office sees of it.
type row struct {
	name string
	base string
	see  func(*bench) string
}

// calls is a row whose effect calls to M1 show.
func calls(name, base string, list ...string) row {
	return row{name, base, func(b *bench) string { return b.try(list...) }}
}

func TestEveryAnswerMatters(t *testing.T) {
	rows := slices.Concat(counterRows(), serviceRows(), accessRows(), listRows(), orderRows())
	for _, q := range (&Options{}).questions() {
		t.Run(q.name, func(t *testing.T) {
			var of []row
			for _, r := range rows {
				if r.name == q.name {
					of = append(of, r)
				}
			}
			if len(of) != 1 {
				t.Fatalf("%d rows, want 1", len(of))
			}
			by := map[string]string{}
			for _, a := range q.allowed {
				var o Options
				text := fmt.Sprintf(`{%q:%q%s}`, q.name, a, of[0].base)
				if err := json.Unmarshal([]byte(text), &o); err != nil {
					t.Fatal(err)
				}
				got := of[0].see(start(t, o))
				if other, ok := by[got]; ok {
					t.Errorf("%s and %s look alike: %s", a, other, got)
				}
				by[got] = a
			}
			if _, err := New(Config{Profile: Profile{Options: optionOf(t, q.name, "no such answer")}}); err == nil || !strings.Contains(err.Error(), q.name) {
				t.Errorf("an answer that does not exist: %v", err)
			}
		})
	}
	if len(rows) != len((&Options{}).questions()) {
		t.Errorf("%d rows for %d options", len(rows), len((&Options{}).questions()))
	}
}

func optionOf(t *testing.T, name, answer string) Options {
	var o Options
	if err := json.Unmarshal(fmt.Appendf(nil, `{%q:%q}`, name, answer), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func counterRows() []row {
	idle := func(b *bench) string {
		b.s.FinishProductions("M1")
		out := b.try(`counter {"count":5}`)
		b.s.StartProduction("M1", Work{})
		return out + seen(b.m1())
	}
	several := func(b *bench) string {
		b.s.StartProduction("M1", Work{})
		b.try(`counter {"count":10}`)
		p := b.m1().Productions
		return fmt.Sprint(p[0].Quantity, " ", p[1].Quantity)
	}
	scope := func(b *bench) string {
		b.try(`counter {"count":10}`)
		b.s.StartProduction("M1", Work{})
		out := b.try(`counter {"count":4}`)
		b.clock.Move(24 * time.Hour)
		return out + b.try(`counter {"count":2}`)
	}
	answered := func(bodies ...string) func(*bench) string {
		return func(b *bench) string {
			out := ""
			for _, body := range bodies {
				out += b.raw("POST", counterPath, "basic", body)
			}
			return out
		}
	}
	scrap := `"waste":[{"code":"SCRAP","quantity":1}]`
	return []row{
		calls("equal_count", "", `counter {"count":5}`, `counter {"count":5}`),
		calls("lower_count", "", `counter {"count":5}`, `counter {"count":4}`),
		calls("first_count", "", `counter {"count":500}`),
		calls("equal_waste", "", `counter {"count":5,`+scrap+`}`, `counter {"count":6,`+scrap+`}`),
		calls("waste_only", "", `counter {"count":5}`, `counter {"count":5,`+scrap+`}`),
		calls("absent_waste", "", `counter {"count":5,`+scrap+`}`, `counter {"count":6}`),
		calls("missing_count", "", `counter {`+scrap+`}`),
		calls("unknown_waste", "", `counter {"count":1,"waste":[{"code":"X","quantity":1}]}`),
		calls("unknown_parameter", "", `counter {"count":1,"parameters":[{"name":"X","value":1}]}`),
		{"no_production", "", idle},
		{"several_productions", "", several},
		{"counter_scope", "", scope},
		calls("waste_in", "", `counter {"count":5,`+scrap+`}`),
		calls("fractional_count", "", `counter {"count":1.5}`),
		calls("number_form", "", `counter {"count":"5"}`),
		calls("ratio", "", `counter {"count":5}`),
		{"counter_answer", "", answered(`{"count":5}`)},
		{"stale_answer", `,"lower_count":"ignore_200"`, answered(`{"count":5}`, `{"count":4}`)},
		{"rejection_text", "", answered(`x`)},
	}
}

func serviceRows() []row {
	stop, start := `startstop {"type":"STOP","running":0}`, `startstop {"type":"STOP","running":1}`
	return []row{
		{"parameters_idle", "", func(b *bench) string {
			b.s.FinishProductions("M1")
			return b.try(`parameters {"parameters":[{"code":"temperature","value":1}]}`)
		}},
		{"repeated_parameter", "", func(b *bench) string {
			for range 2 {
				b.try(`parameters {"parameters":[{"code":"temperature","value":1}]}`)
			}
			return inOneLine(b.m1().History)
		}},
		calls("unknown_code", "", `parameters {"parameters":[{"code":"X","value":1}]}`),
		calls("name_alias", "", `parameters {"parameters":[{"name":"Temp","value":1}]}`),
		calls("boolean_value", "", `parameters {"parameters":[{"code":"temperature","value":true}]}`),
		calls("wrong_value", "", `counter {"count":1,"parameters":[{"name":"Speed","value":"fast"}]}`),
		{"silent_answer", "", func(b *bench) string {
			return b.raw("POST", "/api/machines/M1/startstop", "basic", `{"type":"STOP","running":0}`)
		}},
		calls("unknown_type", "", `startstop {"type":"X","running":0}`),
		calls("type_key", "", stop, `startstop {"type":"S1","running":0}`),
		calls("repeated_stop", "", stop, stop),
		{"other_stop", "", func(b *bench) string {
			out := b.try(stop, `startstop {"type":"JAM","running":0}`)
			return out + b.m1().Downtimes[0].Type
		}},
		calls("needless_start", "", start),
		calls("other_start", "", stop, `startstop {"type":"JAM","running":1}`),
		calls("untyped_start", "", stop, `startstop {"running":1}`),
		calls("running_form", "", `startstop {"type":"STOP","running":false}`),
		{"worker_downtime", "", func(b *bench) string {
			b.s.WorkerStops("M1", "STOP", 1)
			return b.try(start)
		}},
		calls("worker_reason", "", `startstop {"type":"REPAIR","running":0}`),
		{"stop_effect", "", func(b *bench) string {
			out := b.try(`counter {"count":5}`, stop, `counter {"count":8}`)
			return out + fmt.Sprint(b.m1().Productions[0].Open())
		}},
	}
}

func accessRows() []row {
	const count = `{"count":1}`
	limited := func(b *bench, n int) string {
		out := ""
		for range n {
			out += fmt.Sprint(b.status("POST", "/api/machines/M9/counter", "basic", count), " ")
		}
		return out
	}
	return []row{
		{"unknown_machine", "", func(b *bench) string { return limited(b, 1) }},
		{"no_credentials", "", func(b *bench) string { return b.raw("POST", counterPath, "", count) }},
		{"bad_token", "", func(b *bench) string { return b.raw("POST", counterPath, "bad", count) }},
		{"both_credentials", "", func(b *bench) string {
			out := b.raw("POST", counterPath+"?access_token=bad", "basic", `{"count":1}`)
			good := b.token(201)
			r := strings.Replace(b.url, "http://", "http://key:wrong@", 1)
			b.url = r
			return out + b.raw("POST", counterPath, good, `{"count":2}`)
		}},
		{"new_token", "", func(b *bench) string {
			first, second := b.token(201), b.token(201)
			return fmt.Sprint(first == second, b.status("POST", counterPath, first, count))
		}},
		{"get_token", "", func(b *bench) string {
			token := b.token(201)
			b.clock.Move(90 * time.Minute)
			b.raw("GET", "/api/authorization", "basic", "")
			b.clock.Move(time.Hour)
			return b.raw("POST", counterPath, token, count)
		}},
		{"no_token", "", func(b *bench) string { return fmt.Sprint(b.status("GET", "/api/authorization", "basic", "")) }},
		{"mount", "", func(b *bench) string {
			return b.raw("POST", counterPath, "basic", count) + b.raw("POST", "/api/v1/machines/M1/counter", "basic", `{"count":2}`)
		}},
		{"strict_paths", "", func(b *bench) string { return b.raw("POST", counterPath+"/", "basic", count) }},
		{"window", `,"limit":5`, func(b *bench) string {
			b.clock.Move(50 * time.Second)
			out := limited(b, 5)
			b.clock.Move(15 * time.Second)
			return out + limited(b, 2) // one has come into the bucket
		}},
		{"refused_calls", `,"limit":2`, func(b *bench) string {
			limited(b, 2)
			b.clock.Move(30 * time.Second)
			limited(b, 1)
			b.clock.Move(31 * time.Second)
			return limited(b, 2)
		}},
		{"retry_after", `,"limit":1`, func(b *bench) string {
			limited(b, 1)
			_, _, h, _ := b.do("POST", counterPath, "basic", count)
			return h.Get("Retry-After")
		}},
	}
}

func listRows() []row {
	// The reading of a list after a downtime that is over and one that is not.
	reads := func(name, path string, filters ...string) row {
		return row{name, "", func(b *bench) string {
			b.try(`counter {"count":9,"parameters":[{"name":"Temp","value":1}]}`, `startstop {"type":"STOP","running":0}`)
			b.clock.Move(2 * time.Minute)
			b.try(`startstop {"type":"STOP","running":1}`, `startstop {"type":"JAM","running":0}`)
			m := b.m1()
			out := ""
			for _, f := range filters {
				f = strings.Replace(f, "ID", fmt.Sprint(m.ID), 1)
				out += b.raw("GET", path+"?access_token="+b.token(201)+"&"+f, "", "")
			}
			return out
		}}
	}
	const downtimes, productions = "/api/downtimes", "/api/productions"
	return []row{
		reads("open_end", downtimes, ""),
		reads("list_numbers", productions, ""),
		reads("list_parameters", productions, ""),
		reads("list_times", productions, ""),
		reads("time_spent", downtimes, ""),
		reads("list_order", downtimes, ""),
		reads("page_beyond", downtimes, "page=9"),
		reads("machine_filter", downtimes, "machine=M1", "machine=ID"),
		reads("known_filter", downtimes, "start-time-after="+url.QueryEscape("2099-01-01T00:00:00Z")),
		reads("unknown_filter", downtimes, "colour=red"),
		{"list_credentials", "", func(b *bench) string { return b.raw("GET", downtimes, "basic", "") }},
	}
}

// TestSizes holds that the options that are no questions matter too.
func TestSizes(t *testing.T) {
	b := start(t, Options{TokenLife: time.Minute, AnswerDelay: time.Hour})
	var slept time.Duration
	b.s.config.Sleep = sleeper(&slept)
	token := b.token(201)
	if slept != time.Hour {
		t.Errorf("answered after %s", slept)
	}
	b.clock.Move(time.Minute)
	if got := b.status("POST", counterPath, token, `{"count":1}`); got != 401 {
		t.Errorf("a token of a minute after a minute: %d", got)
	}
	b = start(t, Options{Limit: 2, Foreign: Foreign{PerMinute: 60}})
	b.post("counter", `{"count":1}`, 200)
	b.clock.Move(2 * time.Second)
	b.post("counter", `{"count":2}`, 429)
	for _, bad := range []Options{{TokenLife: -1}, {AnswerDelay: -1}, {Foreign: Foreign{PerMinute: -1}}} {
		if err := b.s.SetOptions(bad); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}
