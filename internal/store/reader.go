package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Reader reads a store. It sees every Write whose Commit returned, never a part
// of one, and holds up no writer. It is safe for concurrent use.
type Reader struct {
	path string
	db   *sql.DB
}

// OpenReader opens the store at path for reading only, beside the gateway that
// writes it or after it has ended. It checks the version, not the integrity:
// that is the writer's. An account that may not write in the folder can read
// while the gateway does not run; its Reader does not see a gateway that starts
// later. The caller closes it.
func OpenReader(path string) (*Reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("the store can not be found: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the store can not be read: %w", err)
	}
	r, err := openReader(path)
	if err != nil {
		return nil, err
	}
	id, version, err := r.identify()
	if code := resultCode(err) & 0xff; (code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_CANTOPEN) && !exists(path+"-wal") {
		// Who may not write in the folder can not share the log with a writer;
		// without a log there is none, and the file stands still.
		if err := r.Close(); err != nil {
			return nil, err
		}
		if r, err = openReader(path, "immutable=1"); err != nil {
			return nil, err
		}
		id, version, err = r.identify()
	}
	switch top := newest(migrations()); {
	case err != nil:
		err = explain(path, err)
	case id != applicationID:
		err = fmt.Errorf("%s: %w", path, ErrForeign)
	case version > top:
		err = newerError(path, version, top)
	case version < top:
		err = fmt.Errorf("%s: the store has version %d, this program reads version %d; start the gateway once to bring it up to date", path, version, top)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// identify reads the marks in the header.
func (r *Reader) identify() (id, version int, err error) {
	err = r.db.QueryRow("SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&id, &version)
	return id, version, err
}

func openReader(path string, options ...string) (*Reader, error) {
	db, err := sql.Open("sqlite", dsn(path, append(options, "mode=ro", "_query_only=1", "_busy_timeout=5000")...))
	if err != nil {
		return nil, err
	}
	// Two are enough for people; more would only keep the write-ahead log from
	// being started anew.
	db.SetMaxOpenConns(2)
	return &Reader{path: path, db: db}, nil
}

// Close ends the reading.
func (r *Reader) Close() error { return r.db.Close() }

// Machine is the newest saved state of a machine.
type Machine struct {
	Code string
	// State is what was committed, byte for byte.
	State []byte
	// Revision grows by one with each save, Saved is when the last was.
	Revision uint64
	Saved    time.Time
}

// Machines gives the state of every machine, by code. A row that fails its
// checksum is ErrDamaged, for all of them: close the store and open it again.
func (r *Reader) Machines(ctx context.Context) ([]Machine, error) {
	rows, err := scanSealed(ctx, r.db, machineTable, "ORDER BY code")
	if err != nil {
		return nil, explain(r.path, err)
	}
	out := make([]Machine, len(rows))
	for i, row := range rows {
		if err := row.verify(machineTable); err != nil {
			return nil, explain(r.path, err)
		}
		out[i] = Machine{Code: row.code, State: row.body, Revision: uint64(row.revision), Saved: row.savedAt()}
	}
	return out, nil
}

// Record gives the uplink's record of a machine and its revision: the zero
// Record and 0 if there is none. It is Load of uplink.Ledger.
func (r *Reader) Record(ctx context.Context, machine string) (uplink.Record, uint64, error) {
	rows, err := scanSealed(ctx, r.db, recordTable, "WHERE code = ?", machine)
	if err != nil {
		return uplink.Record{}, 0, explain(r.path, err)
	}
	if len(rows) == 0 {
		return uplink.Record{}, 0, nil
	}
	if err := rows[0].verify(recordTable); err != nil {
		return uplink.Record{}, 0, explain(r.path, err)
	}
	rec, err := rows[0].record()
	return rec, uint64(rows[0].revision), err
}

// Meta gives a fact by its key, and whether there is one.
func (r *Reader) Meta(ctx context.Context, key string) (string, bool, error) {
	var v string
	err := r.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, explain(r.path, err)
	}
	return v, true, nil
}

// Query narrows what Journal and Posts give. The zero Query is everything, up
// to the default limit.
type Query struct {
	// Machine is a code, or empty for all, entries without one included.
	Machine string
	// From and To bound the time, From included, To not; zero means unbounded.
	From, To time.Time
	// Kind is the rule of a journal entry ("R5") or the service of a post
	// ("counter"); empty is all.
	Kind string
	// After continues behind the entry with this ID, for reading page by page.
	After int64
	// Limit is the greatest number of entries: 1000 if it is 0, 10000 at most.
	Limit int
	// Newest gives the last Limit entries instead of the first; they still come
	// oldest first.
	Newest bool
}

// Entry is an event in the journal.
type Entry struct {
	// ID is unique in the store and grows with each entry written.
	ID int64
	mapping.Event
}

// Journal gives events, oldest first. Times are in UTC and whole microseconds.
func (r *Reader) Journal(ctx context.Context, q Query) (out []Entry, err error) {
	query, args := q.build("journal", "rule", "id, at, machine, rule, subject, level, text, raw, previous, added")
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Machine, &e.Rule, &e.Subject, &e.Level, &e.Text, &e.Raw, &e.Previous, &e.Added); err != nil {
			return nil, explain(r.path, err)
		}
		e.Time = time.UnixMicro(at).UTC()
		out = append(out, e)
	}
	return out, explain(r.path, rows.Err())
}

