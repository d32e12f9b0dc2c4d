//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes renames and removals in a folder durable. Shares of other
// computers may not know how; they keep their folders themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// otherDisk says that a rename failed because the folders are on two disks.
func otherDisk(err error) bool { return errors.Is(err, syscall.EXDEV) }
