package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Write is what belongs together: all of it is kept, or nothing.
type Write struct {
	// Machines replace the states of these machines; of two for one machine the
	// later counts.
	Machines []MachineState
	// Records replace records whose revision did not move.
	Records []MachineRecord
	// Events and Posts are appended to the history. They alone may be given up
	// when the disk is full; Health counts them.
	Events []mapping.Event
	Posts  []PostEntry
	// Missing is appended to the report of what Prodsmart does not show.
	Missing []Missing
	// Inbox is kept until its numbers are in Taken of a later Write.
	Inbox []InboxItem
	Taken []int64
	// Book replaces rows of the order books.
	Book []BookRow
	// Meta sets facts by key.
	Meta map[string]string
}

// MachineState is the state of one machine's rules, opaque to the store.
type MachineState struct {
	Code  string
	State []byte
}

// MachineRecord is a record to be saved.
type MachineRecord struct {
	Code   string
	Record uplink.Record
	// Revision is the one the record was loaded with, 0 if there was none. The
	// saved record has Revision+1.
	Revision uint64
}

func (w Write) check() error {
	for _, m := range w.Machines {
		if m.Code == "" {
			return errors.New("a machine state without a machine code can not be stored")
		}
	}
	for _, r := range w.Records {
		if r.Code == "" {
			return errors.New("a record without a machine code can not be stored")
		}
	}
	return nil
}

func (w Write) empty() bool {
	return len(w.Machines)+len(w.Records)+len(w.Events)+len(w.Posts)+len(w.Missing)+len(w.Inbox)+len(w.Taken)+len(w.Book)+len(w.Meta) == 0
}

// volume is the size of one table.
type volume struct{ count, bytes int64 }

// tally is what the writer remembers of the file, so that it needs no reading
// before it writes. It is copied before a transaction and kept after it.
type tally struct {
	revisions map[string]int64 // of machine states
	volumes   map[string]volume
}

func (t tally) clone() tally {
	return tally{revisions: maps.Clone(t.revisions), volumes: maps.Clone(t.volumes)}
}

// add counts rows of a table and their bytes; both may be negative.
func (t tally) add(table string, count, bytes int64) {
	v := t.volumes[table]
	t.volumes[table] = volume{v.count + count, v.bytes + bytes}
}

// writer owns the connection that writes. Only the holder of the store's turn
// uses it.
type writer struct {
	db   *sql.DB
	conn *sql.Conn
	// Prepared once: a commit of a hundred machines is hot.
	putMachine, newRecord, putRecord, addEvent, addPost, addMissing, addInbox, dropInbox, putBook, dropBook, putMeta, putVolume *sql.Stmt
	tally                                                                                                                       tally
}

// openWriter opens an existing, sound store for writing.
func openWriter(ctx context.Context, path string) (*writer, error) {
	db, c, err := single(ctx, dsn(path, "mode=rw", "_busy_timeout=5000", "_journal_mode=WAL",
		// As FULL, and the one change that is not in the log, switching it on,
		// has its journal's removal synced too.
		"_pragma=synchronous(EXTRA)",
		"_pragma=wal_autocheckpoint(256)", "_pragma=journal_size_limit(2097152)"))
	if err != nil {
		return nil, err
	}
	return &writer{db: db, conn: c}, nil
}

