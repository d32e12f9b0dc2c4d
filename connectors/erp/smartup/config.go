package smartup

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// The documents that can say that goods were produced.
const (
	// Movement is from the production warehouse to the one of finished goods.
	Movement = "movement"
	// Stocktaking counts the finished goods anew: balance and what was made.
	Stocktaking = "stocktaking"
	// Purchase is from a supplier who stands for the own production, with a receipt.
	Purchase = "purchase"
)

// Config is one Smartup company, or one of its organisations. Empty settings have
// the defaults that are named.
type Config struct {
	// Address is https://smartup.online. Without TLS only this computer is
	// called: the password goes with each call.
	Address string
	// User has the form name@company.
	User, Password string
	// ProjectCode ("trade" as a rule) and FilialID are sent as headers; empty
	// ones are not sent, unless SendEmptyFilialID is set.
	ProjectCode, FilialID string
	SendEmptyFilialID     bool
	// FilialCode restricts everything to one organisation; empty is all that
	// the account sees. Some installations refuse it in requests.
	FilialCode string
	// Several says that the source covers several organisations: the
	// organisation then is part of an order's key.
	Several bool
	// Zone is where the company's days and times are: UTC+5.
	Zone *time.Location
	// Window is how many days back changes can be asked for, today included,
	// until the system has said another number: 7, 1 to 366.
	Window int
	// LookupInWindow says that an order can only be asked for by its deal_id
	// while it lies in the window: then an order that is not found proves
	// nothing, and no order is looked up.
	LookupInWindow bool
	// States are the meanings of status codes; those that are not named have
	// the usual ones: D held; B#N, B#E, B#W open; B#S, B#V, A closed; C
	// cancelled.
	States map[string]erp.State
	// Kinds are the inventory kinds that the plant makes itself: P.
	Kinds []string
	// StableLines says that product_unit_id stays the same through edits.
	StableLines bool
	// Number is what people call an order: "deal_id" (the default),
	// "invoice_number" or "delivery_number", which fall back to deal_id.
	Number string
	// Location is "filial", "warehouse" (of the first line) or empty for none.
	Location string
	// FamilyType is the type_code of the product groups that are families;
	// empty is none.
	FamilyType string
	// Warehouses are those whose stock counts, without ExcludeWarehouses;
	// empty is all others.
	Warehouses, ExcludeWarehouses []string
	// Conditions of stock that count: F (free), B (booked) and T (in transit). Empty
	// is F for replenishment, and F and B for what is set elsewhere.
	Conditions []string
	// Frequent, Rare and Reference are the calls that this gateway may make in
	// a day: 500, 300 and 100. Reserve of the frequent ones are kept for
	// write-backs: 20.
	Frequent, Rare, Reference, Reserve int
	// ExhaustedWords are parts of refusals that mean that the day's calls are
	// used up, whatever the case: "limit of requests", "request limit".
	ExhaustedWords []string
	// Timeout bounds one call: 180 s. MostMB bounds an answer: 64.
	Timeout time.Duration
	MostMB  int

	Write WriteConfig
}

// WriteConfig is what is written back. Without Kinds nothing is.
type WriteConfig struct {
	// Kinds are of erp.Note, erp.Status, erp.Produced and erp.Consumed.
	Kinds []erp.Kind
	// NoteBytes is the longest note: 40, 20 to 2000.
	NoteBytes int
	// NoteAppends says that attach_data appends to a note and does not replace
	// it.
	NoteAppends bool
	// Status is the status that an order gets at a stage: B#E when started and
	// B#W when completed. A, C and D are never set. From are the statuses in
	// which each may be set: B#E from B#N, B#W from B#N and B#E.
	Status map[erp.Stage]string
	From   map[string][]string
	// Goods is the document for finished goods: Movement, Stocktaking or Purchase.
	Goods string
	// Supplier is the code of the supplier of a Purchase, PurchaseStatus the company's
	// code for its status, PurchasePrice the price of a piece, empty for none, and
	// PurchasePosted says that the purchase is posted; its receipt is a draft.
	Supplier, PurchaseStatus, PurchasePrice string
	PurchasePosted                          bool
	// DocumentStatus of a movement is D (draft, the default) or N (new); other
	// documents are drafts.
	DocumentStatus string
	// ProductionWarehouse, FinishedWarehouse and MaterialWarehouse are codes.
	ProductionWarehouse, FinishedWarehouse, MaterialWarehouse string
	// Currency of documents: 860, the Uzbek sum.
	Currency string
}

// Deps is what a source is given.
type Deps struct {
	// HTTP is nil for a client with the process's proxy settings.
	HTTP *http.Client
	// Kept is what Keep was last given; see erp.BudgetConfig.
	Kept string
	Keep func(string) error
}

