package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// TestDeadlines lets a machine stop and says nothing more: time alone begins
// the downtime.
func TestDeadlines(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		ctx, cancel := context.WithCancel(context.Background())
		ticked := make(chan struct{})
		go func() { defer close(ticked); b.tick(ctx) }()
		b.read(0, connectors.Int(5), connectors.Bool(true))
		time.Sleep(time.Minute)
		b.read(0, connectors.Int(9), connectors.Bool(false))
		stopped := time.Now()
		time.Sleep(9900 * time.Millisecond)
		if r := b.reports.of("M1"); r.Stop.Episode != 0 || r.Count != 4 {
			t.Errorf("before its time: %+v", r)
		}
		time.Sleep(200 * time.Millisecond)
		if r := b.reports.of("M1"); r.Stop.Episode != 1 || r.Stop.Type != "HALT" || !r.Stop.Since.Equal(stopped) {
			t.Errorf("after its time: %+v", r)
		}
		_, times := b.units[0].status(time.Now())
		if running, standing := times[mapping.Running], times[mapping.Stopped]; running != time.Minute || standing != 10100*time.Millisecond {
			t.Errorf("ran %v, stood %v", running, standing)
		}
		time.Sleep(time.Second)
		var states []string
		for _, w := range b.vault.taken() {
			for _, m := range w.Machines {
				states = append(states, m.Code)
			}
		}
		if len(states) < 2 || len(states) > 4 {
			t.Errorf("states saved: %v", states)
		}
		cancel()
		<-ticked
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

// running is a gateway at work in this process.
type running struct {
	*Gateway
	end  context.CancelFunc
	done chan error
}

func runGateway(t *testing.T, c *config.Config) *running {
	t.Helper()
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return runNew(t, g)
}

// runNew runs a gateway that is not running yet.
func runNew(t *testing.T, g *Gateway) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Gateway: g, end: cancel, done: make(chan error, 1)}
	go func() { r.done <- g.Run(ctx) }()
	return r
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.end()
	select {
	case err := <-r.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the gateway does not end")
	}
}

// hear gives the gateway what its one device would have said.
func (r *running) hear(holding0, holding1 int64, run bool) {
	feed := r.links[0].feed
	batch := connectors.Batch{Time: time.Now()}
	for i, tag := range feed.Tags {
		value := map[string]connectors.Value{
			"holding:0": connectors.Int(holding0), "holding:1": connectors.Int(holding1), "discrete:0": connectors.Bool(run),
		}[tag.Address]
		batch.Samples = append(batch.Samples, connectors.Sample{Tag: i, Value: value, Quality: connectors.Good})
	}
	r.ingest(feed, batch)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// toldOf is the count that the uplink was given of a machine.
func (r *running) toldOf(code string) int64 {
	for _, m := range r.Status().Uplink.Machines {
		if m.Machine == code {
			return m.Report.Count
		}
	}
	return -1
}

func TestRestartGoesOn(t *testing.T) {
	dir := t.TempDir()
	c := configured(t, dir, twoMachines)
	g := runGateway(t, c)
	g.hear(1000, 50, true)
	g.hear(1003, 50, true)
	g.hear(1007, 58, true)
	<-g.Ready()
	eventually(t, "the uplink does not hear", func() bool { return g.toldOf("M1") == 7 && g.toldOf("M2") == 8 })
	g.stop(t)

	// What was decided is told again before any device has spoken; what was made
	// meanwhile is added, once.
	g = runGateway(t, c)
	eventually(t, "the totals do not come back", func() bool { return g.toldOf("M1") == 7 && g.toldOf("M2") == 8 })
	if s := g.Status().Machines[0]; s.State != mapping.Unknown {
		t.Errorf("after a start %v is known", s.State)
	}
	g.hear(1012, 58, true)
	eventually(t, "the count does not go on", func() bool { return g.toldOf("M1") == 12 && g.toldOf("M2") == 8 })
	g.stop(t)

	// Another code for the same machine takes its total along.
	g = runGateway(t, configured(t, dir, strings.Replace(twoMachines, "  M1:\n", "  M9:\n    was: M1\n", 1)))
	eventually(t, "the renamed machine begins anew", func() bool { return g.toldOf("M9") == 12 && g.toldOf("M2") == 8 })
	g.stop(t)
}

// TestStoreAtTheEnd looks at what a clean end leaves behind.
func TestStoreAtTheEnd(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	g := runGateway(t, c)
	g.hear(0, 0, true)
	g.hear(0, 5, true)
	g.stop(t)
	r, err := store.OpenReader(StorePath(c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	machines, err := r.Machines(t.Context())
	if err != nil || len(machines) != 2 || totalIn(t, machines[1].State) != "5" {
		t.Errorf("%v, %v", machines, err)
	}
	events, err := r.Journal(t.Context(), store.Query{Machine: "M2", Kind: "R2"})
	if err != nil || len(events) != 1 {
		t.Errorf("journal %v, %v", events, err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	c := configured(t, dir, twoMachines)
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, Options{Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second gateway on one store: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data = file
	if _, err := New(c, Options{Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as data folder: %v", err)
	}
}
