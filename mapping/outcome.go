package mapping

import "time"

// Outcome is what a step led to. The caller owns it and may use it again for
// the next step; Step empties it first.
type Outcome struct {
	// Dirty says that the machine's snapshot differs from the one before in
	// something that must not be lost.
	Dirty bool
	// Urgent says that the device would not show it again: a state, a pulse, a
	// reset. It implies Dirty. What is dirty without it is a counter that went on
	// or a new value of a parameter: after a loss, the next sample brings it again.
	Urgent bool
	// Changed says that the machine's report may differ. It implies Dirty.
	Changed bool
	// Events belong into the journal, in this order.
	Events []Event

	machine string
}

// reset empties it. Events are rare, and room for them in every machine is not
// kept.
func (o *Outcome) reset(machine string) { *o = Outcome{machine: machine} }

func (o *Outcome) dirty() { o.Dirty, o.Urgent = true, true }

func (o *Outcome) changed() { o.Dirty, o.Urgent, o.Changed = true, true, true }

// grown is changed for what the next sample would bring again.
func (o *Outcome) grown() { o.Dirty, o.Changed = true, true }

// event notes a decision. st, if not nil, is the counter it is about.
func (o *Outcome) event(t time.Time, rule, subject string, level Severity, text string, st *counterState) {
	e := Event{Time: t, Machine: o.machine, Rule: rule, Subject: subject, Level: level, Text: text}
	if st != nil {
		e.Previous = st.Raw.String()
	}
	o.Events = append(o.Events, e)
}

// counted notes a decision about a counter with its numbers.
func (o *Outcome) counted(t time.Time, rule, subject string, level Severity, text string, raw, previous, added Number) {
	o.Events = append(o.Events, Event{
		Time: t, Machine: o.machine, Rule: rule, Subject: subject, Level: level, Text: text,
		Raw: raw.String(), Previous: previous.String(), Added: added.String(),
	})
}
