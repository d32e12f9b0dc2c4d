package erp

import (
	"errors"
	"strings"
	"time"
)

// Fault is what an error means for the caller.
type Fault uint8

const (
	// Unavailable: the system could not be reached or says that it is busy;
	// nothing was done. Try again later.
	Unavailable Fault = iota
	// Unclear: a write was sent and nobody knows whether it was done.
	Unclear
	// Refused: the system said no to this, and will say it again.
	Refused
	// Denied: the credentials, or the rights of the account.
	Denied
	// Exhausted: the budget of calls is used up, here or there.
	Exhausted
	// Garbled: the answer was not understood; nothing of it counts.
	Garbled
	// Gone: the system does not have what was asked for.
	Gone
	// Misconfigured: the configuration can not work (a view, a column, a
	// folder is missing).
	Misconfigured
)

func (f Fault) String() string {
	return [...]string{"unavailable", "unclear", "refused", "denied", "exhausted", "garbled", "gone", "misconfigured"}[f]
}

// Error is why a call to a business system did not do what was asked.
type Error struct {
	Fault Fault
	// Doing is what was tried: "read orders of 22.11.2026".
	Doing string
	// What is what happened, with the system's own text where it gave one;
	// never a secret.
	What string
	// Next is what a person can do; empty if waiting is all.
	Next string
	// Until is when trying again makes sense; zero if not known.
	Until time.Time
	// Renew says that a document with the write's external id stands in the way: people
	// refused it, or it is another one. Sent again, the write needs another id.
	Renew bool
	// Err is the cause, if there is one.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Doing != "" {
		b.WriteString(e.Doing + ": ")
	}
	b.WriteString(e.What)
	if e.What == "" && e.Err != nil {
		b.WriteString(e.Err.Error())
	}
	if e.Next != "" {
		b.WriteString("; " + e.Next)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is says whether err is an *Error of the fault.
func Is(err error, f Fault) bool {
	var e *Error
	return errors.As(err, &e) && e.Fault == f
}
