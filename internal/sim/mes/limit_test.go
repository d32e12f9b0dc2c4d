package mes

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// naive is the rule of a limit, written down without thought of speed.
type naive struct {
	o       LimitOptions
	counted []time.Time
	// What is in the bucket, in nanoseconds times PerMinute, and since when.
	level int64
	since time.Time
}

func (n *naive) has(now time.Time) int {
	if n.o.Window == WindowBucket {
		if n.level+int64(now.Sub(n.since))*int64(n.o.PerMinute) >= minute {
			return 0
		}
		return n.o.PerMinute
	}
	used := 0
	for _, t := range n.counted {
		if n.o.Window == WindowFixed && t.Truncate(time.Minute).Equal(now.Truncate(time.Minute)) ||
			n.o.Window != WindowFixed && t.Add(time.Minute).After(now) {
			used++
		}
	}
	return used
}

func (n *naive) take(now time.Time) bool {
	ok := n.has(now) < n.o.PerMinute
	if n.o.Window == WindowBucket {
		n.level = min(n.level+int64(now.Sub(n.since))*int64(n.o.PerMinute), minute*int64(n.o.PerMinute))
		n.since = now
		if ok {
			n.level -= minute
		} else if n.o.Refused == RefusedCallsCounted {
			n.level = 0
		}
		return ok
	}
	if ok || n.o.Refused == RefusedCallsCounted && n.o.Window != WindowFixed {
		n.counted = append(n.counted, now)
	}
	return ok
}

