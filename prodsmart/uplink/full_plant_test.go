package uplink_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	fullKey, fullSecret = "key-4711", "s3cret/with+odd=chars&"
	clientTimeout       = 10 * time.Second
	defaultType         = "UNSPEC"
)

// span is a piece of time; its end is zero while it lasts.
type span struct{ from, to time.Time }

// episode is a downtime as the machine lived it.
type episode struct {
	prodsmart.Stop
	end time.Time // zero while it lasts
}

// reference is a machine and all that happened to it.
type reference struct {
	code     string
	report   prodsmart.Report
	episodes []episode
	types    []string
	// counted says that it has a counter, known that Prodsmart knows it.
	counted, known bool
	orders         int
}

// plant is a whole plant in virtual time: machines, the gateway that is killed
// now and then, the bad line, Prodsmart.
type plant struct {
	scenario
	t      *testing.T
	seed   uint64
	random *rand.Rand

	settings uplink.Settings
	server   *mes.Server
	line     *line
	disk     *disk
	life     *life
	lives    []span
	machines []*reference
	// bad says that disk and power may fail, too.
	bad atomic.Bool
	// clear holds the times with a line and a gateway that work.
	clear []span
	// closed is when the workers closed the productions; zero while one is open.
	closed   time.Time
	failures int

	mu     sync.Mutex
	events []uplink.Event
}

func newPlant(t *testing.T, s scenario, seed uint64) *plant {
	p := &plant{
		scenario: s, t: t, seed: seed, random: rand.New(rand.NewPCG(seed, hash(s.name))), disk: newDisk(),
		line: &line{
			pipes: newPipes(), seed: seed, once: s.once, refuses: s.refuses,
			calls: map[string]uint64{}, lost: map[string][]time.Time{}, mistaken: map[string]bool{},
		},
	}
	p.settings = uplink.Settings{
		Mode: uplink.Live, Budget: 100, ReportEvery: 10 * time.Second, Timeout: clientTimeout + 5*time.Second, Grace: 1,
		RefusedRetry: time.Minute, RefusedMax: 2 * time.Minute, Machines: map[string]uplink.Machine{},
	}
	if s.gateway != nil {
		s.gateway(&p.settings)
	}
	for i := range 3 {
		p.addMachine(&reference{code: fmt.Sprintf("PRESS %d ü", i), counted: true, known: true, types: []string{"JAM", "NO MATERIAL", "PLANNED"}})
	}
	p.addMachine(&reference{code: "SAW", known: true, types: []string{"JAM", "PLANNED"}})
	if s.strangeMachine {
		p.addMachine(&reference{code: "GHOST", counted: true, types: []string{"JAM"}})
	}
	var err error
	config := mes.Config{Key: fullKey, Secret: fullSecret, Profile: s.profile, Seed: seed}
	for _, m := range p.machines {
		if m.known {
			config.Machines = append(config.Machines, p.setup(m))
		}
	}
	if p.server, err = mes.New(config); err != nil {
		t.Fatal(err)
	}
	p.line.server = p.server
	if s.several {
		for _, m := range p.machines {
			if !m.known {
				continue
			}
			p.must(p.server.StartProduction(m.code, mes.Work{}))
		}
	}
	return p
}

// addMachine gives a machine its first report.
func (p *plant) addMachine(m *reference) {
	m.report = prodsmart.Report{Known: m.counted}
	if m.counted {
		m.report.Waste = []prodsmart.Waste{{Code: "S"}, {Code: "T"}}
		m.report.Parameters = []prodsmart.Parameter{{Name: "mode", Code: "C-MODE"}, {Name: "temperature", Code: "C-TEMP"}}
	}
	if first := len(p.machines) == 0; first {
		if p.strangeWaste {
			m.report.Waste = append(m.report.Waste, prodsmart.Waste{Code: "X"})
		}
		if p.strangeParameter {
			m.report.Parameters = append(m.report.Parameters, prodsmart.Parameter{Name: "x", Code: "C-X"})
		}
		if p.strangeType {
			m.types = append(m.types, "UNASSIGNED")
		}
		if p.workerType {
			m.types = append(m.types, "NEEDS WORKER")
		}
	}
	p.settings.Machines[m.code] = uplink.Machine{DefaultType: defaultType, NoCounter: !m.counted}
	p.machines = append(p.machines, m)
}

// setup is the machine in Prodsmart's back office.
func (p *plant) setup(m *reference) mes.MachineSetup {
	s := mes.MachineSetup{
		Code: m.code, InProduction: true, Waste: []string{"S", "T"}, QuantityRatio: p.ratio,
		Parameters: []mes.ParameterSetup{{Name: "mode", Code: "C-MODE"}, {Name: "temperature", Code: "C-TEMP"}},
	}
	for _, name := range append(slices.Clone(m.types), defaultType) {
		if name != "UNASSIGNED" {
			s.Types = append(s.Types, mes.TypeSetup{Name: name, RequiresWorker: name == "NEEDS WORKER"})
		}
	}
	return s
}

func (p *plant) chance(per1000 int) bool { return p.random.IntN(1000) < per1000 }

