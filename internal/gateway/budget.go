package gateway

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// budgetEvery is how often the budget is looked at.
	budgetEvery = 5 * time.Second
	// shortFor is how long machines must have been late before the budget is
	// called short, shortQuiet how long none may be late to call it enough again.
	shortFor   = 5 * time.Minute
	shortQuiet = time.Minute
)

// budgetWatch finds out whether the machines ask for more requests than the
// budget has: whether, for a while, some could post but get no turn although
// they are late. Its window is at least twice the longest reporting period, so
// that a backlog after an outage, which costs one post per machine, has drained
// within it.
type budgetWatch struct {
	window time.Duration
	every  map[string]time.Duration // target freshness by machine

	asked, since, lateAt time.Time
	looks, late          int
	text                 string // as it was last
}

func newBudgetWatch(s uplink.Settings) *budgetWatch {
	w := &budgetWatch{window: max(shortFor, 2*s.ReportEvery), every: map[string]time.Duration{}}
	for code, m := range s.Machines {
		w.every[code] = s.ReportEvery
		if m.ReportEvery > 0 {
			w.every[code] = m.ReportEvery
		}
		w.window = max(w.window, 2*w.every[code])
	}
	return w
}

// due says that it is time to look again.
func (w *budgetWatch) due(now time.Time) bool {
	if now.Sub(w.asked) < budgetEvery {
		return false
	}
	w.asked = now
	return true
}

// look takes a status and says what is short; it is empty if nothing is.
func (w *budgetWatch) look(s *uplink.Status) string {
	if s.Trouble != "" || s.PausedUntil.After(s.At) {
		w.since, w.text = time.Time{}, "" // posts wait for something else
		return ""
	}
	late, worst := 0, -1
	for i := range s.Machines {
		m := &s.Machines[i]
		waits := !m.Next.IsZero() && !m.Next.After(s.At) && m.Parked == ""
		if !waits || m.Age <= w.every[m.Machine]*5/4 {
			continue
		}
		late++
		if worst < 0 || m.Age > s.Machines[worst].Age {
			worst = i
		}
	}
	if late > 0 {
		w.lateAt = s.At
		if w.since.IsZero() {
			w.since, w.looks, w.late = s.At, 0, 0
		}
		w.late++
	}
	w.looks++
	switch {
	case w.since.IsZero():
		return ""
	case s.At.Sub(w.lateAt) >= shortQuiet:
		w.since, w.text = time.Time{}, ""
		return ""
	case s.At.Sub(w.since) < w.window || 4*w.late < w.looks:
		return ""
	case late == 0:
		return w.text // a moment without somebody late changes nothing
	}
	m := &s.Machines[worst]
	w.text = fmt.Sprintf("%d machines wait for their turn; %s was last in step %v ago and should be every %v. %d requests were used in the last minute, the budget is %d at %.0f %% pace.",
		late, m.Machine, m.Age.Round(time.Second), w.every[m.Machine], s.Used, s.Budget, 100*s.Pace)
	return w.text
}
