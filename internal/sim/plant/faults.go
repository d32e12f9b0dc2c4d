package plant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// breaking is a way in which a link fails.
type breaking string

// The ways in which a link fails.
const (
	breakCut    breaking = "cut"    // connections are reset
	breakFreeze breaking = "freeze" // connections stay, nothing passes
	breakShut   breaking = "shut"   // connections are reset and refused
)

// trouble is one fault of the schedule, or of the control interface.
type trouble struct {
	Name string `json:"name"`
	link string
	how  breaking
	last time.Duration
	// device is a fault of a device that is not its link's.
	device func(*Plant, time.Duration)
	// prodsmart is a fault of Prodsmart.
	prodsmart *mes.Fault
	outage    bool // Prodsmart is not reachable at all
}

// troubles are all faults the plant knows.
func troubles() []trouble {
	var ts []trouble
	for _, l := range []string{linkOPCUA, linkModbus, linkMQTT} {
		ts = append(ts,
			trouble{Name: l + "-cut", link: l, how: breakCut},
			trouble{Name: l + "-freeze", link: l, how: breakFreeze, last: 5 * time.Second},
			trouble{Name: l + "-shut", link: l, how: breakShut, last: 3 * time.Second},
		)
	}
	zero := func(p *Plant, now time.Duration) {
		p.byCode["PRESS-1"].reg.zeroUntil = now + 300*time.Millisecond
		p.byCode["OVEN-1"].reg.zeroReads = 1
	}
	offline := func(p *Plant, _ time.Duration) { p.byCode["SAW-1"].reg.offline = true }
	return append(ts,
		trouble{Name: "zero-glitch", device: zero},
		trouble{Name: "device-offline", device: offline, last: 5 * time.Second},
		trouble{Name: "prodsmart-shut", outage: true, last: 3 * time.Second},
		trouble{Name: "prodsmart-drop-after", last: 2 * time.Second, prodsmart: &mes.Fault{Kind: mes.FaultDropAfter}},
		trouble{Name: "prodsmart-503", last: 2 * time.Second, prodsmart: &mes.Fault{Kind: mes.FaultStatus, Status: 503}},
		trouble{Name: "prodsmart-limit", last: 2 * time.Second, prodsmart: &mes.Fault{Kind: mes.FaultLimit, RetryAfter: 2 * time.Second, Times: 1}},
		trouble{Name: "prodsmart-slow", last: 3 * time.Second, prodsmart: &mes.Fault{Kind: mes.FaultLatency, Delay: 400 * time.Millisecond}},
		trouble{Name: "prodsmart-page", last: time.Second, prodsmart: &mes.Fault{Kind: mes.FaultPage}},
	)
}

// troublemaker draws faults at random, each once before any comes again.
type troublemaker struct {
	random  *rand.Rand
	next    time.Duration
	pending []trouble
	done    []string
}

func newTroublemaker(r *rand.Rand) *troublemaker {
	return &troublemaker{random: r, next: 6 * time.Second}
}

// draw takes a fault out of the bag.
func (t *troublemaker) draw() trouble {
	if len(t.pending) == 0 {
		t.pending = troubles()
		t.random.Shuffle(len(t.pending), func(i, j int) { t.pending[i], t.pending[j] = t.pending[j], t.pending[i] })
	}
	last := len(t.pending) - 1
	one := t.pending[last]
	t.pending = t.pending[:last]
	return one
}

// makeTrouble carries out the next fault of the schedule when it is due.
func (p *Plant) makeTrouble() {
	p.mu.Lock()
	now := p.now()
	if p.settling || now < p.trouble.next || !p.anyoneWorks() {
		p.mu.Unlock()
		return
	}
	one := p.trouble.draw()
	if !p.fits(one, now) {
		// It goes to the bottom of the bag and another one is tried soon.
		p.trouble.pending = slices.Insert(p.trouble.pending, 0, one)
		p.mu.Unlock()
		return
	}
	p.trouble.next = now + 2*time.Second + time.Duration(p.trouble.random.Int64N(int64(4*time.Second)))
	p.mu.Unlock()
	p.carryOut(one)
}

