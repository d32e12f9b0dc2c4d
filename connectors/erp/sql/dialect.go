package sql

import (
	"fmt"
	"strings"
	"time"
)

// quote makes an identifier that can be nothing else.
func (c Config) quote(name string) string {
	switch c.Dialect {
	case MySQL:
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	case SQLServer:
		return "[" + strings.ReplaceAll(name, "]", "]]") + "]"
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// relation is what stands behind FROM.
func (c Config) relation(view string) string {
	if view == "" {
		return "(" + c.Query + ") AS q"
	}
	parts := strings.Split(view, ".")
	for i, p := range parts {
		parts[i] = c.quote(p)
	}
	return strings.Join(parts, ".")
}

// probe selects no row, only the columns with their types.
func (c Config) probe(view string) string {
	return "SELECT * FROM " + c.relation(view) + " WHERE 1 = 0"
}

// column is a real column of a view.
type column struct {
	// name is as the database has it, kind the type in its words; TIMESTAMPTZ
	// also is what MySQL calls TIMESTAMP, a moment in the zone of the session.
	name, kind string
}

// plainly is a column as it is selected: what a driver would make of it is not
// always what the database has.
func (c Config) plainly(col column) string {
	name := c.quote(col.name)
	switch {
	case c.Dialect == PostgreSQL && (col.kind == "MONEY" || col.kind == "790"):
		name += "::numeric::text" // $1,234.50 in the server's language else
	case c.Dialect == PostgreSQL:
		name += "::text" // infinite times and numbers too large fit
	case c.Dialect == SQLite:
		name = "+" + name // the value as it is stored, also of a declared date
	default:
		return name
	}
	return name + " AS " + c.quote(col.name)
}

// selection selects columns; most bounds the rows, by is a column that rows of
// the same value are together by (empty for any order).
func (c Config) selection(view string, cols []column, where, by string, most int) string {
	var list []string
	for _, col := range cols {
		list = append(list, c.plainly(col))
	}
	q := "SELECT "
	if c.Dialect == SQLServer {
		q += fmt.Sprintf("TOP (%d) ", most)
	}
	q += strings.Join(list, ", ") + " FROM " + c.relation(view)
	if where != "" {
		q += " WHERE " + where
	}
	if by != "" {
		// A name alone would be the one of the text that was selected.
		q += " ORDER BY " + c.source(view) + c.quote(by)
	}
	if c.Dialect != SQLServer {
		q += fmt.Sprintf(" LIMIT %d", most)
	}
	return q
}

// source is the name of the relation before a column.
func (c Config) source(view string) string {
	if view == "" {
		return "q."
	}
	parts := strings.Split(view, ".")
	return c.quote(parts[len(parts)-1]) + "."
}

// since is a condition for the orders of which a row changed, with its one
// argument. Rows without a time count as changed.
func (c Config) since(order, updated column, at time.Time) (where string, arg any) {
	col, wall := c.quote(updated.name), at.In(c.Zone).Format("2006-01-02 15:04:05.999999")
	utc := at.UTC().Format("2006-01-02 15:04:05.999999")
	after := ""
	switch c.Dialect {
	case PostgreSQL:
		after = col + " >= CAST($1::text AS timestamp)"
		if arg = wall; updated.kind == "TIMESTAMPTZ" {
			after, arg = col+" >= CAST($1::text AS timestamptz)", utc+"+00"
		}
	case SQLServer:
		after = col + " >= CAST(@p1 AS datetime2)"
		if arg = wall; updated.kind == "DATETIMEOFFSET" {
			after, arg = col+" >= CAST(@p1 AS datetimeoffset)", utc+" +00:00"
		}
	case MySQL:
		after = col + " >= ?"
		if arg = wall; updated.kind == "TIMESTAMPTZ" {
			arg = utc // the session's zone is UTC
		}
	default:
		// Text with a zone is turned into UTC, text without stays; the earlier
		// of both is taken, which reads some rows more.
		if arg = utc; wall < utc {
			arg = wall
		}
		after = "julianday(" + col + ") >= julianday(?) OR julianday(" + col + ") IS NULL"
	}
	o := c.quote(order.name)
	return fmt.Sprintf("%s IN (SELECT %s FROM %s WHERE %s OR %s IS NULL)", o, o, c.relation(c.View), after, col), arg
}

// grant is the statement that gives the right to read a view.
func (c Config) grant(view string) string {
	if view == "" {
		view = "each table of the query"
	} else {
		view = c.relation(view)
	}
	switch c.Dialect {
	case SQLite:
		return ""
	case MySQL:
		return fmt.Sprintf("GRANT SELECT ON %s TO '%s'@'%%'", view, strings.ReplaceAll(c.User, "'", "''"))
	}
	return fmt.Sprintf("GRANT SELECT ON %s TO %s", view, c.quote(c.User))
}
