package sql

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// server is a database server of a test, in a folder of its own.
type server struct {
	config Config // of the gateway's user
	admin  Config
	ca     string // file of its certificate
	cmd    *exec.Cmd
	done   chan struct{}
	log    bytes.Buffer
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// folder makes a folder that the servers' user may use: the names of sockets are
// short.
func folder(t *testing.T, user string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own(t, dir, user)
	return dir
}

// run runs a program as the server's user to its end.
func run(t *testing.T, user, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	lower(t, cmd, user)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts the server and waits until it answers.
func (s *server) start(t *testing.T, user, dir, program string, args ...string) {
	t.Helper()
	s.cmd, s.done = exec.Command(program, args...), make(chan struct{})
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, &s.log, &s.log
	lower(t, s.cmd, user)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() { s.kill() })
	until := time.Now().Add(30 * time.Second)
	for {
		err := s.try(t.Context(), "SELECT 1")
		if err == nil {
			return
		}
		select {
		case <-s.done:
			t.Fatalf("the server ended: %v\n%s", err, s.log.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(until) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

// kill ends the server as a power cut would, and waits for it.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// try runs statements as the administrator.
func (s *server) try(ctx context.Context, statements ...string) error {
	db, err := s.admin.defaults().open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, one := range statements {
		if _, err := conn.ExecContext(ctx, one); err != nil {
			return fmt.Errorf("%s: %w", one, err)
		}
	}
	return nil
}

func (s *server) run(t *testing.T, statements ...string) {
	t.Helper()
	if err := s.try(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
}

const password = "s3cret-pa55 ü'"

// postgres starts PostgreSQL with a user gw who may read what is granted.
func postgres(t *testing.T) *server {
	program := ""
	for _, dir := range []string{"/usr/lib/postgresql/*/bin/postgres", "/usr/local/bin/postgres", "/usr/bin/postgres"} {
		if found, _ := filepath.Glob(dir); len(found) > 0 {
			program = found[len(found)-1]
			break
		}
	}
	if program == "" {
		connectortest.Lacking(t, "PostgreSQL", exec.ErrNotFound)
	}
	dir, port := folder(t, "postgres"), freePort(t)
	data := filepath.Join(dir, "data")
	run(t, "postgres", dir, filepath.Join(filepath.Dir(program), "initdb"), "-D", data, "-U", "admin", "-A", "scram-sha-256", "--pwfile", passwordFile(t, dir, "postgres"), "--no-sync", "-E", "UTF8", "--locale", "C")
	admin := Config{Dialect: PostgreSQL, Host: "127.0.0.1", Port: port, Database: "postgres", User: "admin", Password: password, TLS: Off, Timeout: 10 * time.Second}
	s := &server{admin: admin}
	cert, key := certificate(t, dir, "postgres")
	s.ca = cert
	s.start(t, "postgres", dir, program, "-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key, "-D", data, "-p", strconv.Itoa(port), "-k", dir, "-h", "127.0.0.1", "-F", "-c", "timezone=Asia/Tashkent", "-c", "datestyle=German")
	s.run(t, "CREATE ROLE gw LOGIN PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'", "CREATE SCHEMA erp")
	s.config = admin
	s.config.User, s.config.Timeout = "gw", 0
	return s
}

func passwordFile(t *testing.T, dir, user string) string {
	t.Helper()
	path := filepath.Join(dir, "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	own(t, path, user)
	return path
}

// mariadb starts MariaDB with a user gw who may read what is granted.
func mariadb(t *testing.T) *server {
	program := connectortest.Program(t, "mariadbd")
	dir, port := folder(t, "mysql"), freePort(t)
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s")
	run(t, "mysql", dir, connectortest.Program(t, "mariadb-install-db"), "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	s := &server{admin: Config{Dialect: MySQL, Host: socket, Database: "mysql", User: "root", Timeout: 10 * time.Second}}
	cert, key := certificate(t, dir, "mysql")
	s.ca = cert
	s.start(t, "mysql", dir, program, "--no-defaults", "--ssl-cert="+cert, "--ssl-key="+key, "--datadir="+data, "--socket="+socket, "--port="+strconv.Itoa(port), "--bind-address=127.0.0.1", "--skip-name-resolve",
		"--default-time-zone=+05:00", "--innodb-flush-log-at-trx-commit=0", "--sql-mode=")
	s.run(t, "CREATE DATABASE erp CHARACTER SET utf8mb4", "CREATE USER gw@'%' IDENTIFIED BY '"+strings.ReplaceAll(password, "'", "''")+"'", "GRANT USAGE ON *.* TO gw@'%'",
		"CREATE TABLE erp.open_to_all (a INT)", "GRANT SELECT ON erp.open_to_all TO gw@'%'")
	s.config = Config{Dialect: MySQL, Host: "127.0.0.1", Port: port, Database: "erp", User: "gw", Password: password, TLS: Off}
	return s
}

// same are the checks that both servers pass.
func (s *server) same(t *testing.T, insert string) {
	c := s.config
	c.View = "erp.orders"
	read := func(c Config, ask erp.Ask) (erp.OrderRead, error) { return source(t, c).ReadOrders(t.Context(), ask) }
	_, err := read(c, erp.Ask{})
	if !erp.Is(err, erp.Denied) || !strings.Contains(err.Error(), "GRANT SELECT ON ") {
		t.Errorf("without rights: %v", err)
	}
	grant := err.Error()[strings.Index(err.Error(), "GRANT SELECT"):]
	for _, g := range strings.Split(grant, "; and: ") { // the advice is what helps
		s.run(t, g)
	}
	r, err := read(c, erp.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	o := find(t, r, "1")
	if !r.Complete || len(r.Orders) != 2 || len(o.Lines) != 2 || o.Partial || o.Due != erp.DayOf(2026, 12, 1) {
		t.Errorf("%+v", r)
	}
	if l := o.Lines[0]; l.Quantity.String() != "123456789012345678.123456" || l.Manufactured != erp.Yes || l.Unit != "шт" {
		t.Errorf("%+v", l)
	}
	if l := o.Lines[1]; l.Quantity.String() != "0.1" || l.Manufactured != erp.No || l.ProductName != "" {
		t.Errorf("%+v", l)
	}
	if want := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC); !o.Ordered.Time.Equal(want) || o.Ordered.Day {
		t.Errorf("a time with a zone: %v, not %v", o.Ordered, want)
	}
	s.incremental(t, c, insert)
	// Nothing is written, whatever is tried.
	admin := s.admin
	admin.View = "erp.orders"
	err = source(t, admin).within(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(insert); return err })
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "read") {
		t.Errorf("a write: %v", err)
	}
	s.encrypted(t, c)
	s.refusals(t, c)
	fields, suggest, err := source(t, c).Discover(t.Context())
	if err != nil || len(fields) < 8 || !strings.Contains(suggest, "updated_at:") {
		t.Errorf("%+v %s %v", fields, suggest, err)
	}
}

// incremental finds what changed, by a time of the plant's zone.
func (s *server) incremental(t *testing.T, c Config, insert string) {
	c.Incremental, c.Overlap, c.Zone = true, time.Minute, time.FixedZone("plant", 3*3600)
	first := orders(t, source(t, c), erp.Ask{})
	if want := `"2026-11-01T09:00:00Z"`; !strings.Contains(first.Mark, want) || !first.Complete {
		t.Fatalf("%+v has not %s", first, want)
	}
	if again := orders(t, source(t, c), erp.Ask{Mark: first.Mark}); again.Complete || len(again.Orders) != 1 || again.Orders[0].ID != "2" {
		t.Errorf("%+v", again)
	}
	s.run(t, insert)
	r := orders(t, source(t, c), erp.Ask{Mark: first.Mark})
	if o := find(t, r, "1"); len(o.Lines) != 3 || o.Partial {
		t.Errorf("%+v", o)
	}
}

// refusals are what a server says no to, and what is told of it.
func (s *server) refusals(t *testing.T, c Config) {
	for _, e := range []struct {
		name  string
		alter func(*Config)
		fault erp.Fault
		text  string
	}{
		{"password", func(c *Config) { c.Password = "wr0ng-secret" }, erp.Denied, "password"},
		{"database", func(c *Config) { c.Database = "nowhere" }, erp.Misconfigured, "nowhere"},
		{"column", func(c *Config) { c.Columns = map[string]string{"note": "nothing"} }, erp.Misconfigured, `no column "nothing"; there are order_id`},
		{"query", func(c *Config) { c.View, c.Query = "", "SELECT order_id FROM WHERE" }, erp.Misconfigured, "query"},
		{"port", func(c *Config) { c.Port = freePort(t) }, erp.Unavailable, "refused"},
		{"tls", func(c *Config) { c.TLS = Verify }, erp.Misconfigured, "server_name"},
	} {
		bad := c
		e.alter(&bad)
		_, err := source(t, bad).ReadOrders(t.Context(), erp.Ask{})
		if !erp.Is(err, e.fault) || !strings.Contains(err.Error(), e.text) || strings.Contains(err.Error(), bad.Password) {
			t.Errorf("%s: %v", e.name, err)
		}
	}
	gone := c
	gone.View = "erp.gone"
	if _, err := source(t, gone).ReadOrders(t.Context(), erp.Ask{}); err == nil || !strings.Contains(err.Error(), "erp.gone") || !strings.Contains(err.Error(), "GRANT SELECT") {
		t.Errorf("a missing view: %v", err)
	}
	slow := c
	slow.View, slow.Timeout, slow.Info = "erp.slow", 700*time.Millisecond, nil
	if _, err := source(t, slow).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a slow view: %v", err)
	}
	query := c
	query.View, query.Info, query.Query = "", nil, "SELECT order_id, product, quantity FROM erp.orders WHERE order_id = '2'"
	if r := orders(t, source(t, query), erp.Ask{}); !r.Complete || len(r.Orders) != 1 {
		t.Errorf("a query: %+v", r)
	}
}

// killed reads a view so large that the server is ended in the middle of it.
func (s *server) killed(t *testing.T) {
	c := s.config
	c.View, c.MaxRows = "erp.many", 3_000_000
	src := source(t, c)
	rows := 0
	_, err := src.read(t.Context(), "read", question{view: c.View, want: orderColumns(), need: []string{"order_id"}}, func(*record) {
		if rows++; rows == 10 {
			s.kill()
		}
	})
	if !erp.Is(err, erp.Unavailable) || rows < 10 || rows >= 2_000_000 {
		t.Errorf("after %d rows: %v", rows, err)
	}
	if r, err := src.ReadOrders(t.Context(), erp.Ask{}); err == nil || r.Complete || len(r.Orders) > 0 {
		t.Errorf("%v", err)
	}
}

func TestPostgreSQL(t *testing.T) {
	s := postgres(t)
	s.run(t, `CREATE TABLE erp.t (order_id int, line_id int, product text, product_name text, quantity numeric, unit varchar(9), manufactured bool, due date, ordered_at timestamptz, updated_at timestamp, note text, odd timestamp, price money)`,
		`CREATE VIEW erp.orders AS SELECT * FROM erp.t`,
		`INSERT INTO erp.t VALUES (1, 1, 'A', 'Apple', 123456789012345678.123456, 'шт', true, '2026-12-01', '2026-11-23 07:30:00+05', '2026-11-01 11:00:00', 'n', 'infinity', 12.5),
		(1, 2, 'B', NULL, 0.1, 'шт', false, NULL, NULL, '2026-11-01 10:00:00', NULL, '0044-03-15 BC', NULL), (2, 1, 'C', 'x', 'NaN', 'kg', NULL, NULL, NULL, '2026-11-01 12:00:00', NULL, NULL, NULL), (2, 2, 'C', 'x', 1, 'kg', NULL, NULL, NULL, '2026-11-01 12:00:00', NULL, NULL, NULL)`,
		`CREATE VIEW erp.slow AS SELECT 1 AS order_id, 'A' AS product, count(*) AS quantity FROM generate_series(1, 1000000000000) g`, `GRANT SELECT ON erp.slow TO gw`,
		`CREATE VIEW erp.many AS SELECT g AS order_id, 'A' AS product, 1 AS quantity, repeat('x', 100) AS note FROM generate_series(1, 2000000) g`, `GRANT SELECT ON erp.many TO gw`)
	s.config.Info = []string{"odd", "price"}
	s.same(t, `INSERT INTO erp.t VALUES (1, 3, 'A', 'Apple', 5, 'шт', true, NULL, NULL, '2026-11-01 12:30:00')`)
	s.config.View = "erp.orders"
	r := orders(t, source(t, s.config), erp.Ask{})
	if o := find(t, r, "1"); o.Info["odd"] != "infinity" || o.Info["price"] != "12.50" {
		t.Errorf("%+v", o.Info)
	}
	if o := find(t, r, "2"); !o.Partial || !told(r.Problems, "order 2, line 1, column quantity", "NaN") {
		t.Errorf("%+v %+v", o, r.Problems)
	}
	s.config.Info = nil
	s.killed(t)
}

func TestMariaDB(t *testing.T) {
	s := mariadb(t)
	s.run(t, `CREATE TABLE erp.t (order_id VARCHAR(9), line_id INT UNSIGNED, product VARCHAR(9), product_name TEXT, quantity DECIMAL(30,6), unit VARCHAR(9), manufactured BIT(1), due DATE, ordered_at TIMESTAMP NULL, updated_at DATETIME, note TEXT, weight FLOAT)`,
		`CREATE VIEW erp.orders AS SELECT * FROM erp.t`,
		`INSERT INTO erp.t VALUES ('1', 1, 'A', 'Apple', 123456789012345678.123456, 'шт', 1, '2026-12-01', '2026-11-23 07:30:00', '2026-11-01 11:00:00', 'n', 0.1),
		('1', 2, 'B', NULL, 0.1, 'шт', 0, '0000-00-00', NULL, '2026-11-01 10:00:00', NULL, NULL), ('2', 1, 'C', 'x', 1, 'kg', NULL, NULL, NULL, '2026-11-01 12:00:00', NULL, NULL)`,
		`CREATE VIEW erp.slow AS SELECT '1' AS order_id, 'A' AS product, SLEEP(20) AS quantity`, `GRANT SELECT ON erp.slow TO gw@'%'`,
		`CREATE VIEW erp.many AS SELECT seq AS order_id, 'A' AS product, 1 AS quantity, REPEAT('x', 100) AS note FROM seq_1_to_2000000`, `GRANT SELECT ON erp.many TO gw@'%'`)
	s.config.Info = []string{"weight"}
	s.same(t, `INSERT INTO erp.t VALUES ('1', 3, 'A', 'Apple', 5, 'шт', 1, NULL, NULL, '2026-11-01 12:30:00', NULL, NULL)`)
	s.config.View = "erp.orders"
	if o := find(t, orders(t, source(t, s.config), erp.Ask{}), "1"); o.Info["weight"] != "0.1" {
		t.Errorf("%+v", o.Info)
	}
	s.config.Info = nil
	s.killed(t)
}
