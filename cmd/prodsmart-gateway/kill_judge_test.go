package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
)

const clockForm = "15:04:05.000"

// differences compares counts, waste and standing with the truth.
//
// A device that kept its count is told exactly. One that forgot it takes with
// it what was made since it was last read and saved, which no gateway can get
// back; what was told was saved before, so at most what was untold at each reset
// is missing. In no case more is told than was made. Waste may wait on disk for
// the next piece, see heldWaste.
func (s *stage) differences() []string {
	var problems []string
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	kept := map[string]bool{}
	for _, m := range s.plant.Truth() {
		kept[m.Machine] = m.KeptCount
	}
	for _, r := range s.plant.Table() {
		lost := untold{}
		if !kept[r.Machine] {
			lost = s.watcher.untold(r.Machine)
		}
		if r.PartsTold > r.PartsMade || r.PartsTold < r.PartsMade-lost.parts {
			complain("%s: %d parts made, %d told, %d may be missing", r.Machine, r.PartsMade, r.PartsTold, lost.parts)
		}
		if r.StopsTold > r.StopsMade {
			complain("%s: %d stops made, %d told", r.Machine, r.StopsMade, r.StopsTold)
		}
		if r.Standing != (r.Open == 1) || r.Open > 1 {
			complain("%s: standing is %v, and %d downtimes are open", r.Machine, r.Standing, r.Open)
		}
		if known, held := s.heldWaste(r); held && known <= r.WasteMade && known >= r.WasteMade-lost.waste {
			continue
		}
		if r.WasteTold > r.WasteMade || r.WasteTold < r.WasteMade-lost.waste {
			complain("%s: %d waste made, %d told, %d may be missing", r.Machine, r.WasteMade, r.WasteTold, lost.waste)
		}
	}
	for code, n := range s.pulses.made() {
		if m, _ := s.plant.MES().Machine(code); int64(m.Counter) != n {
			complain("%s: %d pulses made, %.0f told", code, n, m.Counter)
		}
	}
	return problems
}

// heldWaste finds waste that waits for the next piece to travel with, by the
// contract: waste never goes without one, and while it is in doubt whether some
// waste was applied, a count carries exactly that and nothing newer, or, if the
// same count was sent before and nobody knows with what, nothing. known is what
// the gateway has on disk and will tell.
func (s *stage) heldWaste(r plant.Row) (known int64, held bool) {
	calls := slices.DeleteFunc(s.attempts("counter")[r.Machine], func(a attempt) bool { return !a.Applied && !a.unclear })
	if r.WasteTold >= r.WasteMade || len(calls) == 0 {
		return 0, false
	}
	last := calls[len(calls)-1]
	settled := slices.ContainsFunc(calls[:len(calls)-1], func(a attempt) bool {
		if !a.unclear || a.waste == "" {
			return false
		}
		return a.waste == last.waste || last.waste == "" && a.count == last.count
	})
	if !settled || r.PartsTold != last.count {
		return 0, false
	}
	reader, err := store.OpenReader(filepath.Join(s.data, gateway.StoreFile))
	if err != nil {
		return 0, false
	}
	defer func() { _ = reader.Close() }()
	machines, err := reader.Machines(context.Background())
	i := slices.IndexFunc(machines, func(m store.Machine) bool { return m.Code == r.Machine })
	if err != nil || i < 0 {
		return 0, false
	}
	var state struct{ Posted map[string]int64 }
	if json.Unmarshal(machines[i].State, &state) != nil || state.Posted["count"] != r.PartsTold {
		return 0, false
	}
	for subject, n := range state.Posted {
		if strings.HasPrefix(subject, "waste ") {
			known += n
		}
	}
	return known, true
}

// attempt is one call with what the gateway can know of it.
type attempt struct {
	mes.Call
	count    int64
	waste    string // as JSON
	stopType string
	running  bool
	// unclear says that the gateway can not know whether it was applied: the
	// answer was lost, or the gateway was killed soon after, perhaps before it
	// had saved the answer. void says that it was not applied and that the
	// gateway knows.
	unclear, void bool
}

