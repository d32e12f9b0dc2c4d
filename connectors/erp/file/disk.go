package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// disk changes folders. Every change is one step that is done or not.
type disk struct {
	// before is asked before each step, if it is not nil; its error is the
	// step's. Tests fail and end between steps with it.
	before func(op, path string) error
}

func (d disk) step(op, path string) error {
	if d.before == nil {
		return nil
	}
	return d.before(op, path)
}

// move renames a file to a name that is not there yet, and keeps that.
func (d disk) move(from, to string) error {
	if err := d.step("move", from); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
}

// replace renames a file over another.
func (d disk) replace(from, to string) error {
	if err := d.step("replace", from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// remove removes a file; one that is not there is no error.
func (d disk) remove(path string) error {
	if err := d.step("remove", path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write makes a file whose content is whole, or none: under another name first,
// which no pattern takes.
func (d disk) write(path string, content []byte) error {
	temporary := path + ".tmp"
	if err := d.put(temporary, content); err != nil {
		return err
	}
	return d.replace(temporary, path)
}

// put writes a file that nobody looks at yet, and waits until it is on the disk.
func (d disk) put(path string, content []byte) error {
	if err := d.step("put", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
