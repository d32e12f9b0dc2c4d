package connectortest

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Subject is a protocol spoken to one make of peer, under the recovery suite.
type Subject struct {
	// Protocol and Peer name it in the report.
	Protocol, Peer string
	// Silent is the longest time in which the connector must find that nothing
	// comes any more: three publishing intervals, keep-alives or polls, and the
	// timeout of a request where the protocol has to ask.
	Silent time.Duration
	// Late is longer than the connector waits for an answer, Slow well below.
	Late, Slow time.Duration
	// Foreign makes answers belong to a request that nobody made.
	Foreign func(chunk []byte)
	// Queues says that the peer keeps values for a client that is away and gives
	// them all, without their times: they may be old, but must be in order
	// unless they are marked as sent before.
	Queues bool
	// SkewLasts says that a clock that was ahead and is right is still said to be
	// ahead for some minutes.
	SkewLasts bool
	// Cannot says of cases, by name, why they have no meaning here.
	Cannot map[string]string
	// Lanes is how many cases run side by side, each with a peer of its own.
	Lanes int
	// Cable lays a cable before the peer: a listener at its far end, closed by
	// who asked, and what happens to the cable in the case of that name. nil
	// where Cannot says why there is none. The cable ends with the test.
	Cable func(t testing.TB) (net.Listener, func(name string) Fault)
	// Serve starts the peer as the case needs it. It ends with the test.
	Serve func(t testing.TB, c Case) Source
}

// Source is a peer with one counter, which is tag 0. It starts with the value
// of its first Set. Its methods are called by one goroutine.
type Source interface {
	// Addr is host:port and stays the same.
	Addr() string
	// Connect makes a connector that speaks to addr, the proxy before the peer.
	Connect(t testing.TB, addr string) connectors.Connector
	// Set returns when the peer holds the value.
	Set(v uint64) error
	// Fault gives the fault that the peer itself plays in the case of that name.
	Fault(name string) (Fault, bool)
}

// Pulser is a Source that also has messages that each count, which are tag 1.
type Pulser interface {
	// Pulse sends a message of that number; it returns when the peer has it.
	Pulse(n uint64) error
}

// Sessioner is a Source that knows how many sessions clients have with it.
type Sessioner interface {
	Sessions() (int, error)
}

// Fault is something that goes wrong, and its end. Begin returns when it is in
// effect, End when the peer is able to answer again.
type Fault struct {
	Begin, End func() error
}

// Result is what one case showed.
type Result struct {
	Protocol, Peer, Case string
	// Detect is the time from the fault until the connection, or its counter,
	// was reported as bad. 0 if it never was.
	Detect time.Duration
	// Fresh is the time from the end of the fault to a value that the peer took
	// after it. It begins at Detect for faults that only concern what exists.
	Fresh time.Duration
	// Lost is the number of messages that count and never came, of Sent.
	Lost, Sent int
	// Remark is what the connector said about the fault, or why the case has no
	// meaning here; Problem, if not empty, is what did not hold.
	Remark, Problem string
	// Tried is false for a case that has no meaning here.
	Tried bool
}

// Recover runs every case against the subject and gives the results, in the
// order of cases. What does not hold also fails the test.
func Recover(t *testing.T, s Subject, cases []Case) []Result {
	results := make([]Result, len(cases))
	work := make(chan int)
	var lanes sync.WaitGroup
	for range max(1, s.Lanes) {
		lanes.Go(func() {
			for i := range work {
				results[i] = Result{Problem: "the case ended early"}
				t.Run(cases[i].Name, func(t *testing.T) { results[i] = recoverFrom(t, s, cases[i]) })
				results[i].Protocol, results[i].Peer, results[i].Case = s.Protocol, s.Peer, cases[i].Name
			}
		})
	}
	for i := range cases {
		work <- i
	}
	close(work)
	lanes.Wait()
	return results
}

// recoverFrom plays one case.
func recoverFrom(t *testing.T, s Subject, c Case) Result {
	if why, ok := s.Cannot[c.Name]; ok {
		return Result{Remark: why}
	}
	p := newPlay(t, s, c, GatewayBackoff())
	err := p.run()
	p.supervisor.stop(t)
	if err == nil {
		err = p.judge()
	}
	if err != nil {
		p.result.Problem = err.Error()
		t.Errorf("%v; %s", err, p.tail())
	}
	p.result.Tried = true
	return p.result
}

// held is a value of the counter and the time when the peer had surely taken it.
type held struct {
	value uint64
	taken time.Time
}

// play is one case under way.
type play struct {
	*supervisor
	subject Subject
	c       Case
	source  Source
	proxy   *Proxy
	fault   Fault
	held    []held
	pulses  uint64
	result  Result
}

func newPlay(t *testing.T, s Subject, c Case, b Backoff) *play {
	t.Helper()
	source := s.Serve(t, c)
	p := &play{subject: s, c: c, source: source}
	if c.Cable {
		listener, fault := s.Cable(t)
		p.proxy, p.fault = newProxy(t, listener, source.Addr()), fault(c.Name)
	} else {
		p.proxy = NewProxy(t, source.Addr())
	}
	switch {
	case c.Cable:
	case c.Clock:
		clocked := source.(Clocked)
		if err := clocked.Clock(clockBehind); err != nil {
			t.Fatal(err)
		}
		p.fault = jumping(clocked)
	case c.Network != nil:
		p.fault = c.Network(p.proxy, s)
	default:
		fault, ok := source.Fault(c.Name)
		if !ok {
			t.Fatalf("the peer can not play %q, and no reason is given", c.Name)
		}
		p.fault = fault
	}
	p.supervisor = superviseWith(t, source.Connect(t, p.proxy.Addr()), 2, p.proxy.Addr(), b.pauses())
	return p
}

