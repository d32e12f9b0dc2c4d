package sql

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// fill runs statements in a file of SQLite.
func fill(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// lite makes a file whose name has what names of files may have.
func lite(t *testing.T, statements ...string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "plant #1%20 ä.db")
	fill(t, filepath.Join(dir, "made.db"), statements...)
	if err := os.Rename(filepath.Join(dir, "made.db"), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func source(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func orders(t *testing.T, s *Source, ask erp.Ask) erp.OrderRead {
	t.Helper()
	out, err := s.ReadOrders(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func find(t *testing.T, r erp.OrderRead, id string) erp.Order {
	t.Helper()
	for _, o := range r.Orders {
		if o.ID == id {
			return o
		}
	}
	t.Fatalf("no order %s in %+v; problems %+v", id, r.Orders, r.Problems)
	return erp.Order{}
}

// told says whether a problem has all the texts.
func told(r []erp.Problem, texts ...string) bool {
	return slices.ContainsFunc(r, func(p erp.Problem) bool {
		for _, text := range texts {
			if !strings.Contains(p.Where+" | "+p.What, text) {
				return false
			}
		}
		return true
	})
}

func TestSQLiteOrdersWithGarbage(t *testing.T) {
	path := lite(t,
		`CREATE TABLE v (order_id, line_id, product TEXT, quantity, unit TEXT, unit_factor, due DATE, ordered_at DATETIME, state TEXT, manufactured, "group" TEXT)`,
		`INSERT INTO v VALUES
		(10, 1, 'A', 12345678901234567, 'ctn', '24', '2026-12-01', '2026-11-20 07:30:00', 'Released', 'Y', 'g'),
		(10, 2, 'B', 0.1, 'pcs', 1, '2026-11-30T00:00:00', NULL, 'open', 0, NULL),
		(11, 1, 'A', '1,5', 'kg', NULL, 1796115600, NULL, 'held', NULL, NULL),
		(11, 2, 'A', '1.234', 'kg', NULL, NULL, NULL, 'held', NULL, NULL),
		(12, 1, 'A', 'many', 'kg', NULL, NULL, NULL, '', 'perhaps', NULL),
		(12, 2, 'A', -3, 'kg', NULL, 'tomorrow', NULL, '', NULL, NULL),
		(12, 3, 'A', -3, 'kg', NULL, NULL, '31.12.', '', 'perhaps', NULL),
		(13, 1, 'A', 1, 'kg', 0, NULL, NULL, '', NULL, NULL),
		(13, 2, CAST(x'ff41' AS TEXT), 1, 'kg', 2, NULL, NULL, 'weird', NULL, NULL),
		(14, 2, replace(hex(zeroblob(5000000)), '0', 'x'), 1, 'kg', 2, NULL, NULL, '', NULL, NULL),
		(15, 1, 'A', 1, 'kg', 2, NULL, NULL, '', NULL, NULL),
		(15, 1, 'A', 1, 'kg', 2, NULL, NULL, '', NULL, NULL),
		(15, 2, 'A', 1, 'kg', 2, NULL, NULL, '', NULL, NULL),
		(15, 2, 'A', 9, 'kg', 2, NULL, NULL, '', NULL, NULL)`)
	r := orders(t, source(t, Config{Dialect: SQLite, Database: path, View: "v", Info: []string{"GROUP"}}), erp.Ask{})
	o := find(t, r, "10")
	if o.State != erp.Open || o.Partial || len(o.Lines) != 2 || o.Info["GROUP"] != "g" || o.Due != erp.DayOf(2026, 11, 30) || !o.Ordered.Time.Equal(time.Date(2026, 11, 20, 7, 30, 0, 0, time.UTC)) {
		t.Errorf("order 10: %+v", o)
	}
	if l := o.Lines[0]; l.Quantity.String() != "12345678901234567" || l.Factor.String() != "24" || l.Manufactured != erp.Yes || l.Due != erp.DayOf(2026, 12, 1) {
		t.Errorf("line 1: %+v", l)
	}
	if l := o.Lines[1]; l.Quantity.String() != "0.1" || l.Manufactured != erp.No {
		t.Errorf("line 2: %+v", l)
	}
	if o := find(t, r, "11"); !o.Partial || len(o.Lines) != 1 || o.Lines[0].Quantity.String() != "1.5" || o.State != erp.Held || o.Due.Time.Unix() != 1796115600 {
		t.Errorf("order 11: %+v", o)
	}
	if o := find(t, r, "12"); !o.Partial || len(o.Lines) != 1 || o.Lines[0].Quantity.String() != "-3" {
		t.Errorf("order 12: %+v", o)
	}
	if o := find(t, r, "13"); o.State != erp.Unknown || o.Lines[0].Product != "\ufffdA" {
		t.Errorf("order 13: %+v", o)
	}
	if o := find(t, r, "15"); !o.Partial || len(o.Lines) != 1 {
		t.Errorf("order 15: %+v", o)
	}
	for _, want := range [][]string{{"order 11, line 2, column quantity", "1.234"}, {"order 12, line 1, column quantity", "many"}, {"order 12, line 2, column due", "tomorrow"},
		{"order 12", "ordered_at", "31.12."}, {"order 12, line 3", "perhaps"}, {"order 13, line 1, column unit_factor", "above 0"}, {"order 14, line 2, column product", "65536"},
		{"order 15, line 1", "twice"}, {"order 15, line 2", "different"}, {"column quantity", "binary fractions"}} {
		if !told(r.Problems, want...) {
			t.Errorf("nothing tells %q in %+v", want, r.Problems)
		}
	}
	if !r.Complete {
		t.Error("every order is known, and it is not complete")
	}
}

func TestRowWithoutOrderIsNotComplete(t *testing.T) {
	path := lite(t, `CREATE TABLE v (order_id, product, quantity)`, `INSERT INTO v VALUES (1, 'A', 2), (NULL, 'A', 3), (1, 'A', 4)`)
	r := orders(t, source(t, Config{Dialect: SQLite, Database: path, View: "main.v"}), erp.Ask{})
	if r.Complete || len(r.Orders) != 1 || !told(r.Problems, "column order_id", "empty") {
		t.Fatalf("%+v", r)
	}
	if l := r.Orders[0].Lines; len(l) != 2 || l[0].ID != "A" || l[1].ID != "A~2" || !l[0].Loose || l[0].Factor.String() != "1" {
		t.Errorf("lines %+v", l)
	}
}

func TestRowLimitIsNotComplete(t *testing.T) {
	path := lite(t, `CREATE TABLE v (order_id, line_id, product, quantity)`, `INSERT INTO v VALUES (1, 1, 'A', 2), (2, 1, 'A', 3), (2, 2, 'A', 4)`)
	c := Config{Dialect: SQLite, Database: path, View: "v", MaxRows: 2}
	r := orders(t, source(t, c), erp.Ask{})
	if r.Complete || !find(t, r, "2").Partial || find(t, r, "1").Partial || !told(r.Problems, "more than 2 rows") {
		t.Errorf("%+v", r)
	}
	c.MaxRows = 3
	if r := orders(t, source(t, c), erp.Ask{}); !r.Complete || find(t, r, "2").Partial {
		t.Errorf("%+v", r)
	}
}

func TestSQLiteIncremental(t *testing.T) {
	path := lite(t, `CREATE TABLE v (order_id, line_id, product, quantity, updated_at TEXT)`,
		`INSERT INTO v VALUES (1, 1, 'A', 2, '2026-01-01 10:00:00'), (1, 2, 'A', 2, '2026-01-02T10:00:00Z'), (2, 1, 'B', 1, '2026-01-01 09:00:00'), (3, 1, 'B', 1, '2099-01-01'), (4, 1, 'C', 1, NULL)`)
	s := source(t, Config{Dialect: SQLite, Database: path, View: "v", Incremental: true, Overlap: time.Hour})
	first := orders(t, s, erp.Ask{})
	if !first.Complete || len(first.Orders) != 4 || strings.Contains(first.Mark, "2099") {
		t.Fatalf("%+v", first)
	}
	mark := `{"changed":"2026-01-02T10:00:00Z"}`
	r := orders(t, s, erp.Ask{Mark: mark})
	if o := find(t, r, "1"); r.Complete || len(o.Lines) != 2 || o.Partial {
		t.Errorf("%+v", r)
	}
	find(t, r, "4")
	if len(r.Orders) != 3 {
		t.Errorf("order 2 did not change: %+v", r.Orders)
	}
	if r := orders(t, s, erp.Ask{Mark: mark, Full: true}); !r.Complete || len(r.Orders) != 4 {
		t.Errorf("%+v", r)
	}
	if r := orders(t, s, erp.Ask{Mark: "nonsense"}); !r.Complete || !told(r.Problems, "mark") {
		t.Errorf("%+v", r)
	}
}

func TestSQLiteIsNotWrittenAndNotMade(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.db")
	read := func(path, view string) error {
		_, err := source(t, Config{Dialect: SQLite, Database: path, View: view}).ReadOrders(t.Context(), erp.Ask{})
		return err
	}
	if err := read(absent, "v"); !erp.Is(err, erp.Misconfigured) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(absent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
	path := lite(t, `CREATE TABLE v (a)`)
	err := source(t, Config{Dialect: SQLite, Database: path, View: "v"}).within(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO v VALUES (1)`)
		return err
	})
	if err == nil {
		t.Error("a write went through")
	}
	if err := read(path, "v"); !erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), "order_id") || !strings.Contains(err.Error(), "there are a") {
		t.Errorf("%v", err)
	}
	if err := read(path, "gone"); !erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v", err)
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := read(text, "v"); !erp.Is(err, erp.Misconfigured) {
		t.Errorf("%v", err)
	}
}

func TestSlowViewEnds(t *testing.T) {
	path := lite(t, `CREATE VIEW slow AS WITH RECURSIVE n(order_id) AS (SELECT 1 UNION ALL SELECT order_id + 1 FROM n) SELECT max(order_id) AS order_id, 'A' AS product, 1 AS quantity FROM n`)
	s := source(t, Config{Dialect: SQLite, Database: path, View: "slow", Timeout: 200 * time.Millisecond})
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.ReadOrders(ctx, erp.Ask{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestProductsAndStock(t *testing.T) {
	path := lite(t, `CREATE TABLE o (order_id, product, quantity)`,
		`CREATE TABLE p (artikel, product_name, unit, manufactured, barcode, family, active)`,
		`INSERT INTO p VALUES ('A', 'Apple', 'kg', 'yes', '1', 'fruit', 1), ('A', 'Apple', 'kg', 'yes', '2', 'fruit', 1), ('B', 'Bread', 'pcs', 'huh', NULL, NULL, 0)`,
		`CREATE TABLE s (artikel, quantity, place, as_of, min)`,
		`INSERT INTO s VALUES ('A', 2, 'W1', '2026-01-01 10:00', 1), ('A', 3, 'W1', NULL, 1), ('A', 1, 'W2', NULL, NULL), ('B', 5, 'W1', NULL, NULL), ('B', 'x', 'W1', NULL, NULL)`)
	s := source(t, Config{Dialect: SQLite, Database: path, View: "o", Products: "p", Stock: "s", Columns: map[string]string{"product": "ARTIKEL"}})
	p, err := s.ReadProducts(t.Context(), erp.Ask{})
	if err != nil || len(p.Products) != 1 || len(p.Products[0].Barcodes) != 2 || len(p.Products[0].Families) != 1 || p.Complete || !told(p.Problems, "product B", "huh") {
		t.Errorf("%+v %v", p, err)
	}
	st, err := s.ReadStock(t.Context(), erp.Ask{})
	if err != nil || len(st.Stock) != 2 || st.Stock[0].Quantity.String() != "5" || st.Stock[0].AsOf.Year() != 2026 || st.Stock[0].Min.String() != "1" || !told(st.Problems, "product B", "x") {
		t.Errorf("%+v %v", st, err)
	}
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), "ARTIKEL") {
		t.Errorf("%v", err)
	}
}

func TestDiscover(t *testing.T) {
	path := lite(t, `CREATE TABLE v (DocNum TEXT, ItemCode TEXT, OpenQty DECIMAL(9,2), DueDate TEXT, Status TEXT, Make TEXT, Secret TEXT)`,
		`INSERT INTO v VALUES ('SO-1', 'A', 1.5, '2026-12-01', 'freigegeben', 'Y', 'x y'), ('SO-2', 'B', 2, '2026-12-02', 'zzz', 'N', NULL)`)
	fields, suggest, err := source(t, Config{Dialect: SQLite, Database: path, Query: "select * from v", Columns: map[string]string{"order_id": "docnum"}}).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range fields {
		got[f.Path] = f.Means + " " + f.Type
	}
	for name, want := range map[string]string{"DocNum": "order_id text", "ItemCode": "product text", "OpenQty": "quantity number", "DueDate": "due date", "Status": "state text", "Make": "manufactured yes/no", "Secret": " text"} {
		if got[name] != want {
			t.Errorf("%s is %q, not %q", name, got[name], want)
		}
	}
	for _, want := range []string{`order_id: "DocNum"`, `quantity: "OpenQty"`, `not used: "Secret"`, `"zzz"`, "line_id"} {
		if !strings.Contains(suggest, want) {
			t.Errorf("%q is not in\n%s", want, suggest)
		}
	}
}