// prepare compiles the statements and fills the tally; the schema is the newest.
func (w *writer) prepare(ctx context.Context) error {
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&w.putMachine, `INSERT INTO machine (code, revision, saved, sum, body) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, saved = excluded.saved, sum = excluded.sum, body = excluded.body`},
		{&w.newRecord, `INSERT INTO record (revision, saved, sum, body, code) VALUES (?, ?, ?, ?, ?) ON CONFLICT (code) DO NOTHING`},
		{&w.putRecord, `UPDATE record SET revision = ?, saved = ?, sum = ?, body = ? WHERE code = ? AND revision = ?`},
		{&w.addEvent, `INSERT INTO journal (at, machine, rule, subject, level, text, raw, previous, added, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.addPost, `INSERT INTO post (at, machine, service, body, verdict, status, text, took, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.addMissing, `INSERT INTO missing (at, machine, code, type, began, ended, pieces, job, text, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.addInbox, `INSERT INTO inbox (at, source, body, size) VALUES (?, ?, ?, ?)`},
		{&w.dropInbox, `DELETE FROM inbox WHERE id = ? RETURNING size`},
		{&w.putBook, `INSERT INTO book (source, kind, key, body) VALUES (?, ?, ?, ?) ON CONFLICT (source, kind, key) DO UPDATE SET body = excluded.body`},
		{&w.dropBook, `DELETE FROM book WHERE source = ? AND kind = ? AND key = ?`},
		{&w.putMeta, `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`},
		{&w.putVolume, `UPDATE volume SET count = ?, bytes = ? WHERE kind = ?`},
	} {
		s, err := w.conn.PrepareContext(ctx, p.query)
		if err != nil {
			return err
		}
		*p.stmt = s
	}
	t := tally{revisions: map[string]int64{}, volumes: map[string]volume{}}
	rows, err := scanSealed(ctx, w.conn, machineTable, "")
	if err != nil {
		return err
	}
	for _, r := range rows {
		t.revisions[r.code] = r.revision
	}
	w.tally = t
	return w.readVolumes(ctx)
}

func (w *writer) readVolumes(ctx context.Context) (err error) {
	rows, err := w.conn.QueryContext(ctx, "SELECT kind, count, bytes FROM volume")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kind string
		var v volume
		if err := rows.Scan(&kind, &v.count, &v.bytes); err != nil {
			return err
		}
		w.tally.volumes[kind] = v
	}
	return rows.Err()
}

// close ends the statements first: one that is left open would keep the
// connection, its files and the log alive.
func (w *writer) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.putMachine, w.newRecord, w.putRecord, w.addEvent, w.addPost, w.addMissing, w.addInbox, w.dropInbox, w.putBook, w.dropBook, w.putMeta, w.putVolume} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

// apply makes one durable transaction. The old entries that the new ones push
// out go in the same one, so that the bounds hold at every instant.
func (w *writer) apply(ctx context.Context, wr Write, now time.Time, b bounds) error {
	t := w.tally.clone()
	err := inTransaction(ctx, w.conn, func() error {
		for _, step := range []func(context.Context, Write, time.Time, tally) error{
			w.applyMachines, w.applyRecords, w.applyEvents, w.applyPosts, w.applyMissing, w.applyInbox, w.applyBook, w.applyMeta,
		} {
			if err := step(ctx, wr, now, t); err != nil {
				return err
			}
		}
		if n := len(wr.Events) + len(wr.Posts) + len(wr.Missing); n > 0 {
			if err := w.prune(ctx, t, now, b, 2*n+16); err != nil {
				return err
			}
		}
		return w.applyVolumes(ctx, t)
	})
	if err != nil {
		return err
	}
	w.tally = t
	return nil
}

func (w *writer) applyMachines(ctx context.Context, wr Write, now time.Time, t tally) error {
	for _, m := range wr.Machines {
		before, known := t.revisions[m.Code]
		if !known {
			t.add(machineTable, 1, 0)
		}
		body := m.State
		if body == nil {
			body = []byte{} // a nil slice would be NULL
		}
		r := seal(m.Code, before+1, now, body)
		if _, err := w.putMachine.ExecContext(ctx, r.code, r.revision, r.saved, r.sum, r.body); err != nil {
			return err
		}
		t.revisions[m.Code] = r.revision
	}
	return nil
}

func (w *writer) applyRecords(ctx context.Context, wr Write, now time.Time, t tally) error {
	for _, m := range wr.Records {
		body, err := json.Marshal(m.Record)
		if err != nil {
			return fmt.Errorf("the record of machine %q can not be written as JSON: %w", m.Code, err)
		}
		r := seal(m.Code, int64(m.Revision)+1, now, body)
		var res sql.Result
		if m.Revision == 0 {
			t.add(recordTable, 1, 0)
			res, err = w.newRecord.ExecContext(ctx, r.revision, r.saved, r.sum, r.body, r.code)
		} else {
			res, err = w.putRecord.ExecContext(ctx, r.revision, r.saved, r.sum, r.body, r.code, int64(m.Revision))
		}
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("machine %q at revision %d: %w", m.Code, m.Revision, ErrConflict)
		}
	}
	return nil
}

func (w *writer) applyEvents(ctx context.Context, wr Write, _ time.Time, t tally) error {
	for _, e := range wr.Events {
		size := rowOverhead + 2*len(e.Machine) + len(e.Rule) + len(e.Subject) + len(e.Text) + len(e.Raw) + len(e.Previous) + len(e.Added)
		_, err := w.addEvent.ExecContext(ctx, e.Time.UnixMicro(), e.Machine, e.Rule, e.Subject, int(e.Level), e.Text, e.Raw, e.Previous, e.Added, size)
		if err != nil {
			return err
		}
		t.add(journalTable, 1, int64(size))
	}
	return nil
}

func (w *writer) applyPosts(ctx context.Context, wr Write, _ time.Time, t tally) error {
	for _, p := range wr.Posts {
		size := rowOverhead + 2*len(p.Machine) + len(p.Service) + len(p.Body) + len(p.Verdict) + len(p.Text)
		_, err := w.addPost.ExecContext(ctx, p.Time.UnixMicro(), p.Machine, p.Service, string(p.Body), p.Verdict, p.Status, p.Text, p.Took.Microseconds(), size)
		if err != nil {
			return err
		}
		t.add(postTable, 1, int64(size))
	}
	return nil
}

func (w *writer) applyMeta(ctx context.Context, wr Write, _ time.Time, _ tally) error {
	for k, v := range wr.Meta {
		if _, err := w.putMeta.ExecContext(ctx, k, v); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) applyVolumes(ctx context.Context, t tally) error {
	for kind, v := range t.volumes {
		if v == w.tally.volumes[kind] {
			continue
		}
		if _, err := w.putVolume.ExecContext(ctx, v.count, v.bytes, kind); err != nil {
			return err
		}
	}
	return nil
}
