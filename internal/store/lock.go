package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockName is the file in the store's folder that its writer holds. It is never
// removed: a removed lock file could be held by two.
const lockName = "gateway.lock"

// acquire makes this process the only writer of the stores in dir. The caller
// closes the file to let go.
func acquire(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the lock of the store can not be opened: %w; the account of the gateway needs to write in %s", err, dir)
	}
	held, err := tryLock(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: locking failed: %w; the data folder must be on a local disk", path, err), f.Close())
	}
	if !held {
		return nil, errors.Join(&LockedError{Path: path, PID: holder(f)}, f.Close())
	}
	// The number is a courtesy to whoever finds the lock taken; a disk too full
	// to hold it is no reason not to run.
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil && !noSpace(err) {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
		}
	}
	return f, nil
}

func holder(f *os.File) int {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
