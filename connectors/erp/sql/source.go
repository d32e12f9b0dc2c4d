package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// rules is a configuration as it is worked with.
type rules struct {
	Config
	words  map[string]erp.State
	unsaid erp.State
	mark   erp.Mark
}

// Source is one database. It implements erp.Source, erp.OrderReader,
// erp.ProductReader, erp.StockReader and erp.Discoverer. One goroutine calls it
// at a time.
type Source struct{ *rules }

// New checks the settings. It makes no connection: each read makes its own.
func New(c Config) (*Source, error) {
	c = c.defaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	words, err := erp.StateWords(c.States)
	if err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of the database", What: err.Error(), Err: err}
	}
	unsaid := map[string]erp.State{"open": erp.Open, "held": erp.Held}[c.NoState]
	mark := map[string]erp.Mark{"auto": erp.Either, "comma": erp.Comma, "point": erp.Point}[c.Decimal]
	return &Source{&rules{c, words, unsaid, mark}}, nil
}

// Capabilities are orders, and articles and stock where views of them are named.
func (s *Source) Capabilities() erp.Capabilities {
	c := erp.Capabilities{Orders: true, Products: s.Products != "", Stock: s.Stock != "", Manufactured: true}
	if s.Incremental {
		c.Incremental = erp.ByMoment
	}
	return c
}

// Close has nothing to let go of.
func (s *Source) Close() error { return nil }

// mark is what a caller keeps: the latest time of a change that was seen, in UTC.
type mark struct {
	Changed time.Time `json:"changed"`
}

// ReadOrders reads all orders of the view, or with Config.Incremental those of
// which a row changed since the mark. It is complete if all rows of the view were
// read to the end, and each row's order is known.
func (s *Source) ReadOrders(ctx context.Context, ask erp.Ask) (erp.OrderRead, error) {
	out := erp.OrderRead{Mark: ask.Mark}
	began := time.Now()
	a := &assembly{rules: s.rules}
	var m mark
	if ask.Mark != "" && json.Unmarshal([]byte(ask.Mark), &m) != nil {
		m = mark{}
		a.add(erp.Problem{Where: "the mark of the last read", What: "it is not understood; everything is read"})
	}
	q := question{view: s.View, want: orderColumns(), info: s.Info, need: []string{"order_id", "quantity"}, article: true, by: "order_id"}
	all := true
	if s.Incremental && !ask.Full && !m.Changed.IsZero() {
		q.since, all = m.Changed.Add(-s.Overlap), false
	}
	if s.Incremental {
		q.need = append(q.need, "updated_at")
	}
	latest, last := m.Changed, ""
	whole, err := s.read(ctx, "read the orders", q, func(r *record) {
		if at, _, err := r.cells["updated_at"].instant(s.Zone); err == nil && at.After(latest) {
			latest = at
		}
		a.take(r)
		last = assemble.Key(r.text("company"), r.text("order_id"))
	})
	if err != nil {
		return erp.OrderRead{}, err
	}
	if !whole {
		a.add(erp.Problem{Where: name(s.View), What: fmt.Sprintf("it has more than %d rows; the rest was not read: let the view show open orders only, or raise max_rows", s.MaxRows), Lost: true})
		if d := a.drafts.Find(last); d != nil {
			d.Order.Partial = true
		}
	}
	out.Orders = a.orders()
	out.Complete = all && whole && !a.nameless && a.untold == 0
	out.Problems = a.end()
	if s.Incremental && whole {
		// A time ahead of us would hide what changes until then.
		if latest.After(began) {
			latest = began
		}
		if text, err := json.Marshal(mark{latest.UTC()}); err == nil {
			out.Mark = string(text)
		}
	}
	return out, nil
}

// question is what is asked of one view.
type question struct {
	view string
	// want are the meanings of columns that may be there, info further columns,
	// need those that have to be; article says that product or product_name has
	// to be as well.
	want, info, need []string
	article          bool
	// by is the meaning of the column by which rows are together.
	by    string
	since time.Time
}

func name(view string) string {
	if view == "" {
		return "the query"
	}
	return "view " + view
}

