package uplink

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// world is a whole plant on a virtual clock: machines that count and stop, a
// gateway that is killed at any instant, a ledger, and a Prodsmart behind a bad
// line.
type world struct {
	t        *testing.T
	random   *rand.Rand
	settings Settings
	now      time.Time
	desk     *Desk
	ledger   map[string][]byte
	tenant   *tenant
	machines []*modelMachine
	flights  []*modelFlight
	sent     []time.Time
	faults   bool
	refuse   bool
	// clear is the count that was acknowledged and saved, per machine.
	clear  map[string]int64
	kills  int
	events []Event
}

type modelMachine struct {
	code     string
	report   prodsmart.Report
	episodes uint64
}

type modelFlight struct {
	work    Work
	applyAt time.Time // zero: never
	doneAt  time.Time
	answer  prodsmart.Answer
	applied bool
}

const step = 200 * time.Millisecond

func newWorld(t *testing.T, seed uint64, o tenantOptions, machines int) *world {
	s := Settings{Budget: 100, ReportEvery: 10 * time.Second, Machines: map[string]Machine{}}
	if o.repeatStop == "opens" {
		s.RepeatStop = RepeatOpens
	}
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), settings: s, now: midnight,
		ledger: map[string][]byte{}, clear: map[string]int64{},
		tenant: &tenant{tenantOptions: o, machines: map[string]*tenantMachine{}},
	}
	for i := range machines {
		m := &modelMachine{code: fmt.Sprint("M", i)}
		m.report = prodsmart.Report{Known: true, Waste: []prodsmart.Waste{{Code: "S"}, {Code: "T"}}}
		s.Machines[m.code] = Machine{DefaultType: "UNSPEC"}
		w.machines = append(w.machines, m)
	}
	w.start()
	return w
}

// start is a gateway start: records from the ledger, reports from the machines.
func (w *world) start() {
	w.desk = NewDesk(w.now, w.settings)
	for _, m := range w.machines {
		var r Record
		if saved := w.ledger[m.code]; saved != nil {
			if err := json.Unmarshal(saved, &r); err != nil {
				w.t.Fatal(err)
			}
		}
		w.desk.Add(w.now, m.code, r)
		w.desk.Report(w.now, m.code, m.report)
	}
}

func (w *world) kill() {
	w.kills++
	for _, f := range w.flights {
		f.doneAt = time.Time{} // nobody hears the answer
	}
	w.start()
}

func (w *world) save(machine string, r Record) {
	data, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger[machine] = data
	w.clear[machine] = r.Told.Count
	if !r.Told.Counted {
		w.clear[machine] = -1
	}
}

func (w *world) chance(per1000 int) bool { return w.random.IntN(1000) < per1000 }

// run lets the world go on for a time; alive machines work.
func (w *world) run(d time.Duration, alive bool) {
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(step) {
		if alive {
			for _, m := range w.machines {
				if w.chance(100) && w.live(m) {
					w.desk.Report(w.now, m.code, m.report)
				}
			}
		}
		w.deliver()
		if w.faults && w.chance(4) {
			w.kill()
		}
		for {
			work, _, ok := w.desk.Next(w.now)
			if !ok {
				break
			}
			w.launch(work)
		}
		w.events = append(w.events, w.desk.Events()...)
	}
}

// live is a moment in a machine's life; the count stays while it stands.
func (w *world) live(m *modelMachine) bool {
	r := m.report
	switch {
	case r.Stop.Episode != 0 && w.chance(100):
		r.Stop = prodsmart.Stop{}
		r.Count += int64(w.random.IntN(3))
	case r.Stop.Episode != 0:
		return false
	case w.chance(60):
		m.episodes++
		r.Stop = prodsmart.Stop{Episode: m.episodes, Type: []string{"A", "B"}[w.random.IntN(2)], Since: w.now}
	default:
		r.Count += int64(w.random.IntN(3))
	}
	r.Waste = append([]prodsmart.Waste(nil), r.Waste...)
	for i := range r.Waste {
		if w.chance(100) {
			r.Waste[i].Quantity++
		}
	}
	if w.chance(50) {
		version := uint64(1)
		if len(r.Parameters) > 0 {
			version += r.Parameters[0].Version
		}
		r.Parameters = []prodsmart.Parameter{{Name: "t", Code: "t", Value: strconv.FormatUint(version, 10), Version: version}}
	}
	m.report = r
	return true
}

