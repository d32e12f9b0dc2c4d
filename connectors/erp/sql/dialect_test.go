package sql

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

func TestStatements(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 30, 0, 500_000_000, time.UTC)
	plant := time.FixedZone("plant", 5*3600)
	order := column{"order", "INT"}
	for _, e := range []struct {
		dialect, view, kind, selection, where string
		arg                                   any
		grant                                 string
	}{
		{PostgreSQL, `erp.v`, "TIMESTAMP", `SELECT "order"::text AS "order" FROM "erp"."v" WHERE w ORDER BY "v"."order" LIMIT 9`,
			`"order" IN (SELECT "order" FROM "erp"."v" WHERE "u" >= CAST($1::text AS timestamp) OR "u" IS NULL)`, "2026-11-23 12:30:00.5", `GRANT SELECT ON "erp"."v" TO "g""w"`},
		{PostgreSQL, `v`, "TIMESTAMPTZ", `SELECT "order"::text AS "order" FROM "v" WHERE w ORDER BY "v"."order" LIMIT 9`,
			`"order" IN (SELECT "order" FROM "v" WHERE "u" >= CAST($1::text AS timestamptz) OR "u" IS NULL)`, "2026-11-23 07:30:00.5+00", `GRANT SELECT ON "v" TO "g""w"`},
		{SQLServer, `db.dbo.v`, "DATETIME", `SELECT TOP (9) [order] FROM [db].[dbo].[v] WHERE w ORDER BY [v].[order]`,
			`[order] IN (SELECT [order] FROM [db].[dbo].[v] WHERE [u] >= CAST(@p1 AS datetime2) OR [u] IS NULL)`, "2026-11-23 12:30:00.5", `GRANT SELECT ON [db].[dbo].[v] TO [g"w]`},
		{SQLServer, ``, "DATETIMEOFFSET", `SELECT TOP (9) [order] FROM (SELECT 1) AS q WHERE w ORDER BY q.[order]`,
			`[order] IN (SELECT [order] FROM (SELECT 1) AS q WHERE [u] >= CAST(@p1 AS datetimeoffset) OR [u] IS NULL)`, "2026-11-23 07:30:00.5 +00:00", `GRANT SELECT ON each table of the query TO [g"w]`},
		{MySQL, `erp.v`, "DATETIME", "SELECT `order` FROM `erp`.`v` WHERE w ORDER BY `v`.`order` LIMIT 9",
			"`order` IN (SELECT `order` FROM `erp`.`v` WHERE `u` >= ? OR `u` IS NULL)", "2026-11-23 12:30:00.5", "GRANT SELECT ON `erp`.`v` TO 'g\"w'@'%'"},
	} {
		c := Config{Dialect: e.dialect, View: e.view, Query: "SELECT 1", Zone: plant, User: `g"w`}
		if got := c.selection(e.view, []column{order}, "w", "order", 9); got != e.selection {
			t.Errorf("selection\n%s\n%s", got, e.selection)
		}
		if got, arg := c.since(order, column{"u", e.kind}, at); got != e.where || arg != e.arg {
			t.Errorf("since\n%s %v\n%s %v", got, arg, e.where, e.arg)
		}
		if got := c.grant(e.view); got != e.grant {
			t.Errorf("grant\n%s\n%s", got, e.grant)
		}
	}
	for dialect, want := range map[string]string{PostgreSQL: `"a""b"`, SQLServer: `[a"b]`, MySQL: "`a\"b`"} {
		if got := (Config{Dialect: dialect}).quote(`a"b`); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if got := (Config{Dialect: SQLServer}).quote("a]b"); got != "[a]]b]" {
		t.Error(got)
	}
}

func TestSQLServerName(t *testing.T) {
	c := Config{Dialect: SQLServer, Host: `sql.plant\ERP`, Port: 1444, Database: "a;b=c", User: `plant\gw`, Password: `p@ss/w:ord?&;{}`, View: "v", ServerName: "cert.plant"}
	for mode, want := range map[string]struct {
		encryption msdsn.Encryption
		trust      bool
	}{Verify: {msdsn.EncryptionRequired, false}, Unverified: {msdsn.EncryptionRequired, true}, Off: {msdsn.EncryptionDisabled, false}} {
		c.TLS = mode
		p, err := msdsn.Parse(c.defaults().sqlServerName())
		if err != nil {
			t.Fatal(err)
		}
		if p.Host != "sql.plant" || p.Instance != "ERP" || p.Port != 1444 || p.Database != c.Database || p.User != c.User || p.Password != c.Password {
			t.Errorf("%+v", p)
		}
		if p.Encryption != want.encryption || mode != Off && p.TLSConfig.InsecureSkipVerify != want.trust || mode == Verify && p.TLSConfig.ServerName != "cert.plant" {
			t.Errorf("%s: %v %+v", mode, p.Encryption, p.TLSConfig)
		}
	}
}