func (p *Plant) anyoneWorks() bool {
	return slices.ContainsFunc(p.machines, func(m *machine) bool { return m.phase == running })
}

// fits says whether a fault may come now: one at a time on a link, none during
// a microstop, which a lost link could make look longer than it was.
func (p *Plant) fits(t trouble, now time.Duration) bool {
	if p.options.Blind {
		return true
	}
	if t.prodsmart != nil || t.outage {
		return p.prodsmartUpset <= now-prodsmartMargin
	}
	for _, m := range p.machines {
		if (m.link == t.link || t.device != nil) && m.phase == microstop {
			return false
		}
	}
	if t.link != "" {
		l := p.links[t.link]
		since := l.gate.FlowingSince()
		return l.mendAt == 0 && !since.IsZero() && time.Since(since) > settleLink
	}
	return true
}

// carryOut makes a fault happen. It must not be called with the lock held.
func (p *Plant) carryOut(t trouble) {
	p.mu.Lock()
	now := p.now()
	p.trouble.done = append(p.trouble.done, fmt.Sprintf("%.1fs %s", now.Seconds(), t.Name))
	if t.device != nil {
		t.device(p, now)
		if t.last > 0 {
			p.chatter.backAt = now + t.last
		}
	}
	if t.prodsmart != nil || t.outage {
		p.prodsmartUpset = max(p.prodsmartUpset, now+t.last)
	}
	p.mu.Unlock()
	switch {
	case t.link != "":
		p.breakLink(t.link, t.how, t.last)
	case t.outage:
		p.mesGate.Shut()
	case t.prodsmart != nil:
		f := *t.prodsmart
		f.For = t.last
		_, err := p.mes.AddFault(f)
		p.note(err)
	}
}

// breakLink makes a link fail for a while.
func (p *Plant) breakLink(name string, how breaking, last time.Duration) {
	p.mu.Lock()
	l := p.links[name]
	if last > 0 {
		l.mendAt = max(l.mendAt, p.now()+last)
	}
	p.mu.Unlock()
	switch how {
	case breakCut:
		l.gate.Cut()
		l.forget()
	case breakFreeze:
		l.gate.Freeze()
	case breakShut:
		l.gate.Shut()
		l.forget()
	}
}

// mend ends the faults that are due.
func (p *Plant) mend() {
	p.mu.Lock()
	now := p.now()
	var due []*link
	for _, l := range p.links {
		if l.mendAt > 0 && now >= l.mendAt {
			due = append(due, l)
		}
	}
	if p.chatter.backAt > 0 && now >= p.chatter.backAt {
		p.chatter.backAt = 0
		p.byCode["SAW-1"].reg.offline = false
	}
	prodsmart := p.prodsmartUpset > 0 && now >= p.prodsmartUpset
	p.mu.Unlock()
	// A port that another program took meanwhile may be free at the next look.
	for _, l := range due {
		if p.repair(l) != nil {
			p.mu.Lock()
			l.mendAt = now
			p.mu.Unlock()
		}
	}
	if prodsmart {
		_ = p.mesGate.Reopen()
	}
}

// mendAll ends all faults now. An error says that a port is lost for good.
func (p *Plant) mendAll(ctx context.Context) error {
	p.mu.Lock()
	p.byCode["SAW-1"].reg.offline = false
	p.chatter.backAt = 0
	for _, m := range p.machines {
		m.reg.zeroReads, m.reg.zeroUntil = 0, 0
	}
	p.prodsmartUpset = min(p.prodsmartUpset, p.now())
	p.mu.Unlock()
	p.mes.ClearFaults()
	t := time.NewTicker(patrol)
	defer t.Stop()
	for {
		err := p.mesGate.Reopen()
		for _, l := range p.links {
			err = errors.Join(err, p.repair(l))
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-t.C:
		}
	}
}

func (p *Plant) repair(l *link) error {
	p.mu.Lock()
	l.mendAt = 0
	p.mu.Unlock()
	l.gate.Pass()
	return l.gate.Reopen()
}

// note keeps an error for Settle to return.
func (p *Plant) note(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = errors.Join(p.failure, err)
}
