package mapping

import "time"

// Event is one entry of the journal: an unusual decision and its reason, or a
// change of state. Ordinary counting leaves none.
type Event struct {
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	// Rule is the row that decided: R1 to R12 of the counter rules, P1 to P13
	// of the start and stop rules, or a word (state, reason, parameter).
	Rule string `json:"rule"`
	// Subject is what it is about: "count", "waste SCRAP", "state".
	Subject string   `json:"subject"`
	Level   Severity `json:"level"`
	// Text is a whole sentence for a person, with the numbers.
	Text string `json:"text"`
	// Raw, Previous and Added are the numbers of a counter decision, as exact
	// decimals or fractions; empty elsewhere.
	Raw      string `json:"raw,omitempty"`
	Previous string `json:"previous,omitempty"`
	Added    string `json:"added,omitempty"`
}

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
