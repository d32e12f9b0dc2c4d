package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// applicationID marks our files in SQLite's header ("PSgw"), so that a wrong
// path is told from a damaged store.
const applicationID = 0x50536777

// schema is version 1. Times are microseconds since 1970 in UTC. machine and
// record keep each body with a checksum of the whole row. volume counts rows
// and bytes, so that bounds need no scan and a salvage knows what is missing.
const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE machine (code TEXT PRIMARY KEY, revision INTEGER NOT NULL, saved INTEGER NOT NULL,
	sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE record (code TEXT PRIMARY KEY, revision INTEGER NOT NULL, saved INTEGER NOT NULL,
	sum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, machine TEXT NOT NULL,
	rule TEXT NOT NULL, subject TEXT NOT NULL, level INTEGER NOT NULL, text TEXT NOT NULL,
	raw TEXT NOT NULL, previous TEXT NOT NULL, added TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX journal_at ON journal (at);
CREATE INDEX journal_machine ON journal (machine, at);
CREATE TABLE post (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, machine TEXT NOT NULL,
	service TEXT NOT NULL, body TEXT NOT NULL, verdict TEXT NOT NULL, status INTEGER NOT NULL,
	text TEXT NOT NULL, took INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE INDEX post_at ON post (at);
CREATE INDEX post_machine ON post (machine, at);
CREATE TABLE volume (kind TEXT PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO volume VALUES ('machine', 0, 0), ('record', 0, 0), ('journal', 0, 0), ('post', 0, 0);
`

// migration brings a store from version to-1 to version to.
type migration struct {
	to  int
	run func(ctx context.Context, c *sql.Conn) error
}

// migrations are the steps after version 1, in order; a published one is never
// changed.
func migrations() []migration {
	return []migration{
		{to: 2, run: func(ctx context.Context, c *sql.Conn) error { return run(ctx, c, missingSchema) }},
		{to: 3, run: func(ctx context.Context, c *sql.Conn) error { return run(ctx, c, inboxSchema) }},
		{to: 4, run: func(ctx context.Context, c *sql.Conn) error { return run(ctx, c, bookSchema) }},
	}
}

// newest is the version that steps lead to.
func newest(steps []migration) int {
	if len(steps) == 0 {
		return 1
	}
	return steps[len(steps)-1].to
}

// dsn names a database file for the driver; the path may hold any character.
func dsn(path string, options ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… has no leading slash
	}
	u := url.URL{Scheme: "file", Path: p}
	return u.String() + "?" + strings.Join(append(options, "_defensive=1", "_dqs=0", "_error_rc=1",
		// Half a megabyte of pages for each connection: what is written is seldom
		// read, and the system keeps the file in memory besides.
		"_pragma=cache_size(-512)", "_pragma=trusted_schema(0)", "_pragma=cell_size_check(1)", "_pragma=fullfsync(1)"), "&")
}

// single opens a database over exactly one connection. The caller closes both.
func single(ctx context.Context, name string) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, c, nil
}

func run(ctx context.Context, c *sql.Conn, query string, args ...any) error {
	_, err := c.ExecContext(ctx, query, args...)
	return err
}

func queryInt(ctx context.Context, c *sql.Conn, query string, args ...any) (n int64, err error) {
	err = c.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// inTransaction runs f between BEGIN IMMEDIATE and COMMIT; when f or the commit
// fails, nothing of it remains.
func inTransaction(ctx context.Context, c *sql.Conn, f func() error) error {
	if err := run(ctx, c, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = run(ctx, c, "COMMIT")
	}
	if err != nil {
		// SQLite rolls back by itself after some errors, and then says so here.
		_ = run(ctx, c, "ROLLBACK")
	}
	return err
}

// migrate brings the open database from version from to the newest. Before each
// step the whole file is copied to NAME.before-vN, which stays; a file that was
// just made has nothing to copy.
func migrate(ctx context.Context, c *sql.Conn, path string, from int, steps []migration, fresh bool) error {
	for _, step := range steps {
		if step.to <= from {
			continue
		}
		copied := fmt.Sprintf("%s.before-v%d", path, step.to)
		if fresh {
			copied = "not needed, the store was just made"
		} else if err := copyWhole(ctx, c, copied); err != nil {
			return fmt.Errorf("the copy before the change to version %d failed: %w; nothing was changed", step.to, err)
		}
		err := inTransaction(ctx, c, func() error {
			if err := step.run(ctx, c); err != nil {
				return err
			}
			return run(ctx, c, fmt.Sprintf("PRAGMA user_version = %d", step.to))
		})
		if err != nil {
			return fmt.Errorf("the change to version %d failed and was undone: %w; the copy is %s", step.to, err, copied)
		}
	}
	return nil
}

// copyWhole writes a consistent copy of everything to target, atomically and
// durably.
func copyWhole(ctx context.Context, c *sql.Conn, target string) error {
	temp := target + newSuffix
	if err := removeStale(temp); err != nil {
		return err
	}
	if err := run(ctx, c, "VACUUM INTO ?", temp); err != nil {
		return errors.Join(err, removeStale(temp))
	}
	return publish(temp, target)
}

// newSuffix marks a file that is not complete yet. Whoever finds one may remove
// it.
const newSuffix = ".new"

func removeStale(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// publish makes a complete temporary file durable under its final name,
// replacing what was there.
func publish(temp, target string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return errors.Join(err, removeStale(temp))
	}
	if err := os.Rename(temp, target); err != nil {
		return errors.Join(err, removeStale(temp))
	}
	return syncDir(filepath.Dir(target))
}
