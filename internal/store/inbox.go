package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// inboxTable holds what came by itself and was not worked on yet.
const inboxTable = "inbox"

// inboxSchema is version 3.
const inboxSchema = `
CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, source TEXT NOT NULL,
	body BLOB NOT NULL, size INTEGER NOT NULL) STRICT;
INSERT INTO volume VALUES ('inbox', 0, 0);
`

// The bounds of the inbox. It is empty most of the time; if it is not, something is
// wrong with whoever works on it, and the disk is worth more.
const (
	maxInbox      = 5000
	maxInboxBytes = 32 << 20
)

// ErrInboxFull is in the error of Commit for a Write that would make the inbox too
// large. Nothing of the Write was kept.
var ErrInboxFull = errors.New("too much waits to be worked on")

// InboxItem is something that came by itself, kept until it was worked on.
type InboxItem struct {
	// ID is unique in the store; 0 when it is written.
	ID     int64
	Time   time.Time
	Source string
	Body   []byte
}

func (w *writer) applyInbox(ctx context.Context, wr Write, _ time.Time, t tally) error {
	for _, i := range wr.Inbox {
		body := i.Body
		if body == nil {
			body = []byte{} // a nil slice would be NULL
		}
		size := rowOverhead + len(i.Source) + len(body)
		if v := t.volumes[inboxTable]; v.count >= maxInbox || v.bytes+int64(size) > maxInboxBytes {
			return ErrInboxFull
		}
		if _, err := w.addInbox.ExecContext(ctx, i.Time.UnixMicro(), i.Source, body, size); err != nil {
			return err
		}
		t.add(inboxTable, 1, int64(size))
	}
	for _, id := range wr.Taken {
		var size int64
		switch err := w.dropInbox.QueryRowContext(ctx, id).Scan(&size); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		default:
			t.add(inboxTable, -1, -size)
		}
	}
	return nil
}

// Inbox gives what waits to be worked on, the oldest first, at most so many.
func (r *Reader) Inbox(ctx context.Context, most int) (out []InboxItem, err error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id, at, source, body FROM inbox ORDER BY id LIMIT ?", most)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var i InboxItem
		var at int64
		if err := rows.Scan(&i.ID, &at, &i.Source, &i.Body); err != nil {
			return nil, explain(r.path, err)
		}
		i.Time = time.UnixMicro(at).UTC()
		out = append(out, i)
	}
	return out, explain(r.path, rows.Err())
}
