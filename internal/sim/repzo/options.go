package repzo

import "time"

// Options are how this company answers what is not documented. The zero value is what
// the vendor's own integrations meet.
type Options struct {
	// Documentation serves the shapes, envelopes and paths of the generated
	// documentation instead of those on the wire.
	Documentation bool
	// SameID lets an edited order keep its _id; otherwise the new version gets
	// another one, and the old one stays with latest = false.
	SameID bool
	// Renumber gives the lines of an order other ids with each edit.
	Renumber bool
	// HideDisabled and HideOld leave disabled orders, and superseded versions, out of
	// lists that do not ask for them.
	HideDisabled, HideOld bool
	// UpdatedUnit is what from_updatedAt counts: "ms" (the default), "s", or "none":
	// then it is not looked at.
	UpdatedUnit string
	// NoKeyset does not look at from__id and sortBy: newest first, by page only.
	NoKeyset bool
	// MostPerPage caps per_page; 0 is 50,000. Without per_page a page has 25.
	MostPerPage int
	// DuplicateSync is what a sync_id that is there already is answered with: "409"
	// (the default), "first" (the first document), or "again": another document.
	DuplicateSync string
	// Approval lets stock corrections wait for Process.
	Approval bool
	// MetaReplaces lets a PUT replace all of integration_meta instead of merging it.
	MetaReplaces bool
	// Populate gives referred objects instead of their ids.
	Populate bool
	// TextNumbers gives quantities, factors and counts as texts.
	TextNumbers bool
	// PerMinute and PerDay are the limits: 100 and 10,000.
	PerMinute, PerDay int
	// RetryAfter gives a header with the 429.
	RetryAfter bool
}

// Config is one company.
type Config struct {
	// Key is what the header api-key must say.
	Key     string
	Options Options
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// FaultKind is a way to fail.
type FaultKind string

// The faults. Those after the commit have done what was asked.
const (
	Status500  FaultKind = "status_500"
	Commit500  FaultKind = "commit_500"
	DropBefore FaultKind = "drop_before"
	DropAfter  FaultKind = "drop_after"
	Page       FaultKind = "page"
	Text       FaultKind = "text"
	Empty      FaultKind = "empty"
	HalfAnswer FaultKind = "half_answer"
	// NoList answers a list's envelope without its list.
	NoList FaultKind = "no_list"
	// Unsuccessful answers 200 and success = false; nothing was done.
	Unsuccessful FaultKind = "unsuccessful"
	// WrongTypes turns texts into lists and numbers into records.
	WrongTypes FaultKind = "wrong_types"
	// Slow answers after Fault.Delay, or never if the caller is gone before.
	Slow FaultKind = "slow"
	// TooMany answers 429 whatever was used.
	TooMany FaultKind = "too_many"
	// Raw answers Fault.Text with status 200.
	Raw FaultKind = "raw"
)

// Fault strikes calls.
type Fault struct {
	Kind FaultKind
	// Path begins the path of the calls that it strikes, such as /proforma; empty is
	// any.
	Path string
	// Method of these calls; empty is any.
	Method string
	// After is how many of these calls it lets pass first, Times how many it then
	// strikes; 0 is one.
	After, Times int
	Delay        time.Duration
	Text         string
}

// Call is one that was made with a right key.
type Call struct {
	Time                      time.Time
	Method, Path, Query, Body string
	Fault                     FaultKind
	Status                    int
}
