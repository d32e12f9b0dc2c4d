package connectortest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Endurance is the name of the case for which Subject.Serve is called by
// Reconnects, Weekend and RandomFaults.
const Endurance = "endurance"

// endurance is a play without a fault of its own.
func endurance() Case {
	return Case{Name: Endurance, Network: func(*Proxy, Subject) Fault { return Fault{} }}
}

// Reconnects cuts the connection n times, each as soon as it is up, and holds
// that nothing stays behind: no goroutine, no descriptor, no connection, no
// session at the peer. No other test may run beside it. It says what it saw.
func Reconnects(t *testing.T, s Subject, n int) string {
	source := s.Serve(t, endurance())
	proxy := NewProxy(t, source.Addr())
	connector := source.Connect(t, proxy.Addr())
	if err := source.Set(1); err != nil {
		t.Fatal(err)
	}
	cycle := func(n int) time.Duration {
		began := time.Now()
		sup := superviseWith(t, connector, 2, proxy.Addr(), func(time.Duration, bool) time.Duration { return time.Millisecond })
		for i := range n {
			if !sup.await(FreshWithin, sup.Up) {
				t.Fatalf("after %d cuts the link did not come up within %v: %s", i, FreshWithin, sup.said(0))
			}
			ended := sup.runs()
			proxy.Cut()
			sup.waitEnd(t, s.Silent+FreshWithin, ended)
		}
		took := time.Since(began)
		sup.WaitUp(t, FreshWithin)
		sup.stop(t)
		return took
	}
	cycle(5)
	few := settled(proxy)
	took := cycle(n)
	many := settledTo(proxy, few, 0)
	for _, extra := range many.beyond(few, 0) {
		t.Errorf("%d cuts left, against 5, %s", n, extra)
	}
	return fmt.Sprintf("%d reconnects in %v: goroutines %d before, %d after; open descriptors %d before, %d after; %s",
		n, took.Round(time.Second), len(few.stacks), len(many.stacks), len(few.files), len(many.files), sessionsLeft(t, source))
}

// sessionsFor is how long a peer may keep sessions of connections that were cut.
const sessionsFor = 90 * time.Second

// sessionsLeft waits until the peer has no session left and says how long that
// took.
func sessionsLeft(t *testing.T, source Source) string {
	sessioner, ok := source.(Sessioner)
	if !ok {
		return "the peer has no sessions to count"
	}
	began := time.Now()
	for {
		n, err := sessioner.Sessions()
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		if n == 0 {
			return fmt.Sprintf("no session left at the peer after %v", took.Round(time.Second))
		}
		if took > sessionsFor {
			t.Errorf("%d sessions are left at the peer after %v", n, sessionsFor)
			return fmt.Sprintf("%d sessions left at the peer after %v", n, sessionsFor)
		}
		pause(250 * time.Millisecond)
	}
}

// Off lets the connector fail as often as a supervisor calls it in so long an
// absence of the peer, without the pauses between, and then wants fresh data.
// No other test may run beside it. It says what it saw.
func Off(t *testing.T, s Subject, absence time.Duration) string {
	source := s.Serve(t, endurance())
	fault, ok := source.Fault(Stopped)
	if !ok {
		t.Fatal("the peer can not be stopped")
	}
	sup := superviseWith(t, source.Connect(t, source.Addr()), 2, source.Addr(), func(time.Duration, bool) time.Duration { return 0 })
	p := &play{supervisor: sup, subject: s, c: Case{Forgets: true}, source: source}
	if err := p.healthy(); err != nil {
		t.Fatal(err)
	}
	if err := fault.Begin(); err != nil {
		t.Fatal(err)
	}
	n := Attempts(GatewayBackoff(), absence)
	few := sup.runs() + 100
	if !sup.await(time.Minute, func() bool { return sup.runs() >= few }) {
		t.Fatalf("%d attempts in a minute", sup.runs())
	}
	before := present()
	for sup.runs() < n { // however long it takes, as long as it goes on
		next := min(n, sup.runs()+1000)
		if !sup.await(time.Minute, func() bool { return sup.runs() >= next }) {
			t.Fatalf("%d attempts of %d, and fewer than 1000 of them in the last minute", sup.runs(), n)
		}
	}
	for _, extra := range present().beyond(before, 5) { // the next attempt is under way
		t.Errorf("%d attempts left, against 100, %s", n, extra)
	}
	if err := fault.End(); err != nil {
		t.Fatal(err)
	}
	able := time.Now()
	if err := p.healthy(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("off for %v: %d attempts in a row without pauses, then fresh data %.2f s after the peer could answer; with the gateway's pauses add at most 5 s",
		absence, n, time.Since(able).Seconds())
}

// Attempts is how often a supervisor calls a connector that fails at once
// during an absence of the peer.
func Attempts(b Backoff, absence time.Duration) int {
	next, n := b.pauses(), 0
	for past := time.Duration(0); past < absence; n++ {
		past += next(0, false)
	}
	return n
}

// RandomFaults plays n faults in a row, each beginning and ending when chance
// wants it, and holds all that Recover does. The supervisor's pauses are short,
// so that most faults meet a living connection. It says what it saw.
func RandomFaults(t *testing.T, s Subject, n int, seed uint64) string {
	p := newPlay(t, s, endurance(), Backoff{First: 100 * time.Millisecond, Longest: 400 * time.Millisecond})
	chance := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	began, err := time.Now(), p.healthy()
	for i := 0; i < n && err == nil; i++ {
		err = p.suffer(chance)
		if err == nil && i%10 == 9 {
			err = p.healthy()
		}
		if err != nil {
			err = fmt.Errorf("fault %d: %w", i, err)
		}
	}
	if err == nil {
		err = p.healthy()
	}
	if err == nil {
		err = p.allPulses()
	}
	p.supervisor.stop(t)
	if err == nil {
		err = p.judge()
	}
	if err != nil {
		t.Errorf("seed %d: %v; %s", seed, err, p.tail())
		return fmt.Sprintf("%d random faults, seed %d: **not met**: %v", n, seed, err)
	}
	text := fmt.Sprintf("%d random faults in %v, seed %d: the link was lost, or could not be made, %d times (pauses of at most 0.5 s); every value was the peer's, fresh data came within 10 s after every tenth",
		n, time.Since(began).Round(time.Second), seed, p.runs()-1)
	if p.pulses > 0 {
		text += fmt.Sprintf("; %d of %d messages that count were lost", p.result.Lost, p.result.Sent)
	}
	return text
}

// suffer plays one fault of chance's choice.
func (p *play) suffer(chance *rand.Rand) error {
	upTo := func(d time.Duration) time.Duration { return time.Duration(chance.Int64N(int64(d))) }
	frozen, _ := p.source.Fault(Frozen)
	faults := []Fault{
		{do(p.proxy.Cut), nil},
		{do(p.proxy.Swallow), do(p.proxy.Pass)},
		{do(p.proxy.HalfOpen), do(p.proxy.Pass)},
		{do(p.proxy.Refuse), do(p.proxy.Pass)},
		{do(p.proxy.Drop), do(p.proxy.Forget)},
		delaying(p.proxy, p.subject.Slow),
		delaying(p.proxy, p.subject.Late),
		frozen,
	}
	fault := faults[chance.IntN(len(faults))]
	if err := fault.Begin(); err != nil {
		return err
	}
	if chance.IntN(2) == 0 {
		p.proxy.Cut()
	}
	pause(upTo(1200 * time.Millisecond))
	if fault.End != nil {
		if err := fault.End(); err != nil {
			return err
		}
	}
	pause(upTo(300 * time.Millisecond))
	return p.change()
}
