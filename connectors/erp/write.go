package erp

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
)

// Kind is a kind of write-back. All are off until the plant switches one on.
type Kind string

const (
	// Note is a text on the order: how far it is.
	Note Kind = "note"
	// Status is the order's own status.
	Status Kind = "status"
	// Meta are marks of ours on the order that people do not see.
	Meta Kind = "meta"
	// Task is a job or message for the office.
	Task Kind = "task"
	// Produced is a document, or a change of stock, for finished goods.
	Produced Kind = "produced"
	// Consumed is a document for material that was used up.
	Consumed Kind = "consumed"
)

// Stage is what happened to the order that a write-back is about.
type Stage string

const (
	// Started: the first piece was made.
	Started Stage = "started"
	// Progressed: more pieces were made.
	Progressed Stage = "progressed"
	// Completed: the order is closed in Prodsmart.
	Completed Stage = "completed"
	// Late: Prodsmart expects that the date is missed.
	Late Stage = "late"
	// Conflict: it was cancelled, but production had begun.
	Conflict Stage = "conflict"
	// Stopped: a machine stands for long, and Runs: it goes on. They are about no order;
	// Code is the machine.
	Stopped Stage = "stopped"
	Runs    Stage = "runs"
)

// Write is one write-back. The caller keeps it on disk before it is sent.
type Write struct {
	Kind  Kind
	Stage Stage
	// ID is the external id: at most 20 characters of A-Z, 0-9 and -, never
	// used for another write. Systems that have such a field are given it.
	ID string
	// Company, Order and Line are the keys of what it is about; Line is empty
	// for a text about the whole order, all are empty for goods that no order
	// asked for (replenishment).
	Company, Order, Line string
	// Number is what people call the order, Code the production order's.
	Number, Code string
	Product      string
	// Place is where finished goods go, empty for the configured place.
	Place string
	Unit  string
	// Ordered and Produced are of the whole order so far; Delta is what this
	// write adds, of goods (Produced, Consumed). Delta below 0 is a correction.
	Ordered, Produced, Delta decimal.Decimal
	Due                      When
	// Text is what people are told, in plain words.
	Text string
	// At is when the caller decided it, in UTC.
	At time.Time
	// Earlier is the key that the last write of this kind about this order
	// had (Receipt.Key), so that one text is changed in place. Before is the stage
	// that it was about.
	Earlier string
	Before  Stage
	// Unposted is what earlier documents about the same product add, that people of
	// the system have still to post.
	Unposted decimal.Decimal
	// Plan is what Prepare found and decided (the value before and the value
	// to write), as the source's own text. The caller keeps it.
	Plan string
}

// Receipt is what a write that was done left behind.
type Receipt struct {
	// Key is the record's key in the system, where it has one.
	Key string
	// Says is what is there now, for the journal.
	Says string
	// Doubt is what a person should look at although it was done; empty as a rule.
	Doubt string
	// Draft says that the stock moves when people of the system post the document.
	// Look tells when that was done.
	Draft bool
}

// Writer writes back. The caller calls Prepare, keeps the write with its plan,
// and then calls Write; if that does not end with a receipt or a refusal (an
// *Error that is Unclear, or a crash), it calls Look until that answers, and
// only sends again when Look says that nothing was done.
type Writer interface {
	// Prepare reads what has to be known before (the present note, the present
	// balance) and gives the write with its Plan. It changes nothing.
	Prepare(ctx context.Context, w Write) (Write, error)
	Write(ctx context.Context, w Write) (Receipt, error)
	// Look finds out whether w was done: by its external id, or by the value
	// that its plan named. An error says that this could not be found out.
	Look(ctx context.Context, w Write) (r Receipt, done bool, err error)
}
