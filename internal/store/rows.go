package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// The tables whose rows are sealed.
const (
	machineTable = "machine"
	recordTable  = "record"
)

// sealed is a row of machine or record with its checksum.
type sealed struct {
	code string
	// revision grows by one with each save.
	revision int64
	// saved is when, in microseconds since 1970.
	saved int64
	sum   int64
	body  []byte
}

func seal(code string, revision int64, at time.Time, body []byte) sealed {
	r := sealed{code: code, revision: revision, saved: at.UnixMicro(), body: body}
	r.sum = r.checksum()
	return r
}

// checksum is a CRC-32C over every field, lengths included, so that a row under
// another machine's code is as wrong as one with a flipped bit.
func (r sealed) checksum() int64 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var head [24]byte
	binary.BigEndian.PutUint64(head[0:], uint64(len(r.code)))
	binary.BigEndian.PutUint64(head[8:], uint64(r.revision))
	binary.BigEndian.PutUint64(head[16:], uint64(r.saved))
	sum := crc32.Update(0, table, head[:])
	sum = crc32.Update(sum, table, []byte(r.code))
	return int64(crc32.Update(sum, table, r.body))
}

func (r sealed) savedAt() time.Time { return time.UnixMicro(r.saved).UTC() }

// verify checks the seal, and that a record can be decoded.
func (r sealed) verify(table string) error {
	if r.sum != r.checksum() {
		return fmt.Errorf("%w: the %s of machine %q does not fit its checksum", ErrDamaged, table, r.code)
	}
	if table == recordTable {
		if _, err := r.record(); err != nil {
			return err
		}
	}
	return nil
}

func (r sealed) record() (uplink.Record, error) {
	var rec uplink.Record
	if err := json.Unmarshal(r.body, &rec); err != nil {
		return uplink.Record{}, fmt.Errorf("%w: the record of machine %q can not be decoded: %w", ErrDamaged, r.code, err)
	}
	return rec, nil
}

// querier is what a *sql.DB, *sql.Conn and *sql.Tx have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// scanSealed reads rows of a sealed table without judging them. With an error it
// still returns what could be read before it.
func scanSealed(ctx context.Context, q querier, table, clause string, args ...any) (out []sealed, err error) {
	rows, err := q.QueryContext(ctx, "SELECT code, revision, saved, sum, body FROM "+table+" "+clause, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r sealed
		if err := rows.Scan(&r.code, &r.revision, &r.saved, &r.sum, &r.body); err != nil {
			return out, err
		}
		if r.body == nil {
			r.body = []byte{} // an empty body comes back as nil, which would be NULL
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// scanMeta reads all facts; with an error, those before it.
func scanMeta(ctx context.Context, q querier) (out map[string]string, err error) {
	out = map[string]string{}
	rows, err := q.QueryContext(ctx, "SELECT key, value FROM meta ORDER BY key")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return out, err
		}
		out[k] = v
	}
	return out, rows.Err()
}

// image is everything that must not be lost: what a backup holds, and what a
// recovered or a fresh store begins with.
type image struct {
	machines, records []sealed
	meta              map[string]string
}

// readImage takes a sound image from c, in one snapshot, or fails.
func readImage(ctx context.Context, c *sql.Conn) (im image, err error) {
	if err := run(ctx, c, "BEGIN"); err != nil {
		return image{}, err
	}
	defer func() { err = errors.Join(err, run(ctx, c, "ROLLBACK")) }()
	for table, rows := range map[string]*[]sealed{machineTable: &im.machines, recordTable: &im.records} {
		if *rows, err = scanSealed(ctx, c, table, "ORDER BY code"); err != nil {
			return image{}, err
		}
		for _, r := range *rows {
			if err := r.verify(table); err != nil {
				return image{}, err
			}
		}
	}
	im.meta, err = scanMeta(ctx, c)
	return im, err
}

// writeImage creates, or replaces, the database at target with the image,
// atomically and durably: a crash leaves the old file or the new one.
func writeImage(ctx context.Context, target string, im image) error {
	temp := target + newSuffix
	if err := removeStale(temp); err != nil {
		return err
	}
	if err := fill(ctx, temp, im); err != nil {
		return errors.Join(err, removeStale(temp))
	}
	return publish(temp, target)
}

func fill(ctx context.Context, path string, im image) (err error) {
	// No journal and no syncs: the file is worthless until publish, and publish
	// syncs it.
	db, c, err := single(ctx, dsn(path, "_journal_mode=MEMORY", "_synchronous=OFF"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(), db.Close()) }()
	if err := run(ctx, c, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
		return err
	}
	return inTransaction(ctx, c, func() error {
		head := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 1;", applicationID)
		if err := run(ctx, c, head+schema); err != nil {
			return err
		}
		for _, r := range im.machines {
			if err := insertSealed(ctx, c, machineTable, r); err != nil {
				return err
			}
		}
		for _, r := range im.records {
			if err := insertSealed(ctx, c, recordTable, r); err != nil {
				return err
			}
		}
		for k, v := range im.meta {
			if err := run(ctx, c, "INSERT INTO meta (key, value) VALUES (?, ?)", k, v); err != nil {
				return err
			}
		}
		return run(ctx, c, `UPDATE volume SET count = CASE kind WHEN 'machine' THEN ? WHEN 'record' THEN ? ELSE 0 END`,
			len(im.machines), len(im.records))
	})
}

func insertSealed(ctx context.Context, c *sql.Conn, table string, r sealed) error {
	return run(ctx, c, "INSERT INTO "+table+" (code, revision, saved, sum, body) VALUES (?, ?, ?, ?, ?)",
		r.code, r.revision, r.saved, r.sum, r.body)
}

func sortSealed(rows []sealed) {
	slices.SortFunc(rows, func(a, b sealed) int { return cmp.Compare(a.code, b.code) })
}

func metaTime(m map[string]string, key string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, m[key])
	if err != nil {
		return time.Time{}
	}
	return t
}

func metaCount(m map[string]string, key string) uint64 {
	n, err := strconv.ParseUint(m[key], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
