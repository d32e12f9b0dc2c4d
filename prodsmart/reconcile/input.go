package reconcile

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// defaultMargin is the Margin of an Input that has none.
const defaultMargin = time.Minute

// Input is one machine in one period, as both sides know it. Times are those of
// this computer's clock, but for the listed ones, which are Prodsmart's.
type Input struct {
	Machine string `json:"machine"`
	// From and To bound the period. Prodsmart was asked after To for everything
	// that began or ended since From.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Margin is the difference of times that needs no explanation: latency,
	// rounding, and what is not known of the two clocks; 0 means a minute.
	Margin time.Duration `json:"margin,omitempty"`
	// PostsFrom is when Posts begin; the newest counter post before it comes
	// first if there is one, so that the growth after it is known. Posts are the
	// requests to the machine's services, oldest first.
	PostsFrom time.Time `json:"posts_from"`
	Posts     []Post    `json:"posts"`
	// Told is what the gateway believed to be told when the period was read.
	Told Told `json:"told"`
	// Downtimes and Productions are those that the lists show of the machine.
	Downtimes   []Downtime   `json:"downtimes"`
	Productions []Production `json:"productions"`
	// PartDowntimes and PartProductions say that a list was not read to its end:
	// what is not in it may still be in Prodsmart.
	PartDowntimes   bool `json:"part_downtimes,omitempty"`
	PartProductions bool `json:"part_productions,omitempty"`
	// Zone is that of the times in texts; nil means UTC.
	Zone *time.Location `json:"-"`
}

// Post is a request to a machine's service and what became of it.
type Post struct {
	// Time is when it was sent, Took how long its answer, or giving up on it,
	// took.
	Time time.Time     `json:"time"`
	Took time.Duration `json:"took,omitempty"`
	// Service and Verdict are the names that prodsmart.Service and
	// prodsmart.Verdict have, Body is the JSON that was sent.
	Service string `json:"service"`
	Verdict string `json:"verdict"`
	Body    string `json:"body"`
}

// Told is what is kept as acknowledged.
type Told struct {
	Counted bool  `json:"counted,omitempty"`
	Count   int64 `json:"count,omitempty"`
	// Type and Since are of the downtime that is held to be open; Type is empty
	// if none is.
	Type  string    `json:"type,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// At is when anything was last acknowledged.
	At time.Time `json:"at,omitzero"`
}

// Downtime is one of Prodsmart's list.
type Downtime struct {
	ID int64 `json:"id"`
	// Type is empty if it is not known.
	Type string `json:"type"`
	// End is zero while it is open.
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
	// Worker and Closer are the numbers of those who began and ended it; empty
	// is a machine, or nobody.
	Worker string `json:"worker,omitempty"`
	Closer string `json:"closer,omitempty"`
}

// Production is one of Prodsmart's list.
type Production struct {
	ID        int64  `json:"id"`
	Order     string `json:"order,omitempty"`
	Operation string `json:"operation,omitempty"`
	// End is zero while it is open.
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end,omitzero"`
	Quantity prodsmart.Decimal `json:"quantity"`
	// Waste is the quantity per waste code. WasteUnknown says that some of it could
	// not be read, so that no code's quantity is sure.
	Waste        map[string]prodsmart.Decimal `json:"waste,omitempty"`
	WasteUnknown bool                         `json:"waste_unknown,omitempty"`
}

// margin is the Margin, or its default.
func (in *Input) margin() time.Duration {
	if in.Margin > 0 {
		return in.Margin
	}
	return defaultMargin
}

// spread is what is left of the margin once the difference of the clocks is
// measured.
func (in *Input) spread() time.Duration { return in.margin() / spreads }

// clock is a time in texts.
func (in *Input) clock(t time.Time) string {
	zone := in.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04:05")
}

// shifted is the input with the listed times on this computer's clock.
func (in *Input) shifted(offset time.Duration) *Input {
	out := *in
	out.Downtimes = make([]Downtime, len(in.Downtimes))
	for i, d := range in.Downtimes {
		d.Start, d.End = back(d.Start, offset), back(d.End, offset)
		out.Downtimes[i] = d
	}
	out.Productions = make([]Production, len(in.Productions))
	for i, p := range in.Productions {
		p.Start, p.End = back(p.Start, offset), back(p.End, offset)
		out.Productions[i] = p
	}
	return &out
}

// back moves a time back; the zero time stays what it is.
func back(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-by)
}
