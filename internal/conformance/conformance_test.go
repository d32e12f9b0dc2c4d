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

// TestRecovery runs every case for every subject, and writes the page that the
// environment names by CONFORMANCE_PAGE.
func TestRecovery(t *testing.T) {
	page := Page{Time: time.Now(), Machine: machine()}
	subjects := []func(*testing.T) (connectortest.Subject, string){pymodbus, libmodbus, mosquitto, nodeOPCUA}
	results := make([][]connectortest.Result, len(subjects))
	peers := make([]string, len(subjects))
	// Not t.Parallel: that runs as many at a time as there are cores, and
	// these wait.
	var all sync.WaitGroup
	for i, subject := range subjects {
		all.Go(func() {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				s, version := subject(t)
				peers[i] = fmt.Sprintf("%s: %s %s", s.Protocol, s.Peer, version)
				results[i] = connectortest.Recover(t, s, connectortest.Cases())
			})
		})
	}
	all.Wait()
	for i := range subjects {
		page.Peers = append(page.Peers, peers[i])
		page.Results = append(page.Results, results[i]...)
	}
	leave(t, page)
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
