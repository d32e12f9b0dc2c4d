package rest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// The values of Config.Paging.
const (
	// None: one answer has everything.
	None = "none"
	// Page: the number of the page is a parameter.
	Page = "page"
	// Offset: the number of records before the page is.
	Offset = "offset"
	// Cursor: a text of the last answer (at Next) is.
	Cursor = "cursor"
	// Next: the last answer has the address of the next page (at Next).
	Next = "next"
	// Link: the header Link of the last answer has it, as rel="next".
	Link = "link"
)

// Config is one service. Empty settings have the defaults that are named. Paths
// into JSON are those of gjson: a.b.0.c, and # for each of a list.
type Config struct {
	// URL is the address of the orders. Query are fixed parameters.
	URL   string
	Query map[string]string

	// User and Password are for Basic; Header and Key for a header with a key
	// ("Authorization" and "Bearer ..." too); TokenURL, ClientID, ClientSecret
	// and Scopes for OAuth2 client credentials. One of the three, or none.
	User, Password                   string
	Header, Key                      string
	TokenURL, ClientID, ClientSecret string
	Scopes                           []string

	// Paging is None. Param is the parameter of the page, offset or cursor: its
	// usual name. Size and SizeParam ask for that many records of a page; Size
	// 0 asks for nothing. First is the number of the first page where it is
	// not 1. Next is the path of Cursor and Next. Total is the path of
	// the number of all records, to be compared with what came; may be empty.
	Paging           string
	Param, SizeParam string
	Size             int
	First            *int
	Next, Total      string

	// List is the path of the records; empty if the answer is the list. Lines
	// is the path of the lines within a record; empty if each record is a line.
	List, Lines string
	// Fields are paths by what they mean (see Meanings), of the order's fields
	// from the record, of the line's from the line. What is not here has its
	// own name. Info are paths in the record that are kept as facts.
	Fields map[string]string
	Info   []string

	// Since is the parameter that asks for what changed; empty if all is read
	// each time. SinceFormat is "rfc3339", the default, "date", "unix" or
	// "unix_ms". Overlap is how far before the latest updated_at that was seen
	// the next read begins: 10 min.
	Since, SinceFormat string
	Overlap            time.Duration

	// Zone, Decimal, States and NoState are as for other sources: UTC, "auto",
	// none besides the names of the states, "open".
	Zone    *time.Location
	Decimal string
	States  map[string][]string
	NoState string

	// Timeout bounds an exchange, 60 s; MaxBytes an answer, 32 MB; MaxPages and
	// MaxLines a read, 1,000 and 200,000.
	Timeout            time.Duration
	MaxBytes           int64
	MaxPages, MaxLines int
}

func (c Config) defaults() Config {
	set(&c.Paging, None)
	set(&c.Param, map[string]string{Page: "page", Offset: "offset", Cursor: "cursor"}[c.Paging])
	set(&c.SizeParam, "limit")
	if c.First == nil {
		one := 1
		c.First = &one
	}
	set(&c.SinceFormat, "rfc3339")
	set(&c.Overlap, 10*time.Minute)
	set(&c.Zone, time.UTC)
	set(&c.Decimal, "auto")
	set(&c.NoState, "open")
	set(&c.Timeout, time.Minute)
	set(&c.MaxBytes, 32<<20)
	set(&c.MaxPages, 1000)
	set(&c.MaxLines, 200_000)
	return c
}

func set[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// lineFields and orderFields are what paths can mean.
func lineFields() []string {
	return []string{"line_id", "product", "product_name", "quantity", "unit", "unit_factor", "line_due", "line_state", "manufactured", "line_note"}
}

func orderFields() []string {
	return []string{"order_id", "company", "number", "due", "ordered_at", "state", "customer_code", "customer_name", "note", "location", "updated_at"}
}

// Meanings are the keys that Config.Fields may have.
func Meanings() []string { return slices.Concat(orderFields(), lineFields()) }

// Check finds settings that can not work, as New does, before anything is opened.
func (c Config) Check() error { return c.defaults().check() }

// check finds settings that can not work.
func (c Config) check() error {
	bad := func(next, what string, args ...any) error {
		return &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the service", What: fmt.Sprintf(what, args...), Next: next}
	}
	for name, e := range map[string]struct {
		value string
		of    []string
	}{
		"paging": {c.Paging, []string{None, Page, Offset, Cursor, Next, Link}}, "since_format": {c.SinceFormat, []string{"rfc3339", "date", "unix", "unix_ms"}},
		"decimal": {c.Decimal, []string{"auto", "comma", "point"}}, "no_state": {c.NoState, []string{"open", "held"}},
	} {
		if !slices.Contains(e.of, e.value) {
			return bad("write one of "+strings.Join(e.of, " "), "%s: %q is not known", name, e.value)
		}
	}
	for name, text := range map[string]string{"url": c.URL, "token_url": c.TokenURL} {
		u, err := url.Parse(text)
		if text == "" && name == "token_url" {
			continue
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return bad("write it as https://host/path, without user and password", "%s is no address", name)
		}
	}
	ways := 0
	for _, has := range []bool{c.User != "", c.Header != "", c.TokenURL != ""} {
		if has {
			ways++
		}
	}
	switch {
	case ways > 1:
		return bad("write one of user, header and token_url", "there are two ways to sign in")
	case c.TokenURL != "" && (c.ClientID == "" || c.ClientSecret == ""):
		return bad("write client_id and client_secret", "token_url has no client")
	case (c.Paging == Cursor || c.Paging == Next) && c.Next == "":
		return bad("write the path of the cursor or address in the answer under next", "paging: %s has no path", c.Paging)
	case c.Size < 0 || c.Overlap < 0 || c.Timeout < 0 || c.MaxBytes < 0 || c.MaxPages < 0 || c.MaxLines < 0:
		return bad("leave it out for the default", "a bound is less than nothing")
	}
	for _, key := range slices.Sorted(maps.Keys(c.Fields)) {
		if !slices.Contains(Meanings(), key) || c.Fields[key] == "" {
			return bad("these are: "+strings.Join(Meanings(), ", "), "fields: %.60q is nothing that a field can be, or has no path", key)
		}
	}
	return nil
}
