package orders

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Status is how far an entry is.
type Status string

const (
	// Skipped: it is not made here.
	Skipped Status = "skipped"
	// Waiting: something is missing; it is looked at again by itself.
	Waiting Status = "waiting"
	// Creating: it was, or is about to be, sent; nobody knows the outcome yet.
	Creating Status = "creating"
	// Mirrored: it is in Prodsmart as the source wants it.
	Mirrored Status = "mirrored"
	// Changing: a change of the source is to be taken over.
	Changing Status = "changing"
	// Asking: an operator has to decide.
	Asking Status = "asking"
	// Rejected: Prodsmart refused it; tried again when the source changes it.
	Rejected Status = "rejected"
	// Refused: a person deleted it in Prodsmart; it is not made again.
	Refused Status = "refused by planner"
	// Conflict: cancelled in the source, but it was started; a planner decides.
	Conflict Status = "cancelled after start"
	// Cancelled: cancelled in the source, and gone or invisible in Prodsmart.
	Cancelled Status = "cancelled"
	// Over: closed on both sides.
	Over Status = "over"
)

// Statuses lists all of them.
func Statuses() []Status {
	return []Status{Skipped, Waiting, Creating, Mirrored, Changing, Asking, Rejected, Refused, Conflict, Cancelled, Over}
}

// Kind tells the two kinds of entries apart.
type Kind string

const (
	// Production is a production order.
	Production Kind = "production"
	// Client is a client order.
	Client Kind = "client"
	// Part is a line that is made within an aggregate; it has no order of its own.
	Part Kind = "part"
)

// Want is what the source wants of one entry.
type Want struct {
	Product  string
	Quantity decimal.Decimal
	Due      time.Time
	// Assumed says that Due was made of the order's date, Dateless that it is the last
	// one that the source named.
	Assumed  bool `json:",omitempty"`
	Dateless bool `json:",omitempty"`
	// Text is the description without its marker.
	Text         string            `json:",omitempty"`
	Observations string            `json:",omitempty"`
	Notes        string            `json:",omitempty"`
	Location     string            `json:",omitempty"`
	Fields       map[string]string `json:",omitempty"`
	Groups       []string          `json:",omitempty"`
	// State is the order's, or Cancelled when the line is gone.
	State erp.State
	// Unit is the unit the quantity came in, for the lines that change their ids.
	Unit string `json:",omitempty"`
	// Client are the positions of a client order.
	Client []Position `json:",omitempty"`
	// Customer is the code and name of a client order's customer.
	Customer erp.Customer `json:",omitzero"`
	Ordered  time.Time    `json:",omitzero"`
}

// Position is one product of a client order.
type Position struct {
	Product  string
	Quantity decimal.Decimal
	Due      time.Time
	Price    *decimal.Decimal `json:",omitempty"`
}

// Applied are the source's values that were last written to Prodsmart.
type Applied struct {
	Product  string
	Quantity decimal.Decimal
	Due      time.Time
	Text     string
	State    erp.State
	Client   []Position `json:",omitempty"`
	// Hidden says that it was made invisible by us.
	Hidden bool `json:",omitempty"`
}

// Seen is the order as Prodsmart last showed it.
type Seen struct {
	At       time.Time
	Running  string
	Status   string
	Produced decimal.Decimal
	Ordered  decimal.Decimal
	Due      time.Time
}

// Notice is a message to the people at the order. It is sent once: Prodsmart
// appends it to the notes each time.
type Notice struct {
	Short, Long string
	// Sent says that it left, or was about to.
	Sent bool `json:",omitempty"`
}

// Question is something that only a person can decide.
type Question struct {
	// What is asked, in words; Options are what `orders resolve` takes.
	What    string
	Options []string
	// About is the value the question is about: if the source changes it again
	// the question is gone.
	About string
	// Answer is what the operator said; it is acted upon by the next decision.
	Answer string `json:",omitempty"`
}

