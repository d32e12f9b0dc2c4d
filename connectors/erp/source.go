package erp

import (
	"context"
	"time"
)

// Step is how finely a system can be asked for what changed.
type Step uint8

const (
	// Never: each read is of everything.
	Never Step = iota
	// ByDay: what changed on a day.
	ByDay
	// ByMoment: what changed since a moment.
	ByMoment
)

// Capabilities is what a system can do. The rules of the mirror offer only what
// is there.
type Capabilities struct {
	Orders bool
	// Incremental is how orders can be asked for by change.
	Incremental Step
	// ByID says that one order can be asked for: the source is a Finder.
	ByID bool
	// Hints says that the system may call to say that something changed.
	Hints bool
	// Window is how far back a change can be asked for; 0 is without bound.
	Window   time.Duration
	Products bool
	// Manufactured says that the system marks what the plant makes itself.
	Manufactured bool
	Stock        bool
	// Booked says that the system tells stock that is booked for customers apart.
	Booked bool
	// Counts says that produced goods are written as a count of all there is, so that
	// what documents add that nobody posted yet has to be known (Write.Unposted).
	Counts bool
	// Writes are the kinds of write-back that this source was configured for.
	Writes []Kind
}

// Source is one business system, or one of the kinds of files, databases and
// services, as it is configured once. It also implements those of OrderReader,
// Finder, ProductReader, StockReader, Writer and Discoverer that its
// Capabilities name.
//
// One goroutine calls a source at a time. Every call ends soon after its
// context does, makes one attempt, and never waits and tries again: the caller
// does. Errors are *Error.
type Source interface {
	Capabilities() Capabilities
	// Close lets go of connections and files. It is called once.
	Close() error
}

// Metered is a source that counts its calls against a budget.
type Metered interface {
	// Stretch is by how much the pauses between reads are to be lengthened, as
	// Budget.Stretch says of the class of the order polls.
	Stretch() int
	// Left is what is left of each class today.
	Left() []Left
}

// Ask is what a read is asked for.
type Ask struct {
	// Mark is the one that the last read gave whose result was kept; empty at
	// the first, and after the store was lost.
	Mark string
	// Full asks for all that the system still shows, instead of changes only.
	Full bool
	// Free asks for the stock that nobody has booked, where the system tells that
	// apart (Capabilities.Booked).
	Free bool
}

// OrderRead is what one read of orders gave.
type OrderRead struct {
	Orders []Order
	// Problems are what could not be read, or was doubtful, with its place.
	Problems []Problem
	// Torn says that the list moved while it was read: what was asked for in full is
	// asked for again soon.
	Torn bool
	// Complete says that every order that the system holds open, in the scope
	// of this source, is in Orders or named in Problems: only then an order
	// that is not here is missing. A read of changes is never complete.
	Complete bool
	// Mark is what to ask with the next time, once this result was kept.
	Mark string
	// Gap is the span that could not be asked for any more: what came new in
	// it has to be looked up by hand. Nil as a rule.
	Gap *Gap
}

// Gap is a span of the system's days whose changes are lost to us.
type Gap struct{ From, To time.Time }

// Problem is something that was read and not understood, or is doubtful.
type Problem struct {
	// Where is the place: "order 642, line 9001, order_quant", "orders.csv:17:4".
	Where string
	// What is wrong, and what to do, in words for a planner.
	What string
	// Order and Line are the keys it belongs to, where they could be read: an
	// order that is named here is not missing.
	Order, Line string
	// Lost says that the order or line is not in the read because of it.
	Lost bool
}

// OrderReader reads orders.
type OrderReader interface {
	ReadOrders(ctx context.Context, ask Ask) (OrderRead, error)
}

// Acknowledged is a source that lets go of what was read only when it is kept: files
// are archived then.
type Acknowledged interface {
	// Kept says that the result of the read that gave the mark is on disk.
	Kept(ctx context.Context, mark string) error
}

// Finder reads one order.
type Finder interface {
	// FindOrder reads the order with the key that an Order of this source had.
	// An *Error with Gone says that the system has none.
	FindOrder(ctx context.Context, company, id string) (Order, []Problem, error)
}

// ProductRead is what one read of products gave.
type ProductRead struct {
	Products []Product
	Problems []Problem
	// Complete says that a product that is not here does not exist there.
	Complete bool
	Mark     string
}

// ProductReader reads articles.
type ProductReader interface {
	ReadProducts(ctx context.Context, ask Ask) (ProductRead, error)
}

// StockRead is what one read of stock gave.
type StockRead struct {
	// Stock has one row for each article and place, however many the system
	// has for batches and dates.
	Stock    []Stock
	Problems []Problem
	// Listed says that a place has a row for each of its articles, also where
	// nothing is left: one that has none does not have the article at all.
	Listed bool
	// Skipped says why the read is worth nothing although no call failed (a
	// shift closed in the middle of it): nothing may be decided on it. Empty
	// otherwise.
	Skipped string
	// Spoilt are articles of which a row could not be read: what is there of them
	// is too little. One with an empty name is of an article that is not known.
	Spoilt []string
	Mark   string
}

// StockReader reads how much lies where.
type StockReader interface {
	ReadStock(ctx context.Context, ask Ask) (StockRead, error)
}

// Field is something that records of a system really have.
type Field struct {
	// Path is the name as the configuration would have it.
	Path string
	// Type is what its values look like: text, number, date, yes/no, list.
	Type string
	// Seen of Of records had it, and it was not empty.
	Seen, Of int
	// Samples are a few values, shortened.
	Samples []string
	// Means is the canonical field that it is likely to be, empty if none.
	Means string
}

// Discoverer finds out what a tenant's records really look like.
type Discoverer interface {
	// Discover reads a few records and describes their fields; suggest is a
	// piece of YAML for the source's configuration.
	Discover(ctx context.Context) (fields []Field, suggest string, err error)
}
