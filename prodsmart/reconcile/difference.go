package reconcile

import (
	"fmt"
	"time"
)

// Kind is what differs.
type Kind string

// The kinds.
const (
	// DowntimeMissing: one that was told is not listed.
	DowntimeMissing Kind = "downtime_missing"
	// DowntimeForeign: one is listed that was not told.
	DowntimeForeign Kind = "downtime_foreign"
	// DowntimeRepeated: one that was told is listed twice.
	DowntimeRepeated Kind = "downtime_repeated"
	// TypeChanged: it is listed with another type.
	TypeChanged Kind = "type_changed"
	// StartChanged and EndChanged: it is listed with other times.
	StartChanged Kind = "start_changed"
	EndChanged   Kind = "end_changed"
	// StillOpen: its end was told, and it is listed as open.
	StillOpen Kind = "still_open"
	// ClosedThere: it is held to be open, and listed with an end.
	ClosedThere Kind = "closed_there"
	// Unassigned: pieces were told while no production was open.
	Unassigned Kind = "unassigned"
	// MorePieces and FewerPieces: a production shows more, or fewer, than told.
	MorePieces  Kind = "more_pieces"
	FewerPieces Kind = "fewer_pieces"
	// MoreWaste and FewerWaste: the same of a waste code.
	MoreWaste  Kind = "more_waste"
	FewerWaste Kind = "fewer_waste"
	// ToldBelow and ToldAbove: what is kept as told is below, or above, what the
	// posts say.
	ToldBelow Kind = "told_below"
	ToldAbove Kind = "told_above"
)

// Kinds are all that there are.
func Kinds() []Kind {
	return []Kind{DowntimeMissing, DowntimeForeign, DowntimeRepeated, TypeChanged, StartChanged, EndChanged, StillOpen, ClosedThere,
		Unassigned, MorePieces, FewerPieces, MoreWaste, FewerWaste, ToldBelow, ToldAbove}
}

// Cause is the most likely reason of a difference.
type Cause string

// The causes.
const (
	// ByHand: a person changed or deleted it in Prodsmart.
	ByHand Cause = "by_hand"
	// ByWorker: a worker did it at the terminal.
	ByWorker Cause = "worker"
	// OtherWriter: a person or another program.
	OtherWriter Cause = "other_writer"
	// LostAnswer: the answer of a request was lost, or misleading.
	LostAnswer Cause = "lost_answer"
	// Repeated: a request reached Prodsmart twice.
	Repeated Cause = "repeated"
	// WasRefused: Prodsmart refused the request.
	WasRefused Cause = "refused"
	// Ratio: Prodsmart multiplies by the quantity ratio of the operation.
	Ratio Cause = "quantity_ratio"
	// WasteTakenOut: Prodsmart subtracts waste from the count.
	WasteTakenOut Cause = "waste_taken_out"
	// NoProduction: no worker had begun one.
	NoProduction Cause = "no_production"
	// LostState: the data folder was replaced, or an older copy came back.
	LostState Cause = "lost_state"
)

// Confidence says how sure the cause is. That there is a difference is sure.
type Confidence string

// The degrees of confidence.
const (
	Certain  Confidence = "certain"
	Likely   Confidence = "likely"
	Possible Confidence = "possible"
)

// Difference is one thing that Prodsmart shows otherwise than it was told.
type Difference struct {
	Kind    Kind   `json:"kind"`
	Machine string `json:"machine"`
	// ID is of the listed downtime or production, 0 if it concerns none. Subject
	// tells differences without one apart: a time, or a waste code.
	ID      int64  `json:"id,omitempty"`
	Subject string `json:"subject,omitempty"`
	// At is when what differs began, by this computer's clock.
	At         time.Time  `json:"at"`
	Cause      Cause      `json:"cause"`
	Confidence Confidence `json:"confidence"`
	// Usual says that it belongs to everyday work, such as a worker's own
	// downtime or the reclassification of one: worth knowing, nothing to mend.
	Usual bool `json:"usual,omitempty"`
	// Text is whole sentences: what was told, what Prodsmart shows, and why.
	Text string `json:"text"`
}

// Key is the same for the same difference whenever it is found.
func (d *Difference) Key() string {
	return fmt.Sprintf("%s %d %s %s", d.Kind, d.ID, d.Subject, d.Machine)
}
