package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// The dialects of Config.Dialect.
const (
	PostgreSQL = "postgresql"
	SQLServer  = "sqlserver"
	MySQL      = "mysql" // and MariaDB
	SQLite     = "sqlite"
)

// The values of Config.TLS.
const (
	// Verify: encrypted, and the server's certificate is checked.
	Verify = "verify"
	// Unverified: encrypted, with whoever answers.
	Unverified = "unverified"
	// Off: not encrypted; passwords and orders can be read on the way.
	Off = "off"
)

// Config is one database. Empty settings have the defaults that are named.
type Config struct {
	// Dialect is one of the constants; it has no default.
	Dialect string
	// Host is a name or address, or for PostgreSQL and MySQL the path of a
	// socket (of its folder for PostgreSQL): localhost. Port is the usual one.
	Host string
	Port int
	// Database is the database; for SQLite the path of its file.
	Database, User, Password string
	// TLS is Verify; over a socket it is Off. CA is a file with certificates
	// that are trusted instead of the system's, ServerName the name in the
	// server's certificate, Host.
	TLS, CA, ServerName string

	// View is the view or table of the orders, with its schema before a point
	// if it needs one. Query is a whole SELECT instead of it.
	View, Query string
	// Products and Stock are the views of articles and stock; empty for none.
	Products, Stock string
	// Columns are names of columns by what they are, of all views (see
	// Meanings); what is not here has its own name, whatever the case.
	Columns map[string]string
	// Info are columns of the orders that are kept as further facts.
	Info []string
	// Incremental asks for orders by updated_at. Overlap is how far before the
	// latest time that was seen the next read begins: 10 min. It has to be
	// longer than the longest transaction that writes orders.
	Incremental bool
	Overlap     time.Duration

	// Zone is the zone of times that name none: UTC.
	Zone *time.Location
	// Decimal is how numbers in columns of text are written: "comma", "point"
	// or "auto", the default: both, but 1.234 is refused.
	Decimal string
	// States are words of states, whatever the case, besides the built-in ones,
	// by "open", "held", "closed", "cancelled". NoState is what a row without a
	// word is: "open" or "held".
	States  map[string][]string
	NoState string

	// Timeout bounds a read, 60 s; MaxRows the rows of one, 200,000.
	Timeout time.Duration
	MaxRows int
}

func (c Config) defaults() Config {
	set(&c.Host, "localhost")
	set(&c.Port, map[string]int{PostgreSQL: 5432, SQLServer: 1433, MySQL: 3306}[c.Dialect])
	if strings.HasPrefix(c.Host, "/") {
		set(&c.TLS, Off)
	}
	set(&c.TLS, Verify)
	set(&c.ServerName, c.Host)
	set(&c.Overlap, 10*time.Minute)
	set(&c.Zone, time.UTC)
	set(&c.Decimal, "auto")
	set(&c.NoState, "open")
	set(&c.Timeout, time.Minute)
	set(&c.MaxRows, 200_000)
	return c
}

func set[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check finds settings that can not work.
func (c Config) check() error {
	bad := func(next, what string, args ...any) error {
		return &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the database", What: fmt.Sprintf(what, args...), Next: next}
	}
	for _, e := range []struct {
		name, value string
		of          []string
	}{
		{"dialect", c.Dialect, []string{PostgreSQL, SQLServer, MySQL, SQLite}},
		{"tls", c.TLS, []string{Verify, Unverified, Off}},
		{"decimal", c.Decimal, []string{"auto", "comma", "point"}},
		{"no_state", c.NoState, []string{"open", "held"}},
	} {
		if !slices.Contains(e.of, e.value) {
			return bad("write one of "+strings.Join(e.of, " "), "%s: %q is not known", e.name, e.value)
		}
	}
	switch {
	case c.Database == "":
		return bad("write its name, or for sqlite the path of its file", "no database is named")
	case (c.View == "") == (c.Query == ""):
		return bad("write one of them", "either a view or a query has to be named")
	case c.Overlap < 0 || c.Timeout < 0 || c.MaxRows < 0 || c.Port < 0 || c.Port > 65535:
		return bad("leave it out for the default", "a bound or the port is out of range")
	case c.Dialect == SQLServer && strings.HasPrefix(c.Host, "/"):
		return bad("write the name of the computer", "host: SQL Server has no socket in the file system")
	}
	if c.Query != "" {
		if err := checkQuery(c.Query); err != nil {
			return bad("write one SELECT without a comment, a semicolon or a backslash; or make a view of it", "query: %v", err)
		}
	}
	for _, name := range []string{c.View, c.Products, c.Stock} {
		if err := checkName(name); name != "" && err != nil {
			return bad("write schema.view or view, as the database has it", "view %.60q: %v", name, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Columns)) {
		if !slices.Contains(Meanings(), key) {
			return bad("these are: "+strings.Join(Meanings(), ", "), "columns: %.60q is nothing that a column can be", key)
		}
		if c.Columns[key] == "" || strings.ContainsRune(c.Columns[key], 0) {
			return bad("write the name of a column", "columns: %s has none", key)
		}
	}
	return nil
}

// Meanings are the keys that Config.Columns may have.
func Meanings() []string { return slices.Concat(orderColumns(), stockColumns(), productColumns()) }

// orderColumns are what the view of orders may have. It has to have order_id,
// quantity, and product or product_name.
func orderColumns() []string {
	return []string{"order_id", "line_id", "number", "company", "product", "product_name", "quantity", "unit", "unit_factor", "due", "ordered_at", "state",
		"customer_code", "customer_name", "note", "manufactured", "location", "updated_at"}
}

// stockColumns are what the view of stock may have besides product, product_name
// and quantity, which it has to have as far as orders have to.
func stockColumns() []string { return []string{"place", "as_of", "min", "max"} }

// productColumns are what the view of products may have besides product, which
// it has to have, product_name, unit and manufactured.
func productColumns() []string { return []string{"barcode", "family", "active"} }
