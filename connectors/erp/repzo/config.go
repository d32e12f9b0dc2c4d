package repzo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Config is one Repzo company. Empty settings have the defaults that are named.
type Config struct {
	// Address is https://sv.api.repzo.me. Without TLS only this computer is called: the
	// key goes with each call.
	Address string
	// Key is the API key of the company, made in the dashboard.
	Key string

	// Codes say where the code of an article stands, the first that has one counts:
	// variant.sku, variant.name, variant.barcode, product.sku, product.name,
	// product.barcode, variant.integration_meta.KEY or product.integration_meta.KEY
	// (integration_meta.KEY is the variant's). The default is variant.sku, product.sku,
	// variant.name.
	Codes []string
	// Families is what families are: "category", "groups", or empty for none.
	Families string
	// ClientCodes reads clients, so that a customer's code is Repzo's
	// client_code where it has one; otherwise it is the client's _id.
	ClientCodes bool
	// States are the meanings of the words in status; those that are not named have the
	// usual ones: pending held; approved and processing open; rejected cancelled.
	States map[string]erp.State
	// CancelStatuses are the custom statuses (id, code or name) that mean that nobody
	// wants the order any more.
	CancelStatuses []string
	// IgnoreConverted goes on with orders that were converted to an invoice; otherwise
	// they are closed. Some companies invoice before they produce.
	IgnoreConverted bool
	// SeparateVersions says that each _id is a document of its own, and a superseded one
	// is cancelled; otherwise versions with the same serial number are one document.
	SeparateVersions bool
	// StableLines says that the _id of a line stays the same through edits.
	StableLines bool
	// MoneyDivisor is how many units of the API's money are one of the currency: 1000,
	// 1 to 1,000,000.
	MoneyDivisor int

	// UpdatedUnit is what from_updatedAt counts: "ms" (the default) or "s".
	UpdatedUnit string
	// Overlap is how far back each read of changes goes behind the last one: 10 min,
	// 1 min to 24 h.
	Overlap time.Duration
	// ShowsDisabled says that lists show disabled orders without being asked; otherwise
	// they are asked for by a call of their own until one was seen.
	ShowsDisabled bool
	// PerPage is the size of a page: 200, 1 to 5000. PageNumbers asks for pages by their
	// number instead of going on after the last _id.
	PerPage     int
	PageNumbers bool
	// FullDays bounds the reading of all open orders to those that were created in the
	// last so many days; then it is never complete. 0 is without bound, up to 3650.
	FullDays int

	// Warehouses (id, code or name) are those whose stock counts; empty is all of type
	// main.
	Warehouses []string
	// MastersFor is how long products, units, warehouses and statuses are remembered:
	// 30 min, 1 min to 24 h.
	MastersFor time.Duration

	// PerDay and PerMinute are the calls that this gateway may make: 10,000 a day and
	// 40 a minute (of the 100 that all integrations of the company share). Reserve of
	// the day's are kept for write-backs: 200.
	PerDay, PerMinute, Reserve int
	// Timeout bounds one call: 180 s. MostMB bounds an answer: 32, 1 to 1024.
	Timeout time.Duration
	MostMB  int

	Write WriteConfig
}

