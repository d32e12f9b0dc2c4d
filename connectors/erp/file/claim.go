package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// claim takes a file into the work folder. Its companions go first: where they
// are there and the file is not, the claim was cut short, and resume ends it.
func (f *folder) claim(name string, now time.Time) error {
	at := now.UTC()
	if !at.After(f.last) {
		at = f.last.Add(time.Nanosecond)
	}
	f.last = at
	return f.pull(at.Format(stampForm)+"~"+name, name)
}

func (f *folder) pull(to, name string) error {
	for _, end := range f.companions() {
		if exists(filepath.Join(f.Work, to+end)) {
			continue
		}
		if err := f.move(filepath.Join(f.Folder, name+end), filepath.Join(f.Work, to+end)); err != nil {
			return err
		}
	}
	return f.move(filepath.Join(f.Folder, name), filepath.Join(f.Work, to))
}

// resume ends claims that were cut short, and remembers the latest stamp. stuck
// are the files whose claim can not be ended yet.
func (f *folder) resume() (stuck map[string]error, err error) {
	entries, err := os.ReadDir(f.Work)
	if err != nil {
		return nil, trouble("look into the folder "+f.Work, err)
	}
	stuck = map[string]error{}
	for _, e := range entries {
		c, ok := parseName(e.Name())
		if !ok {
			continue
		}
		if c.at.After(f.last) {
			f.last = c.at
		}
		base, end := withoutEnd(e.Name())
		if end != markerEnd && end != countEnd {
			continue
		}
		if err := f.rejoin(base, end); otherDisk(err) {
			return nil, trouble("take up "+c.shown, err)
		} else if err != nil {
			shown, _ := withoutEnd(c.shown)
			stuck[shown] = err
		}
	}
	return stuck, nil
}

// rejoin deals with a companion in the work folder. With its file it stays there
// until the file goes.
func (f *folder) rejoin(base, end string) error {
	here := filepath.Join(f.Work, base+end)
	if exists(filepath.Join(f.Work, base)) {
		return nil
	}
	c, _ := parseName(base)
	if exists(filepath.Join(f.Folder, c.shown)) {
		return f.pull(base, c.shown)
	}
	if back := filepath.Join(f.Folder, c.shown+end); !exists(back) {
		return f.move(here, back) // the sender took its file away
	}
	return f.remove(here)
}

// withoutEnd takes the end of a companion or of a reason off a name.
func withoutEnd(name string) (base, end string) {
	for _, end := range []string{markerEnd, countEnd, reasonEnd} {
		if base, ok := strings.CutSuffix(name, end); ok {
			return base, end
		}
	}
	return name, ""
}

// working are the files in the work folder, the oldest first.
func (f *folder) working() ([]claimed, error) {
	entries, err := os.ReadDir(f.Work)
	if err != nil {
		return nil, trouble("look into the folder "+f.Work, err)
	}
	var out []claimed
	for _, e := range entries {
		c, ok := parseName(e.Name())
		if _, end := withoutEnd(e.Name()); ok && end == "" && e.Type().IsRegular() && !passing(e.Name()) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(x, y claimed) int { return strings.Compare(x.name, y.name) })
	return out, nil
}

// read gives the content of a file in the work folder, and how it looked. A file
// that changes meanwhile, or can not be read, is an error: it is read again.
func (f *folder) read(c claimed) (raw []byte, look sight, err error) {
	in, err := os.Open(filepath.Join(f.Work, c.name))
	if err != nil {
		return nil, look, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, look, err
	}
	look = sight{size: info.Size(), mod: info.ModTime()}
	if look.size > f.MaxBytes {
		return nil, look, refuse("", "the file has %d bytes, at most %d are read; split it, or raise max_bytes", look.size, f.MaxBytes)
	}
	raw, err = io.ReadAll(io.LimitReader(in, f.MaxBytes+1))
	if err != nil {
		return nil, look, err
	}
	if info, err = os.Stat(filepath.Join(f.Work, c.name)); err != nil {
		return nil, look, err
	}
	if info.Size() != look.size || !info.ModTime().Equal(look.mod) || int64(len(raw)) != look.size {
		return nil, look, fmt.Errorf("it changed while it was read; somebody is still writing it")
	}
	return raw, look, nil
}

