package connectortest

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// remains is what a process holds at a moment.
type remains struct {
	// stacks are those of the goroutines, each beginning with its number.
	stacks []string
	// files are the open descriptors: what each stands for. Empty where the
	// system does not tell.
	files []string
}

// present gives what this process holds now.
func present() remains {
	buffer := make([]byte, 1<<20)
	stacks := string(buffer[:runtime.Stack(buffer, true)])
	return remains{stacks: strings.Split(stacks, "\n\n"), files: descriptors()}
}

// beyond says what of r is too much, if r is more than before and a margin.
func (r remains) beyond(before remains, margin int) []string {
	var out []string
	if n := len(r.stacks) - len(before.stacks); n > margin {
		out = append(out, fmt.Sprintf("%d goroutines more:\n\n%s", n, strings.Join(additional(before.stacks, r.stacks), "\n\n")))
	}
	if n := len(r.files) - len(before.files); n > margin {
		out = append(out, fmt.Sprintf("%d open descriptors more:\n  %s", n, strings.Join(additional(before.files, r.files), "\n  ")))
	}
	return out
}

// settled waits until no connection is open at the proxy and the numbers of
// goroutines and descriptors have not fallen for half a second, and gives them.
func settled(p *Proxy) remains {
	goroutines, files := counts()
	since := time.Now()
	for deadline := since.Add(FreshWithin); time.Now().Before(deadline) && (p.Open() > 0 || time.Since(since) < 500*time.Millisecond); {
		pause(20 * time.Millisecond)
		g, f := counts()
		if g < goroutines || f < files {
			since = time.Now()
		}
		goroutines, files = min(g, goroutines), min(f, files)
	}
	return present()
}

// settledTo is settled that also waits, within FreshWithin, for the process to
// come down to what it held before and a margin.
func settledTo(p *Proxy, before remains, margin int) remains {
	now := settled(p)
	for deadline := time.Now().Add(FreshWithin); len(now.beyond(before, margin)) > 0 && time.Now().Before(deadline); now = present() {
		if len(now.beyond(before.with(now.pipes()), margin)) == 0 {
			runtime.GC()
			runtime.GC() // a pool gives up what it held at the collection before
		}
		for next := time.Now().Add(500 * time.Millisecond); time.Now().Before(next); pause(20 * time.Millisecond) {
			if g, f := counts(); g < len(now.stacks) || f < len(now.files) {
				break
			}
		}
	}
	return now
}

// pipes lists the pipes. Go keeps those by which it copies from one socket to
// another for the next copy, until it collects garbage.
func (r remains) pipes() []string {
	return slices.DeleteFunc(slices.Clone(r.files), func(name string) bool { return !strings.HasPrefix(name, "pipe:") })
}

// with is r with these pipes in place of its own.
func (r remains) with(pipes []string) remains {
	others := slices.DeleteFunc(slices.Clone(r.files), func(name string) bool { return strings.HasPrefix(name, "pipe:") })
	return remains{stacks: r.stacks, files: append(others, pipes...)}
}

// counts are the numbers of goroutines and open descriptors. To count leaves no
// garbage to speak of: whoever collects it also closes what others have lost.
func counts() (goroutines, files int) {
	if entries, err := os.ReadDir(folder); err == nil {
		files = len(entries) - 1 // the folder itself was open
	}
	return runtime.NumGoroutine(), files
}

// folder is where a system that does so names the descriptors of a process.
const folder = "/proc/self/fd"

// additional lists what of after is not in before. Goroutines and descriptors
// are known by what stands before the first " [".
func additional(before, after []string) []string {
	known := map[string]bool{}
	for _, one := range before {
		id, _, _ := strings.Cut(one, " [")
		known[id] = true
	}
	return slices.DeleteFunc(slices.Clone(after), func(one string) bool {
		id, _, _ := strings.Cut(one, " [")
		return known[id]
	})
}

// descriptors lists the open files and sockets of this process as the system
// names them; of TCP sockets also both ends and the state. It is empty where
// the system does not tell.
func descriptors() []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var out []string
	var ends map[string]string
	for _, e := range entries {
		name, err := os.Readlink(filepath.Join(folder, e.Name()))
		if err != nil {
			continue // it was closed meanwhile, as the folder's own is
		}
		if inode, ok := strings.CutPrefix(name, "socket:["); ok {
			if ends == nil {
				ends = sockets()
			}
			inode = strings.TrimSuffix(inode, "]")
			name = "socket " + inode + " [" + ends[inode] + "]"
		}
		out = append(out, name)
	}
	return out
}

// sockets gives the ends and the state of the TCP sockets of this computer by
// the number of their inode.
func sockets() map[string]string {
	out := map[string]string{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(file); s.Scan(); {
			// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
			if f := strings.Fields(s.Text()); len(f) > 9 && f[9] != "0" {
				out[f[9]] = fmt.Sprintf("%s->%s, state %s", endpoint(f[1]), endpoint(f[2]), f[3])
			}
		}
		_ = file.Close()
	}
	return out
}

// endpoint reads an address of these tables: words in the byte order of a
// little-endian computer, and a port.
func endpoint(text string) string {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return text
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	var n uint16
	if _, err := fmt.Sscanf(port, "%x", &n); err != nil || !ok {
		return text
	}
	return netip.AddrPortFrom(addr.Unmap(), n).String()
}
