package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// The store's own facts.
const (
	metaCreated  = "store.created"
	metaStopped  = "store.stopped"
	metaBoots    = "store.boots"
	metaRecovery = "store.recovery"
	metaBackup   = "store.backup"
)

// Boot says how the gateway came up.
type Boot struct {
	// Number counts the starts of this store from 1.
	Number uint64
	// Created is when the store was made.
	Created time.Time
	// Stopped is when it was closed last; zero if that was a kill or a power
	// cut, or never.
	Stopped time.Time
}

// Boot tells about this start.
func (s *Store) Boot() Boot { return s.boot }

// begin writes the start into the store.
func (s *Store) begin(ctx context.Context) error {
	meta, err := scanMeta(ctx, s.writer.conn)
	if err != nil {
		return explain(s.path, err)
	}
	s.boot = Boot{
		Number:  metaCount(meta, metaBoots) + 1,
		Created: metaTime(meta, metaCreated),
		Stopped: metaTime(meta, metaStopped),
	}
	if text := meta[metaRecovery]; text != "" && s.recovered == nil {
		r := &Recovery{}
		if err := json.Unmarshal([]byte(text), r); err != nil {
			// The alarm must not be lost with its details, nor stop the start.
			r = &Recovery{Cause: fmt.Sprintf("recovered earlier; the note about it can not be read (%v)", err)}
		}
		s.recovered = r
	}
	return s.commit(ctx, Write{Meta: map[string]string{
		metaBoots:   strconv.FormatUint(s.boot.Number, 10),
		metaStopped: "",
	}})
}

// opener brings the file into a state in which it can be written.
type opener struct {
	path     string
	options  Options
	steps    []migration
	recovery *Recovery
}

func (o *opener) open(ctx context.Context) (*writer, error) {
	if err := removeStale(o.path + newSuffix); err != nil {
		return nil, err
	}
	fresh, err := o.settle(ctx)
	if err != nil {
		return nil, err
	}
	w, problem, err := o.examine(ctx)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		if err := o.recover(ctx, problem); err != nil {
			return nil, err
		}
		fresh = true
		if w, problem, err = o.examine(ctx); err != nil {
			return nil, err
		}
		if problem != "" {
			return nil, fmt.Errorf("%s: the store was just recovered and reads back damaged (%s); check the disk: %w", o.path, problem, ErrDamaged)
		}
	}
	if err := o.prepare(ctx, w, fresh); err != nil {
		return nil, errors.Join(explain(o.path, err), w.close())
	}
	return w, nil
}

// settle finishes a recovery that was interrupted, and makes the file if there
// is none. fresh says that it was just made.
func (o *opener) settle(ctx context.Context) (fresh bool, err error) {
	mark, err := readMark(o.path)
	if err != nil {
		return false, err
	}
	if mark != nil {
		return true, o.resume(ctx, *mark)
	}
	info, err := os.Stat(o.path)
	switch {
	case err == nil && info.IsDir():
		return false, fmt.Errorf("%s is a folder; the store is a file", o.path)
	case err == nil:
		return false, nil
	case !errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("the store can not be reached: %w", err)
	}
	trace, err := o.trace()
	if err != nil {
		return false, err
	}
	if trace != "" {
		return true, o.recover(ctx, "the file is gone, but "+trace+" is there")
	}
	return true, writeImage(ctx, o.path, image{meta: map[string]string{
		metaCreated: o.options.Now().UTC().Format(time.RFC3339Nano),
	}})
}

// trace names a file that only exists where a store has been, "" if there is
// none.
func (o *opener) trace() (string, error) {
	names, err := os.ReadDir(filepath.Dir(o.path))
	if err != nil {
		return "", err
	}
	base := filepath.Base(o.path)
	for _, n := range names {
		rest, ours := strings.CutPrefix(n.Name(), base)
		if !ours || rest == "" || strings.HasSuffix(rest, newSuffix) {
			continue
		}
		if rest[0] == '.' || rest[0] == '-' {
			return n.Name(), nil
		}
	}
	return "", nil
}

