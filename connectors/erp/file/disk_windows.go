package file

import (
	"errors"

	"golang.org/x/sys/windows"
)

// syncDir does nothing: NTFS keeps a journal of its folders, and offers no such
// call.
func syncDir(string) error { return nil }

// otherDisk says that a rename failed because the folders are on two disks.
func otherDisk(err error) bool { return errors.Is(err, windows.ERROR_NOT_SAME_DEVICE) }
