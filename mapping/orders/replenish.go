package orders

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Need is one article that is kept in stock by making it.
type Need struct {
	// Article is the source's code; Pool names the places whose stock counts
	// together.
	Article, Pool string
	Places        []string
	// Min is the stock below which more is made, Max what it is made up to, in
	// lots of Lot (0 is 1), at most Cap in one order (0 is without bound).
	Min, Max, Lot, Cap decimal.Decimal
	Lead               time.Duration
}

// Recover says what becomes of an order that was not started when the stock is
// there again.
type Recover string

const (
	Leave  Recover = "leave"
	Shrink Recover = "shrink"
	Drop   Recover = "delete"
)

// Replenishment are the settings of Replenish.
type Replenishment struct {
	Needs []Need
	// MaxAge is how old a stock may be to be decided on.
	MaxAge time.Duration
	// ArrivalLag is how long what a closed order made counts as on its way, where
	// nothing is written back.
	ArrivalLag time.Duration
	Recover    Recover
	// Hysteresis is by how many percent of Max - Min the stock must be above Min
	// for an order to shrink or go.
	Hysteresis int
	// PerDay bounds the orders that are made in a day.
	PerDay int
	// Quiet is how long nothing is decided after the source was away, or the stock
	// of a need was not known.
	Quiet time.Duration
	// Every is the usual time between two reads.
	Every time.Duration
	// Waves are the times of day at which deliveries leave, after midnight; the
	// next one after the lead time is the due date. Empty is any time.
	Waves []time.Duration
}

// Stock is what the book remembers between two reads of stock.
type stockState struct {
	// Low is how many reads in a row each need was below its minimum.
	Low map[string]int
	// Day counts the orders made on a day.
	Day   string
	Made  int
	Since time.Time // when the source answered after it was away
	Last  time.Time
	// Known are the needs whose article the source had before, Undecided when each
	// could not be decided on last.
	Known     map[string]bool      `json:",omitempty"`
	Undecided map[string]time.Time `json:",omitempty"`
}

func (n Need) key() string { return n.Pool + "/" + n.Article }

// Stocked takes over what a read of stock showed: articles below their minimum
// twice in a row are ordered.
func (b *Book) Stocked(read erp.StockRead, at time.Time) {
	b.StockDoubts(read, at)
	r := b.settings.Replenishment
	s := &b.head.Stock
	if s.Low == nil {
		s.Low = map[string]int{}
	}
	b.touchHead()
	if s.Known == nil {
		s.Known = map[string]bool{}
	}
	if s.Undecided == nil {
		s.Undecided = map[string]time.Time{}
	}
	// Reads that are as far apart as that follow each other nevertheless.
	if s.Last.IsZero() || at.Sub(s.Last) > max(2*r.MaxAge, 3*r.Every) && !s.Since.Equal(s.Last) {
		s.Since = at
	}
	s.Last = at
	if read.Skipped != "" {
		return
	}
	if day := at.In(b.settings.Zone).Format(time.DateOnly); s.Day != day {
		s.Day, s.Made = day, 0
	}
	for _, n := range r.Needs {
		real, where, why := n.real(read, at, r.MaxAge, s.Known[n.key()])
		if why != "" {
			s.Low[n.key()], s.Undecided[n.key()] = 0, at
			b.once(at, n.key()+": nothing is decided: "+why)
			continue
		}
		s.Known[n.key()] = true
		b.forgetOnce(n.key() + ": nothing is decided")
		b.need(n, real, where, at)
	}
	b.judgeAll(at)
}

// once tells something of a read that is the same in the next ones too.
func (b *Book) once(at time.Time, what string) {
	if !b.told["shrunk "+what] {
		b.say(at, nil, true, "%s", what)
	}
	b.told["shrunk "+what] = true
}

// forgetOnce lets what begins like that be told again.
func (b *Book) forgetOnce(what string) {
	for key := range b.told {
		if strings.HasPrefix(key, "shrunk "+what) {
			delete(b.told, key)
		}
	}
}