// examine checks all of the file and opens it for writing. A problem is damage,
// in words; an error is anything else.
func (o *opener) examine(ctx context.Context) (w *writer, problem string, err error) {
	if problem, err := o.glance(ctx); problem != "" || err != nil {
		return nil, problem, err
	}
	// The checks only read: a writer that closes a damaged file would fold the
	// log into it first, and the file set aside has to be what was found.
	problem, err = o.inspectWith(ctx, "mode=ro", "_query_only=1", "_busy_timeout=5000")
	if resultCode(err)&0xff == sqlite3.SQLITE_READONLY {
		// The change to the log was interrupted: SQLite has to undo it first.
		problem, err = o.inspectWith(ctx, "mode=rw", "_busy_timeout=5000")
	}
	if err == nil && problem == "" {
		w, err = openWriter(ctx, o.path)
	}
	if isDamage(err) {
		return nil, err.Error(), nil
	}
	return w, problem, err
}

func (o *opener) inspectWith(ctx context.Context, options ...string) (problem string, err error) {
	db, c, err := single(ctx, dsn(o.path, options...))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close(), db.Close()) }()
	return o.inspect(ctx, c)
}

// glance reads the header before SQLite may write: SQLite would take an empty
// file for a new database, and must not touch one that is not ours.
func (o *opener) glance(ctx context.Context) (problem string, err error) {
	f, err := os.Open(o.path)
	if err != nil {
		return "", err
	}
	head := make([]byte, 100)
	n, err := io.ReadFull(f, head)
	cerr := f.Close()
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return "the file is empty", nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("the file has only %d bytes", n), nil
	case err != nil:
		return fmt.Sprintf("the file can not be read: %v", err), cerr
	case !bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return "the file does not begin like a store", cerr
	}
	id, version := binary.BigEndian.Uint32(head[68:]), int(binary.BigEndian.Uint32(head[60:]))
	if id == applicationID && version > newest(o.steps) {
		return "", newerError(o.path, version, newest(o.steps))
	}
	if id == applicationID {
		return "", cerr
	}
	if o.foreign(ctx) {
		return "", fmt.Errorf("%s: %w; give the gateway a data folder of its own", o.path, ErrForeign)
	}
	return "the file holds no store", cerr
}

// foreign reports whether the file is a readable database with tables of its
// own, and none of ours.
func (o *opener) foreign(ctx context.Context) bool {
	db, c, err := single(ctx, dsn(o.path, "mode=ro", "_query_only=1"))
	if err != nil {
		return false
	}
	others, err := queryInt(ctx, c, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND tbl_name NOT LIKE 'sqlite_%'")
	ours, err2 := queryInt(ctx, c, "SELECT count(*) FROM sqlite_schema WHERE tbl_name IN ('machine', 'record', 'volume')")
	return errors.Join(err, err2, c.Close(), db.Close()) == nil && others > 0 && ours < 3
}

// inspect checks the version, the structure and the seals.
func (o *opener) inspect(ctx context.Context, c *sql.Conn) (problem string, err error) {
	id, err := queryInt(ctx, c, "PRAGMA application_id")
	if err != nil {
		return "", err
	}
	version, err := queryInt(ctx, c, "PRAGMA user_version")
	if err != nil {
		return "", err
	}
	top := newest(o.steps)
	switch {
	case id != applicationID || version < 1:
		return "the file holds no store", nil
	case version > int64(top):
		return "", newerError(o.path, int(version), top)
	}
	if problem, err := checkStructure(ctx, c); problem != "" || err != nil {
		return problem, err
	}
	_, err = readImage(ctx, c)
	return "", err
}

// thorough is the size in bytes up to which every index entry is compared with
// its row as well; larger files would make the start slow.
const thorough = 16 << 20

func checkStructure(ctx context.Context, c *sql.Conn) (problem string, err error) {
	size, err := queryInt(ctx, c, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
	if err != nil {
		return "", err
	}
	check := "PRAGMA quick_check(5)"
	if size <= thorough {
		check = "PRAGMA integrity_check(5)"
	}
	rows, err := c.QueryContext(ctx, check)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		if line != "ok" {
			found = append(found, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(found, "; "), rows.Err()
}

// prepare brings the schema up to date and readies the statements.
func (o *opener) prepare(ctx context.Context, w *writer, fresh bool) error {
	version, err := queryInt(ctx, w.conn, "PRAGMA user_version")
	if err != nil {
		return err
	}
	if err := migrate(ctx, w.conn, o.path, int(version), o.steps, fresh); err != nil {
		return err
	}
	return w.prepare(ctx)
}