func (c Config) defaults() Config {
	text := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	number := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	list := func(l *[]string, d ...string) {
		if len(*l) == 0 {
			*l = d
		}
	}
	text(&c.Address, "https://smartup.online")
	text(&c.Number, "deal_id")
	text(&c.Write.DocumentStatus, "D")
	text(&c.Write.Currency, "860")
	number(&c.Window, 7)
	number(&c.Frequent, 500)
	number(&c.Rare, 300)
	number(&c.Reference, 100)
	number(&c.Reserve, 20)
	number(&c.MostMB, 64)
	number(&c.Write.NoteBytes, 40)
	list(&c.Kinds, "P")
	list(&c.ExhaustedWords, "limit of requests", "request limit")
	if c.Zone == nil {
		c.Zone = time.FixedZone("UTC+5", 5*3600)
	}
	if c.Timeout == 0 {
		c.Timeout = 180 * time.Second
	}
	states := map[string]erp.State{"D": erp.Held, "B#N": erp.Open, "B#E": erp.Open, "B#W": erp.Open, "B#S": erp.Closed, "B#V": erp.Closed, "A": erp.Closed, "C": erp.Cancelled}
	for word, state := range c.States {
		states[word] = state
	}
	c.States = states
	if c.Write.Status == nil {
		c.Write.Status = map[erp.Stage]string{erp.Started: "B#E", erp.Completed: "B#W"}
	}
	if c.Write.From == nil {
		c.Write.From = map[string][]string{"B#E": {"B#N"}, "B#W": {"B#N", "B#E"}}
	}
	return c
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check looks for settings that can not work. c has its defaults.
func (c Config) check() error {
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address must look like https://smartup.online, without user and password")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		return errors.New("the address must begin with https: the password goes with each call")
	}
	if c.User == "" || c.Password == "" || strings.Contains(c.User, ":") {
		return errors.New("a user (name@company, without a colon) and a password are needed")
	}
	for _, n := range []struct {
		name              string
		value, least, top int
	}{{"window", c.Window, 1, 366}, {"frequent", c.Frequent, 1, 1e6}, {"rare", c.Rare, 1, 1e6}, {"reference", c.Reference, 1, 1e6},
		{"reserve", c.Reserve, 0, c.Frequent - 1}, {"most_mb", c.MostMB, 1, 1024}, {"note_bytes", c.Write.NoteBytes, 20, 2000}} {
		if n.value < n.least || n.value > n.top {
			return fmt.Errorf("%s must be from %d to %d, not %d", n.name, n.least, n.top, n.value)
		}
	}
	if !slices.Contains([]string{"deal_id", "invoice_number", "delivery_number"}, c.Number) {
		return fmt.Errorf("number must be deal_id, invoice_number or delivery_number, not %q", c.Number)
	}
	if !slices.Contains([]string{"", "filial", "warehouse"}, c.Location) {
		return fmt.Errorf("location must be filial or warehouse, not %q", c.Location)
	}
	for _, f := range c.Conditions {
		if !slices.Contains([]string{"F", "B", "T"}, f) {
			return fmt.Errorf("conditions are F, B and T, not %q", f)
		}
	}
	return c.Write.check()
}

func (w WriteConfig) check() error {
	for _, k := range w.Kinds {
		switch k {
		case erp.Note:
		case erp.Status:
			for stage, status := range w.Status {
				if slices.Contains([]string{"", "A", "C", "D"}, status) {
					return fmt.Errorf("the status %q is never set by the gateway (stage %s)", status, stage)
				}
			}
		case erp.Produced:
			if w.Goods != Movement && w.Goods != Stocktaking && w.Goods != Purchase {
				return fmt.Errorf("goods must be movement, stocktaking or purchase, not %q: ask the accountants which document they accept", w.Goods)
			}
			if w.Goods == Purchase && (w.Supplier == "" || w.PurchaseStatus == "") {
				return errors.New("purchases need supplier and purchase_status: the codes that the company has for its own production, and for a purchase that is new")
			}
			if price, err := decimal.NewFromString(w.PurchasePrice); w.PurchasePrice != "" && (err != nil || price.Sign() < 0) {
				return fmt.Errorf("purchase_price must be a number, not %.40q", w.PurchasePrice)
			}
			if w.FinishedWarehouse == "" || w.Goods == Movement && w.ProductionWarehouse == "" {
				return errors.New("documents of finished goods need finished_warehouse, and movements production_warehouse")
			}
		case erp.Consumed:
			if w.MaterialWarehouse == "" {
				return errors.New("write-offs of material need material_warehouse")
			}
		default:
			return fmt.Errorf("smartup has no way to write back %q", k)
		}
	}
	if w.DocumentStatus != "D" && w.DocumentStatus != "N" {
		return fmt.Errorf("document_status must be D or N, not %q", w.DocumentStatus)
	}
	return nil
}
