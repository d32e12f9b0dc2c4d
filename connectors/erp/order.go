package erp

import (
	"time"

	"github.com/shopspring/decimal"
)

// State is the state of an order as the rules of the mirror know it. An adapter
// translates its system's words by lists that the plant can configure.
type State uint8

const (
	// Unknown is a word that nobody configured. It is shown, and nothing is done.
	Unknown State = iota
	// Open is an order that may be produced.
	Open
	// Held is a draft, or an order that waits for approval.
	Held
	// Closed is delivered, invoiced or otherwise over.
	Closed
	// Cancelled is an order that nobody wants any more.
	Cancelled
)

func (s State) String() string {
	switch s {
	case Open:
		return "open"
	case Held:
		return "held"
	case Closed:
		return "closed"
	case Cancelled:
		return "cancelled"
	}
	return "unknown"
}

// Answer is yes, no, or that the system does not say.
type Answer uint8

const (
	Unsaid Answer = iota
	Yes
	No
)

// When is a moment, or a day without an hour: most business systems give days.
// The zero value is a date that is missing.
type When struct {
	// Time is the moment in UTC, or midnight UTC of the day that is meant in
	// the plant's zone.
	Time time.Time
	// Day says that only the date of Time means something.
	Day bool
}

// IsZero says that the date is missing.
func (w When) IsZero() bool { return w.Time.IsZero() }

// DayOf is the day of a date.
func DayOf(year int, month time.Month, day int) When {
	return When{time.Date(year, month, day, 0, 0, 0, 0, time.UTC), true}
}

// Moment is a moment; the zero time is a date that is missing.
func Moment(t time.Time) When { return When{Time: t.UTC()} }

// Customer is who ordered.
type Customer struct {
	Code, Name string
	// Person says whether the name is a natural person's, where the system
	// tells persons and companies apart.
	Person Answer
}

// Order is a document of the business system that asks for goods.
type Order struct {
	// OnlyKnown says that it counts only if it was known before: its kind stays open
	// after it is over (one that was invoiced, and this not since the last read).
	OnlyKnown bool
	// Company is the part of the system that the document belongs to (a
	// filial, a domain), empty where one source covers one company.
	Company string
	// ID is the document's key: it stays the same through every edit. Never
	// empty.
	ID string
	// Aliases are other keys that the system once gave the same document.
	Aliases []string
	// Number is what people call the document; it may be empty, and may change.
	Number string
	// Revision changes with each edit, where the system counts them.
	Revision string
	State    State
	// Word is the state in the system's own word.
	Word string
	// Ordered is the day of the order, Created the moment in which it was written down;
	// zero where the system does not tell them apart.
	Ordered  When
	Created  time.Time
	Due      When
	Customer Customer
	Currency string
	Note     string
	// Location is where it is to be made, in the system's own word (a filial
	// or warehouse code).
	Location string
	// Info are further facts by their name in the system, for custom fields
	// of Prodsmart that the plant configured.
	Info  map[string]string
	Lines []Line
	// Partial says that lines are missing from the document because they could
	// not be read: a line that is not here is not gone.
	Partial bool
}

// Line is one position of an order.
type Line struct {
	// ID is the line's key within the document, as stable as the system has
	// it. Never empty.
	ID string
	// Loose says that the system may give the line another ID with each edit.
	Loose bool
	// Product is the code of the article; empty if the system knows none.
	Product, ProductName string
	Quantity             decimal.Decimal
	// Unit is the unit's name in the system.
	Unit string
	// Factor is how many of the product's own units one Unit is: 24 for a
	// carton of 24. Zero says that the system does not know.
	Factor decimal.Decimal
	// Price is of one Unit; nil if there is none.
	Price *decimal.Decimal
	// Due is the line's own date, where it has one.
	Due When
	// Manufactured says whether the plant makes the article itself.
	Manufactured Answer
	// Groups are the families of the article.
	Groups []string
	// Free is a gift or the free part of a promotion: it is made like any other.
	Free bool
	// Return says that goods come back; it is never made.
	Return bool
	Note   string
}

// Product is an article of the business system.
type Product struct {
	Code, Name, Unit string
	Barcodes         []string
	Families         []string
	Manufactured     Answer
	// Active is No where the system has retired the article.
	Active Answer
}

// Stock is how much of an article lies at a place.
type Stock struct {
	Product string
	// Name is the article's name there: the same code may mean different goods
	// at different places of some systems.
	Name, Barcode string
	// Place is the warehouse or shop.
	Place    string
	Quantity decimal.Decimal
	// AsOf is when the system knew this, in UTC.
	AsOf time.Time
	// Min and Max are the system's own bounds; nil if it has none.
	Min, Max *decimal.Decimal
}
