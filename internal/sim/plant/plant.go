package plant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/gate"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plc"
)

// beat is how often the machines live on, patrol how often the plant looks who
// reads them.
const (
	beat   = 10 * time.Millisecond
	patrol = 100 * time.Millisecond
)

// Timing says how long things take. A zero value means the default.
type Timing struct {
	// StopAfter is the time after which the gateway takes a standing machine
	// for stopped. Default 3 s.
	StopAfter time.Duration
	// IdleAfter is the same for machines that show only their count. It must be
	// longer than a hung broker can go unnoticed. Default StopAfter + 5 s.
	IdleAfter time.Duration
	// RunMin and RunMax bound the time between stops. Default 12 s to 25 s.
	RunMin, RunMax time.Duration
	// StopMin and StopMax bound stops; those that could not be told yet last
	// longer. Default StopAfter + 6 s to StopAfter + 10 s.
	StopMin, StopMax time.Duration
	// MicroMin and MicroMax bound microstops, which nobody is told of. Default
	// 0.4 s to 1.2 s.
	MicroMin, MicroMax time.Duration
}

func (t Timing) filled() (Timing, error) {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.StopAfter, 3*time.Second)
	set(&t.IdleAfter, t.StopAfter+5*time.Second)
	set(&t.RunMin, 12*time.Second)
	set(&t.RunMax, max(t.RunMin, 25*time.Second))
	set(&t.StopMin, t.StopAfter+6*time.Second)
	set(&t.StopMax, max(t.StopMin, t.StopAfter+10*time.Second))
	set(&t.MicroMin, 400*time.Millisecond)
	set(&t.MicroMax, 1200*time.Millisecond)
	const doubt = 1500 * time.Millisecond
	switch {
	case t.RunMin > t.RunMax || t.StopMin > t.StopMax || t.MicroMin > t.MicroMax:
		return t, errors.New("plant timing: a lower bound is above its upper bound")
	case t.StopMin < t.StopAfter+doubt:
		return t, fmt.Errorf("plant timing: stops of %v can not be told from microstops with StopAfter %v; StopMin must be %v longer", t.StopMin, t.StopAfter, doubt)
	case t.MicroMax > t.StopAfter-doubt:
		return t, fmt.Errorf("plant timing: microstops of %v can be taken for stops with StopAfter %v; MicroMax must be %v shorter", t.MicroMax, t.StopAfter, doubt)
	}
	return t, nil
}

// Options are what New needs. Addresses are host:port; empty means a free port
// of loopback.
type Options struct {
	OPCUA, Modbus, MQTT, Prodsmart, Smartup, Control string
	// Key and Secret that Prodsmart accepts. Default "plantsim" and "secret". The
	// secret is the pretend Smartup's password too.
	Key, Secret string
	// Profile of Prodsmart.
	Profile mes.Profile
	// Seed of everything that happens by chance in the plant.
	Seed uint64
	// Faults lets faults of links, devices and Prodsmart come by themselves.
	Faults bool
	// Resets lets devices forget their counters while they stand; it goes with
	// Faults, and can be had without.
	Resets bool
	// Blind lets everything happen without regard to who is reading: for tests
	// in which the gateway is killed all the time. Counts of machines that keep
	// them still have to be right in the end; stops need not.
	Blind bool
	// CountIs says what the tenant's machine counter means, good or total.
	// Default good.
	CountIs string
	Timing  Timing
}

// Plant is a running pretend plant.
type Plant struct {
	options  Options
	timing   Timing
	began    time.Time
	machines []*machine
	byCode   map[string]*machine

	mu             sync.Mutex
	chatter        chatter
	settling       bool
	prodsmartUpset time.Duration // Prodsmart answers since then
	trouble        *troublemaker
	links          map[string]*link
	watching       map[*machine]bool
	failure        error

	mes        *mes.Server
	mesGate    *gate.Gate
	opcua      *plc.OPCUA
	modbus     *plc.Modbus
	broker     *plc.Broker
	office     *office
	control    *http.Server
	controlLn  net.Listener
	cancel     context.CancelFunc
	background sync.WaitGroup
}