// attempts are the calls of each machine and service, oldest first.
func (s *stage) attempts(service string) map[string][]attempt {
	all := map[string][]attempt{}
	for _, c := range s.plant.MES().Calls(0) {
		if c.Service != service {
			continue
		}
		a := attempt{Call: c}
		var body struct {
			Count   int64
			Waste   json.RawMessage
			Type    string
			Running int
		}
		if err := json.Unmarshal([]byte(c.Body), &body); err == nil {
			a.count, a.waste, a.stopType, a.running = body.Count, string(body.Waste), body.Type, body.Running == 1
		}
		for _, fault := range []string{"fault drop", "fault 503", "fault page"} {
			a.unclear = a.unclear || strings.Contains(c.Outcome, fault)
		}
		a.void = strings.Contains(c.Outcome, "fault limit")
		all[c.Machine] = append(all[c.Machine], a)
	}
	for _, list := range all {
		slices.SortStableFunc(list, func(a, b attempt) int { return a.Time.Compare(b.Time) })
		for i := range list {
			last := i == len(list)-1 || s.lifeAt(list[i].Time) != s.lifeAt(list[i+1].Time)
			if l := s.lifeOf(list[i].Time); last && l != s.life && l.ended.Sub(list[i].Time) < savedWithin {
				list[i].unclear = list[i].unclear || !list[i].void
			}
		}
	}
	return all
}

// savedWithin is how long after a call its answer is on disk for certain.
const savedWithin = 1500 * time.Millisecond

// lifeAt is the number of the life that a call at that time came from.
func (s *stage) lifeAt(at time.Time) int {
	i, _ := slices.BinarySearchFunc(s.lives, at, func(l *life, at time.Time) int { return cmp.Compare(l.began.UnixNano(), at.UnixNano()) })
	return max(i-1, 0)
}

func (s *stage) lifeOf(at time.Time) *life { return s.lives[s.lifeAt(at)] }

// callProblems holds the rules of counting: no count below an accepted one, and
// an accepted one again only once for each attempt whose outcome the gateway
// could not know.
func (s *stage) callProblems() []string {
	var problems []string
	for machine, calls := range s.attempts("counter") {
		accepted, known := int64(0), false
		credit := map[int64]int{}
		for _, a := range calls {
			switch {
			case known && a.count < accepted:
				problems = append(problems, fmt.Sprintf("%s: count %d after %d at %s", machine, a.count, accepted, a.Time.Format(clockForm)))
			case known && a.count == accepted && credit[a.count] == 0:
				problems = append(problems, fmt.Sprintf("%s: count %d again at %s, without any doubt about it", machine, a.count, a.Time.Format(clockForm)))
			case known && a.count == accepted && !a.void:
				credit[a.count]--
			}
			if a.unclear {
				credit[a.count]++
			}
			if a.Applied {
				accepted, known = a.count, true
			}
		}
	}
	return problems
}

// downtimeProblems holds the rules of stops: they begin and end in turns, a call
// that changes nothing needs a doubt, and each downtime is a stop that the
// machine made, with its type.
func (s *stage) downtimeProblems() []string {
	var problems []string
	for machine, calls := range s.attempts("startstop") {
		open, doubt := "", false
		for _, a := range calls {
			turn := a.running == (open != "") && (!a.running || open == a.stopType)
			again := doubt && (a.running && open == "" || !a.running && open == a.stopType)
			if !turn && !again {
				problems = append(problems, fmt.Sprintf("%s: %s at %s while the open downtime is %q", machine, a.Body, a.Time.Format(clockForm), open))
			}
			if a.Applied && a.running {
				open = ""
			} else if a.Applied {
				open = a.stopType
			}
			doubt = a.unclear || doubt && a.void
		}
	}
	for _, m := range s.plant.Truth() {
		told, _ := s.plant.MES().Machine(m.Machine)
		stops := m.Stops
		for _, d := range told.Downtimes {
			i := slices.IndexFunc(stops, func(stop plant.Stop) bool {
				return stop.Type == d.Type && !s.plant.Began().Add(stop.Start).After(d.Start)
			})
			if i < 0 {
				problems = append(problems, fmt.Sprintf("%s: downtime %s at %s is none of its stops", m.Machine, d.Type, d.Start.Format(clockForm)))
				continue
			}
			stops = stops[i+1:]
		}
	}
	return problems
}