// PostEntry is one request to Prodsmart and what became of it.
type PostEntry struct {
	// ID is unique in the store; 0 when it is written.
	ID int64
	// Time is when it was sent.
	Time    time.Time
	Machine string
	// Service, Verdict and Text are as prodsmart names them.
	Service string
	// Body is the exact JSON.
	Body    []byte
	Verdict string
	// Status is the HTTP status, 0 if none came.
	Status int
	Text   string
	Took   time.Duration
}

// Posts gives requests, oldest first. Times are in UTC and whole microseconds.
func (r *Reader) Posts(ctx context.Context, q Query) (out []PostEntry, err error) {
	query, args := q.build("post", "service", "id, at, machine, service, body, verdict, status, text, took")
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p PostEntry
		var at, took int64
		if err := rows.Scan(&p.ID, &at, &p.Machine, &p.Service, &p.Body, &p.Verdict, &p.Status, &p.Text, &took); err != nil {
			return nil, explain(r.path, err)
		}
		p.Time, p.Took = time.UnixMicro(at).UTC(), time.Duration(took)*time.Microsecond
		out = append(out, p)
	}
	return out, explain(r.path, rows.Err())
}

// build writes the SELECT. Names of tables and columns are ours, everything
// from outside is an argument.
func (q Query) build(table, kind, columns string) (string, []any) {
	var where []string
	var args []any
	add := func(condition string, a ...any) { where, args = append(where, condition), append(args, a...) }
	if q.Machine != "" {
		add("machine = ?", q.Machine)
	}
	if !q.From.IsZero() {
		add("at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add("at < ?", q.To.UnixMicro())
	}
	if q.Kind != "" {
		add(kind+" = ?", q.Kind)
	}
	if q.After != 0 {
		// An entry that was pruned meanwhile was the oldest: all that is left
		// comes after it.
		add("(at, id) > (coalesce((SELECT at FROM "+table+" WHERE id = ?), -9223372036854775808), ?)", q.After, q.After)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 1000
	}
	limit = min(limit, 10000)
	query := "SELECT " + columns + " FROM " + table
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	if q.Newest {
		query += " ORDER BY at DESC, id DESC LIMIT ?"
		return "SELECT * FROM (" + query + ") ORDER BY at, id", append(args, limit)
	}
	return query + " ORDER BY at, id LIMIT ?", append(args, limit)
}

const restart = "stop and start the gateway, it then recovers what it can"

// explain says where an error happened and gives it its type.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return ErrClosed
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%s: %w; %s", path, err, restart)
	case isDamage(err):
		return fmt.Errorf("%s: %w: %w; %s", path, ErrDamaged, err, restart)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func newerError(path string, found, known int) error {
	return fmt.Errorf("%s: %w: it has version %d, this program knows up to %d; use the newer program, or the copy %s.before-v%d that was taken before the change",
		path, ErrNewer, found, known, path, known+1)
}
