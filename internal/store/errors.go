package store

import (
	"errors"
	"fmt"
	"strings"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// The errors a caller can act on; test with errors.Is.
var (
	// ErrConflict: a record's revision moved since it was loaded. Nothing of
	// the Write was kept; load the record again. It is uplink.ErrConflict.
	ErrConflict error = uplink.ErrConflict
	// ErrDiskFull: not even machine states fit any more, with the reserve
	// spent and history shed. Nothing of the Write was kept; the same Write can
	// be tried again once there is room.
	ErrDiskFull = errors.New("the disk is full")
	// ErrClosed: the store was closed before the call.
	ErrClosed = errors.New("the store is closed")
	// ErrLocked: another process has the store open for writing. The error is
	// a *LockedError.
	ErrLocked = errors.New("the store is in use")
	// ErrDamaged: the file is not what was written. From Open the error is a
	// *DamagedError; from other calls it means that the damage appeared while
	// the store was open, and that closing and opening it again recovers.
	ErrDamaged = errors.New("the store is damaged")
	// ErrNewer: the file was written by a newer version of the program. It was
	// not touched.
	ErrNewer = errors.New("the store was written by a newer version")
	// ErrForeign: the file is a sound database of something else. It was not
	// touched.
	ErrForeign = errors.New("the file is not a gateway store")
)

// LockedError says who has the store.
type LockedError struct {
	// Path is the lock file.
	Path string
	// PID is the other process, 0 if it could not be found out.
	PID int
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s: the store is in use by %s; stop that gateway first, or give this one another data folder", e.Path, who)
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// DamagedError is returned by Open when the store is damaged and not every
// machine could be recovered. The damaged files are set aside under the names
// in Recovery.SetAside; as long as nobody decides, each Open tries again and
// returns this error.
type DamagedError struct {
	// Path is the store.
	Path string
	// Recovery says, machine by machine, what can and what can not be had back.
	Recovery *Recovery
}

func (e *DamagedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the store is damaged (%s)", e.Path, e.Recovery.Cause)
	if len(e.Recovery.SetAside) > 0 {
		fmt.Fprintf(&b, "; it was set aside as %s", strings.Join(e.Recovery.SetAside, ", "))
	}
	if lost := e.Recovery.Lost(); len(lost) > 0 {
		fmt.Fprintf(&b, "; not recoverable: %s", strings.Join(lost, ", "))
	} else {
		b.WriteString("; no machine could be read from it")
	}
	switch {
	case e.Recovery.Backup == "":
		b.WriteString("; there is no backup")
	case e.Recovery.BackupProblem != "":
		fmt.Fprintf(&b, "; the backup %s is damaged too (%s)", e.Recovery.Backup, e.Recovery.BackupProblem)
	}
	fmt.Fprintf(&b, "; put a good copy of the store at %s, or start fresh explicitly: what is recoverable is kept, the other machines begin at their first contact", e.Path)
	return b.String()
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// resultCode is SQLite's extended result code, 0 if err is none of SQLite's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isDamage tells an error that speaks of the file's content from one that
// speaks of its surroundings. A sector that can not be read is damage: the
// folder still lets the file be set aside.
func isDamage(err error) bool {
	code := resultCode(err)
	switch code & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	switch code {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
		return true
	}
	return errors.Is(err, ErrDamaged)
}

// isFull reports whether err says that the disk is full. SQLite names most
// cases; a write error without a cause is put to the test by writing into dir.
func isFull(err error, dir string) bool {
	if err == nil {
		return false
	}
	if noSpace(err) {
		return true
	}
	code := resultCode(err)
	switch {
	case code&0xff == sqlite3.SQLITE_FULL:
		return true
	case code&0xff == sqlite3.SQLITE_IOERR && !isDamage(err), code&0xff == sqlite3.SQLITE_CANTOPEN:
		return noSpace(probeSpace(dir))
	}
	return false
}
