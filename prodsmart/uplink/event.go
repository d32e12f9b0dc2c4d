package uplink

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Severity says who should read an event.
type Severity uint8

// The severities.
const (
	// Info is for whoever asks why.
	Info Severity = iota
	// Notice is a doubt or a loss that explains a difference later.
	Notice
	// Alarm needs a person.
	Alarm
)

// String is the name used in journals.
func (s Severity) String() string { return [...]string{"info", "notice", "alarm"}[s] }

// Code names the kind of an event for journals, conditions and metrics.
type Code string

// The codes. Those marked as conditions begin with Over false and end with Over
// true; the others happen once.
const (
	// Unreachable: requests do not leave. A condition.
	Unreachable Code = "prodsmart_unreachable"
	// Unclear: requests leave and no usable answer comes. A condition.
	Unclear Code = "prodsmart_unclear"
	// Rejected: Prodsmart does not accept the credentials. A condition.
	Rejected Code = "prodsmart_unauthorized"
	// Throttled: Prodsmart asked for a pause. A condition.
	Throttled Code = "prodsmart_limited"
	// LedgerFailed: what is about to be told can not be saved, so nothing is
	// sent. A condition.
	LedgerFailed Code = "ledger_failed"

	// CounterRefused: the machine's counter is parked. A condition.
	CounterRefused Code = "counter_refused"
	// ExtrasRefused: the count was only taken without its waste or parameters.
	// A condition.
	ExtrasRefused Code = "extras_refused"
	// MachineRefused: requests of this machine are not authorized, or do not
	// leave, while those of others are taken. A condition.
	MachineRefused Code = "machine_refused"
	// OtherWriter: Prodsmart's counter is above what was sent. A condition.
	OtherWriter Code = "other_writer"
	// FellBack: the report is below what Prodsmart was told; its count is held
	// until it is above again. A condition.
	FellBack Code = "report_below_told"

	// WasteRefused: waste without a good piece was refused; it waits for one.
	WasteRefused Code = "waste_refused"
	// ParametersRefused: a parameter was refused by itself; it is held and tried
	// again slowly. A condition, while any is held.
	ParametersRefused Code = "parameters_refused"
	// StopRefused: a downtime could not be begun with its type (P13).
	StopRefused Code = "stop_refused"
	// StopGivenUp: neither its type nor the default type was taken (P13).
	StopGivenUp Code = "stop_given_up"
	// StartRefused: a downtime could not be ended.
	StartRefused Code = "start_refused"
	// AnswerLost: one answer was unclear; what was sent is settled later (P7).
	AnswerLost Code = "answer_lost"
	// TakenAsTold: a refusal, or a rule, says that a request whose answer was
	// lost had been applied.
	TakenAsTold Code = "taken_as_told"
	// FirstZeroRefused: the tenant takes no first zero; nothing is wrong.
	FirstZeroRefused Code = "first_zero_refused"
	// NotInProdsmart: a whole downtime was never told (P8).
	NotInProdsmart Code = "not_in_prodsmart"
	// StopLate: a downtime begins later in Prodsmart than it did (P9).
	StopLate Code = "stop_late"
	// StartLate: a downtime ends later in Prodsmart than it did (P10).
	StartLate Code = "start_late"
	// BacklogHeld: pieces of an earlier order wait for Release. A condition.
	BacklogHeld Code = "backlog_held"
	// BacklogLate: pieces of an earlier order were told so late that they are
	// booked on another one.
	BacklogLate Code = "backlog_late"
	// ServerBelow: Prodsmart's counter is below what was sent. Log only.
	ServerBelow Code = "server_below"
)

// Event is something that a person, a journal or a health condition should
// know.
type Event struct {
	Time time.Time
	// Machine is empty if it concerns all.
	Machine string
	Code    Code
	// Over says that the condition ended.
	Over  bool
	Level Severity
	// Text is whole sentences: what happened and what to do next.
	Text string
	// Stop and Late belong to the codes of the P rules: which downtime, and for
	// StopLate and StartLate by how much. For NotInProdsmart the downtime lasted
	// from Stop.Since to Time.
	Stop prodsmart.Stop
	Late time.Duration
	// From and To are the true times of what Prodsmart does not show as it was:
	// the downtime or the part of it that is missing or too much, or the time in
	// which Pieces of Order were made. Zero where the code has none.
	From, To time.Time
	Pieces   int64
	Order    string
}

// Posted is one post and what became of it, for the journal.
type Posted struct {
	// Sent is when it was handed to the poster, Time when the answer was there.
	Sent, Time time.Time
	Post       prodsmart.Post
	Answer     prodsmart.Answer
	// Before and After are what was acknowledged before and after it.
	Before, After Told
	// Attempt is 1 for the first time a start or stop is sent.
	Attempt int
	// Dry says that it was not sent at all.
	Dry bool
}

// Hooks are told what happens. They are called from Run's goroutine, one at a
// time and in order, and must not call back into the Uplink's Run. A nil hook is
// not called.
type Hooks struct {
	Events func(Event)
	Posted func(Posted)
}