// link is one cable from the gateway to devices.
type link struct {
	gate   *gate.Gate
	forget func() // what the device forgets when the cable is pulled
	// mendAt is when a fault of the link ends; 0 if there is none.
	mendAt time.Duration
}

// New builds the plant and opens its ports; nothing happens before Start.
// Whoever calls New calls Close.
func New(o Options) (*Plant, error) {
	t, err := o.Timing.filled()
	if err != nil {
		return nil, err
	}
	if o.CountIs == "" {
		o.CountIs = "good"
	}
	if o.CountIs != "good" && o.CountIs != "total" {
		return nil, fmt.Errorf("plant: CountIs %q is not known; allowed: good, total", o.CountIs)
	}
	if o.Key == "" {
		o.Key, o.Secret = "plantsim", "secret"
	}
	p := &Plant{
		options: o, timing: t, began: time.Now(), byCode: map[string]*machine{},
		chatter: chatter{said: map[string]string{}}, watching: map[*machine]bool{},
	}
	designs := line()
	for i, d := range designs {
		m := newMachine(d, t, o.Seed, i)
		p.machines = append(p.machines, m)
		p.byCode[d.code] = m
	}
	p.trouble = newTroublemaker(rand.New(rand.NewPCG(o.Seed, 7)))
	if err := p.open(designs); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// open starts the servers.
func (p *Plant) open(designs []design) error {
	o := p.options
	var err error
	p.mes, err = mes.New(mes.Config{
		Key: o.Key, Secret: o.Secret, Machines: backOffice(designs), Profile: o.Profile, Seed: o.Seed,
	})
	if err != nil {
		return err
	}
	if p.office, err = openOffice(o, p.mes, backOffice(designs)); err != nil {
		return err
	}
	if err := p.mes.AddChannel(mes.ChannelSetup{Name: OrdersChannel, Type: "PRODUCTION_ORDER"}); err != nil {
		return err
	}
	inner, err := p.mes.Serve("127.0.0.1:0")
	if err != nil {
		return err
	}
	if p.mesGate, err = gate.Open(orFree(o.Prodsmart), inner, gate.Options{}); err != nil {
		return fmt.Errorf("pretend Prodsmart: %w", err)
	}
	if p.opcua, err = plc.NewOPCUA(orFree(o.OPCUA), p.variables()); err != nil {
		return err
	}
	if p.modbus, err = plc.NewModbus(orFree(o.Modbus), p.units()); err != nil {
		return err
	}
	if p.broker, err = plc.NewBroker(orFree(o.MQTT)); err != nil {
		return err
	}
	p.links = map[string]*link{
		linkOPCUA:  {gate: p.opcua.Gate, forget: p.opcua.Forget},
		linkModbus: {gate: p.modbus.Gate, forget: func() {}},
		linkMQTT:   {gate: p.broker.Gate, forget: func() {}},
	}
	if p.controlLn, err = net.Listen("tcp", orFree(o.Control)); err != nil {
		return fmt.Errorf("control interface of the plant: %w; is another program using the port?", err)
	}
	return nil
}

func orFree(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// Start lets the plant live until Close. Machines begin to produce once
// somebody reads their counters, or at once if the plant is blind.
func (p *Plant) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.control = &http.Server{Handler: p.controlHandler(), ReadHeaderTimeout: 10 * time.Second}
	p.background.Add(5)
	go func() {
		defer p.background.Done()
		_ = p.control.Serve(p.controlLn) // ends by Close
	}()
	go func() { defer p.background.Done(); p.office.serve() }()
	go func() { defer p.background.Done(); every(ctx, glance, p.trade) }()
	go func() { defer p.background.Done(); every(ctx, beat, p.beat) }()
	go func() { defer p.background.Done(); every(ctx, patrol, p.patrol) }()
}

func every(ctx context.Context, d time.Duration, do func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			do()
		}
	}
}

// Close ends the plant and everything it started. It may be called in any state.
func (p *Plant) Close() {
	if p.cancel != nil {
		p.cancel()
		_ = p.control.Close() // the listener is closed either way
	}
	p.office.close()
	if p.controlLn != nil {
		p.controlLn.Close()
	}
	p.background.Wait()
	if p.opcua != nil {
		p.opcua.Close()
	}
	if p.modbus != nil {
		p.modbus.Close()
	}
	if p.broker != nil {
		p.broker.Close()
	}
	if p.mesGate != nil {
		p.mesGate.Close()
	}
	if p.mes != nil {
		_ = p.mes.Close() // calls that were cut short do not matter any more
	}
}

