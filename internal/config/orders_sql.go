package config

import (
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/sql"
)

func sqlObject() *object {
	return &object{name: "sql", fields: append([]*field{
		{key: "dialect", kind: kindText, required: true, allowed: []string{sql.PostgreSQL, sql.SQLServer, sql.MySQL, sql.SQLite}, doc: "it is the kind of database: postgresql, sqlserver, mysql (MariaDB too) or sqlite"},
		{key: "host", kind: kindText, def: "localhost", doc: "name or address, or the path of a socket"},
		{key: "port", kind: kindInt, min: "1", max: "65535", doc: "port; without it the usual one"},
		{key: "database", kind: kindText, required: true, doc: "it is the name of the database, for sqlite the path of its file"},
		{key: "user", kind: kindUser, doc: "account that may only read"},
		{key: "password", kind: kindSecret, doc: "reference to its password"},
		{key: "tls", kind: kindText, allowed: []string{sql.Verify, sql.Unverified, sql.Off}, doc: "verify encrypts and checks the server's certificate, unverified encrypts with whoever answers, off encrypts nothing; without it verify, over a socket off"},
		{key: "ca", kind: kindText, doc: "PEM file with the certificates that are trusted instead of this computer's"},
		{key: "server_name", kind: kindText, doc: "name in the server's certificate; without it host"},
		{key: "view", kind: kindText, doc: "view or table of the orders, such as erp.orders"},
		{key: "query", kind: kindText, doc: "one SELECT instead of a view"},
		{key: "products", kind: kindText, doc: "view of the articles"},
		{key: "stock", kind: kindText, doc: "view of the stock, for replenish and stock"},
		{key: "columns", kind: kindNames, doc: "names of columns by what they are, where they differ: " + strings.Join(sql.Meanings(), ", ")},
		{key: "info", kind: kindTexts, doc: "columns that are kept as facts, for fields"},
		{key: "incremental", kind: kindBool, def: "false", doc: "ask for what changed, by updated_at, instead of everything; what is missing then is not noticed before full_every"},
		{key: "overlap", kind: kindDuration, def: "10m", min: "1s", max: "7d", doc: "with incremental, how far before the last time the next read begins; longer than any transaction that writes orders"},
		{key: "decimal", kind: kindText, def: "auto", allowed: []string{"auto", "comma", "point"}, doc: "mark of fractions in columns of text; with auto a number such as 1.234 is refused, since it could be thousands"},
		{key: "timezone", kind: kindText, doc: "zone of times without one; without it that of the site"},
		{key: "timeout", kind: kindDuration, def: "60s", min: "1s", max: "15m", doc: "how long a read may take"},
		{key: "max_rows", kind: kindInt, def: "200000", min: "1", max: "5000000", doc: "most rows of a read"},
	}, stateFields("the column state")...)}
}

// readSQL reads the settings of a database.
func (l *loader) readSQL(s *OrderSource, v *view, c *Config) {
	s.user, s.password = l.secret(v, "user"), l.secret(v, "password")
	s.sql = &sql.Config{
		Dialect: v.text("dialect"), Host: v.text("host"), Port: v.whole("port"), Database: v.text("database"), TLS: v.text("tls"), ServerName: v.text("server_name"),
		View: v.text("view"), Query: v.text("query"), Products: v.text("products"), Stock: v.text("stock"), Columns: l.names(v, "columns"), Info: l.texts(v.child("info")),
		Incremental: v.truth("incremental"), Overlap: v.duration("overlap"), Decimal: v.text("decimal"), States: l.stateWords(v), NoState: v.text("no_state"),
		Timeout: v.duration("timeout"), MaxRows: v.whole("max_rows"), Zone: c.Location,
	}
	if v.has("ca") {
		s.sql.CA = l.beside(v.text("ca"))
	}
	if s.sql.Dialect == sql.SQLite {
		s.sql.Database = l.beside(s.sql.Database)
	}
	if v.has("timezone") {
		s.sql.Zone = l.zoneOf(v)
	}
}
