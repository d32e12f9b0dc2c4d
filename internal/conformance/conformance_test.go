//go:build unix

package conformance

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// randomFaults in a row and reconnects are what the long runs play; short runs
// and slow ones play one in fewer of them.
const (
	randomFaults = 100
	fewer        = 10
	reconnects   = 1000
	twoHours     = 2 * time.Hour
	weekend      = 62 * time.Hour
)

// subject is one make of peer.
type subject struct {
	// name is that of its subtests: go test -run TestConformance/Recovery/NAME.
	name string
	// make makes the subject and says its peer's version.
	make func(*testing.T) (connectortest.Subject, string)
	// reconnects is how many of them its long run plays.
	reconnects int
}

// subjects are all of them. A serial line, or what stands for one, needs a second
// for a connection, so these play fewer reconnects.
func subjects() []subject {
	return []subject{
		{"modbus-pymodbus", pymodbus, reconnects},
		{"modbus-rtu-over-tcp", pymodbusRTU, reconnects / fewer},
		{"modbus-serial", serial, reconnects / fewer},
		{"modbus-libmodbus", libmodbus, reconnects},
		{"mqtt-mosquitto", mosquitto, reconnects},
		{"mqtt-sparkplug", edgeNode, reconnects},
		{"opcua-node-opcua", nodeOPCUA, reconnects},
	}
}

// unfinished is what the page says of a subject until it knows better.
func (s subject) unfinished() string {
	return s.name + ": **not run to its end**: a program is missing, or something failed"
}

// TestConformance runs every case for every subject, then what takes long, and
// writes the page that the environment names by CONFORMANCE_PAGE. The seed of
// the random faults comes from CONFORMANCE_SEED or from the clock.
func TestConformance(t *testing.T) {
	page := Page{Time: time.Now(), Machine: machine()}
	var waiting sync.WaitGroup // both do little but wait
	waiting.Go(func() { t.Run("Recovery", func(t *testing.T) { recovery(t, &page, subjects()) }) })
	waiting.Go(func() { t.Run("RandomFaults", func(t *testing.T) { randomly(t, &page, subjects()) }) })
	waiting.Wait()
	t.Run("Endurance", func(t *testing.T) { endurance(t, &page, subjects()) })
	leave(t, page)
}

// endurance plays what counts goroutines and descriptors, one subject at a time.
func endurance(t *testing.T, page *Page, subjects []subject) {
	for _, subject := range subjects {
		t.Run(subject.name, func(t *testing.T) {
			page.Endurance = append(page.Endurance, subject.unfinished())
			last := &page.Endurance[len(page.Endurance)-1]
			s, _ := subject.make(t)
			about := s.Protocol + ", " + s.Peer + ": "
			if subject.reconnects < reconnects && os.Getenv("CONFORMANCE_PAGE") == "" {
				*last = about + connectortest.Reconnects(t, s, subject.reconnects/fewer) // the whole takes minutes
				return
			}
			*last = about + connectortest.Reconnects(t, s, scaled(subject.reconnects))
			for _, off := range []time.Duration{twoHours, weekend} {
				if off == weekend && testing.Short() {
					continue
				}
				page.Endurance = append(page.Endurance, about+connectortest.Off(t, s, off))
			}
		})
	}
}

// scaled is a number of repetitions, less in short runs.
func scaled(n int) int {
	if testing.Short() {
		return n / fewer
	}
	return n
}

// recovery runs the cases, all subjects side by side.
func recovery(t *testing.T, page *Page, subjects []subject) {
	results := make([][]connectortest.Result, len(subjects))
	peers := make([]string, len(subjects))
	together(t, subjects, func(t *testing.T, i int) {
		peers[i] = subjects[i].unfinished()
		s, version := subjects[i].make(t)
		peers[i] = fmt.Sprintf("%s: %s %s", s.Protocol, s.Peer, version)
		results[i] = connectortest.Recover(t, s, connectortest.Cases())
	})
	for i := range subjects {
		page.Peers = append(page.Peers, peers[i])
		page.Results = append(page.Results, results[i]...)
	}
}

// randomly plays the random faults, all subjects side by side.
func randomly(t *testing.T, page *Page, subjects []subject) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CONFORMANCE_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	lines := make([]string, len(subjects))
	together(t, subjects, func(t *testing.T, i int) {
		lines[i] = subjects[i].unfinished()
		s, _ := subjects[i].make(t)
		lines[i] = s.Protocol + ", " + s.Peer + ": " + connectortest.RandomFaults(t, s, scaled(randomFaults), seed)
	})
	page.Endurance = append(page.Endurance, lines...)
}

// together runs a step for every subject at a time. It does not use t.Parallel,
// which runs as many as there are cores: these wait.
func together(t *testing.T, subjects []subject, step func(*testing.T, int)) {
	t.Helper()
	var all sync.WaitGroup
	for i := range subjects {
		all.Go(func() { t.Run(subjects[i].name, func(t *testing.T) { step(t, i) }) })
	}
	all.Wait()
}

// leave writes the page where it is wanted.
func leave(t *testing.T, page Page) {
	t.Helper()
	file := os.Getenv("CONFORMANCE_PAGE")
	if file == "" {
		return
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Write(out); err != nil {
		t.Error(err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}

// machine describes the computer.
func machine() string {
	processor := "a processor that does not say its name"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				processor = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s (%s/%s), %s", runtime.NumCPU(), processor, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
