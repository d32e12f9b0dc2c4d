package orders

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Target is what becomes of a source's orders.
type Target string

const (
	// ProductionOrders: one production order for each line that is made here.
	ProductionOrders Target = "production-order"
	// ClientOrders: one client order for each order; planners make production
	// orders from it.
	ClientOrders Target = "client-order"
	// Both: the two of them.
	Both Target = "both"
	// Aggregate: one production order for the lines of one product that are due
	// in the same day or week.
	Aggregate Target = "aggregate"
	// Replenish: no order lines; production orders from stock below a minimum.
	Replenish Target = "replenish"
)

// Settings are the rules of one source, as the plant configured them. Use
// Defaults and change what is to differ.
type Settings struct {
	// Source is the name of the source in the configuration; it is part of
	// every marker and must not change.
	Source string
	Target Target
	// Prefix begins every code. Template makes the code from {prefix},
	// {number}, {id}, {company} and {line}.
	Prefix, Template string
	// LongestCode bounds a code, in characters.
	LongestCode int
	// Zone is the plant's.
	Zone *time.Location
	// DayEnd is when a day that something is due on ends, after midnight.
	DayEnd time.Duration
	// DefaultLead is added to the order's date where no due date is given.
	DefaultLead time.Duration
	// LeadTime is how long before it is due an order starts; LeadTimes by
	// product code or family come first.
	LeadTime  time.Duration
	LeadTimes map[string]time.Duration
	// CustomerText is what is said of the customer: name, code, none, or auto:
	// the name of companies, the code of persons.
	CustomerText string
	// Products maps an article's code to Prodsmart's.
	Products map[string]string
	// Exclude and Include are patterns of article codes (* and ?). Groups are
	// families; if there are any, only they are made here.
	Exclude, Include, Groups []string
	// SkipFree leaves gifts out.
	SkipFree bool
	// AnyProduct makes lines without knowing whether Prodsmart has the product: in
	// shadow mode without a connection to Prodsmart.
	AnyProduct bool
	// Units are how many of the product's own units one unit is, by its name,
	// where the source does not know.
	Units map[string]decimal.Decimal
	// Fields are custom fields of Prodsmart by the name of the fact in the source.
	Fields map[string]string
	// Locations maps the source's places to sites of Prodsmart.
	Locations map[string]string
	// DeactivateCancelled makes a cancelled order invisible instead of deleting it.
	DeactivateCancelled bool
	// DeactivateHeld makes an order invisible while it is held.
	DeactivateHeld bool
	// Reopen orders the difference anew when the quantity of an order that is
	// closed in Prodsmart rises.
	Reopen bool
	// ApplyLess lowers the quantity of a started order without asking.
	ApplyLess bool
	// Grace is how long an order may be closed in the source and open in
	// Prodsmart before somebody is told.
	Grace time.Duration
	// MostCancelled is how many cancellations of one read are believed; more
	// hold the source until an operator decides.
	MostCancelled int
	// MostShrunk is by how many percent the open orders may shrink from one
	// complete read to the next for an absence to count.
	MostShrunk int
	// MissedFor is the least time between the two reads that an absence needs.
	MissedFor time.Duration
	// Week makes the buckets of Aggregate weeks that begin on Monday.
	Week bool
	// Writes are the kinds of write-back that are on.
	Writes        map[erp.Kind]WriteRule
	Replenishment Replenishment
	// Owners say who owns the stock of an article: erp, prodsmart or none. Default
	// is for those that are not named; empty is none.
	Owners     map[string]Owner
	StockOwner Owner
	// Keep is how long what is over stays in the book.
	Keep time.Duration
}

// Defaults are the settings of a source that was only named.
func Defaults(source string) Settings {
	return Settings{
		Source: source, Target: ProductionOrders, Template: "{prefix}{number}-{line}", LongestCode: 40, Zone: time.UTC,
		DayEnd: 17 * time.Hour, DefaultLead: 72 * time.Hour, LeadTime: 24 * time.Hour, CustomerText: "auto",
		Grace: 24 * time.Hour, MostCancelled: 10, MostShrunk: 30, MissedFor: time.Minute, Keep: 180 * 24 * time.Hour,
		Replenishment: Replenishment{MaxAge: 15 * time.Minute, ArrivalLag: 4 * time.Hour, Recover: Leave, Hysteresis: 20, PerDay: 50, Quiet: 10 * time.Minute},
		StockOwner:    NoOwner,
	}
}