// launch saves and sends, unless the gateway is killed in between.
func (w *world) launch(work Work) {
	w.save(work.Machine, work.Record)
	if w.faults && w.chance(10) {
		w.kill()
		return
	}
	w.desk.Sent(w.now, work)
	w.sent = append(w.sent, w.now)
	for _, f := range w.flights {
		if f.work.Machine == work.Machine && !f.doneAt.IsZero() {
			w.t.Fatalf("%s: two requests at a time", work.Machine)
		}
	}
	w.judge(work)
	f := &modelFlight{work: work}
	w.flights = append(w.flights, f)
	in := func(d time.Duration) time.Time { return w.now.Add(d) }
	fault := 1000
	if w.faults {
		fault = w.random.IntN(1000)
	}
	switch {
	case fault < 60: // applied, answer lost
		f.applyAt, f.doneAt, f.answer = in(step), in(2*time.Second), verdict(lost)
	case fault < 110: // never arrived
		f.doneAt, f.answer = in(2*time.Second), verdict(lost)
	case fault < 150: // applied after the timeout
		f.applyAt, f.doneAt, f.answer = in(4*time.Second), in(2*time.Second), verdict(lost)
	case fault < 170: // hangs
		f.doneAt, f.answer = in(30*time.Second), verdict(lost)
	case fault < 200:
		f.doneAt, f.answer = in(step), verdict(never)
	case fault < 215:
		f.doneAt, f.answer = in(step), verdict(prodsmart.Limited)
	case fault < 225:
		f.doneAt, f.answer = in(step), verdict(prodsmart.Unauthorized)
	case fault < 260 && w.refuse:
		f.doneAt, f.answer = in(step), verdict(no)
	case fault < 400: // slow
		f.applyAt, f.doneAt = in(4*time.Second), in(6*time.Second)
	default:
		f.applyAt, f.doneAt = in(step), in(2*step)
	}
}

// judge holds what the gateway may never send.
func (w *world) judge(work Work) {
	b := parse(work.Post)
	if b.Count == nil {
		return
	}
	if before, ok := w.clear[work.Machine]; ok && *b.Count <= before {
		w.t.Fatalf("%s posts %s although %d was acknowledged", work.Machine, work.Post.Body, before)
	}
}

func (w *world) deliver() {
	var left []*modelFlight
	for _, f := range w.flights {
		if !f.applyAt.IsZero() && !f.applyAt.After(w.now) && !f.applied {
			f.applied = true
			ok := w.tenant.apply(w.now, f.work.Post)
			if f.answer == (prodsmart.Answer{}) {
				f.answer = verdict(no)
				if ok {
					f.answer = verdict(yes)
				} else if w.tenant.refuses != nil && w.tenant.refuses(f.work.Post) {
					f.answer.Status = w.tenant.status
				}
			}
		}
		done := !f.doneAt.IsZero() && !f.doneAt.After(w.now)
		if done {
			f.doneAt = time.Time{}
			r, ours := w.desk.Done(w.now, f.work, f.answer)
			if w.faults && w.chance(10) {
				w.kill() // before the record was saved
			} else if ours {
				w.save(f.work.Machine, r)
			}
		}
		if !f.doneAt.IsZero() || (!f.applyAt.IsZero() && !f.applied) {
			left = append(left, f)
		}
	}
	w.flights = left
}

func TestModel(t *testing.T) {
	variants := []struct {
		name    string
		options tenantOptions
		refuse  bool
	}{
		{"documented", tenantOptions{repeatStop: "noop"}, false},
		{"documented, refusing", tenantOptions{repeatStop: "noop"}, true},
		{"first zero refused", tenantOptions{repeatStop: "noop", refuseZero: true, refuseNeedless: true}, false},
		{"lenient", tenantOptions{acceptEqual: true, acceptEqualWaste: true, repeatStop: "noop"}, false},
		{"repeated stop refused", tenantOptions{repeatStop: "refused", refuseNeedless: true}, false},
		{"repeated stop refused, refusing", tenantOptions{repeatStop: "refused", refuseNeedless: true}, true},
		{"repeated stop opens", tenantOptions{repeatStop: "opens"}, false},
		{"equal accepted, waste not", tenantOptions{acceptEqual: true, repeatStop: "noop"}, false},
	}
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			for seed := range seeds {
				if liveThrough(t, seed, v.options, v.refuse); t.Failed() {
					return
				}
			}
		})
	}
}