func TestHostThatIsNone(t *testing.T) {
	c := Config{Dialect: SQLServer, Host: "my server", Database: "d", User: "u", Password: "hidden/word", View: "v"}
	_, err := source(t, c).ReadOrders(t.Context(), erp.Ask{})
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

// TestServersThatAreNone: whatever answers, the read ends in time with an error
// without the password.
func TestServersThatAreNone(t *testing.T) {
	closed := freePort(t)
	garbage := listen(t, func(c net.Conn) {
		io.WriteString(c, strings.Repeat("\x04\x01\xff\xffHTTP/1.1 400 Bad Request\r\n", 400))
	})
	silent := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, dialect := range []string{SQLServer, PostgreSQL, MySQL} {
		for what, port := range map[string]int{"closed": closed, "garbage": garbage, "silent": silent} {
			for _, mode := range []string{Off, Verify} {
				c := Config{Dialect: dialect, Host: "127.0.0.1", Port: port, Database: "d", User: "u", Password: "hidden-word", View: "v", TLS: mode, Timeout: 300 * time.Millisecond}
				began := time.Now()
				r, err := source(t, c).ReadOrders(t.Context(), erp.Ask{})
				if err == nil || r.Complete || strings.Contains(err.Error(), "hidden-word") || erp.Is(err, erp.Denied) {
					t.Errorf("%s, %s, %s: %v", dialect, what, mode, err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s, %s, %s: %v", dialect, what, mode, took)
				}
			}
		}
	}
}

// listen does something with each connection, and closes it.
func listen(t *testing.T, do func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				do(c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestSettingsThatCanNotWork(t *testing.T) {
	good := Config{Dialect: PostgreSQL, Database: "d", View: "v"}
	for name, alter := range map[string]func(*Config){
		"dialect": func(c *Config) { c.Dialect = "oracle" }, "database": func(c *Config) { c.Database = "" }, "view": func(c *Config) { c.View = "" },
		"both": func(c *Config) { c.Query = "SELECT 1" }, "tls": func(c *Config) { c.TLS = "maybe" }, "quoted": func(c *Config) { c.View = `v"; DROP TABLE x; --` },
		"columns": func(c *Config) { c.Columns = map[string]string{"colour": "x"} }, "states": func(c *Config) { c.States = map[string][]string{"open": {"x"}, "held": {"X"}} },
		"port": func(c *Config) { c.Port = 70000 }, "statement": func(c *Config) { c.View, c.Query = "", "DELETE FROM x" },
	} {
		c := good
		alter(&c)
		if _, err := New(c); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestQueries(t *testing.T) {
	for _, good := range []string{"SELECT 1", " select a, 'it''s; -- fine' from [t)] where (b = 'DROP')", "SELECT \"update\" FROM t"} {
		if err := checkQuery(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "SELECT 1; DROP TABLE t", "SELECT 1) AS q; --", "SELECT 1) UNION (SELECT 2", "SELECT * INTO x FROM t", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 1 -- x", "SELECT 1 /* x */",
		"SELECT 'a", "SELECT 'a\\'' ", "SELECT (1", "EXEC sp_who", "SELECT $$;$$", "SELECT * FROM t FOR UPDATE"} {
		if checkQuery(bad) == nil {
			t.Errorf("%s is believed", bad)
		}
	}
}

// FuzzQuery: what is believed leaves neither its brackets nor its statement.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"SELECT 1", "SELECT ')' FROM [a]", "SELECT 1);--", "SELECT \"a\"\"b\" FROM `c`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if checkQuery(text) != nil {
			return
		}
		bare, end := []rune{}, rune(0)
		for _, r := range text {
			switch {
			case end == 0 && strings.ContainsRune("'\"`", r):
				end = r
			case end == 0 && r == '[':
				end = ']'
			case end == 0:
				bare = append(bare, r)
			case r == end:
				end = 0
			}
		}
		if s := string(bare); end != 0 || strings.ContainsAny(s, ";\\#") || strings.Contains(s, "--") && strings.Contains(text, "--") && !strings.ContainsAny(text, "'\"`[") || strings.Count(s, "(") != strings.Count(s, ")") {
			t.Errorf("%q is believed", text)
		}
	})
}

// FuzzCell: no value of a row breaks anything, and texts are valid.
func FuzzCell(f *testing.F) {
	f.Add([]byte("2026-11-23 07:30:00+05"), "TIMESTAMPTZ")
	f.Add([]byte("1,234.5"), "VARCHAR")
	f.Add([]byte{0xff, 0}, "VARBINARY")
	f.Fuzz(func(t *testing.T, raw []byte, kind string) {
		for _, v := range []any{raw, string(raw)} {
			c := newCell(v, kind)
			if w, err := c.when(time.UTC); err == nil && !w.IsZero() && (w.Time.Year() < 1989 || w.Time.Year() > 2200) {
				t.Errorf("%q is %v", raw, w)
			}
			if s, err := c.words(); err == nil && strings.ToValidUTF8(s, "") != s {
				t.Errorf("%q gives %q", raw, s)
			}
			c.number(erp.Either)
			c.answer()
		}
	})
}
