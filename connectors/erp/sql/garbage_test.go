package sql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// TestDiscoverOfGarbage: the columns of a view with anything in it are described in
// bounded words, and no large value is held for that.
func TestDiscoverOfGarbage(t *testing.T) {
	wide := make([]string, 400)
	for i := range wide {
		wide[i] = fmt.Sprintf(`"c%d%s"`, i, strings.Repeat("w", 1000))
	}
	const long = `replace(hex(zeroblob(5000000)), '0', 'x')`
	for name, statements := range map[string][]string{
		"no rows":          {`CREATE TABLE v (order_id, product, quantity)`},
		"nothing in them":  {`CREATE TABLE v (order_id, product, quantity)`, `INSERT INTO v VALUES (NULL, NULL, NULL), ('', ' ', x'')`},
		"wrong types":      {`CREATE TABLE v (order_id, product, quantity, due, state, manufactured)`, `INSERT INTO v VALUES (1.5, x'00ff', 'many', 'tomorrow', 7, 'perhaps'), (x'ff', 2, x'31', 1e300, x'00', -9)`},
		"texts of 10 MB":   {`CREATE TABLE v (order_id, product, quantity, due, state)`, `INSERT INTO v VALUES (1, ` + long + `, ` + long + `, ` + long + `, ` + long + `), (2, zeroblob(10000000), 1, 1, 'open')`},
		"no UTF-8":         {`CREATE TABLE v (order_id, product, quantity, state)`, `INSERT INTO v VALUES (CAST(x'ff41' AS TEXT), CAST(x'fefd' AS TEXT), CAST(x'ff' AS TEXT), CAST(x'c328' AS TEXT))`},
		"negative":         {`CREATE TABLE v (order_id, product, quantity)`, `INSERT INTO v VALUES (-1, 'P', -5), (-1, 'P', -9223372036854775808)`},
		"rows twice":       {`CREATE TABLE v (order_id, product, quantity)`, `INSERT INTO v VALUES (1, 'P', 5), (1, 'P', 5), (1, 'P', 6)`},
		"names of 1000":    {`CREATE TABLE v (` + strings.Join(wide, ", ") + `)`, `INSERT INTO v DEFAULT VALUES`},
		"names twice":      {`CREATE TABLE w (order_id, product, quantity)`, `CREATE VIEW v AS SELECT a.*, b.* FROM w a, w b`, `INSERT INTO w VALUES (1, 'P', 5)`},
		"names with marks": {`CREATE TABLE v ("a""b;--" , "c]d", "` + "\x1b[31m" + `", "")`, `INSERT INTO v VALUES (1, 2, 3, 4)`},
		"a broken view":    {`CREATE TABLE w (a)`, `CREATE VIEW v AS SELECT a FROM w`, `DROP TABLE w`},
		"no table":         {`CREATE TABLE w (a)`},
	} {
		t.Run(name, func(t *testing.T) {
			s := source(t, Config{Dialect: SQLite, Database: lite(t, statements...), View: "v"})
			fields, suggest, err := s.Discover(t.Context())
			if err != nil && (len(err.Error()) > 1000 || !strings.Contains(err.Error(), "v")) {
				t.Errorf("%d bytes: %.500s", len(err.Error()), err)
			}
			if len(suggest) > 512<<10 {
				t.Errorf("%d bytes are suggested: %.500s", len(suggest), suggest)
			}
			for _, f := range fields {
				if size := len(f.Path) + len(strings.Join(f.Samples, "")); size > 2000 {
					t.Errorf("%d bytes of one column: %.300v", size, f)
				}
			}
			if err != nil {
				return
			}
			err = s.within(t.Context(), func(tx *sql.Tx) error { return holds(t.Context(), t, s, tx) })
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// holds checks what is held of the first rows.
func holds(ctx context.Context, t *testing.T, s *Source, tx *sql.Tx) error {
	cols, err := s.real(ctx, tx, s.View)
	if err != nil {
		return err
	}
	rows, err := s.first(ctx, tx, cols)
	for _, r := range rows {
		for i, c := range r {
			if len(c.text) > longest {
				t.Errorf("%d bytes of column %d are held", len(c.text), i)
			}
		}
	}
	return err
}
