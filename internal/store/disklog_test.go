package store

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// diskOp is one thing the traced program did to a folder.
type diskOp struct {
	kind     string // create, write, truncate, sync, syncdir, rename, unlink, mark
	name, to string
	data     []byte
	at       int64
	line     int
}

func (o diskOp) String() string {
	return fmt.Sprintf("log line %d: %s %s %s at %d, %d bytes", o.line, o.kind, o.name, o.to, o.at, len(o.data))
}

// changes reports whether the op puts something on the disk.
func (o diskOp) changes() bool { return o.kind != "sync" && o.kind != "syncdir" && o.kind != "mark" }

var (
	logLine = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
	logCall = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+)(<.*)?`)
	fdPath  = regexp.MustCompile(`^(\d+)<(.*?)>(\(deleted\))?`)
	// fdMapped is the file behind a mapping; an anonymous one has none.
	fdMapped = regexp.MustCompile(`, \d+<((?:\\x[0-9a-f]{2})+)>`)
	quoted   = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
)

// readDiskLog turns the strace log of a program that worked in dir into what
// it did there, in order. Lines written to the marks file become marks.
func readDiskLog(t *testing.T, path, dir string) []diskOp {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := logReader{t: t, dir: dir, cursor: map[string]int64{}}
	begun := map[string]string{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<20)
	for r.line = 1; sc.Scan(); r.line++ {
		m := logLine.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		pid, text := m[1], m[2]
		if head, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			begun[pid] = head
			continue
		}
		if m := resumed.FindStringSubmatch(text); m != nil {
			text = begun[pid] + m[1]
		}
		if m := logCall.FindStringSubmatch(text); m != nil && !strings.HasPrefix(m[3], "-") {
			r.call(m[1], m[2], m[3], m[4])
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return r.ops
}

type logReader struct {
	t      *testing.T
	dir    string
	line   int
	cursor map[string]int64 // of each descriptor
	ops    []diskOp
}

func unhex(t *testing.T, s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		t.Fatalf("%v in %.60q", err, s)
	}
	return string(b)
}

// inDir gives the name inside the folder; "." for the folder itself.
func (r *logReader) inDir(path string) (string, bool) {
	rel, err := filepath.Rel(r.dir, path)
	return rel, err == nil && !strings.HasPrefix(rel, "..")
}

func (r *logReader) add(o diskOp) {
	// What SQLite keeps in -shm is rebuilt at each start.
	if strings.HasSuffix(o.name, "-shm") || o.name == lockName {
		return
	}
	o.line = r.line
	r.ops = append(r.ops, o)
}

func (r *logReader) call(name, args, ret, retPath string) {
	var texts []string
	for _, m := range quoted.FindAllStringSubmatch(args, -1) {
		texts = append(texts, unhex(r.t, m[1]))
	}
	switch name {
	case "open", "creat", "openat", "openat2":
		if n, ok := r.inDir(texts[0]); ok {
			r.cursor[ret] = 0
			if name == "creat" || strings.Contains(args, "O_CREAT") {
				r.add(diskOp{kind: "create", name: n})
			}
			if strings.Contains(args, "O_TRUNC") {
				r.add(diskOp{kind: "truncate", name: n})
			}
		}
		return
	case "rename", "renameat", "renameat2":
		from, ok := r.inDir(texts[0])
		if to, ok2 := r.inDir(texts[1]); ok && ok2 {
			r.add(diskOp{kind: "rename", name: from, to: to})
		}
		return
	case "unlink", "unlinkat":
		if n, ok := r.inDir(texts[0]); ok {
			r.add(diskOp{kind: "unlink", name: n})
		}
		return
	case "mmap":
		m := fdMapped.FindStringSubmatch(args)
		if m == nil || !strings.Contains(args, "PROT_WRITE") || !strings.Contains(args, "MAP_SHARED") {
			return
		}
		if n, ok := r.inDir(unhex(r.t, m[1])); ok && !strings.HasSuffix(n, "-shm") {
			r.t.Fatalf("log line %d: a file is written through memory, which this test can not see: %s", r.line, args)
		}
		return
	}
	r.descriptorCall(name, args, ret, texts)
}

// descriptorCall handles calls on an open file.
func (r *logReader) descriptorCall(name, args, ret string, texts []string) {
	m := fdPath.FindStringSubmatch(args)
	if m == nil || m[3] != "" {
		return
	}
	fd, path := m[1], unhex(r.t, m[2])
	n, ok := r.inDir(path)
	if !ok {
		return
	}
	rest := strings.Split(args, ", ")
	last := func() int64 {
		v, err := strconv.ParseInt(rest[len(rest)-1], 10, 64)
		if err != nil {
			r.t.Fatalf("log line %d: %v", r.line, err)
		}
		return v
	}
	switch name {
	case "pwrite64", "write":
		done, err := strconv.Atoi(ret)
		if err != nil || len(texts) != 1 || len(texts[0]) < done {
			r.t.Fatalf("log line %d: not the whole write is in the log", r.line)
		}
		data, at := []byte(texts[0][:done]), r.cursor[fd]
		if n == "marks" {
			r.add(diskOp{kind: "mark", name: n, data: data})
			return
		}
		if name == "pwrite64" {
			at = last()
		} else {
			r.cursor[fd] += int64(done)
		}
		r.add(diskOp{kind: "write", name: n, data: data, at: at})
	case "ftruncate":
		r.add(diskOp{kind: "truncate", name: n, at: last()})
	case "fsync", "fdatasync":
		kind := "sync"
		if n == "." {
			kind = "syncdir"
		}
		r.add(diskOp{kind: kind, name: n})
	case "fallocate", "link":
		r.t.Fatalf("log line %d: %s is not known to this test", r.line, name)
	}
}

// inode is the content of a file: as the program sees it, as the last sync left
// it, and what was done since.
type inode struct {
	now, synced []byte
	pending     []diskOp
}

func apply(b []byte, o diskOp) []byte {
	switch end := o.at + int64(len(o.data)); {
	case o.kind == "truncate" && o.at <= int64(len(b)):
		return b[:o.at]
	case o.kind == "truncate":
		return append(b, make([]byte, o.at-int64(len(b)))...)
	default:
		if end > int64(len(b)) {
			b = append(b, make([]byte, end-int64(len(b)))...)
		}
		copy(b[o.at:], o.data)
		return b
	}
}

// disk is a folder whose power can be cut.
type disk struct {
	names, syncedNames map[string]*inode
}

func newDisk() *disk { return &disk{names: map[string]*inode{}, syncedNames: map[string]*inode{}} }

func (d *disk) do(o diskOp) {
	switch o.kind {
	case "create":
		if d.names[o.name] == nil {
			d.names[o.name] = &inode{}
		}
	case "write", "truncate":
		if f := d.names[o.name]; f != nil {
			f.now = apply(f.now, o)
			f.pending = append(f.pending, o)
		}
	case "sync":
		if f := d.names[o.name]; f != nil {
			f.synced = append(f.synced[:0], f.now...)
			f.pending = nil
		}
	case "syncdir":
		d.syncedNames = maps.Clone(d.names)
	case "rename":
		if d.names[o.name] == nil {
			panic("a file is renamed whose creation was not seen: " + o.String())
		}
		d.names[o.to] = d.names[o.name]
		delete(d.names, o.name)
	case "unlink":
		delete(d.names, o.name)
	}
}

// inOrder is what is there if everything that was written arrived, and torn of
// the next op's bytes.
func (d *disk) inOrder(next diskOp, torn int) map[string][]byte {
	out := map[string][]byte{}
	for n, f := range d.names {
		out[n] = slices.Clone(f.now)
	}
	if next.kind == "write" && d.names[next.name] != nil {
		next.data = next.data[:torn]
		out[next.name] = apply(out[next.name], next)
	}
	return out
}

// syncedOnly is what is there if nothing arrived that was not synced: neither
// data nor names.
func (d *disk) syncedOnly() map[string][]byte {
	out := map[string][]byte{}
	for n, f := range d.syncedNames {
		out[n] = slices.Clone(f.synced)
	}
	return out
}

// anyOrder is what is there if of the data that was not synced each sector
// arrived or not, by chance. Names arrived all, or only those synced.
func (d *disk) anyOrder(rnd *rand.Rand) map[string][]byte {
	names := d.names
	if rnd.IntN(3) == 0 {
		names = d.syncedNames
	}
	out := map[string][]byte{}
	for n, f := range names {
		b := slices.Clone(f.synced)
		for _, o := range f.pending {
			if o.kind == "truncate" {
				if rnd.IntN(2) == 0 {
					b = apply(b, o)
				}
				continue
			}
			for at := 0; at < len(o.data); {
				// Up to the next sector boundary of the file.
				size := min(len(o.data)-at, 512-int(o.at+int64(at))%512)
				if rnd.IntN(3) > 0 {
					b = apply(b, diskOp{kind: "write", data: o.data[at : at+size], at: o.at + int64(at)})
				}
				at += size
			}
		}
		out[n] = b
	}
	return out
}
