package smpos

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// The names that the manual has for quantities. Its tables say one, its sample of
// the write the other.
const (
	long  = "qnty"
	short = "qty"
)

// Config is one account of a cabinet, and the shops that are read together. Empty
// settings have the defaults that are named.
type Config struct {
	// Address is https://smpos.app/api. Without TLS only this computer is called:
	// the password goes with each call.
	Address string
	// Login is the e-mail of a user of the cabinet who has the rights marked API.
	Login, Password string
	// Sections are the shops that are read. Without any nothing but Discover works,
	// which lists those that the account sees. If one of them can not
	// be read nothing is reported, because sums over shops would be wrong: shops
	// that have nothing to do with each other are better sources of their own.
	Sections []Section
	// Chain is the network of the shops; it is only needed where a section names
	// tills.
	Chain int64
	// Folders are the codes of the folders whose goods count, with the folders in
	// them; empty is all goods.
	Folders []int64
	// Zone is where the shops are, for the hours at which shifts end and the day
	// of PerDay: UTC+2.
	Zone *time.Location
	// PerDay and PerMinute bound the calls of this account. The vendor names no
	// limits: 0 of PerDay is without bound; PerMinute is 30, 1 to 600.
	PerDay, PerMinute int
	// DirectoryAge is how old names, folders and barcodes may be: 15 min, 1 min
	// to 24 h. FullEvery is after how long a list is read whole although the
	// cabinet says that it did not change: 1 h, 1 min to 24 h.
	DirectoryAge, FullEvery time.Duration
	// Timeout bounds one call: 60 s. MostMB bounds an answer: 32, 1 to 1024.
	Timeout time.Duration
	MostMB  int

	Write WriteConfig
}

// Section is a shop.
type Section struct {
	// ID is the cabinet's number of it; Name is the place in stock and orders,
	// short and without blanks as a rule (kiosk1).
	ID   int64
	Name string
	// Tills are the devices without which the shop's stock is not known: the
	// stock is as old as the last word of the one that was silent longest. Empty
	// is not to look: tills that are off the network then are not noticed.
	Tills []int64
}

// WriteConfig is what is written back. Without Kinds nothing is.
type WriteConfig struct {
	// Kinds can have erp.Produced alone. It has to stay off where shops book
	// deliveries at the till: the pieces would count twice.
	Kinds []erp.Kind
	// DeliverTo is the name of the section that produced goods are added to,
	// where the write does not say; empty is the only one.
	DeliverTo string
	// Quantity is the name of the quantity in UPDGOODS that is tried first:
	// "qnty" (the default) or "qty". If the quantity does not move, the other is
	// used until the process ends.
	Quantity string
	// Negative lets a correction set a quantity below zero.
	Negative bool
	// ShiftEnds are times of the day, as time since midnight in Zone, around which
	// nothing is written: Margin before and after, 10 min, up to 2 h. A shift that
	// is posted in the moment of a write would be lost.
	ShiftEnds []time.Duration
	Margin    time.Duration
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
	if c.Address == "" {
		c.Address = "https://smpos.app/api"
	}
	if c.Zone == nil {
		c.Zone = time.FixedZone("UTC+2", 2*3600)
	}
	for _, n := range []struct {
		to *int
		is int
	}{{&c.PerMinute, 30}, {&c.MostMB, 32}} {
		if *n.to == 0 {
			*n.to = n.is
		}
	}
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&c.DirectoryAge, 15 * time.Minute}, {&c.FullEvery, time.Hour}, {&c.Timeout, time.Minute}, {&c.Write.Margin, 10 * time.Minute}} {
		if *d.to == 0 {
			*d.to = d.is
		}
	}
	if c.Write.Quantity == "" {
		c.Write.Quantity = long
	}
	if c.Write.DeliverTo == "" && len(c.Sections) == 1 {
		c.Write.DeliverTo = c.Sections[0].Name
	}
	return c
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check looks for settings that can not work. c has its defaults.
func (c Config) check() error {
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address must look like https://smpos.app/api, without user and password")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		return errors.New("the address must begin with https: the password goes with each call")
	}
	if c.Login == "" || c.Password == "" {
		return errors.New("a login (the e-mail of a user of the cabinet) and a password are needed")
	}
	if c.PerDay < 0 || c.PerMinute < 1 || c.PerMinute > 600 || c.MostMB < 1 || c.MostMB > 1024 {
		return fmt.Errorf("per_day must be 0 or more (%d), per_minute 1 to 600 (%d), most_mb 1 to 1024 (%d)", c.PerDay, c.PerMinute, c.MostMB)
	}
	for _, d := range []struct {
		name       string
		value      time.Duration
		least, top time.Duration
	}{{"directory_age", c.DirectoryAge, time.Minute, 24 * time.Hour}, {"full_every", c.FullEvery, time.Minute, 24 * time.Hour},
		{"timeout", c.Timeout, time.Second, 10 * time.Minute}, {"margin", c.Write.Margin, 0, 2 * time.Hour}} {
		if d.value < d.least || d.value > d.top {
			return fmt.Errorf("%s must be from %s to %s, not %s", d.name, d.least, d.top, d.value)
		}
	}
	if err := c.checkSections(); err != nil {
		return err
	}
	return c.checkWrites()
}

func (c Config) checkSections() error {
	for i, s := range c.Sections {
		if s.ID < 1 || s.Name == "" {
			return fmt.Errorf("section %d needs an id (a number above 0) and a name", i+1)
		}
		for _, t := range c.Sections[:i] {
			if s.ID == t.ID || s.Name == t.Name {
				return fmt.Errorf("section %q stands twice, or its id %d does", s.Name, s.ID)
			}
		}
		if len(s.Tills) > 0 && c.Chain < 1 {
			return fmt.Errorf("section %q names tills: the chain that they belong to is needed", s.Name)
		}
	}
	return nil
}

func (c Config) checkWrites() error {
	w := c.Write
	for _, k := range w.Kinds {
		if k != erp.Produced {
			return fmt.Errorf("SM POS has no way to write back %q", k)
		}
		if !slices.ContainsFunc(c.Sections, func(s Section) bool { return s.Name == w.DeliverTo }) {
			return fmt.Errorf("deliver_to must be the name of a section that gets the goods, not %q", w.DeliverTo)
		}
	}
	if w.Quantity != long && w.Quantity != short {
		return fmt.Errorf("quantity must be qnty or qty, not %q", w.Quantity)
	}
	for _, at := range w.ShiftEnds {
		if at < 0 || at >= 24*time.Hour {
			return fmt.Errorf("shift_ends are times of the day, %s is none", at)
		}
	}
	return nil
}
