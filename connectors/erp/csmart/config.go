package csmart

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Config is one CSMART domain. Empty settings have the defaults that are named.
type Config struct {
	// Address is https://csmart.pl/app/api.php. Without TLS only this computer is
	// called: what stands for the password goes with the login.
	Address string
	// Domain is the tenant; Email and Password are a user's.
	Domain, Email, Password string
	// Get reads with GET and the parameters in the address, token included, where a
	// tenant takes no POST for reading.
	Get bool

	// Fields are the names of fields by what they are (see Meanings), the first that a
	// record has counts; what is not here has the usual candidates.
	Fields map[string][]string
	// States are words of an order's status, whatever the case, by the name of a state
	// (open, held, closed, cancelled), besides the built-in ones. Any other word is
	// unknown.
	States map[string][]string
	// NoState is what an order without a status is: "open", or "held". Empty is open
	// where other orders of the list have one, and unknown where none has: then the
	// field is called otherwise, and the list is years of orders.
	NoState string
	// Generic is the article of lines without a code, which are described by their
	// name; empty lets them wait.
	Generic string
	// Zone is where the firm is: Europe/Warsaw, or UTC+1 where this computer does not
	// know that.
	Zone *time.Location
	// ProductsFor is how long products are remembered: 1 h, 1 min to 24 h.
	ProductsFor time.Duration
	// LoginWords are parts of error texts, whatever the case, that mean that the token
	// is not valid any more: token, login, zalog, autory, sesj.
	LoginWords []string
	// Timeout bounds one call: 120 s. MostMB bounds an answer: 32, 1 to 1024.
	Timeout time.Duration
	MostMB  int

	Tasks TaskConfig
}

// TaskConfig is what is written back. Without Kinds nothing is.
type TaskConfig struct {
	// Kinds can have erp.Task alone.
	Kinds []erp.Kind
	// Type and Status are those of tasks: "zadanie" and "nowe". Closed is the status of
	// one that is resolved: "zamknięte".
	Type, Status, Closed string
	// NoCustomer leaves the customer's tax number out of tasks.
	NoCustomer bool
}

// Deps is what a source is given.
type Deps struct {
	// HTTP is nil for a client with the process's proxy settings.
	HTTP *http.Client
}

// warsaw is where CSMART's customers are.
func warsaw() *time.Location {
	if zone, err := time.LoadLocation("Europe/Warsaw"); err == nil {
		return zone
	}
	return time.FixedZone("UTC+1", 3600)
}

func (c Config) defaults() Config {
	if c.Address == "" {
		c.Address = "https://csmart.pl/app/api.php"
	}
	if c.Zone == nil {
		c.Zone = warsaw()
	}
	if c.ProductsFor == 0 {
		c.ProductsFor = time.Hour
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	if c.MostMB == 0 {
		c.MostMB = 32
	}
	if len(c.LoginWords) == 0 {
		c.LoginWords = []string{"token", "login", "zalog", "autory", "sesj"}
	}
	if c.Tasks.Type == "" {
		c.Tasks.Type = "zadanie"
	}
	if c.Tasks.Status == "" {
		c.Tasks.Status = "nowe"
	}
	if c.Tasks.Closed == "" {
		c.Tasks.Closed = "zamknięte"
	}
	return c
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error {
	_, err := New(c, Deps{})
	return err
}

// check looks for settings that can not work. c has its defaults.
func (c Config) check() error {
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address must look like https://csmart.pl/app/api.php, without user, password and parameters")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		return errors.New("the address must begin with https: what stands for the password goes with the login")
	}
	if c.Domain == "" || c.Email == "" || c.Password == "" {
		return errors.New("a domain, the e-mail of a user and the password are needed")
	}
	if c.ProductsFor < time.Minute || c.ProductsFor > 24*time.Hour || c.Timeout < time.Second || c.Timeout > 15*time.Minute || c.MostMB < 1 || c.MostMB > 1024 {
		return fmt.Errorf("products_for must be 1 min to 24 h (%s), timeout 1 s to 15 min (%s), most_mb 1 to 1024 (%d)", c.ProductsFor, c.Timeout, c.MostMB)
	}
	if c.NoState != "" && c.NoState != "open" && c.NoState != "held" {
		return fmt.Errorf("no_state must be open or held, not %.40q", c.NoState)
	}
	for _, key := range slices.Sorted(maps.Keys(c.Fields)) {
		if !slices.Contains(Meanings(), key) || len(c.Fields[key]) == 0 || slices.Contains(c.Fields[key], "") {
			return fmt.Errorf("fields: %.60q is nothing that a field can be, or has no name; these are: %s", key, strings.Join(Meanings(), ", "))
		}
	}
	if slices.ContainsFunc(c.LoginWords, func(w string) bool { return strings.TrimSpace(w) == "" }) {
		return errors.New("login_words must not be empty: each error would be one about the token")
	}
	for _, k := range c.Tasks.Kinds {
		if k != erp.Task {
			return fmt.Errorf("CSMART has no way to write back %q", k)
		}
	}
	return nil
}
