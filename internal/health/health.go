// Package health names what can be wrong, and keeps what is wrong now: a closed
// list of conditions, each with a title and the next step for a person. It does
// not find anything out, keeps no history and writes no log; whoever notices a
// condition sets it, and clears it when it has passed.
package health

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Severity says how much a condition wants a person.
type Severity uint8

// The severities.
const (
	// Notice can wait: nothing is lost or wrong.
	Notice Severity = iota
	// Warning says that numbers may be doubtful or late.
	Warning
	// Alarm says that something is not counted, not told or not kept until
	// somebody acts or it passes.
	Alarm
)

// String is the name used in logs, metrics and pages.
func (s Severity) String() string {
	switch s {
	case Notice:
		return "notice"
	case Warning:
		return "warning"
	}
	return "alarm"
}

// MarshalText gives the name to JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Condition is one thing that is wrong now.
type Condition struct {
	Code Code `json:"code"`
	// Title, Next and Severity are those of the code.
	Title string `json:"title"`
	// Detail says in a sentence what was seen this time; it may be empty.
	Detail string `json:"detail,omitempty"`
	// Next is what a person can do.
	Next     string   `json:"next"`
	Severity Severity `json:"severity"`
	// Subject is the machine, connection or tag it is about; empty if it is
	// about the gateway as a whole.
	Subject string `json:"subject,omitempty"`
	// Since is when it began. It stays while only the detail changes.
	Since time.Time `json:"since"`
}

// Change is the beginning or the end of a condition. A new detail is none.
type Change struct {
	Condition Condition
	// Ended is false when it began. At is the time of the change.
	Ended bool
	At    time.Time
}

// Tracker keeps the conditions that hold now. It may be used from several
// goroutines at a time. Make it with NewTracker.
type Tracker struct {
	now     func() time.Time
	changed func(Change)
	// turn is held from a change to the end of its callback, so that callbacks
	// come in the order of the changes. It is taken before mu.
	turn sync.Mutex
	mu   sync.Mutex
	held map[key]Condition
}

type key struct {
	code    Code
	subject string
}

// NewTracker makes a tracker without conditions. changed, if not nil, is called
// for each beginning and end, one at a time and in order, by the goroutine that
// caused it; it may call List, but not Set, Clear or Forget.
func NewTracker(now func() time.Time, changed func(Change)) *Tracker {
	if changed == nil {
		changed = func(Change) {}
	}
	return &Tracker{now: now, changed: changed, held: map[key]Condition{}}
}

// Set says that a condition holds. Setting it again only renews its detail, and
// is cheap. It reports whether the condition is new.
func (t *Tracker) Set(code Code, subject, detail string) bool {
	k := key{code, subject}
	if t.renew(k, detail) {
		return false
	}
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.renew(k, detail) {
		return false
	}
	d := code.Definition()
	c := Condition{
		Code: code, Title: d.Title, Next: d.Next, Severity: d.Severity,
		Detail: detail, Subject: subject, Since: t.now(),
	}
	t.mu.Lock()
	t.held[k] = c
	t.mu.Unlock()
	t.changed(Change{Condition: c, At: c.Since})
	return true
}

// renew updates the detail of a condition that holds already.
func (t *Tracker) renew(k key, detail string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, held := t.held[k]
	if held && c.Detail != detail {
		c.Detail = detail
		t.held[k] = c
	}
	return held
}

// Clear says that a condition has passed. Clearing one that does not hold is
// cheap and does nothing. It reports whether it held.
func (t *Tracker) Clear(code Code, subject string) bool {
	k := key{code, subject}
	t.mu.Lock()
	_, held := t.held[k]
	t.mu.Unlock()
	if !held {
		return false
	}
	return t.end(func(other key) bool { return other == k }) > 0
}

// Forget clears everything about a subject, for instance a machine that is no
// longer configured.
func (t *Tracker) Forget(subject string) {
	t.end(func(k key) bool { return k.subject == subject })
}

// end clears what is chosen, and tells so in the order of List.
func (t *Tracker) end(chosen func(key) bool) int {
	t.turn.Lock()
	defer t.turn.Unlock()
	var ended []Condition
	t.mu.Lock()
	for k, c := range t.held {
		if chosen(k) {
			ended = append(ended, c)
			delete(t.held, k)
		}
	}
	t.mu.Unlock()
	slices.SortFunc(ended, compare)
	at := t.now()
	for _, c := range ended {
		t.changed(Change{Condition: c, Ended: true, At: at})
	}
	return len(ended)
}

// List gives the conditions that hold, the gravest first, then in the order of
// the codes and of the subjects. The caller may keep it.
func (t *Tracker) List() []Condition {
	t.mu.Lock()
	list := make([]Condition, 0, len(t.held))
	for _, c := range t.held {
		list = append(list, c)
	}
	t.mu.Unlock()
	slices.SortFunc(list, compare)
	return list
}

func compare(a, b Condition) int {
	return cmp.Or(
		-cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Subject, b.Subject),
	)
}