// real is the stock of a need over its places; why is empty if it can be decided
// on. where says what each place has. An article that was there before and has no row
// is sold out, unless the source lists what is sold out too.
func (n Need) real(read erp.StockRead, at time.Time, age time.Duration, known bool) (sum decimal.Decimal, where map[string]decimal.Decimal, why string) {
	where = map[string]decimal.Decimal{}
	name := ""
	if slices.Contains(read.Spoilt, n.Article) {
		return sum, where, "a part of its stock can not be read"
	}
	for _, s := range read.Stock {
		if s.Product != n.Article || len(n.Places) > 0 && !slices.Contains(n.Places, s.Place) {
			continue
		}
		if at.Sub(s.AsOf) > age {
			return sum, where, fmt.Sprintf("the stock at %s is older than %s", s.Place, age)
		}
		if name != "" && s.Name != "" && s.Name != name {
			return sum, where, fmt.Sprintf("the code %s means %q at one place and %q at another: they can not be one pool", n.Article, oneLine(name, 40), oneLine(s.Name, 40))
		}
		if s.Name != "" {
			name = s.Name
		}
		where[s.Place] = where[s.Place].Add(s.Quantity)
		sum = sum.Add(s.Quantity)
	}
	if len(where) == 0 && known && soldOut(read) {
		for _, place := range n.Places {
			where[place] = decimal.Decimal{}
		}
		if len(n.Places) == 0 {
			where[n.Pool] = decimal.Decimal{}
		}
	}
	if len(where) == 0 {
		return sum, where, "the source has no such article"
	}
	for _, place := range n.Places {
		if _, there := where[place]; read.Listed && !there {
			return sum, where, "the stock at " + place + " is not known: there is no such article, or it could not be read"
		}
	}
	return sum, where, ""
}

// need compares a stock with its bounds.
func (b *Book) need(n Need, real decimal.Decimal, where map[string]decimal.Decimal, at time.Time) {
	r, s := b.settings.Replenishment, &b.head.Stock
	onOrder, open := b.onOrder(n, at)
	projected := real.Add(onOrder)
	if projected.GreaterThanOrEqual(n.Min) {
		s.Low[n.key()] = 0
		if e := b.objection(n); e != nil {
			e.Met = true
			b.touch(e)
		}
		b.recovered(n, real, onOrder, open, at)
		return
	}
	s.Low[n.key()]++
	if s.Low[n.key()] < 2 || at.Sub(s.Since) < r.Quiet || at.Sub(s.Undecided[n.key()]) < r.Quiet {
		return
	}
	quantity := n.round(n.Max.Sub(projected))
	if open != nil {
		total := open.Want.Quantity.Add(quantity)
		if n.Cap.Sign() > 0 {
			total = decimal.Min(total, n.Cap)
		}
		if total.GreaterThan(open.Want.Quantity) {
			b.say(at, open, false, "stock %s, on order %s, minimum %s: %s instead of %s", real, onOrder, n.Min, total, open.Want.Quantity)
			open.Want.Quantity = total
			b.touch(open)
		}
		return
	}
	if e := b.objection(n); e != nil {
		b.once(at, fmt.Sprintf("%s: %s is %s: nothing more is ordered before that is decided, or the stock is there again", n.key(), e.Name(), e.Status))
		return
	}
	if r.PerDay > 0 && s.Made >= r.PerDay {
		b.once(at, fmt.Sprintf("%s: %d orders were made on %s, more are not made before the next day; check the minimum and maximum", n.key(), s.Made, s.Day))
		return
	}
	s.Made++
	b.supply(n, real, quantity, where, at)
}

// round is a quantity in whole lots, at most the cap.
func (n Need) round(quantity decimal.Decimal) decimal.Decimal {
	lot := n.Lot
	if lot.Sign() <= 0 {
		lot = decimal.NewFromInt(1)
	}
	lots, rest := quantity.QuoRem(lot, 0)
	if rest.Sign() > 0 {
		lots = lots.Add(decimal.NewFromInt(1))
	}
	quantity = lots.Mul(lot)
	if n.Cap.Sign() > 0 && quantity.GreaterThan(n.Cap) {
		lots, _ := n.Cap.QuoRem(lot, 0)
		quantity = decimal.Max(lots.Mul(lot), decimal.Min(n.Cap, lot))
	}
	return quantity
}

// supply makes the entry of a replenishment.
func (b *Book) supply(n Need, real, quantity decimal.Decimal, where map[string]decimal.Decimal, at time.Time) {
	sequence := 1
	document := n.Pool + "/" + n.Article
	key := func() string { return document + "\x1f" + fmt.Sprintf("%04d", sequence) }
	for b.entries[key()] != nil {
		sequence++
	}
	line := fmt.Sprintf("%04d", sequence)
	due := b.settings.wave(at.Add(n.Lead))
	e := &Entry{
		Key: key(), Kind: Production, Company: n.Pool, Document: n.Article, Line: line, Ordinal: sequence, Since: at,
		Bucket: b.settings.Prefix + n.Pool + "-" + n.Article + "-" + line,
		Raw:    erp.Line{ID: line, Product: n.Article, Quantity: quantity, Manufactured: erp.Yes},
	}
	e.Want = Want{
		Product: b.settings.product(n.Article), Quantity: quantity, Due: due, State: erp.Open,
		Text:         fmt.Sprintf("Replenishment, stock %s, min %s, max %s", real, n.Min, n.Max),
		Observations: spread(quantity, n, where),
	}
	b.entries[e.Key] = e
	b.say(at, e, false, "stock %s is below %s: %s are ordered", real, n.Min, quantity)
	b.judge(e, at)
	b.touch(e)
}

