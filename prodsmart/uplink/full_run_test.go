package uplink_test

import (
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// TestFull runs the whole uplink, with the real client over HTTP, against the
// pretend Prodsmart: all its profiles, each answer to each open question, and
// many at a time. Machines work, the line fails in every way, the gateway is
// killed; in the end Prodsmart must show what happened.
//
// SEED repeats one seed, SEEDS runs that many.
func TestFull(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, seed := range seeds(t, s.seeds) {
				if t.Failed() {
					return
				}
				synctest.Test(t, func(t *testing.T) { through(t, s, seed) })
			}
		})
	}
}

// seeds are those to run.
func seeds(t *testing.T, n uint64) []uint64 {
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	if text := os.Getenv("SEEDS"); text != "" {
		many, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		n = many
	} else if testing.Short() {
		n = 1
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = uint64(i) + 1
	}
	return list
}

// through lets a plant live through bad times, rest, and compares.
func through(t *testing.T, s scenario, seed uint64) {
	if s.midnight {
		time.Sleep(24*time.Hour - 20*time.Minute)
	}
	p := newPlant(t, s, seed)
	defer p.open()()
	p.brighten()
	p.storms(3)
	if s.workers || p.profile.Options.StopEffect == mes.EffectCheckOut {
		p.openProductions()
	}
	p.work(settling, false)
	p.checkOpen()
	p.finish()
	p.checkAll()
	p.checkLively()
	if t.Failed() && os.Getenv("SEED") != "" {
		p.history()
	}
}
