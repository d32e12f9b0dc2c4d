package uplink

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// shelf is a ledger in memory that can fail, and that another writer can use.
type shelf struct {
	mu       sync.Mutex
	records  map[string][]byte
	revision map[string]uint64
	broken   error
	saves    int
}

func newShelf() *shelf {
	return &shelf{records: map[string][]byte{}, revision: map[string]uint64{}}
}

func (s *shelf) Load(_ context.Context, machine string) (Record, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return Record{}, 0, s.broken
	}
	var r Record
	if data := s.records[machine]; data != nil {
		if err := json.Unmarshal(data, &r); err != nil {
			return Record{}, 0, err
		}
	}
	return r, s.revision[machine], nil
}

func (s *shelf) Save(_ context.Context, machine string, r Record, rev uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return 0, s.broken
	}
	if rev != s.revision[machine] {
		return 0, ErrConflict
	}
	data, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	s.records[machine] = data
	s.revision[machine]++
	s.saves++
	return s.revision[machine], nil
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	s.broken = err
	s.mu.Unlock()
}

func (s *shelf) record(t *testing.T, machine string) Record {
	t.Helper()
	r, _, err := s.Load(t.Context(), machine)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// line is a poster that writes down what it sends.
type line struct {
	mu     sync.Mutex
	posts  []string
	most   int
	now    int
	perM   map[string]int
	double bool
	answer func(context.Context, prodsmart.Post) prodsmart.Answer
}

func (l *line) Send(ctx context.Context, p prodsmart.Post) prodsmart.Answer {
	l.mu.Lock()
	l.posts = append(l.posts, p.Machine+" "+short(p))
	l.now++
	l.most = max(l.most, l.now)
	if l.perM == nil {
		l.perM = map[string]int{}
	}
	l.perM[p.Machine]++
	l.double = l.double || l.perM[p.Machine] > 1
	answer := l.answer
	l.mu.Unlock()
	a := verdict(yes)
	if answer != nil {
		a = answer(ctx, p)
	}
	l.mu.Lock()
	l.now--
	l.perM[p.Machine]--
	l.mu.Unlock()
	return a
}

// reply changes the answers from now on; nil accepts.
func (l *line) reply(answer func(context.Context, prodsmart.Post) prodsmart.Answer) {
	l.mu.Lock()
	l.answer = answer
	l.mu.Unlock()
}

func (l *line) sent() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.posts...)
}

// hang waits for the end of the request and has no answer then.
func hang(ctx context.Context) prodsmart.Answer {
	<-ctx.Done()
	return prodsmart.Answer{Verdict: prodsmart.Ambiguous, Text: ctx.Err().Error()}
}

type notes struct {
	mu     sync.Mutex
	events []Event
	posted []Posted
}

func (n *notes) hooks() Hooks {
	return Hooks{
		Events: func(e Event) { n.mu.Lock(); n.events = append(n.events, e); n.mu.Unlock() },
		Posted: func(p Posted) { n.mu.Lock(); n.posted = append(n.posted, p); n.mu.Unlock() },
	}
}

func (n *notes) codes() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := rig{events: n.events}
	return r.codes()
}

func (s *shelf) saved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saves
}
