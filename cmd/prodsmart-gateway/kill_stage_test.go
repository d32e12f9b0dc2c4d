package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
)

const killKey, killSecret = "kill", "not-a-real-secret"

// stage is everything around the gateway, and the gateway itself.
type stage struct {
	seed            uint64
	program, config string
	data, logs      string
	plant           *plant.Plant
	pulses          *pulses
	watcher         *watcher
	auditor         auditor
	unsaved         []string // what audits found
	// requested has a token after a request has arrived at Prodsmart.
	requested chan struct{}
	life      *life
	lives     []*life
	killed    int
}

func newStage(t *testing.T, seed uint64) *stage {
	dir := t.TempDir()
	s := &stage{
		seed: seed, config: filepath.Join(dir, "gateway.yaml"), data: filepath.Join(dir, "data"), logs: filepath.Join(dir, "logs"),
		requested: make(chan struct{}, 1),
	}
	if err := os.Mkdir(s.logs, 0o700); err != nil {
		t.Fatal(err)
	}
	s.program = buildGateway(t)
	var err error
	s.plant, err = plant.New(plant.Options{
		Key: killKey, Secret: killSecret, Seed: seed, Faults: true, Resets: true, Blind: true,
		Timing: plant.Timing{
			StopAfter: 2 * time.Second, RunMin: 8 * time.Second, RunMax: 16 * time.Second,
			StopMin: 4 * time.Second, StopMax: 9 * time.Second,
			MicroMin: 150 * time.Millisecond, MicroMax: 350 * time.Millisecond,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.plant.Close)
	s.pulses = newPulses(t, seed, "PULSE-1", "PULSE-2")
	for _, code := range []string{"PULSE-1", "PULSE-2"} {
		if err := s.plant.MES().AddMachine(mes.MachineSetup{Code: code, InProduction: true}); err != nil {
			t.Fatal(err)
		}
	}
	door := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(door.Close)
	opcua, modbus, mqtt, _, _ := s.plant.Addresses()
	text, err := os.ReadFile(filepath.Join("testdata", "kill.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("http://PRODSMART", door.URL, "//OPCUA", "//"+opcua, "//MODBUS", "//"+modbus,
		"//BROKER", "//"+mqtt, "//MOSQUITTO", "//"+s.pulses.cable.Addr()).Replace(string(text))
	if err := os.WriteFile(s.config, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	s.watcher = watch(s.plant)
	t.Cleanup(s.watcher.stop)
	t.Cleanup(func() {
		if s.life != nil && s.life.alive() == nil {
			_ = s.life.kill()
		}
	})
	return s
}

// receive is Prodsmart's door: it notes that somebody is there, and what they
// say.
func (s *stage) receive(w http.ResponseWriter, r *http.Request) {
	select {
	case s.requested <- struct{}{}:
	default:
	}
	s.auditor.serve(w, r, s.plant.MES())
}

// begin starts the next life.
func (s *stage) begin(t *testing.T) {
	t.Helper()
	l, err := startLife(s.program, s.config, filepath.Join(s.logs, fmt.Sprintf("%03d.log", len(s.lives))))
	if err != nil {
		t.Fatal(err)
	}
	s.life = l
	s.lives = append(s.lives, l)
}

func (s *stage) kill(t *testing.T) {
	t.Helper()
	if err := s.life.kill(); err != nil {
		t.Fatalf("before kill %d: %v", len(s.lives), err)
	}
	for _, problem := range s.auditor.audit(t, s.data) {
		s.unsaved = append(s.unsaved, fmt.Sprintf("life %d: %s", len(s.lives)-1, problem))
	}
}

// live lets the gateway be for a while.
func (s *stage) live(t *testing.T, span time.Duration) {
	t.Helper()
	end := time.NewTimer(span)
	defer end.Stop()
	select {
	case <-end.C:
	case <-s.life.gone:
		t.Fatal(s.life.alive())
	}
}

// liveUntilPost lets the gateway be until a request arrives, for at most the
// span, and for a moment more.
func (s *stage) liveUntilPost(t *testing.T, span, moment time.Duration) {
	t.Helper()
	select {
	case <-s.requested: // of a former life
	default:
	}
	end := time.NewTimer(span)
	defer end.Stop()
	select {
	case <-s.requested:
		s.live(t, moment)
	case <-end.C:
	case <-s.life.gone:
		t.Fatal(s.life.alive())
	}
}

// await waits for a condition while the gateway lives.
func (s *stage) await(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); <-time.After(20 * time.Millisecond) {
		if err := s.life.alive(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.life.log)
			t.Fatalf("%s: not within %v\n%s", what, within, log)
		}
	}
}

// posted says whether a counter call of each machine has come.
func (s *stage) posted(machines ...string) bool {
	seen := map[string]bool{}
	for _, c := range s.plant.MES().Calls(0) {
		seen[c.Machine] = seen[c.Machine] || c.Service == "counter"
	}
	for _, m := range machines {
		if !seen[m] {
			return false
		}
	}
	return true
}

func (s *stage) lastCall() uint64 {
	calls := s.plant.MES().Calls(0)
	if len(calls) == 0 {
		return 0
	}
	return calls[len(calls)-1].Number
}

// made is the number of good pieces of each machine.
func (s *stage) made() map[string]int64 {
	made := s.pulses.made()
	for _, m := range s.plant.Truth() {
		made[m.Machine] = m.Good
	}
	return made
}

// troubles are what Prodsmart does besides its work.
func troubles() []mes.Fault {
	return []mes.Fault{
		{Kind: mes.FaultDropAfter, Chance: 0.10},
		{Kind: mes.FaultDropBefore, Chance: 0.05},
		{Kind: mes.FaultStatus, Status: 503, Chance: 0.06},
		{Kind: mes.FaultLimit, RetryAfter: time.Second, Chance: 0.04},
		{Kind: mes.FaultLatency, Delay: 30 * time.Millisecond, Chance: 0.2},
		{Kind: mes.FaultLatency, Delay: 250 * time.Millisecond, Chance: 0.2},
	}
}

// lies are refusals of counts that are in order. A client must take one as the
// truth where it answers a count that was sent before, so they are told only
// about machines that can grow over it: those that count no waste.
func lies() []mes.Fault {
	var faults []mes.Fault
	for _, code := range liedAbout() {
		faults = append(faults, mes.Fault{Kind: mes.FaultStatus, Status: 400, Service: "counter", Machine: code, Chance: 0.15})
	}
	return faults
}

func liedAbout() []string { return []string{"OVEN-1", "SAW-2", "PULSE-1"} }

// addFaults returns the numbers of the faults.
func (s *stage) addFaults(t *testing.T, faults []mes.Fault) map[int]bool {
	t.Helper()
	ids := map[int]bool{}
	for _, f := range faults {
		id, err := s.plant.MES().AddFault(f)
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	return ids
}

func (s *stage) dropFaults(t *testing.T, ids map[int]bool) {
	t.Helper()
	rest := s.plant.MES().Faults()
	s.plant.MES().ClearFaults()
	for _, f := range rest {
		if !ids[f.ID] {
			s.addFaults(t, []mes.Fault{f})
		}
	}
}