// MES is the pretend Prodsmart.
func (p *Plant) MES() *mes.Server { return p.mes }

// Addresses are where the plant listens, as host:port.
func (p *Plant) Addresses() (opcua, modbus, mqtt, prodsmart, control string) {
	return p.opcua.Gate.Addr(), p.modbus.Gate.Addr(), p.broker.Gate.Addr(), p.mesGate.Addr(), p.controlLn.Addr().String()
}

// SmartupAddress is where the pretend Smartup listens, as host:port.
func (p *Plant) SmartupAddress() string { return p.office.listen.Addr().String() }

// OrdersChannel is the change channel with production orders that the pretend
// Prodsmart has.
const OrdersChannel = "plant-orders"

// trade lets the office and the workers go on.
func (p *Plant) trade() {
	p.mu.Lock()
	more := !p.settling
	p.mu.Unlock()
	p.note(p.office.work(time.Now(), more))
}

func (p *Plant) now() time.Duration { return time.Since(p.began) }

// patrol looks who reads the machines, and mends what is due.
func (p *Plant) patrol() {
	watched := map[*machine]bool{}
	for _, m := range p.machines {
		if !m.dead {
			watched[m] = p.watched(m)
		}
	}
	p.mu.Lock()
	p.watching = watched
	p.mu.Unlock()
	p.mend()
	if p.options.Faults {
		p.makeTrouble()
	}
}

// beat lets all machines live up to now, and their devices speak.
func (p *Plant) beat() {
	p.mu.Lock()
	now := p.now()
	fresh := 0
	for _, m := range p.machines {
		if m.freshStop(now) {
			fresh++
		}
	}
	var resets []resetKind
	for _, m := range p.machines {
		was := m.phase
		m.step(now, p.around(m, fresh >= 3))
		if m.phase == stopped && was != stopped {
			fresh++
		}
		if m.didReset != noReset {
			resets = append(resets, m.didReset)
			m.didReset = noReset
		}
	}
	out := p.messages(now)
	p.mu.Unlock()
	for _, m := range out {
		p.note(p.broker.Publish(m.topic, []byte(m.payload), m.retain, m.qos))
	}
	for _, k := range resets {
		p.aftermath(k)
	}
}

// around tells a machine how things stand. The caller holds the lock.
func (p *Plant) around(m *machine, crowded bool) surroundings {
	s := surroundings{
		linkSince: -1, prodsmartSince: p.prodsmartUpset, crowded: crowded, watched: p.watching[m],
		blind: p.options.Blind, resets: p.options.Resets || p.options.Faults, settling: p.settling,
	}
	if p.prodsmartUpset > p.now() {
		s.prodsmartSince = -1
	}
	if since := p.links[m.link].gate.FlowingSince(); !since.IsZero() && !m.reg.offline {
		s.linkSince = since.Sub(p.began)
	}
	return s
}

// aftermath is what a reset does to the links: a download ends all sessions for
// a while, a power cycle resets the connections.
func (p *Plant) aftermath(k resetKind) {
	switch k {
	case download:
		p.breakLink(linkOPCUA, breakShut, 3*time.Second)
	case powerCycle:
		p.breakLink(linkModbus, breakCut, 0)
	}
}

// Settle ends all faults and brings production to a halt: machines finish with
// a good piece and stay as they are, running or stopped. It returns once all
// stand still, or when ctx ends.
func (p *Plant) Settle(ctx context.Context) error {
	p.mu.Lock()
	p.settling = true
	p.mu.Unlock()
	if err := p.mendAll(ctx); err != nil {
		return err
	}
	t := time.NewTicker(beat)
	defer t.Stop()
	for !p.still() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the plant did not come to a halt: %w", ctx.Err())
		case <-t.C:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

func (p *Plant) still() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.machines {
		if !m.dead && m.phase != halted {
			return false
		}
	}
	return true
}
