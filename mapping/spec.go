package mapping

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Spec is the compiled configuration of one machine: everything the rules need,
// nothing about files or networks. The configuration builds it, New checks it.
// Signals are referred to by index; NoSignal is none.
type Spec struct {
	// Code is the machine's code in Prodsmart.
	Code string
	Name string
	Line string
	// Signals are the tags the machine reads, without duplicates.
	Signals []Signal
	// Count is the machine's own counter; nil for a machine that only reports
	// run and stop.
	Count *CountSpec
	// Waste counters, one for each waste code.
	Waste []WasteSpec
	State StateSpec
	// Reasons in order of priority: when two codes arrive together, the first
	// listed wins.
	Reasons []ReasonSpec
	// DefaultType is the downtime type of a stop without a mapped reason.
	DefaultType string
	Parameters  []ParameterSpec
	// ResetEvidence are signals whose change proves that the device may have
	// reset its counters: a job number, a boot counter, a reset bit. It makes a
	// fall a reset at once; a counter that rose in spite of it just went on.
	ResetEvidence []int
	// Order is the tag that names the order or job that runs; nil for none.
	Order *OrderSpec
	// Online is the signal that says whether the device itself is alive (a
	// last-will topic). OnlineIs lists the texts that mean yes.
	Online   int
	OnlineIs []string
	// CommTimeout is how long bad or missing values are borne before the state
	// is unknown. A lost link is unknown at once.
	CommTimeout time.Duration
	// Calendar holds the planned windows that concern this machine.
	Calendar Calendar
	// IdealCycle is the planned time for one raw count; 0 if not given.
	IdealCycle time.Duration
}

// NoSignal marks a signal that is not mapped.
const NoSignal = -1

// Signal is one tag of one connection.
type Signal struct {
	Connection string
	Tag        connectors.Tag
}

// Quantity says what a counter counts.
type Quantity uint8

// The quantities a counter can have: T = G + W.
const (
	// GoodParts are pieces without rejects.
	GoodParts Quantity = iota
	// TotalParts are all pieces, rejects included.
	TotalParts
)

// CountSpec is the machine's part counter.
type CountSpec struct {
	CounterSpec
	// Is says what the device counts, Post what Prodsmart's counter means. If
	// they differ the waste counters make up the difference. The derived total
	// keeps its highest value while late rejects are pending, and does not grow
	// while waste that is taken away from it is unknown.
	Is, Post Quantity
}

// WasteSpec is one waste counter.
type WasteSpec struct {
	// Code is the waste code in Prodsmart.
	Code string
	CounterSpec
}

// CounterSpec says how one raw counter becomes a total.
type CounterSpec struct {
	// Signal is the raw counter, or the pulse.
	Signal int
	// Minus is a second counter whose total is taken away from this one's
	// (infeed minus outfeed); nil for most.
	Minus *CounterSpec
	Kind  CounterKind
	// Scale turns raw units into pieces. ScaleSignal, if mapped, gives a factor
	// that is multiplied with it: the number of active cavities, for instance.
	Scale       Number
	ScaleSignal int
	// Modulus is the number of values the raw counter runs through before it
	// starts again at 0; zero if it does not wrap.
	Modulus Number
	// Decrease says what a smaller value means.
	Decrease Decrease
	// ResetTo is the raw value after a reset.
	ResetTo Number
	// MaxRate is the physical peak in raw units per second, NominalRate the
	// usual rate; both greater than zero.
	MaxRate, NominalRate Number
	// Burst is added to what MaxRate allows, in raw units.
	Burst Number
	// ConfirmUp and ConfirmDown are the numbers of samples, and ConfirmTime the
	// time, after which an unexpected level is believed.
	ConfirmUp, ConfirmDown int
	ConfirmTime            time.Duration
	// Backstep is the largest fall, in raw units, that is only a correction or
	// jitter: the old value stays the high-water mark.
	Backstep Number
	// OnJump says what happens with an impossible step up.
	OnJump Jump
	// MaxGap is the longest time between two values that can be judged
	// without doubt: a third of the time the counter needs to wrap.
	MaxGap time.Duration
	// MinCycle is the shortest time between two pulses; closer ones are bounces.
	MinCycle time.Duration
	// SaturatesAt lists raw values at which a counter of this type stands
	// still for good; SaturatesFrom is the value from which a float can no
	// longer count by one. Zero means none.
	SaturatesAt   []Number
	SaturatesFrom Number
	// Latch is a signal that holds the final value of the run before a reset.
	Latch int
	// AllowUncertain lets values of uncertain quality count.
	AllowUncertain bool
	// InitialTotal is what is posted at first contact, in pieces.
	InitialTotal Number
}

