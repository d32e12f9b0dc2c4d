package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Poster makes one request to Prodsmart and waits for its answer. It returns
// soon after ctx ends, is called for several machines at the same time but
// never for one machine twice, and never tries again by itself.
type Poster interface {
	Send(ctx context.Context, p prodsmart.Post) prodsmart.Answer
}

// Uplink runs a Desk: it saves what is about to be told, sends it, and saves
// what came of it. Its methods may be called at any time by anybody; Run is
// called once.
type Uplink struct {
	settings Settings
	ledger   Ledger
	poster   Poster
	hooks    Hooks
	clock    steadyClock
	kick     chan struct{}

	mu   sync.Mutex
	desk *Desk
	// unknown holds the newest report of machines whose record is not loaded.
	unknown map[string]prodsmart.Report
	queue   []string // their order of arrival
	// turns holds where each waiting errand hears that its turn has come.
	turns map[uint64]chan<- Work
	// ended is closed when Run is over.
	ended chan struct{}

	// The following belong to Run's goroutine.
	revisions map[string]uint64
	// unsaved holds, for each machine whose newest record is not surely on disk,
	// all that may be there, the newest last.
	unsaved   map[string][]Record
	ledgerBad trouble
}

// trouble is the state of something that fails and is tried again.
type trouble struct {
	fails int
	until time.Time
	since time.Time
}

// New makes an Uplink. Nothing happens before Run.
func New(s Settings, l Ledger, p Poster, h Hooks) *Uplink {
	s = s.withDefaults()
	clock := newSteadyClock()
	return &Uplink{
		settings: s, ledger: l, poster: p, hooks: h, clock: clock,
		kick:    make(chan struct{}, 1),
		desk:    NewDesk(clock.now(), s),
		unknown: map[string]prodsmart.Report{}, turns: map[uint64]chan<- Work{}, ended: make(chan struct{}),
		revisions: map[string]uint64{}, unsaved: map[string][]Record{},
	}
}

// Report says what Prodsmart should know of a machine now. It never waits.
func (u *Uplink) Report(machine string, r prodsmart.Report) {
	u.mu.Lock()
	urgent := true
	if u.desk.Knows(machine) {
		urgent = u.desk.Report(u.clock.now(), machine, r)
	} else {
		if _, queued := u.unknown[machine]; !queued {
			u.queue = append(u.queue, machine)
		}
		u.unknown[machine] = r
	}
	u.mu.Unlock()
	if urgent {
		u.nudge()
	}
}

// Configure replaces what is known of a machine, and tries again at once what
// was refused.
func (u *Uplink) Configure(machine string, m Machine) {
	u.with(func(now time.Time) {
		u.desk.Configure(now, machine, m)
	})
}

// Unpark tries again at once what was refused of a machine.
func (u *Uplink) Unpark(machine string) {
	u.with(func(now time.Time) { u.desk.Unpark(now, machine) })
}

// Forget stops telling of a machine until it is reported again. Its record
// stays in the ledger.
func (u *Uplink) Forget(machine string) {
	u.with(func(time.Time) {
		u.desk.Forget(machine)
		delete(u.unknown, machine)
	})
}

// Spend accounts for n requests that were made to Prodsmart past the Uplink,
// such as those for a token.
func (u *Uplink) Spend(n int) {
	u.with(func(now time.Time) { u.desk.Spend(now, n) })
}

// Status is a snapshot.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.desk.Status(u.clock.now())
	for _, machine := range u.queue {
		if r, ok := u.unknown[machine]; ok {
			s.Machines = append(s.Machines, MachineStatus{Machine: machine, Report: r})
		}
	}
	return s
}

func (u *Uplink) with(change func(now time.Time)) {
	u.mu.Lock()
	change(u.clock.now())
	u.mu.Unlock()
	u.nudge()
}

func (u *Uplink) nudge() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

type answered struct {
	work   Work
	answer prodsmart.Answer
	// cut says that we gave the request up because we are to end.
	cut bool
}

// Run tells Prodsmart what it should know until ctx ends. Then it sends nothing
// new, waits for the answers on their way for at most the grace of the
// settings, saves, and returns. The error says what could not be saved.
func (u *Uplink) Run(ctx context.Context) error {
	// Requests outlive ctx by the grace, so that few answers are lost. Saves
	// outlive the requests, so that what became of them is on disk.
	sending, cut := outliving(ctx, u.settings.Grace)
	defer cut()
	saving, stop := outliving(ctx, u.settings.Grace+1500*time.Millisecond)
	defer stop()
	defer close(u.ended)
	answers := make(chan answered)
	waiting := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		wake := u.turn(ctx, saving, func(w Work) {
			waiting++
			go func() {
				a := u.send(sending, w.Post)
				answers <- answered{w, a, sending.Err() != nil}
			}()
		})
		timer.Reset(wake)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-u.kick:
		case a := <-answers:
			waiting--
			u.done(saving, a)
		}
	}
	for ; waiting > 0; waiting-- {
		u.done(saving, <-answers)
	}
	return u.saveAll(saving)
}

