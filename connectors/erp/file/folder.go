package file

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	markerEnd = ".done"
	countEnd  = ".count"
	reasonEnd = ".reason.txt"
	// stampForm is the time at the beginning of the names in the folders of ours;
	// names in it sort as the files came.
	stampForm = "20060102T150405.000000000Z"
	// patience is how long a file may be in the folder before its sender is
	// reminded of what is missing.
	patience = 10 * time.Minute
	// mostTold bounds what is told of files that nobody takes.
	mostTold = 20
)

// folder takes finished files out of the drop folder into the work folder, and
// from there to where they stay.
type folder struct {
	Config
	disk
	// seen are the files of the drop folder at the last look.
	seen map[string]sight
	// overtaken are files that could not be taken for so long that later ones were.
	overtaken map[string]bool
	// last is the latest stamp that was given.
	last time.Time
	// purged is when old files were last removed.
	purged time.Time
}

// sight is what a file looked like.
type sight struct {
	size int64
	mod  time.Time
	// since is when it was first seen like that, first when it was first seen.
	since, first time.Time
}

// claimed is a file in the work folder, or where it stays.
type claimed struct {
	// name is the name there, shown the one that it was dropped with.
	name, shown string
	at          time.Time
}

// parseName takes a name of ours apart.
func parseName(name string) (claimed, bool) {
	stamp, shown, ok := strings.Cut(name, "~")
	at, err := time.Parse(stampForm, stamp)
	return claimed{name, shown, at}, ok && err == nil && shown != ""
}

// companions are the ends of names of the files that have to be there with a
// file.
func (f *folder) companions() (ends []string) {
	if f.Ready == Marker {
		ends = append(ends, markerEnd)
	}
	if f.Count == CountFile {
		ends = append(ends, countEnd)
	}
	return ends
}

// open makes the folders of ours. The drop folder has to be there: one that is
// missing may be a share that is not connected.
func (f *folder) open() error {
	doing := "open the drop folder " + f.Folder
	info, err := os.Stat(f.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir():
		return &erp.Error{Fault: erp.Misconfigured, Doing: doing, What: "there is no such folder", Next: "make it, connect the share, or correct folder", Err: err}
	case err != nil:
		return trouble(doing, err)
	}
	dirs := []string{f.Work, f.Archive, f.Errors}
	if f.Out != "" {
		dirs = append(dirs, f.Out)
	}
	for _, dir := range dirs {
		if exists(dir) {
			continue
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return trouble("make the folder "+dir, err)
		}
	}
	return nil
}

// trouble is an error of the file system as one of the contract.
func trouble(doing string, err error) error {
	e := &erp.Error{Fault: erp.Unavailable, Doing: doing, What: err.Error(), Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Fault, e.Next = erp.Denied, "give the account of the gateway the right to read, write and delete there"
	case otherDisk(err):
		e.Fault, e.Next = erp.Misconfigured, "put the folders work, archive and error on the same disk as the drop folder"
	}
	return e
}

// take claims what is finished, the oldest first. Files that can not be claimed
// stay, and are told. A list of changes waits a while for an older one that
// another program has open, so that an older word does not come last.
func (f *folder) take(now time.Time) ([]erp.Problem, error) {
	stuck, err := f.resume()
	if err != nil {
		return nil, err
	}
	names, strange, err := f.look(now)
	if err != nil {
		return nil, err
	}
	var out []erp.Problem
	tell := func(name, what string) {
		if len(out) < mostTold {
			out = append(out, erp.Problem{Where: name, What: what})
		}
	}
	for _, name := range strange {
		tell(name, "it is not taken: its name fits none of "+strings.Join(f.Names, " ")+", or is too long or strange")
	}
	for _, name := range names {
		look := f.seen[name]
		err := stuck[name]
		if err == nil {
			if why := f.unfinished(name, now); why != "" {
				if now.Sub(look.first) >= patience {
					tell(name, why)
				}
				continue
			}
			err = f.claim(name, now)
		}
		switch {
		case err == nil && f.overtaken[name]:
			delete(f.overtaken, name)
			tell(name, "it could not be taken before files that came later: an order that is in both is now as this older file has it; drop the later file again")
		case otherDisk(err):
			return nil, trouble("take "+name, err)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			tell(name, "it can not be taken yet: "+shorten(err.Error(), 300)+"; another program may have it open; it is tried again")
			if f.Content == Changes && now.Sub(look.first) < patience {
				return out, nil
			}
			f.overtaken[name] = f.Content == Changes
		}
	}
	return out, nil
}

// look gives the files that may be taken, the oldest first, and those that are
// of no kind that is known.
func (f *folder) look(now time.Time) (names, strange []string, err error) {
	entries, err := os.ReadDir(f.Folder)
	if err != nil {
		return nil, nil, trouble("look into the drop folder "+f.Folder, err)
	}
	looks := map[string]sight{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // gone meanwhile, or a folder
		}
		look := sight{info.Size(), info.ModTime(), now, now}
		if before, ok := f.seen[e.Name()]; ok {
			look.first = before.first
			if before.size == look.size && before.mod.Equal(look.mod) {
				look.since = before.since
			}
		}
		looks[e.Name()] = look
		switch {
		case passing(e.Name()):
		case f.fits(e.Name()):
			names = append(names, e.Name())
		default:
			strange = append(strange, e.Name())
		}
	}
	f.seen = looks
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(looks[x].mod.Compare(looks[y].mod), strings.Compare(x, y))
	})
	return names, strange, nil
}

// passing says that a name is of something that is being written, that belongs
// to another file, or that a system leaves everywhere.
func passing(name string) bool {
	small := strings.ToLower(name)
	for _, start := range []string{"~", "."} {
		if strings.HasPrefix(small, start) {
			return true
		}
	}
	for _, end := range []string{".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~", markerEnd, countEnd} {
		if strings.HasSuffix(small, end) {
			return true
		}
	}
	return small == "desktop.ini" || small == "thumbs.db"
}

// fits says that one of the patterns has the name.
func (f *folder) fits(name string) bool {
	if strings.HasSuffix(strings.ToLower(name), reasonEnd) || len(name) > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	return slices.ContainsFunc(f.Names, func(p string) bool {
		ok, err := filepath.Match(strings.ToLower(p), strings.ToLower(name))
		return ok && err == nil
	})
}

// unfinished says why a file is not taken yet, empty if it is finished.
func (f *folder) unfinished(name string, now time.Time) string {
	look := f.seen[name]
	if look.size == 0 {
		return "it is empty; if nobody is writing it, remove it"
	}
	for _, end := range f.companions() {
		other, there := f.seen[name+end]
		switch {
		case !there:
			return "it waits for " + name + end
		case end == countEnd && (other.size == 0 || f.Ready == Stable && now.Sub(other.since) < f.Settle):
			return name + end + " is empty, or still changes"
		}
	}
	if f.Ready == Stable && (look.since.Equal(now) || now.Sub(look.since) < f.Settle) {
		return "it still changes"
	}
	return ""
}