// logProblems finds what no life may have said.
func (s *stage) logProblems(t *testing.T) []string {
	t.Helper()
	var problems []string
	for i, l := range s.lives {
		text, err := os.ReadFile(l.log)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			for _, bad := range []string{"store_", "disk_full", "counter_jump", "other_writer", "report_below_told", "level=ERROR", "panic", "goroutine "} {
				if bytes.Contains(line, []byte(bad)) {
					problems = append(problems, fmt.Sprintf("life %d: %s", i, bytes.TrimSpace(line)))
					break
				}
			}
		}
	}
	return problems
}

// summary says how much the run has tried.
func (s *stage) summary() string {
	calls, applied, unclear, again := 0, 0, 0, 0
	for _, service := range []string{"counter", "startstop", "parameters"} {
		for _, list := range s.attempts(service) {
			for _, a := range list {
				calls++
				if a.Applied {
					applied++
				}
				if a.unclear {
					unclear++
				}
			}
		}
	}
	for _, v := range s.plant.MES().Violations() {
		if v.Kind == mes.ViolationEqual {
			again++
		}
	}
	resets, stops, told, parts, missing := 0, 0, 0, int64(0), int64(0)
	for _, m := range s.plant.Truth() {
		resets += m.Resets
	}
	for _, r := range s.plant.Table() {
		stops, told, parts, missing = stops+r.StopsMade, told+r.StopsTold, parts+r.PartsMade, missing+r.PartsMade-r.PartsTold
	}
	return fmt.Sprintf("%d lives, %d audited; %d calls, %d applied, %d unclear, %d equal counts; busiest minute %d; %d faults, %d resets; %d parts and %d pulses made, %d parts missing after resets; %d stops made, %d told",
		len(s.lives), s.auditor.audits, calls, applied, unclear, again, s.plant.MES().Busiest(), len(s.plant.History()), resets,
		parts, s.pulses.sent[0].Load()+s.pulses.sent[1].Load(), missing, stops, told)
}

// evidence shows the last calls and the journal of the machines with problems,
// and the end of the last log.
func (s *stage) evidence(t *testing.T, problems []string) string {
	t.Helper()
	var out strings.Builder
	r, err := store.OpenReader(filepath.Join(s.data, gateway.StoreFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	fmt.Fprintln(&out, "faults:", strings.Join(s.plant.History(), ", "), "since", s.plant.Began().Format(clockForm))
	for _, m := range s.plant.MES().Machines() {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, m.Code) }) {
			continue
		}
		fmt.Fprintf(&out, "== %s\n", m.Code)
		for _, truth := range s.plant.Truth() {
			if truth.Machine == m.Code {
				fmt.Fprintf(&out, "truth %+v\n", truth)
			}
		}
		var calls []string
		for _, c := range s.plant.MES().Calls(0) {
			if c.Machine == m.Code {
				calls = append(calls, fmt.Sprintf("%s life %d %s %s %d %s", c.Time.Format(clockForm), s.lifeAt(c.Time), c.Service, c.Body, c.Status, c.Outcome))
			}
		}
		fmt.Fprintln(&out, strings.Join(calls[max(0, len(calls)-40):], "\n"))
		entries, err := r.Journal(t.Context(), store.Query{Machine: m.Code, Limit: 60, Newest: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			fmt.Fprintf(&out, "%s %s %s: %s\n", e.Time.Local().Format(clockForm), e.Rule, e.Subject, e.Text)
		}
	}
	log, _ := os.ReadFile(s.life.log)
	fmt.Fprintf(&out, "== last log\n%s", log[max(0, len(log)-3000):])
	return out.String()
}
