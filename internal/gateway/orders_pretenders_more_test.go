package gateway

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drop is a folder into which files are dropped.
type drop struct{ dir string }

func newDrop(t *testing.T) *drop { return &drop{t.TempDir()} }

func (d *drop) settings() string {
	return fmt.Sprintf(`{file: {folder: '%s', ready: marker, encoding: utf-8}}`, d.dir)
}

// put drops a file of rows.
func (d *drop) put(t *testing.T, name, rows string) {
	t.Helper()
	for _, f := range [][2]string{{name, "order;line;product;quantity;due;note\n" + rows}, {name + ".done", "x"}} {
		if err := os.WriteFile(filepath.Join(d.dir, f[0]), []byte(f[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *drop) good(t *testing.T, n int) string {
	d.put(t, fmt.Sprintf("plan%d.csv", n), fmt.Sprintf("%d;1;P-100;5;%s;\n", n, nextWeek(time.DateOnly)))
	return fmt.Sprintf("FI-%d-1", n)
}

func (d *drop) spoil(t *testing.T, kind string, n int) []string {
	name := fmt.Sprintf("bad%d.csv", n)
	row := func(text string) { d.put(t, name, fmt.Sprintf("%d;1;%s\n", n, text)) }
	switch kind {
	case wrongType:
		row("P-100;many;;")
		return []string{name + ":2:13", "quantity"}
	case missing:
		row(";5;;")
		return []string{name + ":2:7", "product"}
	case tenMegabytes:
		row(long + ";5;;")
		return []string{name + ":2:7", "a cell is longer than"}
	case longKey:
		d.put(t, name, long+";1;P-100;5;;\n")
		return []string{name + ":2:1", "a cell is longer than"}
	case sixtyKilobytes:
		row(wide + ";5;" + nextWeek(time.DateOnly) + ";" + wide)
		return []string{name + ":2:7", "product"}
	case notUTF8:
		row("P\xff;5;;")
		return []string{name + ":2:7", "product"}
	case negative:
		row("P-100;-5;" + nextWeek(time.DateOnly) + ";" + wide)
		return []string{fmt.Sprint(n), "the quantity is -5"}
	case twice:
		row(fmt.Sprintf("P-100;1;;\n%d;1;P-100;2;%s;", n, nextWeek(time.DateOnly)))
		return []string{name + ":3:1", fmt.Sprintf("order %d, line 1", n), "twice"}
	case halfAnAnswer:
		d.put(t, name, fmt.Sprintf("%d;1;P-100;5;;\n%d;2;P-1", n, n))
		return []string{name + ":3:", "cut off"}
	}
	return nil
}

func (d *drop) heal(*testing.T) {}

// database is a table of SQLite.
type database struct{ path string }

func newDatabase(t *testing.T) *database {
	d := &database{filepath.Join(t.TempDir(), "erp.db")}
	d.do(t, `CREATE TABLE orders (order_id, line_id, product, product_name, quantity, due)`)
	return d
}

func (d *database) settings() string {
	return fmt.Sprintf(`{sql: {dialect: sqlite, database: '%s', view: orders}}`, d.path)
}

// do runs a statement.
func (d *database) do(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", d.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (d *database) row(t *testing.T, key, product, name, quantity any) {
	t.Helper()
	d.do(t, `INSERT INTO orders VALUES (?, 9, ?, ?, ?, ?)`, key, product, name, quantity, nextWeek(time.DateOnly))
}

func (d *database) good(t *testing.T, n int) string {
	d.row(t, n, "P-100", "Bracket", 5)
	return fmt.Sprintf("SQ-%d-1", n)
}

func (d *database) spoil(t *testing.T, kind string, n int) []string {
	at := fmt.Sprintf("view orders, order %d, line 9", n)
	switch kind {
	case wrongType:
		d.row(t, n, "P-100", "Bracket", "many")
		return []string{at + ", column quantity"}
	case missing:
		d.row(t, n, "P-100", "Bracket", nil)
		return []string{at + ", column quantity"}
	case tenMegabytes:
		d.row(t, n, long, "Bracket", 5)
		return []string{at + ", column product"}
	case longKey:
		d.row(t, long, "P-100", "Bracket", 5)
		return []string{"view orders, column order_id"}
	case sixtyKilobytes:
		d.row(t, n, wide, wide, 5)
		return []string{fmt.Sprint("order ", n), "line 9"}
	case notUTF8:
		d.do(t, `INSERT INTO orders VALUES (?, 9, CAST(x'ff41' AS TEXT), 'Bracket', 5, ?)`, n, nextWeek(time.DateOnly))
		return []string{fmt.Sprint(n), "not in Prodsmart: \ufffdA"}
	case negative:
		d.row(t, n, "P-100", "Bracket", -5)
		return []string{fmt.Sprint(n), "the quantity is -5"}
	case twice:
		d.row(t, n, "P-100", "Bracket", 1)
		d.row(t, n, "P-100", "Bracket", 2)
		return []string{at, "twice"}
	case halfAnAnswer:
		d.do(t, `ALTER TABLE orders RENAME TO gone`)
		return []string{"read of orders", "orders"}
	}
	return nil
}

func (d *database) heal(t *testing.T) { d.do(t, `ALTER TABLE gone RENAME TO orders`) }

// kiosk is a cabinet with one section. Its records are goods; quantities is a list of
// its own.
type kiosk struct {
	*desk
	quantities *desk
	needs      []string
}

// Articles of needs have the numbers of the good orders, and of the bad one whose
// stock is below zero.
func newKiosk(t *testing.T, articles []string) *kiosk {
	k := &kiosk{desk: &desk{}, quantities: &desk{}, needs: articles}
	k.serve(t, func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Req string }
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Error(err)
		}
		switch ask.Req {
		case "GETGOODS":
			k.say(w, `{"status":0,"goods":`, `}`)
		case "GETGOODSQNTY":
			k.quantities.say(w, `{"status":0,"qntyArr":`, `}`)
		default:
			_, _ = io.WriteString(w, `{"status":0,"sales":[]}`)
		}
	})
	return k
}

func (k *kiosk) settings() string {
	var needs []string
	for _, article := range k.needs {
		needs = append(needs, fmt.Sprintf(`{article: "%s", pool: shops, places: [kiosk1], min: 10, max: 20}`, article))
	}
	return fmt.Sprintf(`{target: replenish, replenish: {max_age: 15m, needs: [%s]}, smpos: {url: "%s", login: "a@b", password: "${env:SMPOS}", sections: [{id: 53, name: kiosk1}], per_minute: 600}}`, strings.Join(needs, ", "), k.url)
}

func (k *kiosk) good(_ *testing.T, n int) string {
	k.stock(n, `"Croissant"`, `3000`)
	return fmt.Sprintf("SM-shops-%d-0001", n)
}

// stock adds an article, with its quantity in thousandths.
func (k *kiosk) stock(n int, name, quantity string) (index int) {
	k.quantities.add(members("code", fmt.Sprint(n), "qnty", quantity))
	return k.add(members("code", fmt.Sprint(n), "name", name))
}

func (k *kiosk) spoil(_ *testing.T, kind string, n int) []string {
	at := fmt.Sprintf("section kiosk1, goods %d", n)
	switch kind {
	case wrongType:
		k.stock(n, `"Eclair"`, `{"a":[1]}`)
		return []string{at, "qnty"}
	case missing:
		k.stock(n, `"Eclair"`, ``)
		return []string{at, "the record has no quantity"}
	case tenMegabytes:
		k.stock(n, `"`+long+`"`, `3000`)
		return []string{at, "name"}
	case longKey:
		return []string{fmt.Sprintf("section kiosk1, goods[%d]", k.add(members("code", `"`+long+`"`, "name", `"Eclair"`)))}
	case sixtyKilobytes:
		k.stock(n, `["`+wide+`"]`, `"`+wide+`"`)
		return []string{at, "name"}
	case notUTF8:
		return []string{fmt.Sprintf("section kiosk1, GETGOODS, goods[%d].name", k.stock(n, "\"\xff\"", `3000`)), "UTF-8"}
	case negative:
		k.stock(n, `"Eclair"`, `-5000`)
		return []string{fmt.Sprintf("shops/%d", n), "stock -5 is below 10"}
	case twice:
		return []string{fmt.Sprintf("section kiosk1, GETGOODSQNTY, qntyArr[%d].qnty", k.stock(n, `"Eclair"`, `1,"qnty":2`)), "twice"}
	case halfAnAnswer:
		k.breaks(true)
		return []string{"read of stock: read GETGOODS of section kiosk1", "the answer is no JSON: byte "}
	}
	return nil
}