// Entry is one line of the source, or one aggregate of lines, or one need of
// replenishment, and the order of Prodsmart that it is. Its Key never changes.
type Entry struct {
	Key  string
	Kind Kind
	// Company, Document and Line are the source's keys when it was first seen;
	// LineNow is the line's key today.
	Company, Document, Line string
	LineNow                 string `json:",omitempty"`
	Ordinal                 int
	// Number is what people call the source's order.
	Number string `json:",omitempty"`
	// Code is computed once.
	Code string `json:",omitempty"`
	// ID is Prodsmart's; 0 while there is none.
	ID   int64
	Want Want
	// Applied is nil before anything was written.
	Applied *Applied `json:",omitempty"`
	// Intent is when a create was about to be sent whose outcome is not known.
	Intent time.Time `json:",omitzero"`
	// Made is when its order was made, if the outcome of that was seen.
	Made time.Time `json:",omitzero"`
	// Start is when it was planned to begin when it was made.
	Start  time.Time `json:",omitzero"`
	Status Status
	// Reason says why it is skipped, waits or is refused, to a planner.
	Reason string `json:",omitempty"`
	// Alert says that a person should look.
	Alert   bool      `json:",omitempty"`
	Since   time.Time // of Status
	Seen    Seen
	Ask     *Question `json:",omitempty"`
	Notices []Notice  `json:",omitempty"`
	// Stuck is the change that Prodsmart refused or did not take, as a text of
	// the values: it is not tried again before they change.
	Stuck string `json:",omitempty"`
	// ClosedAt is when the source closed it while it was open in Prodsmart.
	ClosedAt time.Time `json:",omitzero"`
	// Raw is the line as the source had it last; the rules of selection are asked
	// again when the products of Prodsmart change.
	Raw erp.Line
	// Lines are those of a client order as the source had them last, Waits says which
	// of them waits for something, and Left which are not made here.
	Lines []ClientLine `json:",omitempty"`
	Waits string       `json:",omitempty"`
	Left  string       `json:",omitempty"`
	// More are the keys of the orders for more of the same line, made after its
	// order was closed.
	More []string `json:",omitempty"`
	// Into is the key of the aggregate that a part belongs to.
	Into string `json:",omitempty"`
	// Bucket is the first day of an aggregate, or the pool of a replenishment.
	Bucket string `json:",omitempty"`
	// Unproven says that it was found by its marker after the store was lost, and that
	// the source did not agree with it since: what differs may be a planner's.
	Unproven bool `json:",omitempty"`
	// Rebuilt says that it was found by its marker after the store was lost:
	// what was written back before is not known.
	Rebuilt bool `json:",omitempty"`
	// Met says that the need was met otherwise after the order of a replenishment
	// was refused.
	Met bool `json:",omitempty"`

	Back Back `json:",omitzero"`
}

// Name is the entry's code, or its key while it has none.
func (e Entry) Name() string {
	if e.Code != "" {
		return e.Code
	}
	return plainKey(e.Key)
}

// Names are all by which the journal knows the entry: its code, and its key from before
// it had one.
func (e Entry) Names() []string { return []string{e.Name(), plainKey(e.Key)} }

// plainKey is a key as people can type it.
func plainKey(key string) string { return strings.ReplaceAll(key, "\x1f", ":") }

// ClientLine is a line of a client order, and when it is due.
type ClientLine struct {
	Raw erp.Line
	Due time.Time
}

// Document is an order of the source.
type Document struct {
	Company, ID string
	Aliases     []string `json:",omitempty"`
	Number      string   `json:",omitempty"`
	State       erp.State
	Word        string `json:",omitempty"`
	// Next is the ordinal of the next line that is added.
	Next int
	// Lines are the keys of its entries, by the line's key of today.
	Lines map[string]string
	// LastSeen is when a read last had it.
	LastSeen time.Time
	// Missed is how many complete reads in a row did not have it, and
	// MissedSince when the first of them was.
	Missed      int       `json:",omitempty"`
	MissedSince time.Time `json:",omitzero"`
	// AskedAt is when the source was asked for it alone and did not show it, Unfound
	// when that first counted for its being gone.
	AskedAt time.Time `json:",omitzero"`
	Unfound time.Time `json:",omitzero"`
	// Adopted says that it was found by the markers of its orders, and that no read
	// has shown it since.
	Adopted bool `json:",omitempty"`
}

// open says that the source still wants it made, or may.
func (d *Document) open() bool {
	return d.State == erp.Open || d.State == erp.Held || d.State == erp.Unknown
}

// documentKey is the key of a document in the book.
func documentKey(company, id string) string {
	if company == "" {
		return id
	}
	return company + "/" + id
}

// Event is one decision, for the journal and the page.
type Event struct {
	At     time.Time
	Source string
	// Entry is its key, empty for the source as a whole; Code is the order's.
	Entry, Code string
	What        string
	// Alert says that a person should look.
	Alert bool
}

// Name is what it is about, as people know it: a code, or a key without one; empty for
// the source as a whole.
func (e Event) Name() string {
	if e.Code != "" {
		return e.Code
	}
	return plainKey(e.Entry)
}
