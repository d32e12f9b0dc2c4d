package erp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Class is a class of calls with a budget of its own.
type Class struct {
	Name string
	// PerDay is the number of calls of a day; 0 is without bound.
	PerDay int
}

// BudgetConfig is what a system allows.
type BudgetConfig struct {
	Classes []Class
	// PerMinute bounds the calls of all classes in a minute; 0 is without bound.
	PerMinute int
	// Zone is where the system's day begins at midnight; nil is UTC.
	Zone *time.Location
	// Kept is what Keep was last given, empty at first.
	Kept string
	// Keep is called before each call leaves, so that calls are counted over
	// restarts too; an error keeps the call from leaving. May be nil.
	Keep func(kept string) error
}

// Budget counts the calls of a system's day over restarts, and spreads them over
// the minute. It may be used by several goroutines.
type Budget struct {
	config BudgetConfig
	mu     sync.Mutex
	spent  spent
	// minute are the calls of the last 60 s, oldest first.
	minute []time.Time
}

// spent is what is kept on disk.
type spent struct {
	Day  string         `json:"day"`
	Used map[string]int `json:"used"`
	// Told is what the system itself said is left of a class, when it had
	// Used calls.
	Told map[string]told `json:"told,omitempty"`
}

type told struct {
	Left int `json:"left"`
	Used int `json:"used"`
}

// NewBudget goes on where the kept one stopped. What was kept and can not be
// read counts as nothing.
func NewBudget(c BudgetConfig) *Budget {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	b := &Budget{config: c}
	if json.Unmarshal([]byte(c.Kept), &b.spent) != nil {
		b.spent = spent{}
	}
	return b
}

// turn begins another day if it has come.
func (b *Budget) turn(now time.Time) {
	day := now.In(b.config.Zone).Format(time.DateOnly)
	if b.spent.Day != day || b.spent.Used == nil {
		b.spent = spent{Day: day, Used: map[string]int{}, Told: map[string]told{}}
	}
	if b.spent.Told == nil {
		b.spent.Told = map[string]told{}
	}
}

// Take waits for the minute's budget and counts a call of the class. An *Error
// with Exhausted says when the next day begins; nothing was counted then.
func (b *Budget) Take(ctx context.Context, class string) error {
	if err := b.wait(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.turn(now)
	if left, bounded := b.left(class); bounded && left <= 0 {
		return &Error{Fault: Exhausted, What: fmt.Sprintf("the %s calls of this day are used up", class), Until: b.midnight(now)}
	}
	before := b.spent.Used[class]
	b.spent.Used[class] = before + 1
	if b.config.Keep != nil {
		text, err := json.Marshal(b.spent)
		if err == nil {
			err = b.config.Keep(string(text))
		}
		if err != nil {
			b.spent.Used[class] = before
			return &Error{Fault: Unavailable, What: "the count of calls can not be kept on disk", Err: err}
		}
	}
	b.minute = append(b.minute, now)
	return nil
}

// wait waits until the minute has room for a call.
func (b *Budget) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		now := time.Now()
		for len(b.minute) > 0 && now.Sub(b.minute[0]) >= time.Minute {
			b.minute = b.minute[1:]
		}
		full := b.config.PerMinute > 0 && len(b.minute) >= b.config.PerMinute
		var pause time.Duration
		if full {
			pause = time.Minute - now.Sub(b.minute[0])
		}
		b.mu.Unlock()
		if !full {
			return ctx.Err()
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// midnight is when the next day begins where the system is.
func (b *Budget) midnight(now time.Time) time.Time {
	y, m, d := now.In(b.config.Zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, b.config.Zone).UTC()
}

// left is what is left of a class today; bounded is false if it has no bound.
func (b *Budget) left(class string) (left int, bounded bool) {
	for _, c := range b.config.Classes {
		if c.Name == class && c.PerDay > 0 {
			left, bounded = c.PerDay-b.spent.Used[class], true
		}
	}
	if t, ok := b.spent.Told[class]; ok {
		said := t.Left - (b.spent.Used[class] - t.Used)
		if !bounded || said < left {
			left, bounded = said, true
		}
	}
	return max(left, 0), bounded
}

// Told notes what the system itself said is left of a class: others spend from
// the same budget.
func (b *Budget) Told(class string, left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(time.Now())
	b.spent.Told[class] = told{max(left, 0), b.spent.Used[class]}
}

// Stretch is by how much a poll's interval is to be lengthened: 1 as a rule, 2
// below 20 % of the day's budget, and 0 below 10 %: then orders are read once an
// hour and nothing else is.
func (b *Budget) Stretch(class string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(time.Now())
	left, bounded := b.left(class)
	if !bounded {
		return 1
	}
	day := 0
	for _, c := range b.config.Classes {
		if c.Name == class {
			day = c.PerDay
		}
	}
	switch {
	case day <= 0 || left*5 >= day:
		return 1
	case left*10 >= day:
		return 2
	}
	return 0
}

// Left is one class of a budget, for the board.
type Left struct {
	Class string
	// Used of PerDay calls were made today by this gateway; Left is what is
	// left with what the system itself said. PerDay is 0 without a bound.
	Used, PerDay, Left int
	// Until is when the day ends, in UTC.
	Until time.Time
}

// Left is what is left of each class today.
func (b *Budget) Left() []Left {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.turn(now)
	var out []Left
	for _, c := range b.config.Classes {
		left, _ := b.left(c.Name)
		out = append(out, Left{c.Name, b.spent.Used[c.Name], c.PerDay, left, b.midnight(now)})
	}
	return out
}

// Used is how many calls of each class were made today.
func (b *Budget) Used() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(time.Now())
	return maps.Clone(b.spent.Used)
}