// outliving gives a context that ends the given time after ctx. The caller ends
// it, which waits for the goroutine behind it.
func outliving(ctx context.Context, by time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-ctx.Done():
		case <-longer.Done():
			return
		}
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	}()
	return longer, func() { cancel(); <-gone }
}

const longSleep = time.Hour

// turn does everything that can be done now and says how long to sleep. One
// piece of work is saved and sent after the other, so that the slots hold for
// the sending, not for the saving. A save that has begun outlives ctx.
func (u *Uplink) turn(ctx, saving context.Context, launch func(Work)) time.Duration {
	for ctx.Err() == nil {
		now := u.clock.now()
		if wait := u.ledgerBad.until.Sub(now); wait > 0 {
			return wait
		}
		if !u.saveUnsaved(saving) || !u.load(ctx) {
			continue
		}
		u.mu.Lock()
		w, wake, ok := u.desk.Next(u.clock.now())
		events := u.desk.Events()
		u.mu.Unlock()
		u.tell(events)
		if !ok {
			if wake.IsZero() {
				return longSleep
			}
			return wake.Sub(u.clock.now())
		}
		if w.Ticket != 0 {
			u.grant(w)
			continue
		}
		if u.settings.Mode == DryRun {
			u.done(saving, answered{work: w, answer: prodsmart.Answer{Verdict: prodsmart.Accepted, Text: "dry run: not sent"}})
			continue
		}
		saved := u.save(saving, w.Machine, w.Record)
		if !saved || ctx.Err() != nil {
			u.drop(saving, w, saved)
			continue
		}
		u.mu.Lock()
		u.desk.Sent(u.clock.now(), w)
		u.mu.Unlock()
		launch(w)
	}
	return 0
}

func (u *Uplink) send(ctx context.Context, p prodsmart.Post) prodsmart.Answer {
	ctx, cancel := context.WithTimeout(ctx, u.settings.Timeout)
	defer cancel()
	return u.poster.Send(ctx, p)
}

// done gives an answer to the desk and saves what came of it. Should that fail,
// the disk still says that the request is on its way, which is safe.
func (u *Uplink) done(ctx context.Context, got answered) {
	w, a := got.work, got.answer
	u.mu.Lock()
	now := u.clock.now()
	flight, before := u.desk.flight(w), u.desk.told(w.Machine)
	settle := u.desk.Done
	if got.cut {
		settle = u.desk.Cut
	}
	r, ours := settle(now, w, a)
	events := u.desk.Events()
	u.mu.Unlock()
	if ours && u.settings.Mode == Live {
		u.save(ctx, w.Machine, r)
	}
	if u.hooks.Posted != nil {
		after := before
		if ours {
			after = r.Told
		}
		u.hooks.Posted(Posted{
			Sent: u.clock.wall(flight), Time: u.clock.wall(now), Post: w.Post, Answer: a,
			Before: before, After: after, Attempt: w.Record.Telling.Attempts, Dry: u.settings.Mode == DryRun,
		})
	}
	u.tell(events)
}

func (u *Uplink) tell(events []Event) {
	if u.hooks.Events == nil {
		return
	}
	for _, e := range events {
		set := u.clock.wall(e.Time).Sub(e.Time) // by how much the wall clock was set
		e.Time = e.Time.Add(set)
		switch e.Code { // the times that are not of the machine
		case StartLate:
			e.From, e.To = e.From.Add(set), e.To.Add(set)
		case StopLate, NotInProdsmart:
			e.To = e.To.Add(set)
		}
		u.hooks.Events(e)
	}
}

// steadyClock never jumps: it is the wall clock of the start plus the time that
// passed since. A corrected wall clock then holds no post back.
type steadyClock struct{ start time.Time }

func newSteadyClock() steadyClock { return steadyClock{time.Now()} }

func (c steadyClock) now() time.Time { return c.start.Round(0).Add(time.Since(c.start)) }

// wall is the wall-clock time of a steady one.
func (c steadyClock) wall(t time.Time) time.Time {
	return t.Add(time.Now().Round(0).Sub(c.now()).Round(time.Millisecond))
}

// errSave says which machines' records are not on disk.
func errSave(n int, err error) error {
	return fmt.Errorf("the ledger entries of %d machines could not be saved; what they were told last is settled at the next start: %w", n, err)
}

var errConflictAgain = errors.New("the ledger entry keeps changing under another writer; is a second gateway running on this store?")
