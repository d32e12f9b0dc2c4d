package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// missingTable holds what Prodsmart does not show as it was.
const missingTable = "missing"

// missingSchema is version 2. began and ended are 0 where the entry has none.
const missingSchema = `
CREATE TABLE missing (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, machine TEXT NOT NULL,
	code TEXT NOT NULL, type TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
	pieces INTEGER NOT NULL, job TEXT NOT NULL, text TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX missing_at ON missing (at);
CREATE INDEX missing_machine ON missing (machine, at);
INSERT INTO volume VALUES ('missing', 0, 0);
`

// maxMissing bounds the entries. It is far above what a plant has in the time
// that they are kept; so they outlive a journal that is full.
const maxMissing = 50_000

// Missing is one thing that happened and that Prodsmart does not show as it was.
type Missing struct {
	// ID is unique in the store; 0 when it is written.
	ID int64
	// Time is when that became certain.
	Time    time.Time
	Machine string
	// Code says what it is, as the uplink names it: not_in_prodsmart, stop_late.
	Code string
	// Type is the downtime type; empty for pieces.
	Type string
	// From and To are the true times of the downtime, of its part that is missing
	// or too much, or between which the pieces were made; zero if unknown.
	From, To time.Time
	// Pieces of Order were told too late for it, or not yet.
	Pieces int64
	Order  string
	// Text is whole sentences.
	Text string
}

func (w *writer) applyMissing(ctx context.Context, wr Write, _ time.Time, t tally) error {
	for _, m := range wr.Missing {
		size := rowOverhead + 2*len(m.Machine) + len(m.Code) + len(m.Type) + len(m.Order) + len(m.Text)
		_, err := w.addMissing.ExecContext(ctx, m.Time.UnixMicro(), m.Machine, m.Code, m.Type, micro(m.From), micro(m.To), m.Pieces, m.Order, m.Text, size)
		if err != nil {
			return err
		}
		t.add(missingTable, 1, int64(size))
	}
	return nil
}

// pruneMissing removes entries that are too old or too many.
func (w *writer) pruneMissing(ctx context.Context, t tally, limit int64, budget int) (int, error) {
	n, _, err := w.removeOldest(ctx, t, missingTable, limit, budget)
	if err != nil {
		return n, err
	}
	if over := int(t.volumes[missingTable].count - maxMissing); over > 0 {
		more, _, err := w.removeOldest(ctx, t, missingTable, noLimit, min(over, budget-n))
		return n + more, err
	}
	return n, nil
}

// Missing gives what Prodsmart does not show as it was, oldest first. Query.Kind
// is a code, and its times are those at which it became certain. Times are in UTC
// and whole microseconds.
func (r *Reader) Missing(ctx context.Context, q Query) (out []Missing, err error) {
	query, args := q.build(missingTable, "code", "id, at, machine, code, type, began, ended, pieces, job, text")
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		m, err := scanMissing(rows)
		if err != nil {
			return nil, explain(r.path, err)
		}
		out = append(out, m)
	}
	return out, explain(r.path, rows.Err())
}

func scanMissing(rows *sql.Rows) (m Missing, err error) {
	var at, from, to int64
	err = rows.Scan(&m.ID, &at, &m.Machine, &m.Code, &m.Type, &from, &to, &m.Pieces, &m.Order, &m.Text)
	m.Time, m.From, m.To = time.UnixMicro(at).UTC(), fromMicro(from), fromMicro(to)
	return m, err
}

// micro is a time in microseconds since 1970, 0 for none.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