func mustLimit(t testing.TB, o LimitOptions) *Limit {
	t.Helper()
	l, err := NewLimit(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLimitIsExact compares the limit with the rule over random requests, and
// what it says of the wait with what the rule makes of it.
func TestLimitIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, o := range []LimitOptions{{PerMinute: 1}, {PerMinute: 7}, {PerMinute: 120}, {PerMinute: 7, Refused: RefusedCallsCounted},
		{PerMinute: 7, Window: WindowFixed}, {PerMinute: 120, Window: WindowFixed, Refused: RefusedCallsCounted},
		{PerMinute: 1, Window: WindowBucket}, {PerMinute: 120, Window: WindowBucket}, {PerMinute: 6, Window: WindowBucket, Refused: RefusedCallsCounted}} {
		now, refusals := time.Date(2026, 3, 4, 10, 0, 13, 0, time.UTC), 0
		l, n := mustLimit(t, o), &naive{o: o, level: minute * int64(o.PerMinute), since: now}
		for range 4000 {
			ok, wait := l.Take(now)
			if want := n.take(now); ok != want {
				t.Fatalf("%+v at %s: %v, want %v", o, now, ok, want)
			}
			if ok != (wait == 0) {
				t.Fatalf("%+v: %v with a wait of %s", o, ok, wait)
			}
			if !ok {
				refusals++
				if n.has(now.Add(wait)) >= o.PerMinute || n.has(now.Add(wait-1)) < o.PerMinute {
					t.Fatalf("%+v at %s: a wait of %s is not exact", o, now, wait)
				}
			}
			// Whole seconds too, so that requests are exactly a minute apart.
			step := time.Duration(random.Int64N(int64(100*time.Second) / int64(o.PerMinute)))
			if random.IntN(2) == 0 {
				step = step.Truncate(time.Second)
			}
			now = now.Add(step)
		}
		if refusals < 100 {
			t.Errorf("%+v: only %d refusals", o, refusals)
		}
	}
}

func TestForeignRates(t *testing.T) {
	begin := time.Date(2026, 3, 4, 10, 0, 30, 0, time.UTC)
	for _, pattern := range []ForeignPattern{"", ForeignEven, ForeignPoisson, ForeignBurst, ForeignTopOfMinute} {
		for _, rate := range []int{1, 7, 60, 600} {
			name := fmt.Sprint(pattern, " ", rate)
			o := LimitOptions{PerMinute: -1, Foreign: Foreign{PerMinute: rate, Pattern: pattern}, Seed: 5}
			often, once := mustLimit(t, o), mustLimit(t, o)
			const hours = 10
			once.Take(begin)
			often.Take(begin)
			for s := range hours * 3600 {
				often.Counts(begin.Add(time.Duration(s) * time.Second))
			}
			end := begin.Add(hours * time.Hour)
			a, b := often.Counts(end), once.Counts(end)
			if a != b {
				t.Errorf("%s: asked often %+v, asked once %+v", name, a, b)
			}
			want := float64(rate * hours * 60)
			slack := 0.1*want + float64(rate)
			if pattern == "" || pattern == ForeignEven || pattern == ForeignTopOfMinute {
				slack = 1 + float64(rate)/2
			}
			if got := float64(a.ForeignTaken); got < want-slack || got > want+slack {
				t.Errorf("%s: %v requests, want %v ± %v", name, got, want, slack)
			}
		}
	}
}

// TestForeignShapes looks at the seconds of a minute in which requests come.
func TestForeignShapes(t *testing.T) {
	begin := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	most, early := map[ForeignPattern]uint64{}, map[ForeignPattern]uint64{}
	for _, pattern := range []ForeignPattern{ForeignEven, ForeignPoisson, ForeignBurst, ForeignTopOfMinute} {
		l := mustLimit(t, LimitOptions{PerMinute: -1, Foreign: Foreign{PerMinute: 60, Pattern: pattern}})
		l.Take(begin)
		had := uint64(0)
		for s := range 3600 {
			n := l.Counts(begin.Add(time.Duration(s+1)*time.Second - 1)).ForeignTaken
			most[pattern] = max(most[pattern], n-had)
			if s%60 < 6 {
				early[pattern] += n - had
			}
			had = n
		}
	}
	if most[ForeignEven] != 1 || most[ForeignPoisson] < 3 || most[ForeignPoisson] > 12 || most[ForeignBurst] < 15 || most[ForeignTopOfMinute] != 10 {
		t.Errorf("most in a second: %v", most)
	}
	if early[ForeignTopOfMinute] != 59*60 || early[ForeignEven] > 370 {
		t.Errorf("in the first 6 s of minutes: %v", early)
	}
}

func TestForeignSpends(t *testing.T) {
	begin := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	run := func(f Foreign, window Window) LimitCounts {
		l := mustLimit(t, LimitOptions{PerMinute: 120, Window: window, Foreign: f, Seed: 3})
		for i := range 90 * 60 { // 90 a minute of our own
			l.Take(begin.Add(time.Duration(i) * time.Minute / 90))
		}
		l.SetForeign(begin.Add(3599*time.Second), Foreign{})
		end := l.Counts(begin.Add(2 * time.Hour))
		return end
	}
	for _, window := range []Window{WindowSliding, WindowFixed} {
		if c := run(Foreign{}, window); c.Taken != 5400 || c.Refused != 0 || c.ForeignTaken != 0 {
			t.Errorf("%s, alone: %+v", window, c)
		}
		if c := run(Foreign{PerMinute: 70}, window); c.Taken+c.ForeignTaken < 7000 || c.Taken+c.ForeignTaken > 60*120 ||
			c.Refused == 0 || c.ForeignRefused == 0 || c.Taken+c.Refused != 5400 || c.ForeignTaken+c.ForeignRefused > 70*60 {
			t.Errorf("%s, with one that gives up: %+v", window, c)
		}
		without, with := run(Foreign{PerMinute: 70, Pattern: ForeignPoisson}, window), run(Foreign{PerMinute: 70, Pattern: ForeignPoisson, Retries: true}, window)
		if with.ForeignTaken <= without.ForeignTaken || with.Taken >= without.Taken {
			t.Errorf("%s: with retries %+v, without %+v", window, with, without)
		}
	}
	l := mustLimit(t, LimitOptions{PerMinute: 10, Foreign: Foreign{PerMinute: 600, Retries: true}})
	l.Take(begin)
	if c := l.Counts(begin.Add(time.Hour)); c.ForeignWaiting != 1000 || c.ForeignTaken < 590 || c.ForeignTaken > 610 {
		t.Errorf("one that wants far too much: %+v", c)
	}
}

func TestLimitErrors(t *testing.T) {
	for _, o := range []LimitOptions{{Window: "x"}, {Refused: "x"}, {Foreign: Foreign{Pattern: "x"}}, {Foreign: Foreign{PerMinute: -1}}, {Foreign: Foreign{PerMinute: 6001}}} {
		if _, err := NewLimit(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
	l := mustLimit(t, LimitOptions{})
	if err := l.SetForeign(time.Now(), Foreign{Pattern: "x"}); err == nil {
		t.Error("accepted a pattern x")
	}
	// Time that goes back is no way round the limit.
	now := time.Now()
	for range 120 {
		l.Take(now)
	}
	if ok, _ := l.Take(now.Add(-2 * time.Minute)); ok {
		t.Error("taken from the past")
	}
}

func TestLimitAllocatesNothing(t *testing.T) {
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for _, pattern := range []ForeignPattern{ForeignEven, ForeignPoisson, ForeignBurst, ForeignTopOfMinute} {
		for _, window := range []Window{WindowSliding, WindowFixed, WindowBucket} {
			l := mustLimit(t, LimitOptions{Window: window, Foreign: Foreign{PerMinute: 100, Pattern: pattern, Retries: true}})
			if n := testing.AllocsPerRun(1000, func() {
				now = now.Add(300 * time.Millisecond)
				l.Take(now)
			}); n != 0 {
				t.Errorf("%s %s: %v allocations a request", pattern, window, n)
			}
		}
	}
}

func BenchmarkLimit(b *testing.B) {
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	l := mustLimit(b, LimitOptions{Foreign: Foreign{PerMinute: 60, Pattern: ForeignPoisson, Retries: true}})
	for b.Loop() {
		now = now.Add(500 * time.Millisecond)
		l.Take(now)
	}
}

// TestForeignOverHTTP has the foreign client take everything from a client that
// keeps to the limit.
func TestForeignOverHTTP(t *testing.T) {
	b := start(t, Options{Limit: 10, RetryAfter: RetryAfterDate})
	b.control("PATCH", "/options", `{"foreign":{"per_minute":600,"pattern":"poisson"}}`, 200)
	b.clock.Move(10*time.Second + time.Millisecond)
	status, _, h, err := b.do("POST", counterPath, "basic", `{"count":5}`)
	if err != nil || status != 429 {
		t.Fatal(status, err)
	}
	at, err := http.ParseTime(h.Get("Retry-After"))
	if err != nil || at.Before(b.clock.Now().Add(45*time.Second)) || at.After(b.clock.Now().Add(61*time.Second)) {
		t.Errorf("Retry-After %q at %s: %v", h.Get("Retry-After"), b.clock.Now(), err)
	}
	if v := b.s.Violations(); len(v) != 1 || !v[0].Excused {
		t.Errorf("%+v", v)
	}
	if got := b.control("GET", "/state", "", 200); !strings.Contains(got, `"foreign_taken":10`) || !strings.Contains(got, `"refused":1`) {
		t.Error(got)
	}
	b.control("PATCH", "/options", `{"foreign":{"per_minute":0},"retry_after":"absent"}`, 200)
	if _, _, h, _ := b.do("POST", counterPath, "basic", `{"count":5}`); h.Get("Retry-After") != "" {
		t.Error(h)
	}
	b.clock.Move(time.Minute)
	b.post("counter", `{"count":5}`, 200)
	b.control("PATCH", "/options", `{"foreign":{"per_minute":7000}}`, 400)
	b.s.AddFault(Fault{Kind: FaultLimit, RetryAfter: 5 * time.Second, Times: 1})
	b.control("PATCH", "/options", `{"retry_after":"http_date"}`, 200)
	if _, _, h, _ := b.do("POST", counterPath, "basic", `{"count":6}`); !strings.HasSuffix(h.Get("Retry-After"), "GMT") {
		t.Error(h)
	}
}
