package gateway

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// reminders write conditions to the log: the beginning, a reminder every
// remindEvery while they hold, and the end. One that comes and goes is not
// mentioned each time: after the first beginning and end it must hold, or be
// gone, for flapQuiet. Connections log themselves, with more to say.
type reminders struct {
	log *slog.Logger

	mu      sync.Mutex
	entries map[subject]*mention
}

// subject is a condition and what it is about.
type subject struct {
	code health.Code
	name string
}

// mention is what the log says of a condition.
type mention struct {
	condition health.Condition
	// holds is how it is, told how it is as far as the log says.
	holds, told bool
	// restless says that it began again soon after the log mentioned it.
	restless     bool
	last         time.Time // mentioned
	began, ended time.Time
	begins       int // not mentioned
}

// change takes up the beginning or the end of a condition.
func (r *reminders) change(c health.Change) {
	if c.Condition.Code == health.LinkDown {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := subject{c.Condition.Code, c.Condition.Subject}
	e := r.entries[key]
	if e == nil {
		if r.entries == nil {
			r.entries = map[subject]*mention{}
		}
		e = &mention{}
		r.entries[key] = e
	}
	e.condition, e.holds = c.Condition, !c.Ended
	if c.Ended {
		e.ended = c.At
		if e.told && !e.restless {
			r.over(e, c.At)
		}
		return
	}
	e.began = c.At
	e.begins++
	switch {
	case e.told:
	case e.last.IsZero() || c.At.Sub(e.last) >= remindEvery:
		e.restless = false
		r.begin(e, c.At)
	default:
		e.restless = true
	}
}

// pass lets time pass; held are the conditions as they are now.
func (r *reminders) pass(now time.Time, held []health.Condition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range held {
		e := r.entries[subject{c.Code, c.Subject}]
		if e == nil || !e.holds {
			continue
		}
		e.condition = c
		switch {
		case !e.told && now.Sub(e.began) >= flapQuiet:
			r.begin(e, now)
		case e.told && now.Sub(e.last) >= remindEvery && c.Severity > health.Notice:
			r.remind(e, now)
		}
	}
	for key, e := range r.entries {
		switch {
		case e.holds:
		case e.told && now.Sub(e.ended) >= flapQuiet:
			r.over(e, e.ended)
			e.last, e.restless = now, false
		case !e.told && now.Sub(e.last) >= remindEvery:
			if e.begins > 0 {
				r.log.Info("came and went: "+e.condition.Title, "code", key.code.String(), "subject", key.name,
					"detail", e.condition.Detail, "times", e.begins)
			}
			delete(r.entries, key)
		}
	}
}

func (r *reminders) begin(e *mention, now time.Time) {
	r.log.Warn(e.condition.Title, r.attributes(e, "next", e.condition.Next)...)
	e.told, e.last, e.begins = true, now, 0
}

func (r *reminders) remind(e *mention, now time.Time) {
	r.log.Warn("still: "+e.condition.Title, r.attributes(e, "since", e.condition.Since.Format(time.RFC3339))...)
	e.last, e.begins = now, 0
}

func (r *reminders) over(e *mention, at time.Time) {
	r.log.Info("over: "+e.condition.Title, "code", e.condition.Code.String(), "subject", e.condition.Subject,
		"after", at.Sub(e.condition.Since).Round(time.Second))
	e.told, e.last, e.begins = false, at, 0
}

// attributes of a line about e: times says how often it began since the log
// mentioned it, if that was more than once.
func (r *reminders) attributes(e *mention, more ...any) []any {
	list := []any{"code", e.condition.Code.String(), "subject", e.condition.Subject, "detail", e.condition.Detail}
	if e.begins > 1 {
		list = append(list, "times", e.begins)
	}
	return append(list, more...)
}

// repeats let the first of equal events through, and then one every remindEvery
// with the number of those that were held back.
type repeats struct {
	mu      sync.Mutex
	entries map[repeatKey]*repeat
}

// repeatKey says which events are equal. All three come from the configuration
// and closed lists.
type repeatKey struct{ machine, rule, subject string }

type repeat struct {
	last   time.Time
	held   int
	newest mapping.Event
}

// take says whether an event is due, and how many were held back before it.
func (r *repeats) take(now time.Time, e mapping.Event) (before int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := repeatKey{e.Machine, e.Rule, e.Subject}
	old := r.entries[key]
	if old != nil && now.Sub(old.last) < remindEvery {
		old.held++
		old.newest = e
		return 0, false
	}
	if r.entries == nil {
		r.entries = map[repeatKey]*repeat{}
	}
	r.entries[key] = &repeat{last: now}
	if old != nil {
		before = old.held
	}
	return before, true
}

// repeated is an event with the number of earlier ones that it stands for.
type repeated struct {
	mapping.Event
	before int
}

// overdue gives the newest of those that were held back and whose time has come,
// and forgets what did not happen again.
func (r *repeats) overdue(now time.Time) []repeated {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []repeated
	for key, e := range r.entries {
		switch {
		case now.Sub(e.last) < remindEvery:
		case e.held == 0:
			delete(r.entries, key)
		default:
			out = append(out, repeated{e.newest, e.held - 1})
			r.entries[key] = &repeat{last: now}
		}
	}
	slices.SortFunc(out, func(a, b repeated) int { return a.Time.Compare(b.Time) })
	return out
}