// CounterKind is how a signal counts.
type CounterKind uint8

// The kinds of counters.
const (
	// Totaliser is a number that grows with the parts.
	Totaliser CounterKind = iota
	// Edges is a bit: each change from false to true is one raw unit.
	Edges
	// Messages counts each message as one raw unit.
	Messages
)

// Decrease is the meaning of a raw value below the one before.
type Decrease uint8

// The meanings of a decrease.
const (
	// Hold knows no reason for a decrease; it is treated as a jump.
	Hold Decrease = iota
	// Wrap says the counter went through its modulus.
	Wrap
	// Reset says somebody or something set it back.
	Reset
	// WrapOrReset foresees both; a wrap is then only believed when it fits the
	// nominal rate.
	WrapOrReset
)

// Jump is the treatment of an impossible step up.
type Jump uint8

// The treatments of a jump.
const (
	// Rebase adds only what is made after the jump.
	Rebase Jump = iota
	// Accept adds the jump as well once it is confirmed.
	Accept
)

// Canonical is the state of a machine in the terms all machines share.
type Canonical uint8

// The canonical states. Unknown is the zero value: nothing is known before the
// first sample, and nothing is after the link is lost.
const (
	Unknown Canonical = iota
	Running
	Stopped
	Setup
	Planned

	// States is the number of canonical states.
	States = iota
)

// String is the name used in journals, metrics and pages.
func (c Canonical) String() string {
	switch c {
	case Running:
		return "running"
	case Stopped:
		return "stopped"
	case Setup:
		return "setup"
	case Planned:
		return "planned"
	}
	return "unknown"
}

// StateSpec says how the signals become a state. Evidence is taken in this
// order: Values of the Signal; then RunningWhen and StoppedWhen; then the idle
// time of the counter. With none of them the machine has no state and posts no
// downtimes.
type StateSpec struct {
	// Signal is the state word, or the run bit. Values maps its value, written
	// as Value.Text does, to a state; any other value is Otherwise.
	Signal    int
	Values    map[string]StateValue
	Otherwise Canonical
	// RunningWhen and StoppedWhen are boolean expressions over Inputs. With
	// RunningWhen alone the machine stands when it is false; with both, the
	// state stays as it was while neither holds (hysteresis).
	RunningWhen, StoppedWhen *Expr
	Inputs                   []Input
	// IdleAfter is the time without a count after which the machine is taken
	// to stand; 0 means that the counter says nothing about the state.
	IdleAfter time.Duration
	// StopAfter is how long a machine must stand before a downtime begins,
	// RunAfter how long it must run before it ends, RunCounts how many raw
	// counts it must make besides.
	StopAfter, RunAfter time.Duration
	RunCounts           int
	// SplitReasons ends a downtime and begins another one when the reason
	// changes; otherwise the first reason stays.
	SplitReasons bool
}

// StateValue is the meaning of one value of a state word.
type StateValue struct {
	State Canonical
	// Type is the downtime type of Setup and Planned states, and may name one
	// for a Stopped state.
	Type string
}

// Input binds a name of an expression to a signal.
type Input struct {
	Name   string
	Signal int
}

// ReasonSpec maps fault codes to downtime types.
type ReasonSpec struct {
	Signal int
	// Types maps a code, written as Value.Text does, to a downtime type.
	Types map[string]string
	// Bits maps a bit of an alarm word, 0 being the least significant, to a
	// downtime type; nil if the signal is a code.
	Bits map[int]string
	// Operator says that a person enters the reason: it beats fault codes if
	// it comes before the downtime is told.
	Operator bool
}

// OrderSpec names the order or job that runs, as the machine says it.
type OrderSpec struct {
	// Signal holds the name or the number, of any type; an empty text and zero
	// mean that there is none.
	Signal int
}

// ParameterSpec is one process value told to Prodsmart.
type ParameterSpec struct {
	// Name is used with the counter service, Code with the parameters service.
	Name, Code string
	Signal     int
	// Scale is multiplied with numbers; zero means 1.
	Scale Number
	// Every is the shortest time between two values told.
	Every time.Duration
	// Deadband is the smallest difference worth telling, in scaled units; zero
	// tells every change.
	Deadband Number
}
