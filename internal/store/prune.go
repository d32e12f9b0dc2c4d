package store

import (
	"context"
	"errors"
	"math"
	"time"
)

// The tables of the history.
const (
	journalTable = "journal"
	postTable    = "post"
)

// rowOverhead is what a row of the history costs on disk beside its texts: its
// header and numbers, two index entries, and its share of half-filled pages.
// The simulated year holds it against the real file.
const rowOverhead = 100

// noLimit is a time that all entries are before.
const noLimit = math.MaxInt64

// bounds limit the history.
type bounds struct {
	age   time.Duration
	bytes int64
}

// victim names the table whose oldest entries have to go, and how many bytes
// too many there are; "" if the history fits. Each table may have half, and
// what the other one leaves of its half: many posts never push out the journal.
func (b bounds) victim(t tally) (string, int64) {
	journal, post := t.volumes[journalTable].bytes, t.volumes[postTable].bytes
	over := journal + post - b.bytes
	switch {
	case over <= 0:
		return "", 0
	case post > b.bytes/2:
		return postTable, min(over, post-b.bytes/2)
	}
	return journalTable, min(over, journal-b.bytes/2)
}

// prune removes up to budget entries that are too old or too many, inside the
// caller's transaction.
func (w *writer) prune(ctx context.Context, t tally, now time.Time, b bounds, budget int) error {
	limit := now.Add(-b.age).UnixMicro()
	n, err := w.pruneMissing(ctx, t, limit, budget)
	if err != nil {
		return err
	}
	budget -= n
	for _, table := range []string{journalTable, postTable} {
		n, _, err := w.removeOldest(ctx, t, table, limit, budget)
		if err != nil {
			return err
		}
		budget -= n
	}
	for budget > 0 {
		table, over := b.victim(t)
		if table == "" {
			return nil
		}
		mean := max(1, t.volumes[table].bytes/max(1, t.volumes[table].count))
		n, _, err := w.removeOldest(ctx, t, table, noLimit, int(min(int64(budget), over/mean+1)))
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		budget -= n
	}
	return nil
}

// removeOldest removes up to n entries of before limit, oldest first.
func (w *writer) removeOldest(ctx context.Context, t tally, table string, limit int64, n int) (count int, bytes int64, err error) {
	if n <= 0 {
		return 0, 0, nil
	}
	rows, err := w.conn.QueryContext(ctx, "DELETE FROM "+table+" WHERE id IN (SELECT id FROM "+table+
		" WHERE at < ? ORDER BY at, id LIMIT ?) RETURNING size", limit, n)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		err = errors.Join(err, rows.Close())
		t.add(table, -int64(count), -bytes)
	}()
	for rows.Next() {
		var size int64
		if err := rows.Scan(&size); err != nil {
			return count, bytes, err
		}
		count++
		bytes += size
	}
	return count, bytes, rows.Err()
}

// tidy is one small step towards the bounds: it removes some entries, or gives
// some free pages back to the disk. It reports whether there is more to do.
func (w *writer) tidy(ctx context.Context, now time.Time, b bounds) (more bool, err error) {
	const step = 200
	t := w.tally.clone()
	err = inTransaction(ctx, w.conn, func() error {
		if err := w.prune(ctx, t, now, b, step); err != nil {
			return err
		}
		return w.applyVolumes(ctx, t)
	})
	if err != nil {
		return false, err
	}
	var removed int64
	for _, table := range []string{journalTable, postTable, missingTable} {
		removed += w.tally.volumes[table].count - t.volumes[table].count
	}
	w.tally = t
	if removed > 0 {
		return removed >= step, nil
	}
	return w.shrink(ctx)
}

// shrink returns free pages to the disk. Some are left in the file: they are
// filled again soon, and a disk that fills up can not take them away.
func (w *writer) shrink(ctx context.Context) (more bool, err error) {
	const keep, step = 256, 64
	free, err := queryInt(ctx, w.conn, "PRAGMA freelist_count")
	if err != nil {
		return false, err
	}
	pages, err := queryInt(ctx, w.conn, "PRAGMA page_count")
	if err != nil {
		return false, err
	}
	spare := free - max(keep, pages/4)
	if spare <= 0 {
		return false, nil
	}
	// Each row stepped over is one page; Exec would stop at the first.
	rows, err := w.conn.QueryContext(ctx, "PRAGMA incremental_vacuum(64)")
	if err != nil {
		return false, err
	}
	for rows.Next() {
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || spare > step {
		return err == nil, err
	}
	// The file itself gets shorter when the log is folded into it.
	return false, run(ctx, w.conn, "PRAGMA wal_checkpoint(PASSIVE)")
}