// demanded is the number in the count file, -1 if none is needed.
func (f *folder) demanded(c claimed) (int, error) {
	if f.Count != CountFile {
		return -1, nil
	}
	in, err := os.Open(filepath.Join(f.Work, c.name+countEnd))
	if errors.Is(err, os.ErrNotExist) {
		return 0, refuse("", "its count file (%s%s) is missing; send both again", c.shown, countEnd)
	}
	if err != nil {
		return 0, err
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, 1000))
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, refuse("", "its count file has %q where the number of rows should be", shorten(text, 40))
	}
	return n, nil
}

// done is a file that was read, as the mark has it.
type done struct {
	Name string `json:"n"`
	Size int64  `json:"s"`
	Mod  int64  `json:"t"` // nanoseconds
	// Bad files go to the error folder.
	Bad bool `json:"e,omitempty"`
}

// settle moves the files that were read, and whose content was kept, to where
// they stay: what belongs to them first, so that nothing in the work folder is
// ever without its file. left are those that could not be moved, for the next
// time. A file that changed since it was read is not settled: it is read again.
func (f *folder) settle(list []done) (left []done, out []erp.Problem, err error) {
	for _, d := range list {
		c, ok := parseName(d.Name)
		info, err := os.Lstat(filepath.Join(f.Work, d.Name))
		switch {
		case !ok || filepath.Base(d.Name) != d.Name || errors.Is(err, os.ErrNotExist):
			continue // it was settled before
		case err == nil && (info.Size() != d.Size || info.ModTime().UnixNano() != d.Mod):
			continue
		case err == nil:
			err = f.away(d)
		}
		if otherDisk(err) {
			return nil, nil, trouble("move "+c.shown, err)
		}
		if err != nil {
			left = append(left, d)
			out = append(out, erp.Problem{Where: c.shown, What: "its orders are taken over, but it can not be moved out of the folder " + f.Work + ": " + shorten(err.Error(), 300) + "; it is tried again"})
		}
	}
	return left, out[:min(len(out), mostTold)], nil
}

func (f *folder) away(d done) error {
	to := f.Archive
	if d.Bad {
		to = f.Errors
	}
	for _, end := range []string{markerEnd, reasonEnd + ".tmp"} {
		if over := filepath.Join(f.Work, d.Name+end); exists(over) {
			if err := f.remove(over); err != nil {
				return err
			}
		}
	}
	for _, end := range []string{reasonEnd, countEnd} {
		from := filepath.Join(f.Work, d.Name+end)
		if !exists(from) {
			continue
		}
		if err := f.replace(from, filepath.Join(to, d.Name+end)); err != nil {
			return err
		}
	}
	return f.move(filepath.Join(f.Work, d.Name), filepath.Join(to, d.Name))
}

// purge removes what was kept for long enough, once an hour. Files of others are
// left alone.
func (f *folder) purge(now time.Time) []erp.Problem {
	if now.Sub(f.purged) < time.Hour && !now.Before(f.purged) {
		return nil
	}
	f.purged = now
	var out []erp.Problem
	for _, p := range []struct {
		dir  string
		keep time.Duration
		old  func(e os.DirEntry) time.Time // when it came; zero if it is not ours
	}{{f.Archive, f.Keep, stamped}, {f.Errors, f.KeepErrors, stamped}, {filepath.Join(f.Archive, "sent"), f.Keep, changed}} {
		entries, err := os.ReadDir(p.dir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			if at := p.old(e); e.Type().IsRegular() && !at.IsZero() && now.Sub(at) > p.keep {
				err = errors.Join(err, f.remove(filepath.Join(p.dir, e.Name())))
			}
		}
		if err != nil {
			out = append(out, erp.Problem{Where: p.dir, What: "old files can not be removed: " + shorten(err.Error(), 300)})
		}
	}
	return out
}

func stamped(e os.DirEntry) time.Time {
	c, _ := parseName(e.Name())
	return c.at
}

func changed(e os.DirEntry) time.Time {
	info, err := e.Info()
	if err != nil || filepath.Ext(e.Name()) != ".csv" {
		return time.Time{}
	}
	return info.ModTime()
}
