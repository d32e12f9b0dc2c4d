package uplink

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// midnight is where the virtual clock of these tests begins.
var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// at reads a time of day, "06:00:30" or "06:00:30.5".
func at(t testing.TB, s string) time.Time {
	t.Helper()
	c, err := time.Parse("15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return midnight.Add(c.Sub(c.Truncate(24 * time.Hour)))
}

// rig drives a Desk on a virtual clock and writes down what it posts.
type rig struct {
	t    testing.TB
	desk *Desk
	now  time.Time
	// answer says what comes of a post; nil accepts all.
	answer func(Work) prodsmart.Answer
	took   time.Duration
	posts  []string
	events []Event
	last   Work
	// accepts counts the accepted posts per machine.
	accepts map[string]int
}

func newRig(t testing.TB, start string, s Settings) *rig {
	t.Helper()
	r := &rig{t: t, now: at(t, start), accepts: map[string]int{}}
	r.desk = NewDesk(r.now, s)
	return r
}

// replay is how the replay command sets the desk up.
func replay() Settings {
	return Settings{Unpaced: true, Aligned: true, Machines: map[string]Machine{"M": {DefaultType: "UNSPEC"}}}
}

// until runs everything that falls before the given time, the time itself
// excluded, and sets the clock to it.
func (r *rig) until(s string) {
	r.t.Helper()
	r.untilTime(at(r.t, s))
}

func (r *rig) untilTime(end time.Time) {
	r.t.Helper()
	for n := 0; ; n++ {
		if n > 100000 {
			r.t.Fatalf("the desk does not come to rest at %s", r.now)
		}
		w, wake, ok := r.desk.Next(r.now)
		if ok {
			r.post(w)
			continue
		}
		if wake.IsZero() || !wake.Before(end) {
			break
		}
		if !wake.After(r.now) {
			r.t.Fatalf("at %s Next has nothing, and wants to be called at %s", r.now, wake)
		}
		r.now = wake
	}
	r.now = end
	r.drain()
}

func (r *rig) post(w Work) {
	r.last = w
	r.desk.Sent(r.now, w)
	sent := r.now
	r.now = r.now.Add(r.took)
	a := prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200}
	if r.answer != nil {
		a = r.answer(w)
	}
	mark := ""
	if a.Verdict != prodsmart.Accepted {
		mark = " " + a.Verdict.String()
	} else {
		r.accepts[w.Machine]++
	}
	r.posts = append(r.posts, sent.Format("15:04:05")+" "+short(w.Post)+mark)
	if _, ok := r.desk.Done(r.now, w, a); !ok {
		r.t.Fatalf("Done does not know its own work %+v", w.Post)
	}
	r.drain()
}

func (r *rig) drain() { r.events = append(r.events, r.desk.Events()...) }

// report runs up to the given time and gives the desk a report there.
func (r *rig) report(s string, rep prodsmart.Report) {
	r.t.Helper()
	r.until(s)
	rep.Known = true
	r.desk.Report(r.now, "M", rep)
}

// expect compares the posts so far, each "06:00:00 C 5 W SCRAP=1 P t=20" or
// "06:00:00 D+ TYPE" with the verdict behind if it was not accepted.
func (r *rig) expect(want ...string) {
	r.t.Helper()
	if got, want := strings.Join(r.posts, "\n"), strings.Join(want, "\n"); got != want {
		r.t.Errorf("posts:\n%s\nwant:\n%s", got, want)
	}
}

// codes gives the codes of the events so far.
func (r *rig) codes() string {
	var s []string
	for _, e := range r.events {
		c := string(e.Code)
		if e.Over {
			c += " over"
		}
		s = append(s, c)
	}
	return strings.Join(s, ", ")
}

// over is added to a condition's code where it is expected to end.
const over Code = " over"

func (r *rig) expectEvents(want ...Code) {
	r.t.Helper()
	var s []string
	for _, c := range want {
		s = append(s, string(c))
	}
	if got := r.codes(); got != strings.Join(s, ", ") {
		r.t.Errorf("events: %s\nwant: %s", got, strings.Join(s, ", "))
	}
	for _, e := range r.events {
		if e.Text == "" || e.Time.IsZero() {
			r.t.Errorf("event %s has no text or time", e.Code)
		}
	}
}

// body is what a post says, read from its JSON as Prodsmart would.
type body struct {
	Count *int64
	Waste []struct {
		Code     string
		Quantity int64
	}
	Parameters []struct {
		Name, Code string
		Value      json.RawMessage
	}
	Type    string
	Running *int
}

func parse(p prodsmart.Post) body {
	var b body
	if err := json.Unmarshal(p.Body, &b); err != nil {
		panic(fmt.Sprintf("%s: %v", p.Body, err))
	}
	return b
}

func short(p prodsmart.Post) string {
	b := parse(p)
	var parts []string
	if b.Running != nil {
		sign := "D+"
		if *b.Running == 1 {
			sign = "D-"
		}
		parts = append(parts, sign+" "+b.Type)
	}
	if b.Count != nil {
		parts = append(parts, fmt.Sprintf("C %d", *b.Count))
	}
	for _, w := range b.Waste {
		parts = append(parts, fmt.Sprintf("W %s=%d", w.Code, w.Quantity))
	}
	for _, q := range b.Parameters {
		parts = append(parts, fmt.Sprintf("P %s%s=%s", q.Name, q.Code, q.Value))
	}
	return strings.Join(parts, " ")
}

// answers gives the listed verdicts one after the other, then accepts.
func answers(verdicts ...prodsmart.Verdict) func(Work) prodsmart.Answer {
	return func(Work) prodsmart.Answer {
		if len(verdicts) == 0 {
			return prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200}
		}
		v := verdicts[0]
		verdicts = verdicts[1:]
		return verdict(v)
	}
}

func verdict(v prodsmart.Verdict) prodsmart.Answer {
	a := prodsmart.Answer{Verdict: v, Text: "as the test wants it"}
	switch v {
	case prodsmart.Accepted:
		a.Status = 200
	case prodsmart.Refused:
		a.Status = 400
	case prodsmart.Limited:
		a.Status, a.RetryAfter = 429, 30*time.Second
	case prodsmart.Unauthorized:
		a.Status = 401
	}
	return a
}

func count(n int64) prodsmart.Report { return prodsmart.Report{Count: n} }

func scrap(n, waste int64) prodsmart.Report {
	return prodsmart.Report{Count: n, Waste: []prodsmart.Waste{{Code: "S", Quantity: waste}}}
}

func stopped(n int64, episode uint64, kind string) prodsmart.Report {
	return prodsmart.Report{Count: n, Stop: prodsmart.Stop{Episode: episode, Type: kind}}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