// live is a moment in a machine's life; the count stays while it stands.
func (p *plant) live(m *reference) {
	r := m.report
	switch {
	case r.Stop.Episode != 0 && p.chance(60):
		m.episodes[len(m.episodes)-1].end = time.Now()
		r.Stop = prodsmart.Stop{}
		if p.chance(300) { // from one downtime straight into another
			r.Stop = p.stops(m)
		}
	case r.Stop.Episode != 0:
	case p.chance(30):
		r.Stop = p.stops(m)
	default:
		r.Count += int64(p.random.IntN(3))
		if p.chance(20) {
			m.orders++
			r.Order, r.OrderCount, r.OrderSince = fmt.Sprint("WO-", m.orders), r.Count, time.Now()
		}
	}
	if !m.counted {
		r.Count, r.Order, r.OrderCount, r.OrderSince = 0, "", 0, time.Time{}
	}
	r.Waste, r.Parameters = slices.Clone(r.Waste), slices.Clone(r.Parameters)
	for i := range r.Waste {
		if p.chance(60) {
			r.Waste[i].Quantity++
			if p.wasteInCount && r.Stop.Episode == 0 {
				r.Count++
			} else if p.wasteInCount {
				r.Waste[i].Quantity--
			}
		}
	}
	for i := range r.Parameters {
		if p.chance(30) {
			renew(&r.Parameters[i])
		}
	}
	m.report = r
	p.life.Report(m.code, r)
}

// renew gives a parameter its next value.
func renew(v *prodsmart.Parameter) {
	v.Version++
	v.Value = strconv.FormatUint(v.Version, 10)
	if v.Name == "mode" {
		v.Value = strconv.Quote("mode " + v.Value)
	}
}

// stops begins an episode.
func (p *plant) stops(m *reference) prodsmart.Stop {
	s := prodsmart.Stop{Episode: uint64(len(m.episodes) + 1), Type: m.types[p.random.IntN(len(m.types))], Since: time.Now()}
	m.episodes = append(m.episodes, episode{Stop: s})
	return s
}

// work lets the plant go on for a time. While alive, the machines work.
func (p *plant) work(d time.Duration, alive bool) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(300+p.random.IntN(1400)) * time.Millisecond)
		if p.life.isDead() {
			p.kill()
			p.rebooted()
		}
		if !alive {
			continue
		}
		for _, m := range p.machines {
			if p.chance(500) {
				p.live(m)
			}
		}
		if p.reopens {
			p.openProductions()
		} else if p.workers {
			p.shift()
		}
		if p.workerStops && p.chance(10) {
			p.workerBreak()
		}
		if p.bad.Load() && p.chance(6) {
			p.kill()
			p.rebooted()
		}
	}
}

// rebooted starts the gateway again, soon or after a while in which the machines
// go on without it.
func (p *plant) rebooted() {
	p.darken()
	if p.chance(300) {
		for range p.random.IntN(120) {
			time.Sleep(time.Second)
			for _, m := range p.machines {
				if p.chance(300) {
					p.live(m) // the dead gateway hears it and does nothing
				}
			}
		}
	}
	p.boot()
	p.brighten()
}

// shift is workers that finish their productions and begin others.
func (p *plant) shift() {
	switch {
	case p.closed.IsZero() && p.chance(4):
		for _, m := range p.machines {
			if m.known {
				p.must(p.server.FinishProductions(m.code))
			}
		}
		p.closed = time.Now()
	case p.closed.IsZero():
	case time.Since(p.closed) > 90*time.Second:
		p.openProductions()
	}
}

func (p *plant) openProductions() {
	for _, m := range p.machines {
		if !m.known {
			continue
		}
		s, _ := p.server.Machine(m.code)
		if !slices.ContainsFunc(s.Productions, mes.Production.Open) {
			p.must(p.server.StartProduction(m.code, mes.Work{}))
		}
	}
	p.closed = time.Time{}
}

// workerBreak is a worker who begins or ends a downtime of his own.
func (p *plant) workerBreak() {
	code := p.machines[0].code
	s, _ := p.server.Machine(code)
	for _, d := range s.Downtimes {
		if d.Open() {
			if d.ByWorker {
				p.must(p.server.WorkerStarts(code, 1))
			}
			return
		}
	}
	if p.machines[0].report.Stop.Episode == 0 {
		p.must(0, p.server.WorkerStops(code, defaultType, 1))
	}
}

func (p *plant) must(_ int, err error) {
	if err != nil {
		p.t.Fatal(err)
	}
}

// darken and brighten keep the times in which everything works.
func (p *plant) darken() {
	if n := len(p.clear); n > 0 && p.clear[n-1].to.IsZero() {
		p.clear[n-1].to = time.Now()
	}
}

func (p *plant) brighten() {
	if !p.bad.Load() {
		p.clear = append(p.clear, span{from: time.Now()})
	}
}

// storms lets bad times and good times take turns.
func (p *plant) storms(turns int) {
	for range turns {
		p.darken()
		p.bad.Store(true)
		p.server.ClearFaults()
		for _, f := range p.profile.Faults {
			p.must(p.server.AddFault(f))
		}
		for range 1 + p.random.IntN(3) {
			p.line.set(storm)
			if p.chance(350) {
				p.line.set(unreachable + weather(p.random.IntN(3)))
			}
			p.work(time.Duration(30+p.random.IntN(240))*time.Second, true)
		}
		p.calm()
		p.work(time.Duration(60+p.random.IntN(600))*time.Second, true)
	}
}

func (p *plant) calm() {
	p.line.set(fair)
	p.server.ClearFaults()
	p.bad.Store(false)
	p.brighten()
}

// open lets the plant come to life and gives what ends it.
func (p *plant) open() (closeAll func()) {
	server := &http.Server{Handler: p.line}
	done := make(chan error, 1)
	go func() { done <- server.Serve(p.line) }()
	p.boot()
	return func() {
		p.kill()
		_ = server.Close() // the pipes have nothing to say
		<-done
	}
}