// read asks, and gives each row to take. whole says that there were no more rows
// than are read at most. Rows that were given before an error count for nothing.
func (s *Source) read(ctx context.Context, doing string, q question, take func(*record)) (whole bool, err error) {
	doing += " from " + name(q.view)
	ctx, stop := context.WithTimeout(ctx, s.Timeout)
	defer stop()
	err = s.within(ctx, func(tx *sql.Tx) error {
		cols, found, err := s.columns(ctx, tx, q)
		if err != nil {
			return err
		}
		whole, err = s.rows(ctx, tx, q, cols, found, take)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return false, s.trouble(doing, q.view, err)
	}
	return whole, nil
}

// within does something in a transaction of its own, over a connection of its
// own.
func (s *Source) within(ctx context.Context, do func(*sql.Tx) error) error {
	if s.Dialect == SQLite {
		if _, err := os.Stat(s.Database); err != nil {
			return &erp.Error{Fault: erp.Misconfigured, Doing: "open the database", What: err.Error(), Next: "check the path under database, and that this user may read the file", Err: err}
		}
	}
	db, err := s.open(ctx)
	if err != nil {
		return &erp.Error{Fault: erp.Misconfigured, Doing: "prepare the connection", What: s.clean(err.Error()), Next: "check host, port and the file under ca"}
	}
	defer db.Close()
	tx, end, err := s.begin(ctx, db)
	if err != nil {
		return err
	}
	defer end()
	return do(tx)
}

// real gives the columns that a view has.
func (s *Source) real(ctx context.Context, tx *sql.Tx, view string) ([]column, error) {
	rows, err := tx.QueryContext(ctx, s.probe(view))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	var out []column
	for _, t := range types {
		kind := strings.ToUpper(t.DatabaseTypeName())
		if s.Dialect == MySQL && kind == "TIMESTAMP" {
			kind = "TIMESTAMPTZ"
		}
		out = append(out, column{t.Name(), kind})
	}
	for rows.Next() { // there are none
	}
	return out, rows.Err()
}

// columns finds the columns that are asked for; found has their indexes in cols
// by what they mean.
func (s *Source) columns(ctx context.Context, tx *sql.Tx, q question) (cols []column, found map[string]int, err error) {
	have, err := s.real(ctx, tx, q.view)
	if err != nil {
		return nil, nil, err
	}
	found = map[string]int{}
	pick := func(meaning, name string, exact bool) error {
		i := slices.IndexFunc(have, func(c column) bool { return c.name == name })
		if i < 0 {
			i = slices.IndexFunc(have, func(c column) bool { return strings.EqualFold(c.name, name) })
		}
		if i < 0 && exact {
			return s.lacking(q.view, have, fmt.Sprintf("there is no column %q", name))
		}
		if i >= 0 {
			found[meaning] = len(cols)
			cols = append(cols, have[i])
		}
		return nil
	}
	for _, meaning := range q.want {
		name := s.Columns[meaning]
		// The dictionary is of all views; a needed column has to be in each.
		exact := name != "" && (q.view == s.View || slices.Contains(q.need, meaning))
		if name == "" {
			name = meaning
		}
		if err := pick(meaning, name, exact); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range q.info {
		if err := pick("info:"+name, name, true); err != nil {
			return nil, nil, err
		}
	}
	for _, meaning := range q.need {
		if _, ok := found[meaning]; !ok {
			return nil, nil, s.lacking(q.view, have, "there is no column "+meaning)
		}
	}
	_, product := found["product"]
	_, called := found["product_name"]
	if q.article && !product && !called {
		return nil, nil, s.lacking(q.view, have, "there is neither a column product nor product_name")
	}
	return cols, found, nil
}

func (s *Source) lacking(view string, have []column, what string) error {
	var names []string
	for _, c := range have {
		names = append(names, c.name)
	}
	return &erp.Error{Fault: erp.Misconfigured, Doing: "look at the columns of " + name(view), What: what + "; there are " + shorten(strings.Join(names, ", "), 500),
		Next: "name the column under columns, or give the view one with that name"}
}

// rows reads the rows.
func (s *Source) rows(ctx context.Context, tx *sql.Tx, q question, cols []column, found map[string]int, take func(*record)) (whole bool, err error) {
	where, args := "", []any(nil)
	if !q.since.IsZero() {
		condition, arg := s.since(cols[found["order_id"]], cols[found["updated_at"]], q.since)
		where, args = condition, []any{arg}
	}
	by := ""
	if i, ok := found[q.by]; ok {
		by = cols[i].name
	}
	rows, err := tx.QueryContext(ctx, s.selection(q.view, cols, where, by, s.MaxRows+1), args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	values, into := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		into[i] = &values[i]
	}
	called := func(meaning string) string {
		if i, ok := found[meaning]; ok {
			return "column " + cols[i].name
		}
		return "column " + meaning
	}
	for n := 0; rows.Next(); n++ {
		if n >= s.MaxRows {
			return false, nil
		}
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
		r := &record{cells: make(map[string]cell, len(cols)), mark: s.rules.mark, column: called, view: name(q.view)}
		for meaning, i := range found {
			kind := cols[i].kind
			if _, text := values[i].(string); text && s.Dialect == SQLite {
				kind = "TEXT" // a value has its own type there
			}
			r.cells[meaning] = newCell(values[i], kind)
		}
		take(r)
	}
	return true, rows.Err()
}