func FuzzModel(f *testing.F) {
	f.Add(uint64(1), true, true, byte(0), true, true, true)
	f.Add(uint64(2), false, false, byte(1), false, false, false)
	f.Fuzz(func(t *testing.T, seed uint64, equal, waste bool, repeat byte, needless, zero, refuse bool) {
		liveThrough(t, seed, tenantOptions{
			acceptEqual: equal, acceptEqualWaste: waste, repeatStop: []string{"noop", "opens", "refused"}[repeat%3],
			refuseNeedless: needless, refuseZero: zero,
		}, refuse)
	})
}

// liveThrough lets a world work through faults, rest, and compares.
func liveThrough(t *testing.T, seed uint64, o tenantOptions, refuse bool) {
	w := newWorld(t, seed, o, 6)
	w.refuse, w.faults = refuse, true
	w.run(40*time.Minute, true)
	w.faults = false
	w.run(150*time.Minute, false)
	if !refuse && o.repeatStop != "opens" {
		w.checkOpen(seed)
	}
	w.finish(refuse)
	w.checkAll(seed, refuse)
}

// finish lets each machine run, make a piece, and in a refusing world stand and
// run once more, so that nothing is held back any longer.
func (w *world) finish(cycle bool) {
	for range 2 { // the first piece may settle a doubt about one waste code only
		for _, m := range w.machines {
			m.report.Stop = prodsmart.Stop{}
			if cycle { // a refusal out of the blue can be mistaken for "applied before" until the waste grows
				m.report.Waste = []prodsmart.Waste{{Code: "S", Quantity: m.report.Waste[0].Quantity + 1}, {Code: "T", Quantity: m.report.Waste[1].Quantity + 1}}
			}
			m.report.Count++
			w.desk.Report(w.now, m.code, m.report)
		}
		w.run(10*time.Minute, false)
	}
	if !cycle {
		return
	}
	for _, m := range w.machines {
		m.episodes++
		m.report.Stop = prodsmart.Stop{Episode: m.episodes, Type: "A"}
		w.desk.Report(w.now, m.code, m.report)
	}
	w.run(10*time.Minute, false)
	for _, m := range w.machines {
		m.report.Stop = prodsmart.Stop{}
		m.report.Count++
		w.desk.Report(w.now, m.code, m.report)
	}
	w.run(150*time.Minute, false)
}

func (w *world) checkOpen(seed uint64) {
	for _, m := range w.machines {
		server := w.tenant.machine(m.code)
		if (m.report.Stop.Episode != 0) != (len(server.open) == 1) {
			w.t.Errorf("seed %d %s: the report says %+v, open are %v", seed, m.code, m.report.Stop, server.open)
		}
		if m.report.Stop.Episode == 0 && server.count != m.report.Count {
			w.t.Errorf("seed %d %s: count %d, told %d", seed, m.code, m.report.Count, server.count)
		}
	}
}

func (w *world) checkAll(seed uint64, refused bool) {
	for _, wrong := range w.tenant.wrong {
		w.t.Errorf("seed %d: %s", seed, wrong)
	}
	if n := mostInAMinute(w.sent); n > w.settings.Budget {
		w.t.Errorf("seed %d: %d requests in a minute", seed, n)
	}
	if w.kills < 5 {
		w.t.Errorf("seed %d: only %d kills", seed, w.kills)
	}
	for _, m := range w.machines {
		server := w.tenant.machine(m.code)
		if server.count != m.report.Count {
			w.t.Errorf("seed %d %s: count %d, told %d", seed, m.code, m.report.Count, server.count)
		}
		for _, waste := range m.report.Waste {
			if server.waste[waste.Code] != waste.Quantity {
				w.t.Errorf("seed %d %s: waste %+v, told %d; record %s", seed, m.code, waste, server.waste[waste.Code], w.ledger[m.code])
			}
		}
		if refused && w.settings.RepeatStop == RepeatOpens {
			continue // a start refused out of the blue leaves its downtime open there
		}
		if len(server.open) != 0 || server.doubles != 0 || server.opened > int(m.episodes) {
			w.t.Errorf("seed %d %s: open %v, doubled %d, opened %d of %d", seed, m.code, server.open, server.doubles, server.opened, m.episodes)
		}
		for _, p := range m.report.Parameters {
			if server.parameters[p.Code] != p.Value && !refused {
				w.t.Errorf("seed %d %s: parameter %s, told %s", seed, m.code, p.Value, server.parameters[p.Code])
			}
		}
	}
}