// WriteConfig is what is written back. Without Kinds nothing is.
type WriteConfig struct {
	// Kinds are of erp.Meta, erp.Status, erp.Produced and erp.Task.
	Kinds []erp.Kind
	// MetaPrefix begins the keys of our marks: "prodsmart_".
	MetaPrefix string
	// Status is the code of the custom status that an order gets at a stage. There is no
	// default: the office creates the statuses.
	Status map[erp.Stage]string
	// Replace are the codes of the custom statuses that may be replaced, besides none,
	// Repzo's default one and those of Status.
	Replace []string
	// Warehouse (id, code or name) is where finished goods go, and Reason (id or name)
	// the reason of the stock corrections; an empty Reason is not sent.
	Warehouse, Reason string
	// TaskClient, TaskLocation, TaskCategory and TaskCalendar are the ids with which a
	// job for people is made: the plant, as a client with a location.
	TaskClient, TaskLocation, TaskCategory, TaskCalendar string
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
	span := func(n *time.Duration, d time.Duration) {
		if *n == 0 {
			*n = d
		}
	}
	text(&c.Address, "https://sv.api.repzo.me")
	text(&c.UpdatedUnit, "ms")
	text(&c.Write.MetaPrefix, "prodsmart_")
	number(&c.MoneyDivisor, 1000)
	number(&c.PerPage, 200)
	number(&c.PerDay, 10000)
	number(&c.PerMinute, 40)
	number(&c.Reserve, 200)
	number(&c.MostMB, 32)
	span(&c.Overlap, 10*time.Minute)
	span(&c.MastersFor, 30*time.Minute)
	span(&c.Timeout, 180*time.Second)
	if len(c.Codes) == 0 {
		c.Codes = []string{"variant.sku", "product.sku", "variant.name"}
	}
	states := map[string]erp.State{"pending": erp.Held, "approved": erp.Open, "processing": erp.Open, "rejected": erp.Cancelled}
	for word, state := range c.States {
		states[word] = state
	}
	c.States = states
	return c
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check looks for settings that can not work. c has its defaults.
func (c Config) check() error {
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address must look like https://sv.api.repzo.me, without user and password")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		return errors.New("the address must begin with https: the key goes with each call")
	}
	if c.Key == "" || strings.ContainsAny(c.Key, "\r\n\x00") {
		return errors.New("an API key is needed; it is made in the dashboard of Repzo (Settings, API key)")
	}
	for _, n := range []struct {
		name              string
		value, least, top int
	}{{"money_divisor", c.MoneyDivisor, 1, 1e6}, {"per_page", c.PerPage, 1, 5000}, {"full_days", c.FullDays, 0, 3650}, {"per_day", c.PerDay, 1, 1e6}, {"per_minute", c.PerMinute, 1, 1e4},
		{"reserve", c.Reserve, 0, c.PerDay - 1}, {"most_mb", c.MostMB, 1, 1024}} {
		if n.value < n.least || n.value > n.top {
			return fmt.Errorf("%s must be from %d to %d, not %d", n.name, n.least, n.top, n.value)
		}
	}
	for _, n := range []struct {
		name  string
		value time.Duration
	}{{"overlap", c.Overlap}, {"masters_for", c.MastersFor}} {
		if n.value < time.Minute || n.value > 24*time.Hour {
			return fmt.Errorf("%s must be from 1 min to 24 h, not %s", n.name, n.value)
		}
	}
	for _, code := range c.Codes {
		if !codeSource(code) {
			return fmt.Errorf("codes: %q is none of variant.sku, variant.name, variant.barcode, product.sku, product.name, product.barcode, integration_meta.KEY", code)
		}
	}
	if !slices.Contains([]string{"", "category", "groups"}, c.Families) {
		return fmt.Errorf("families must be category or groups, not %q", c.Families)
	}
	if !slices.Contains([]string{"ms", "s"}, c.UpdatedUnit) {
		return fmt.Errorf("updated_unit must be ms or s, not %q", c.UpdatedUnit)
	}
	return c.Write.check()
}

func codeSource(name string) bool {
	of, field := splitCode(name)
	key, meta := strings.CutPrefix(field, metaField)
	return (of == "variant" || of == "product") && (slices.Contains([]string{"sku", "name", "barcode"}, field) || meta && key != "")
}

// metaField begins a field that is a key of an object's metadata.
const metaField = "integration_meta."

// splitCode gives the object and the field of a source of codes.
func splitCode(name string) (of, field string) {
	if strings.HasPrefix(name, metaField) {
		return "variant", name
	}
	of, field, _ = strings.Cut(name, ".")
	return of, field
}

func (w WriteConfig) check() error {
	if strings.Trim(w.MetaPrefix, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fmt.Errorf("meta_prefix must have only small letters, digits and _, not %q", w.MetaPrefix)
	}
	for _, k := range w.Kinds {
		switch k {
		case erp.Meta:
		case erp.Status:
			if len(w.Status) == 0 {
				return errors.New("statuses need a custom status code for at least one stage; the office creates them in Repzo (started: In production)")
			}
		case erp.Produced:
			if w.Warehouse == "" {
				return errors.New("stock corrections for finished goods need a warehouse")
			}
		case erp.Task:
			if w.TaskClient == "" || w.TaskLocation == "" || w.TaskCategory == "" || w.TaskCalendar == "" {
				return errors.New("jobs need the ids of the plant's client, location, category and calendar in Repzo")
			}
		default:
			return fmt.Errorf("repzo has no way to write back %q", k)
		}
	}
	return nil
}