// run plays the case and measures.
func (p *play) run() error {
	if err := p.change(); err != nil {
		return fmt.Errorf("before the fault: %w", err)
	}
	if err := p.arrives(3 * FreshWithin); err != nil { // a peer that has just started promises nothing
		return fmt.Errorf("before the fault: %w", err)
	}
	if p.c.Clock {
		if err := p.clock(clockBehind); err != nil {
			return err
		}
	}
	broke, before := time.Now(), p.runs()
	if err := p.suffers(broke, before); err != nil {
		return err
	}
	mended := time.Now()
	if p.fault.End != nil {
		if err := p.fault.End(); err != nil {
			return fmt.Errorf("the fault can not end: %w", err)
		}
		mended = time.Now()
	}
	if err := p.change(); err != nil {
		return err
	}
	err := p.arrives(FreshWithin - time.Since(mended))
	p.result.Fresh = p.firstOf(p.held[len(p.held)-1].value).Sub(mended)
	p.result.Detect = max(0, p.detected(broke).Sub(broke))
	p.result.Remark = p.said(before)
	if err == nil {
		err = p.healthy()
	}
	if err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	if p.c.Clock && !p.subject.SkewLasts {
		if err := p.clock(0); err != nil {
			return err
		}
	}
	return p.allPulses()
}

// suffers begins the fault and stays with it until it may end. before is the
// number of runs that had ended when it broke.
func (p *play) suffers(broke time.Time, before int) error {
	if err := p.fault.Begin(); err != nil {
		return fmt.Errorf("the fault can not begin: %w", err)
	}
	if p.c.Reset {
		p.proxy.Cut()
	}
	if p.c.Reachable {
		if err := p.change(); err != nil {
			return err
		}
	}
	if p.c.Bears {
		if err := p.healthy(); err != nil {
			return fmt.Errorf("during the fault: %w", err)
		}
	}
	if p.c.Clock {
		if err := p.clock(clockAhead); err != nil {
			return err
		}
	}
	limit := p.subject.Silent + slack
	found := func() bool { return p.lostAfter(broke) }
	seen := p.await(limit, found)
	if more := p.slack(); !seen && more > slack { // the computer was busy meanwhile
		limit = p.subject.Silent + more
		seen = p.await(more-slack, found)
	}
	switch {
	case p.c.Bears && seen:
		return fmt.Errorf("the connection was given up although the peer answers: %s", p.said(before))
	case p.c.Blind && !seen:
		late := ""
		if p.await(FreshWithin, func() bool { return p.lostAfter(broke) }) {
			late = fmt.Sprintf("; it was after %v", p.detected(broke).Sub(broke).Round(10*time.Millisecond))
		}
		return fmt.Errorf("not detected within %v: the link was still said to be up%s", limit, late)
	case p.c.Blind:
		p.await(p.c.Lasts, func() bool { return false })
		return p.quiet(broke)
	}
	return nil
}

// healthy changes the counter and waits for it.
func (p *play) healthy() error {
	if err := p.change(); err != nil {
		return err
	}
	return p.arrives(FreshWithin)
}

// change gives the counter its next value and sends two messages that count.
func (p *play) change() error {
	v := uint64(100 + len(p.held))
	if err := p.source.Set(v); err != nil {
		return fmt.Errorf("the peer does not take a value: %w", err)
	}
	p.held = append(p.held, held{v, time.Now()})
	pulser, ok := p.source.(Pulser)
	// Before the first session exists nobody keeps messages.
	for range 2 {
		if !ok || len(p.held) == 1 {
			break
		}
		p.pulses++
		if err := pulser.Pulse(p.pulses); err != nil {
			return fmt.Errorf("the peer does not take a message: %w", err)
		}
	}
	return nil
}

// arrives waits for the newest value of the counter, longer by what a busy
// computer is late.
func (p *play) arrives(limit time.Duration) error {
	v := connectors.Uint(p.held[len(p.held)-1].value)
	came := func() bool { return p.shows(Counter, v) && p.Up() }
	if p.await(limit, came) {
		return nil
	}
	if more := p.slack() - slack; more > 0 && p.await(more, came) {
		return nil
	}
	text := ""
	if said := p.said(0); said != "" {
		text = "; the connector said last: " + said
	}
	return fmt.Errorf("the value %s did not come within %v%s", v.Text(), limit.Round(time.Second), text)
}

// allPulses waits for the messages that count and says how many are missing.
func (p *play) allPulses() error {
	if p.pulses == 0 {
		return nil
	}
	missing := func() int {
		came := map[string]bool{}
		for _, b := range p.Batches() {
			for _, s := range b.Samples {
				if s.Tag == 1 {
					came[s.Value.Text()] = true
				}
			}
		}
		return int(p.pulses) - len(came)
	}
	p.await(FreshWithin, func() bool { return missing() == 0 })
	p.result.Lost, p.result.Sent = missing(), int(p.pulses)
	if p.result.Lost > 0 && !p.c.Forgets {
		return fmt.Errorf("%d of %d messages that count were lost", p.result.Lost, p.result.Sent)
	}
	return nil
}
