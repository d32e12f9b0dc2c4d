package uplink

import (
	"context"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Told is what Prodsmart acknowledged of one machine.
type Told struct {
	// Counted is false until the first counter post was accepted.
	Counted bool  `json:"counted,omitempty"`
	Count   int64 `json:"count,omitempty"`
	// Waste holds the acknowledged quantity per code.
	Waste map[string]int64 `json:"waste,omitempty"`
	// Parameters hold the acknowledged version by name.
	Parameters map[string]uint64 `json:"parameters,omitempty"`
	// Order is the order that ran when Count was sent, CountAt when that was
	// acknowledged.
	Order   string    `json:"order,omitempty"`
	CountAt time.Time `json:"count_at,omitzero"`
	// Stop is the downtime that is open in Prodsmart as far as we told it; zero
	// if none.
	Stop prodsmart.Stop `json:"stop"`
	// At is when anything was last acknowledged.
	At time.Time `json:"at,omitzero"`
}

// Telling is the request that is on its way, or whose answer never came. It is
// on disk before the request leaves.
type Telling struct {
	// Active says that there is one.
	Active  bool              `json:"active"`
	Service prodsmart.Service `json:"service"`
	// Count, Waste and Parameters as sent with the counter or parameters
	// service.
	Count      int64                 `json:"count,omitempty"`
	Waste      []prodsmart.Waste     `json:"waste,omitempty"`
	Parameters []prodsmart.Parameter `json:"parameters,omitempty"`
	// Order ran when Count was sent.
	Order string `json:"order,omitempty"`
	// Stop and Running as sent with the start/stop service.
	Stop    prodsmart.Stop `json:"stop"`
	Running bool           `json:"running,omitempty"`
	// Since is when it was first sent, Attempts how often. A start or stop is
	// repeated as it was, a counter post never is, so its Attempts is 1.
	Since    time.Time `json:"since,omitzero"`
	Attempts int       `json:"attempts,omitempty"`
}

// Doubt is what may or may not have been applied of a machine's counter: posts
// were sent whose answer never came. It outlives the Telling, because a stop or
// start may have to be told before the doubt is settled.
type Doubt struct {
	// Open says that a count may have been applied that was not acknowledged.
	Open bool `json:"open,omitempty"`
	// Highest is the highest count sent without a clear answer. A refusal of a
	// count at or below it says that it had been applied.
	Highest int64 `json:"highest,omitempty"`
	// Waste is the one set of waste quantities that was sent without a clear
	// answer. It is applied as a whole or not at all, so it goes out unchanged
	// until that is settled. It can outlast Open.
	Waste []prodsmart.Waste `json:"waste,omitempty"`
	// Sent counts the unclear posts, Equal those of them that repeated Highest.
	Sent  int `json:"sent,omitempty"`
	Equal int `json:"equal,omitempty"`
	// Bare says that Highest was also sent without Waste, so that a refusal of
	// Highest says nothing about Waste.
	Bare bool `json:"bare,omitempty"`
	// At is when the last of them was sent.
	At time.Time `json:"at,omitzero"`
}

// Record is the uplink's memory of one machine.
type Record struct {
	Told    Told    `json:"told"`
	Telling Telling `json:"telling"`
	Doubt   Doubt   `json:"doubt,omitzero"`
	// Perhaps is a stop that may be open in Prodsmart although Told knows of none:
	// the answer to its beginning was lost, and the repetition refused for another
	// reason. It is ended when it is over; zero if there is none.
	Perhaps prodsmart.Stop `json:"perhaps,omitzero"`
}

// Ledger keeps a Record per machine. Records given to Save and got from Load are
// never changed afterwards by either side. One goroutine at a time calls it, but
// other goroutines may use what it stands on. Two homes can carry it: a local store, and
// a replicated key-value store shared by the gateways of one company; so it
// holds the newest value per machine and nothing else.
type Ledger interface {
	// Load gives the record of a machine and its revision; the zero Record and
	// revision 0 if there is none.
	Load(ctx context.Context, machine string) (Record, uint64, error)
	// Save replaces the record if its revision is still rev, and returns the
	// new revision once the record, and the machine state that the report came
	// from, can not be lost any more. ErrConflict means that somebody else
	// wrote meanwhile: load again.
	Save(ctx context.Context, machine string, r Record, rev uint64) (uint64, error)
}

// ErrConflict is returned by Ledger.Save for an outdated revision.
var ErrConflict = conflict{}

type conflict struct{}

func (conflict) Error() string { return "the ledger entry was changed by another writer" }
