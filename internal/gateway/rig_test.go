package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// twoMachines reads two counters and a run bit of a device that is not there.
const twoMachines = `
site: test
prodsmart: {mode: dry-run, report_every: 1s}
connections:
  gw: {modbus: {address: "tcp://127.0.0.1:1", every: 1s, timeout: 200ms}}
machines:
  M1:
    connection: gw
    count: {tag: "holding:0", is: good, max_rate: 100/s, burst: 100}
    state: {tag: "discrete:0", running: true, stop_after: 10s, run_after: 1s}
    default_type: HALT
  M2:
    connection: gw
    count: {tag: "holding:1", is: good, max_rate: 100/s, burst: 100}
metrics: {listen: none}
board: {listen: none}
`

// configured loads a configuration whose data folder is dir.
func configured(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	path := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(path, []byte("data: "+filepath.Join(dir, "data")+"\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(path, config.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

// fakeVault is a store in memory that fails and hangs on demand.
type fakeVault struct {
	mu     sync.Mutex
	writes []store.Write
	tries  []time.Time
	fail   error
	hang   chan struct{} // Commit waits until it is closed
}

func (v *fakeVault) Commit(ctx context.Context, w store.Write) error {
	v.mu.Lock()
	v.tries = append(v.tries, time.Now())
	hang, fail := v.hang, v.fail
	v.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil && len(w.Machines)+len(w.Records)+len(w.Events)+len(w.Posts) > 0 {
		return fail
	}
	for _, r := range w.Records {
		if r.Revision == 99 {
			return uplink.ErrConflict
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(w.Machines)+len(w.Records)+len(w.Events)+len(w.Posts) > 0 {
		v.writes = append(v.writes, w)
	}
	return nil
}

func (v *fakeVault) Record(context.Context, string) (uplink.Record, uint64, error) {
	return uplink.Record{}, 0, nil
}

func (v *fakeVault) set(fail error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = fail
}

// freeze lets commits hang until the returned function is called.
func (v *fakeVault) freeze() (release func()) {
	hang := make(chan struct{})
	v.mu.Lock()
	v.hang = hang
	v.mu.Unlock()
	return func() {
		v.mu.Lock()
		v.hang = nil
		v.mu.Unlock()
		close(hang)
	}
}

func (v *fakeVault) taken() []store.Write {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.writes)
}

// reports keeps what the units report.
type reports struct {
	mu   sync.Mutex
	last map[string]prodsmart.Report
}

func (r *reports) Report(machine string, report prodsmart.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]prodsmart.Report{}
	}
	r.last[machine] = report
}

func (r *reports) of(machine string) prodsmart.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[machine]
}

// bench is a keeper at work with the units of twoMachines, and no store.
type bench struct {
	*Gateway
	vault    *fakeVault
	reports  *reports
	log      *logged
	watched  []watched
	mu       sync.Mutex
	failures []error // as told to the keeper's owner; nil for a recovery
	end      context.CancelFunc
	ended    chan error
}

// newBench must be called in the bubble that its time belongs to; stop ends it.
func newBench(t *testing.T, c *config.Config) *bench {
	t.Helper()
	b := &bench{vault: &fakeVault{}, reports: &reports{}, log: &logged{}, ended: make(chan error, 1)}
	b.Gateway = &Gateway{config: c, started: time.Now(), alarm: newAlarm(), isReady: make(chan struct{}), log: slog.New(slog.NewTextHandler(b.log, nil))}
	b.keeper = newKeeper(b.vault, func(err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failures = append(b.failures, err)
	})
	b.notify = newNotifier(b.Gateway.log)
	b.notify.keeper, b.health = b.keeper, b.notify.health
	for i := range c.Machines {
		if err := b.addUnit(&c.Machines[i], nil); err != nil {
			t.Fatal(err)
		}
		b.units[i].report = b.reports
	}
	b.watched = make([]watched, len(b.units))
	ctx, cancel := context.WithCancel(context.Background())
	b.end = cancel
	go func() { b.ended <- b.keeper.run(ctx) }()
	return b
}

func (b *bench) stop() error {
	b.end()
	return <-b.ended
}

func (b *bench) failed() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.failures)
}

// read steps a machine with samples of its signals, in the order of its tags.
func (b *bench) read(machine int, values ...connectors.Value) {
	mine := mapping.Batch{Time: time.Now(), Connection: "gw"}
	for i, v := range values {
		mine.Readings = append(mine.Readings, mapping.Reading{Signal: i, Sample: &connectors.Sample{Value: v, Quality: connectors.Good}})
	}
	b.units[machine].step(&mine, false, b.started)
}

// pass lets a time pass as the gateway's watch sees it, a second at a time.
func (b *bench) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(watchEvery)
		for i, u := range b.units {
			b.watchMachine(u, &b.watched[i])
		}
		b.notify.pass(time.Now())
	}
}

// logged keeps log lines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with gives the lines with a text.
func (l *logged) with(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// totalIn is the count that a saved state holds.
func totalIn(t *testing.T, state []byte) string {
	t.Helper()
	var s struct {
		Counters map[string]struct{ Total mapping.Number }
	}
	if err := json.Unmarshal(state, &s); err != nil {
		t.Fatalf("%v: %s", err, state)
	}
	return s.Counters["count"].Total.String()
}

var errDisk = errors.New("the disk is gone")
