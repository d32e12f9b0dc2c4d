package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
)

const (
	// calmEvery is how often a life is long enough for everything that a young
	// gateway holds back: posts whose answer was unclear wait for five seconds.
	calmEvery = 25
	calmLife  = 6 * time.Second
	// agreeFor is how long truth and told must agree to be believed; silentFor
	// is how long a gateway that still has something to tell may say nothing.
	agreeFor  = 3 * time.Second
	silentFor = 20 * time.Second
	// stopWithin is how long SIGTERM may take.
	stopWithin = 5 * time.Second
)

// TestKill kills the real program again and again, at random instants and while
// its requests are on their way, on one data folder, while machines produce,
// wrap, forget their counters and lose their cables, and while Prodsmart
// applies, drops answers, refuses and delays. Then everything is given peace,
// and what Prodsmart was told is compared with what was made. After each kill the
// store is compared with the requests that arrived.
//
// There are 60 kills, which take a minute and a half; 300, in some five minutes,
// if CI=true; 20 with -short; any number with KILLS=n. SEED=n repeats the
// plant's and the test's dice; the instants of a run can not be repeated exactly.
// Without mosquitto the test is skipped, unless PEERS=required.
func TestKill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM for a program without a console")
	}
	kills, seed := killsWanted(t), seedWanted(t)
	t.Logf("seed %d, %d kills", seed, kills)
	s := newStage(t, seed)
	s.open(t)
	began := time.Now()
	s.storm(t, kills)
	t.Logf("%d kills in %v", kills, time.Since(began).Round(time.Second))
	s.peace(t)
	s.stop(t)
	s.judge(t)
}

func killsWanted(t *testing.T) int {
	if text := os.Getenv("KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("KILLS=%s is no number of kills", text)
		}
		return n
	}
	switch {
	case testing.Short():
		return 20
	case os.Getenv("CI") == "true":
		return 300
	}
	return 60
}

func seedWanted(t *testing.T) uint64 {
	text := os.Getenv("SEED")
	if text == "" {
		return rand.Uint64N(1_000_000)
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEED=%s is no seed", text)
	}
	return seed
}

// open brings the gateway up in peace, before anything is produced: a counter
// that was never read and saved has no beginning to count from.
func (s *stage) open(t *testing.T) {
	s.begin(t)
	s.await(t, "the first counts of the machines that are polled", 15*time.Second, func() bool {
		return s.posted("BEND-2", "PRESS-1", "FILL-1", "IMM-01", "IMM-02", "PACK-1", "OVEN-1") &&
			s.life.says("connection=floor") && s.life.says("connection=pulses")
	})
	s.plant.Start()
	s.pulses.start()
	s.await(t, "the first counts of the machines that speak up", time.Minute, func() bool {
		return s.posted("SAW-1", "SAW-2", "LABEL-1", "PULSE-1", "PULSE-2")
	})
}

// storm kills the gateway again and again, and ends with a living one. The last
// quarter of the lives sees no lies any more.
func (s *stage) storm(t *testing.T, kills int) {
	s.addFaults(t, troubles())
	lies := s.addFaults(t, lies())
	random := rand.New(rand.NewPCG(s.seed, 3))
	for n := range kills {
		if n == kills*3/4 {
			s.dropFaults(t, lies)
		}
		span := 50*time.Millisecond + time.Duration(random.Int64N(int64(850*time.Millisecond)))
		switch {
		case n%calmEvery == calmEvery-1:
			s.live(t, calmLife+span)
		case random.Float64() < 0.3:
			// Soon after a request has arrived: its answer is on its way, or its
			// record is.
			s.liveUntilPost(t, 800*time.Millisecond, time.Duration(random.Int64N(int64(40*time.Millisecond))))
		default:
			s.live(t, span)
		}
		s.kill(t)
		s.begin(t)
	}
	s.killed = kills
}

// peace lets the lies grow over, halts production, and waits until Prodsmart
// knows everything, or until the gateway has nothing more to say.
func (s *stage) peace(t *testing.T) {
	before := s.made()
	s.await(t, "new parts of the machines that Prodsmart lied about", 30*time.Second, func() bool {
		now := s.made()
		for _, code := range liedAbout() {
			if now[code] == before[code] {
				return false
			}
		}
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.plant.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.pulses.stop(); err != nil {
		t.Fatal(err)
	}
	s.watcher.stop()
	quiet := time.Now()
	calls := s.lastCall()
	var agreed time.Time
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		if err := s.life.alive(); err != nil {
			t.Fatal(err)
		}
		if n := s.lastCall(); n != calls {
			calls, quiet = n, time.Now()
		}
		switch {
		case len(s.differences()) > 0:
			agreed = time.Time{}
		case agreed.IsZero():
			agreed = time.Now()
		}
		if !agreed.IsZero() && time.Since(agreed) > agreeFor || time.Since(quiet) > silentFor {
			return
		}
	}
}

// stop ends the gateway as an operating system does.
func (s *stage) stop(t *testing.T) {
	took, err := s.life.terminate(stopWithin)
	if err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	t.Logf("SIGTERM took %v", took.Round(time.Millisecond))
}

// judge says everything that is wrong, and shows what is needed to find out why.
func (s *stage) judge(t *testing.T) {
	problems := append(s.differences(), s.unsaved...)
	problems = append(problems, s.callProblems()...)
	problems = append(problems, s.downtimeProblems()...)
	problems = append(problems, s.logProblems(t)...)
	for _, v := range s.plant.MES().Violations() {
		if v.Kind != mes.ViolationEqual { // callProblems knows which are allowed
			problems = append(problems, fmt.Sprintf("Prodsmart: %s at %s: %s %s", v.Kind, v.Time.Format(clockForm), v.Machine, v.Text))
		}
	}
	t.Log(s.summary())
	if len(problems) == 0 {
		return
	}
	t.Errorf("seed %d, %d kills:\n%s", s.seed, s.killed, strings.Join(problems, "\n"))
	var table strings.Builder
	if err := plant.WriteTable(&table, s.plant.Table()); err != nil {
		t.Error(err)
	}
	t.Log(table.String())
	t.Log(s.evidence(t, problems))
}
