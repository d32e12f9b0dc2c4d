package uplink

import "time"

// Mode says whether posts leave the house.
type Mode uint8

// The modes. The zero value sends nothing.
const (
	// DryRun takes every post as accepted without sending it, and saves nothing
	// to the ledger, so that going live starts from what was really told.
	DryRun Mode = iota
	Live
)

// String is the name used in configuration and on pages.
func (m Mode) String() string {
	if m == Live {
		return "live"
	}
	return "dry-run"
}

// WasteCodes says which waste codes a counter post carries.
type WasteCodes uint8

// The choices of waste codes.
const (
	// ChangedWaste sends a code only when it grew since it was acknowledged.
	ChangedWaste WasteCodes = iota
	// AllWaste sends every code every time, for tenants that take a missing
	// code as a reset and equal quantities as they are.
	AllWaste
)

// WasteOnly says what happens when waste grew and the count did not.
type WasteOnly uint8

// The treatments of waste without a good piece.
const (
	// HoldWaste waits for the next good piece, because a count that does not
	// grow may be refused.
	HoldWaste WasteOnly = iota
	// SendWaste posts it with the unchanged count.
	SendWaste
)

// FirstZero says what happens at first contact with a machine at count 0. Whether
// a tenant takes zeros that nothing came before is not documented. A first count
// above 0 leaves out waste quantities of 0 in any case: they tell nothing that a
// tenant does not assume, and one that wants growth refuses the count with them.
type FirstZero uint8

// The treatments of a first zero.
const (
	// PostZero posts it with all waste codes; a refusal is taken as "already 0".
	PostZero FirstZero = iota
	// SkipZero posts nothing before the first piece.
	SkipZero
)

// RepeatStop says what the tenant does with a second running:0 while the
// downtime is open.
type RepeatStop uint8

// The answers to a repeated stop.
const (
	// RepeatSafe: it changes nothing, or is refused. A stop whose answer was
	// lost is sent again until there is one.
	RepeatSafe RepeatStop = iota
	// RepeatOpens: it opens a second downtime. A stop whose answer was lost is
	// taken as told and never repeated.
	RepeatOpens
)

// Backlog says what happens to pieces that could not be told in time and belong
// to an order that is not the present one any more. Prodsmart books whatever
// comes on the record that is open now.
type Backlog uint8

// The treatments of a backlog.
const (
	// PostBacklog posts it, and says so.
	PostBacklog Backlog = iota
	// HoldBacklog holds the machine's counter until somebody calls Release.
	HoldBacklog
)

// Machine holds what the uplink has to know of one machine.
type Machine struct {
	// DefaultType is the downtime type to fall back to when Prodsmart refuses
	// another one; empty if there is none.
	DefaultType string
	// ReportEvery is the target freshness; zero means that of the Settings.
	ReportEvery time.Duration
	// Freshness weighs the machine against others while they ask for more than
	// the budget: with 2 its changes wait half as long as with 1. Zero means 1.
	Freshness float64
	// NoCounter is a machine that only reports run and stop: no counter is ever
	// posted and its report needs no known count.
	NoCounter bool
}

// Settings are the uplink's rules. The zero value of each field is its default.
type Settings struct {
	Mode Mode
	// Budget is the number of requests a minute; 0 means 100.
	Budget int
	// Unpaced switches the budget off: work may leave at any time. For replay.
	Unpaced bool
	// Aligned lets all machines report at wall-clock multiples of ReportEvery
	// instead of spreading their phases over it.
	Aligned bool
	// ReportEvery is the target freshness of counts; 0 means 30 s.
	ReportEvery time.Duration
	// InFlight is the number of machines that may wait for an answer at the
	// same time, at least 2; 0 means 8. The last place is kept for stops and
	// starts.
	InFlight int
	// Timeout ends a request whose answer does not come; 0 means 30 s. Grace is
	// how long Run waits for answers when it is told to end; 0 means 3 s.
	Timeout, Grace time.Duration

	Waste      WasteCodes
	WasteOnly  WasteOnly
	FirstZero  FirstZero
	RepeatStop RepeatStop
	Backlog    Backlog

	// AmbiguousWait is the first pause of a machine after an unclear answer; it
	// doubles up to 2 min; 0 means 5 s.
	AmbiguousWait time.Duration
	// EqualWait is how long a count whose answer was lost waits to be overtaken
	// by a higher one before it is sent again; 0 means 2 min. It doubles up to
	// RefusedMax should that answer be lost as well.
	EqualWait time.Duration
	// RefusedRetry is the first pause after a real refusal, RefusedMax the
	// longest; 0 means 10 min and 1 h. The longest is no shorter than RefusedRetry
	// and EqualWait.
	RefusedRetry, RefusedMax time.Duration
	// LateAfter is the delay from which a stop or start that was told late is
	// worth an event; 0 means 1 min.
	LateAfter time.Duration

	// Zone is that of the times in texts; nil leaves each in the zone that it came
	// with.
	Zone *time.Location

	// Machines by code. A machine that is not listed has the zero Machine.
	Machines map[string]Machine
}

const (
	minute           = time.Minute
	longestAmbiguous = 2 * time.Minute
	longestBackoff   = 30 * time.Second
	unauthorizedWait = time.Minute
	// unclearLimit is the number of unclear answers in a row after which the
	// service itself is taken to be in trouble.
	unclearLimit = 4
	// edgeRun is the number of stops and starts, and counters that belong to
	// them, in a row after which the one of all others is let through that waits
	// longest.
	edgeRun = 4
	// afterPatience is how long a counter after a start waits for stops and starts
	// before it is one of those others.
	afterPatience = 10 * time.Second
	// parameterPatience is the number of reporting periods that parameters
	// without a counter post may wait to weigh as much as one late count.
	parameterPatience = 10
)

func (s Settings) withDefaults() Settings {
	s.Budget = orInt(s.Budget, 100)
	s.InFlight = max(2, orInt(s.InFlight, 8))
	s.ReportEvery = or(s.ReportEvery, 30*time.Second)
	s.Timeout = or(s.Timeout, 30*time.Second)
	s.Grace = or(s.Grace, 3*time.Second)
	s.AmbiguousWait = or(s.AmbiguousWait, 5*time.Second)
	s.EqualWait = or(s.EqualWait, 2*time.Minute)
	s.RefusedRetry = or(s.RefusedRetry, 10*time.Minute)
	s.RefusedMax = max(or(s.RefusedMax, time.Hour), s.RefusedRetry, s.EqualWait)
	s.LateAfter = or(s.LateAfter, time.Minute)
	return s
}

func or(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

func orInt(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// doubled is base doubled n times, at most limit.
func doubled(base time.Duration, n int, limit time.Duration) time.Duration {
	for range n {
		if base >= limit {
			return limit
		}
		base *= 2
	}
	return min(base, limit)
}