// matches says whether one of the patterns fits a code.
func matches(patterns []string, code string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(strings.ReplaceAll(p, "/", "\x00"), strings.ReplaceAll(code, "/", "\x00"))
		return ok && err == nil
	})
}

// Catalog are the products of Prodsmart by code; the value says whether the
// product has an operation. Nil says that they are not known yet.
type Catalog map[string]bool

// product is the code that an article has in Prodsmart.
func (s Settings) product(article string) string {
	article = strings.TrimSpace(article)
	if mapped, ok := s.Products[article]; ok {
		return mapped
	}
	return article
}

// article is Prodsmart's code of what a line asks for: by its code, or by its name where
// that is among the products, for systems that have no codes.
func (s Settings) article(l erp.Line) string {
	if _, mapped := s.Products[strings.TrimSpace(l.Product)]; !mapped {
		if product, named := s.Products[strings.TrimSpace(l.ProductName)]; named && l.ProductName != "" {
			return product
		}
	}
	return s.product(l.Product)
}

// selected says whether a line is made here; otherwise it says why not. The
// first rule that answers wins. wait says that it can not be said yet.
func (s Settings) selected(l erp.Line, catalog Catalog) (made bool, why string, wait bool) {
	switch {
	case l.Return:
		return false, "goods that come back", false
	case l.Quantity.Sign() <= 0:
		return false, "the quantity is " + l.Quantity.String(), false
	case l.Free && s.SkipFree:
		return false, "a free line, and free lines are off", false
	case matches(s.Exclude, l.Product):
		return false, "excluded by the configuration", false
	case matches(s.Include, l.Product):
		return true, "", false
	case l.Manufactured == erp.No:
		return false, "trading goods", false
	case l.Manufactured == erp.Yes:
		return true, "", false
	case len(s.Groups) > 0 && len(l.Groups) > 0:
		for _, g := range l.Groups {
			if matches(s.Groups, g) {
				return true, "", false
			}
		}
		return false, fmt.Sprintf("the group %s is not made here", oneLine(strings.Join(l.Groups, ", "), 200)), false
	case s.article(l) == "" || catalog == nil:
		return true, "", false // the entry waits, and says for what
	}
	operations, known := catalog[s.article(l)]
	switch {
	case known && operations:
		return true, "", false
	case known:
		return false, "the product has no operation in Prodsmart", false
	}
	return false, "the product is not in Prodsmart", true
}

// start is when an order that is due at a moment begins.
func (s Settings) start(due, now time.Time, product string, groups []string) time.Time {
	lead, ok := s.LeadTimes[product]
	for _, g := range groups {
		if !ok {
			lead, ok = s.LeadTimes[g]
		}
	}
	if !ok {
		lead = s.LeadTime
	}
	at := due.Add(-lead)
	if at.Before(now) {
		at = now.Truncate(time.Second)
	}
	if at.After(due) {
		at = due
	}
	return at.UTC()
}

// due is when something is due, and whether that is assumed. The zero time says
// that not even the order has a date.
func (s Settings) due(o erp.Order, l erp.Line) (at time.Time, assumed bool) {
	w := l.Due
	if w.IsZero() {
		w = o.Due
	}
	if !w.IsZero() {
		return s.moment(w), false
	}
	if o.Ordered.IsZero() {
		return time.Time{}, true
	}
	ordered := o.Ordered.Time.In(s.Zone)
	if o.Ordered.Day {
		ordered = o.Ordered.Time
	}
	days := int(s.DefaultLead / (24 * time.Hour))
	day := erp.DayOf(ordered.Year(), ordered.Month(), ordered.Day()+days)
	return s.moment(day), true
}

// moment is the end of a working day, or the moment itself.
func (s Settings) moment(w erp.When) time.Time {
	if !w.Day {
		return w.Time.UTC().Truncate(time.Second)
	}
	y, m, d := w.Time.Date()
	return time.Date(y, m, d, 0, 0, int(s.DayEnd/time.Second), 0, s.Zone).UTC()
}
