package store

import (
	"context"
	"errors"
	"time"
)

// bookSchema is version 4. The order books are not salvaged from a damaged store:
// the orders of Prodsmart carry markers from which they are made again.
const bookSchema = `
CREATE TABLE book (source TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
	PRIMARY KEY (source, kind, key)) STRICT, WITHOUT ROWID;
`

// BookRow is one row of the order book of a source, opaque to the store. In a Write a
// nil Body removes it.
type BookRow struct {
	Source, Kind, Key string
	Body              []byte
}

func (w *writer) applyBook(ctx context.Context, wr Write, _ time.Time, _ tally) error {
	for _, r := range wr.Book {
		var err error
		if r.Body == nil {
			_, err = w.dropBook.ExecContext(ctx, r.Source, r.Kind, r.Key)
		} else {
			_, err = w.putBook.ExecContext(ctx, r.Source, r.Kind, r.Key, r.Body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Book gives all rows of the order book of a source.
func (r *Reader) Book(ctx context.Context, source string) (out []BookRow, err error) {
	rows, err := r.db.QueryContext(ctx, "SELECT kind, key, body FROM book WHERE source = ? ORDER BY kind, key", source)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		row := BookRow{Source: source}
		if err := rows.Scan(&row.Kind, &row.Key, &row.Body); err != nil {
			return nil, explain(r.path, err)
		}
		out = append(out, row)
	}
	return out, explain(r.path, rows.Err())
}