// wave is the next delivery at or after a moment.
func (s Settings) wave(at time.Time) time.Time {
	if len(s.Replenishment.Waves) == 0 {
		return at.UTC().Truncate(time.Second)
	}
	y, m, d := at.In(s.Zone).Date()
	for day := range 2 {
		for _, w := range slices.Sorted(slices.Values(s.Replenishment.Waves)) {
			if t := time.Date(y, m, d+day, 0, 0, int(w/time.Second), 0, s.Zone); !t.Before(at) {
				return t.UTC()
			}
		}
	}
	return at.UTC()
}

// spread says which place needs how much: each what it lacks of an equal share of
// the maximum, the last one the rest.
func spread(quantity decimal.Decimal, n Need, where map[string]decimal.Decimal) string {
	places := sortedKeys(where)
	share := n.Max.Div(decimal.NewFromInt(int64(len(places))))
	lack := map[string]decimal.Decimal{}
	var total decimal.Decimal
	for _, p := range places {
		lack[p] = decimal.Max(share.Sub(where[p]), decimal.Decimal{})
		total = total.Add(lack[p])
	}
	left := quantity
	var parts []string
	for i, p := range places {
		q := left
		if i < len(places)-1 && total.Sign() > 0 {
			q = decimal.Min(left, quantity.Mul(lack[p]).Div(total).Round(0))
		}
		left = left.Sub(q)
		if q.Sign() > 0 {
			parts = append(parts, p+" "+q.String())
		}
	}
	return strings.Join(parts, ", ")
}

// onOrder is what is ordered or made and not yet in the source's stock; open is
// the order that was not started.
func (b *Book) onOrder(n Need, at time.Time) (sum decimal.Decimal, open *Entry) {
	_, written := b.settings.Writes[erp.Produced]
	for _, e := range b.supplies(n) {
		if e.Status == Refused || e.ID == 0 && e.Status == Rejected {
			continue
		}
		if e.ID != 0 && phaseName(e.Seen.Running) == closed {
			if written || at.Sub(b.closedAt(e, at)) < b.settings.Replenishment.ArrivalLag {
				sum = sum.Add(decimal.Max(e.Seen.Produced.Sub(b.booked(e)), decimal.Decimal{}))
			}
			continue
		}
		sum = sum.Add(decimal.Max(e.Want.Quantity.Sub(b.booked(e)), decimal.Decimal{}))
		if e.ID == 0 || strings.EqualFold(e.Seen.Running, "notstarted") || e.Seen.At.IsZero() {
			open = e
		}
	}
	return sum, open
}

// supplies are the orders of a need.
func (b *Book) supplies(n Need) []*Entry {
	return b.those(func(e *Entry) bool {
		return e.Kind == Production && e.Company == n.Pool && e.Document == n.Article && e.Want.State != erp.Cancelled
	})
}

// objection is an order of a need that Prodsmart refused, or that a planner deleted,
// since the stock was last there; nil if there is none. Nothing more is made for the
// need before somebody decides.
func (b *Book) objection(n Need) *Entry {
	for _, e := range b.supplies(n) {
		if (e.Status == Refused || e.ID == 0 && e.Status == Rejected) && !e.Met {
			return e
		}
	}
	return nil
}

// closedAt is when Prodsmart was first seen to have closed the order.
func (b *Book) closedAt(e *Entry, now time.Time) time.Time {
	if e.ClosedAt.IsZero() {
		e.ClosedAt = now
		b.touch(e)
	}
	return e.ClosedAt
}

// recovered looks at an order that was not started when the stock is there again.
func (b *Book) recovered(n Need, real, onOrder decimal.Decimal, open *Entry, at time.Time) {
	r := b.settings.Replenishment
	if open == nil || r.Recover == Leave || r.Recover == "" {
		return
	}
	margin := n.Max.Sub(n.Min).Mul(decimal.NewFromInt(int64(r.Hysteresis))).Div(decimal.NewFromInt(100))
	without := real.Add(onOrder).Sub(open.Want.Quantity)
	if without.LessThan(n.Min.Add(margin)) {
		return
	}
	if r.Recover == Drop {
		open.Want.State = erp.Cancelled
		b.say(at, open, false, "the stock is %s again: the order is not needed", real)
		b.touch(open)
		return
	}
	quantity := n.round(n.Max.Sub(without))
	if quantity.Sign() > 0 && quantity.LessThan(open.Want.Quantity) {
		b.say(at, open, false, "the stock is %s again: %s instead of %s", real, quantity, open.Want.Quantity)
		open.Want.Quantity = quantity
		b.touch(open)
	}
}
