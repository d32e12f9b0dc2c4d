package config

import (
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/rest"
)

func restObject() *object {
	return &object{name: "rest", short: "url", fields: append([]*field{
		{key: "url", kind: kindText, required: true, doc: "it is the address of the orders"},
		{key: "query", kind: kindNames, doc: "fixed parameters of the address"},
		{key: "user", kind: kindUser, doc: "user, where the service asks for user and password"},
		{key: "password", kind: kindSecret, doc: "reference to the password"},
		{key: "header", kind: kindText, doc: "name of a header with a key, such as X-Api-Key, where the service asks for that"},
		{key: "key", kind: kindSecret, doc: "reference to the whole value of that header"},
		{key: "token_url", kind: kindText, doc: "address that gives tokens for a client, where the service asks for OAuth2"},
		{key: "client_id", kind: kindText, doc: "with token_url, the client"},
		{key: "client_secret", kind: kindSecret, doc: "with token_url, reference to the client's secret"},
		{key: "scopes", kind: kindTexts, doc: "with token_url, what is asked for"},
		{key: "paging", kind: kindText, def: "none", allowed: []string{rest.None, rest.Page, rest.Offset, rest.Cursor, rest.Next, rest.Link}, doc: "how more than one answer is asked for: by the number of a page or record, by a text or address out of the last answer, or by its header Link"},
		{key: "param", kind: kindText, doc: "parameter of page, offset or cursor; without it that name"},
		{key: "size", kind: kindInt, min: "1", max: "100000", doc: "records of an answer that are asked for; without it none are"},
		{key: "size_param", kind: kindText, def: "limit", doc: "parameter for size"},
		{key: "first", kind: kindInt, def: "1", min: "0", max: "1", doc: "number of the first page"},
		{key: "next", kind: kindText, doc: "path of the cursor or address of the next page in an answer"},
		{key: "total", kind: kindText, doc: "path of the number of all records, to be compared with what came"},
		{key: "list", kind: kindText, doc: "path of the records in an answer; without it the answer is the list"},
		{key: "lines", kind: kindText, doc: "path of the lines in a record; without it each record is a line"},
		{key: "fields", kind: kindNames, doc: "paths by what they mean, where the names differ: " + strings.Join(rest.Meanings(), ", ")},
		{key: "info", kind: kindTexts, doc: "paths in a record that are kept as facts, for fields"},
		{key: "since", kind: kindText, doc: "parameter that asks for what changed; without it all is read each time"},
		{key: "since_format", kind: kindText, def: "rfc3339", allowed: []string{"rfc3339", "date", "unix", "unix_ms"}, doc: "how the time in it is written"},
		{key: "overlap", kind: kindDuration, def: "10m", min: "1s", max: "7d", doc: "with since, how far before the last time the next read begins"},
		{key: "decimal", kind: kindText, def: "auto", allowed: []string{"auto", "comma", "point"}, doc: "mark of fractions in texts; with auto a text such as 1.234 is refused, since it could be thousands"},
		{key: "timezone", kind: kindText, doc: "zone of times without one; without it that of the site"},
		{key: "timeout", kind: kindDuration, def: "60s", min: "1s", max: "15m", doc: "how long an exchange may take"},
		{key: "max_bytes", kind: kindSize, def: "32MB", doc: "largest answer"},
		{key: "max_pages", kind: kindInt, def: "1000", min: "1", max: "100000", doc: "most answers of a read"},
		{key: "max_lines", kind: kindInt, def: "200000", min: "1", max: "5000000", doc: "most lines of a read"},
	}, stateFields("state")...)}
}

// readREST reads the settings of a service.
func (l *loader) readREST(s *OrderSource, v *view, c *Config) {
	s.user, s.password = l.secret(v, "user"), l.secret(v, "password")
	for _, pair := range [][2]string{{"user", "password"}, {"header", "key"}} {
		if v.has(pair[0]) != v.has(pair[1]) {
			l.badKey(v.node, pair[0]+" and "+pair[1]+" belong together")
		}
	}
	s.key = l.secret(v, "key")
	if v.has("token_url") {
		s.key = l.secret(v, "client_secret")
	}
	first := v.whole("first")
	s.rest = &rest.Config{
		URL: v.text("url"), Query: l.names(v, "query"), Header: v.text("header"), TokenURL: v.text("token_url"), ClientID: v.text("client_id"), Scopes: l.texts(v.child("scopes")),
		Paging: v.text("paging"), Param: v.text("param"), Size: v.whole("size"), SizeParam: v.text("size_param"), First: &first, Next: v.text("next"), Total: v.text("total"),
		List: v.text("list"), Lines: v.text("lines"), Fields: l.names(v, "fields"), Info: l.texts(v.child("info")), Since: v.text("since"), SinceFormat: v.text("since_format"),
		Overlap: v.duration("overlap"), Decimal: v.text("decimal"), States: l.stateWords(v), NoState: v.text("no_state"), Timeout: v.duration("timeout"),
		MaxBytes: v.value("max_bytes").whole, MaxPages: v.whole("max_pages"), MaxLines: v.whole("max_lines"), Zone: c.Location,
	}
	if v.has("timezone") {
		s.rest.Zone = l.zoneOf(v)
	}
}
