package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// shelf is a gateway to units of which some are away; each tag takes its time.
type shelf struct {
	display
	each time.Duration
	away string
	// busy is how many calls fail before one works.
	busy  int
	calls int
}

func (s *shelf) Probe(ctx context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	if s.calls++; s.calls <= s.busy {
		return nil, errors.New("the device serves another client")
	}
	out := make([][]connectors.Reading, len(tags))
	for i, tag := range tags {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.each):
		}
		if s.away != "" && strings.HasPrefix(tag.Address, s.away+"/") {
			return nil, errors.New("nothing answers")
		}
		out[i] = []connectors.Reading{{Tag: tag, Sample: connectors.Sample{Quality: connectors.Good}}}
	}
	return out, nil
}

func shelfTags(units, each int) []connectors.Tag {
	var tags []connectors.Tag
	for u := range units {
		for i := range each {
			tags = append(tags, connectors.Tag{Address: fmt.Sprintf("%d/holding:%d", u+1, i), Bit: connectors.NoBit})
		}
	}
	return tags
}

// counted is how many tags are good, bad and not asked.
func counted(all [][]connectors.Reading) (good, bad, rest int) {
	for _, r := range all {
		switch {
		case len(r) == 0:
			rest++
		case r[0].Sample.Quality == connectors.Good:
			good++
		default:
			bad++
		}
	}
	return good, bad, rest
}

// TestReadPortions keeps what was read when the time is over, and lets one unit
// that is away cost its own tags only.
func TestReadPortions(t *testing.T) {
	for name, c := range map[string]struct {
		s              shelf
		units, each    int
		good, bad, not int
	}{
		"all":             {shelf{each: time.Millisecond}, 1, 5000, 5000, 0, 0},
		"a unit is away":  {shelf{each: time.Millisecond, away: "2"}, 3, 1000, 2000, 1000, 0},
		"busy at first":   {shelf{each: time.Millisecond, busy: 1}, 1, 100, 100, 0, 0},
		"never answers":   {shelf{busy: 1 << 30}, 1, 100, 0, 100, 0},
		"the time is out": {shelf{each: 100 * time.Millisecond}, 1, 5000, -1, 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				good, bad, not := counted(readPortions(ctx, &c.s, config.KindModbus, shelfTags(c.units, c.each)))
				if c.good < 0 { // 300 tags fit into the time; the last portion is lost
					if good < 200 || good > 300 || bad != 0 || good+not != 5000 {
						t.Fatal(good, bad, not)
					}
					return
				}
				if good != c.good || bad != c.bad || not != c.not {
					t.Fatal(good, bad, not)
				}
			})
		})
	}
}

// TestNotAsked names the machines whose tags were not asked, and bounds what is
// printed.
func TestNotAsked(t *testing.T) {
	c := onlineConnection{Name: "pack"}
	for i := range 200 {
		c.NotAsked = append(c.NotAsked, onlineTag{Machines: []string{fmt.Sprintf("M%d", i/2)}})
		c.Bad = append(c.Bad, onlineTag{Tag: "holding:1", Reason: "exception 2"})
	}
	var out strings.Builder
	if err := c.printTags(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"M0 (2), M1 (2)", "and 50 more machines", "and 150 more that can not be read"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing:\n%s", want, out.String())
		}
	}
}
