package connectortest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Recorder is an emit that remembers. It also watches that the connector keeps
// the contract of emit; Faults lists where it did not. Its methods may be used
// from any goroutine, except those with a testing.TB, which belong to the
// test's own.
type Recorder struct {
	tags int

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every batch
	batches  []connectors.Batch
	latest   map[int]connectors.Sample
	samples  uint64
	emitting bool
	running  bool
	up       bool
	last     time.Time
	faults   []string
	held     chan struct{} // not nil while Emit blocks
}

// NewRecorder makes a recorder for a connector with that many tags.
func NewRecorder(tags int) *Recorder {
	return &Recorder{tags: tags, changed: make(chan struct{}), latest: map[int]connectors.Sample{}}
}

// Begin says that Run is about to be called, End that it returned. End records
// the LinkDown that a supervisor emits.
func (r *Recorder) Begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.up = true, false
}

// End is the counterpart of Begin.
func (r *Recorder) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.emitting {
		r.fault("Run returned while emit was still being called")
	}
	r.running, r.up = false, false
	r.append(connectors.Batch{Time: time.Now(), Link: connectors.LinkDown})
}

// Emit takes one batch, blocks while held, and calls Committed.
func (r *Recorder) Emit(b connectors.Batch) {
	r.mu.Lock()
	if r.emitting {
		r.fault("emit was called by two goroutines at a time")
	}
	r.emitting = true
	held := r.held
	r.wake()
	r.mu.Unlock()
	if held != nil {
		<-held
	}
	r.mu.Lock()
	r.emitting = false
	r.judge(b)
	b.Samples = slices.Clone(b.Samples)
	for _, s := range b.Samples {
		r.latest[s.Tag] = s
	}
	r.samples += uint64(len(b.Samples))
	r.append(b)
	r.mu.Unlock()
	if b.Committed != nil {
		b.Committed()
	}
}

// judge holds one batch against the contract.
func (r *Recorder) judge(b connectors.Batch) {
	switch {
	case !r.running:
		r.fault("emit was called after Run had returned")
	case b.Link == connectors.LinkDown:
		r.fault("the connector emitted LinkDown; only the supervisor may")
	case b.Link == connectors.LinkUp && r.up:
		r.fault("LinkUp came twice in one Run")
	case b.Link == connectors.LinkUp:
		r.up = true
	case !r.up && (len(b.Samples) > 0 || b.Alive):
		r.fault("samples came before LinkUp")
	}
	if b.Time.IsZero() {
		r.fault("a batch has no time")
	}
	if b.Time.Before(r.last) {
		r.fault("the time of a batch is before that of the one before")
	}
	r.last = b.Time
	for _, s := range b.Samples {
		switch {
		case s.Tag < 0 || s.Tag >= r.tags:
			r.fault("a sample is of tag %d of %d", s.Tag, r.tags)
		case s.Quality == connectors.Good && s.Value.Kind() == connectors.KindNone:
			r.fault("a good sample of tag %d has no value", s.Tag)
		case s.Quality != connectors.Good && s.Reason == "":
			r.fault("a %s sample of tag %d has no reason", s.Quality, s.Tag)
		}
	}
}

// fault remembers a breach once. The lock is held.
func (r *Recorder) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.faults, text) {
		r.faults = append(r.faults, text)
	}
}

// append stores a batch and wakes who waits. The lock is held.
func (r *Recorder) append(b connectors.Batch) {
	r.batches = append(r.batches, b)
	r.wake()
}

// wake makes every Wait look again. The lock is held.
func (r *Recorder) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Faults lists the breaches of the contract seen so far.
func (r *Recorder) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.faults)
}

// Batches are all batches so far, LinkDown of End included.
func (r *Recorder) Batches() []connectors.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.batches)
}

// Samples is the number of samples so far.
func (r *Recorder) Samples() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.samples
}

// Latest is the newest sample of a tag; false if there was none.
func (r *Recorder) Latest(tag int) (connectors.Sample, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.latest[tag]
	return s, ok
}

// Up says whether the newest Run has emitted LinkUp and not returned.
func (r *Recorder) Up() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up
}

// Hold makes Emit block until Release.
func (r *Recorder) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(chan struct{})
	}
}

// Release ends Hold. It may be called when nothing is held.
func (r *Recorder) Release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held != nil {
		close(r.held)
		r.held = nil
	}
}

// Held says whether a call of Emit is blocked now.
func (r *Recorder) Held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held != nil && r.emitting
}

// Wait returns when holds is true, which is asked at every batch. It ends
// the test if that is not so within limit. holds may use the recorder.
func (r *Recorder) Wait(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	if !r.await(limit, holds) {
		t.Fatalf("waited %v in vain for %s; %s", limit, what, r.tail())
	}
}

// await is Wait that tells by its result.
func (r *Recorder) await(limit time.Duration, holds func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return holds()
		}
	}
}

// WaitUp waits for LinkUp of the present or a coming Run.
func (r *Recorder) WaitUp(t testing.TB, limit time.Duration) {
	t.Helper()
	r.Wait(t, limit, "LinkUp", r.Up)
}

// WaitValue waits until the newest sample of a tag is good and reads as v does;
// the kinds of number may differ.
func (r *Recorder) WaitValue(t testing.TB, limit time.Duration, tag int, v connectors.Value) {
	t.Helper()
	r.Wait(t, limit, fmt.Sprintf("tag %d = %s", tag, v.Text()), func() bool { return r.shows(tag, v) })
}

func (r *Recorder) shows(tag int, v connectors.Value) bool {
	s, ok := r.Latest(tag)
	return ok && s.Quality == connectors.Good && s.Value.Text() == v.Text()
}

// tail describes the last batches for a failed wait.
func (r *Recorder) tail() string {
	batches := r.Batches()
	text := fmt.Sprintf("%d batches came, the last:", len(batches))
	for _, b := range batches[max(0, len(batches)-5):] {
		text += fmt.Sprintf("\n  %s link=%d alive=%t", b.Time.Format("15:04:05.000"), b.Link, b.Alive)
		for _, s := range b.Samples {
			text += fmt.Sprintf(" [%d]=%q %s %q retained=%t redelivered=%t",
				s.Tag, s.Value.Text(), s.Quality, s.Reason, s.Retained, s.Redelivered)
		}
	}
	return text
}
