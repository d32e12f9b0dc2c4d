package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

const (
	// portionFirst and portionMost are how many tags one request for readings
	// holds: what was read before the time is over is not lost.
	portionFirst, portionMost = 16, 512
	// portionQuick and portionSlow make the next portion larger or smaller.
	portionQuick, portionSlow = time.Second, 4 * time.Second
	// portionAgain is the pause before the second and last attempt: a device
	// that serves one client may need time to let go of the one before.
	portionAgain = time.Second
)

// readPortions reads tags once, in portions, until all are read or ctx ends.
// Tags that were not asked have no readings. A portion that fails as a whole
// makes its tags bad, and those of the same unit that follow: an absent unit
// costs its time once.
func readPortions(ctx context.Context, s connectors.Surveyor, kind string, tags []connectors.Tag) [][]connectors.Reading {
	all := make([][]connectors.Reading, len(tags))
	size := portionFirst
	if kind == config.KindMQTT {
		size = len(tags) // all are waited for together
	}
	failed := map[string]string{}
	for from := 0; from < len(tags) && ctx.Err() == nil; {
		unit := unitOf(kind, tags[from])
		to := from + 1
		for to < min(from+size, len(tags)) && unitOf(kind, tags[to]) == unit {
			to++
		}
		reason, silent := failed[unit]
		if !silent {
			began := time.Now()
			got, err := probeTwice(ctx, s, tags[from:to])
			if ctx.Err() != nil && err != nil {
				return all
			}
			for i, of := range got {
				// What else the data could be is not asked here.
				all[from+i] = slices.Clone(of[:min(1, len(of))])
			}
			if err != nil {
				reason, silent = err.Error(), true
				failed[unit] = reason
			}
			size = nextPortion(size, time.Since(began))
		}
		for i := from; i < to; i++ {
			if len(all[i]) == 0 {
				all[i] = []connectors.Reading{{Tag: tags[i], Sample: connectors.Sample{Reason: "no answer"}}}
			}
			if silent {
				all[i][0].Sample = connectors.Sample{Reason: reason}
			}
		}
		from = to
	}
	return all
}

func nextPortion(size int, took time.Duration) int {
	switch {
	case took < portionQuick && size < portionMost:
		return min(2*size, portionMost)
	case took > portionSlow:
		return max(size/2, 1)
	}
	return size
}

// probeTwice reads a portion, and once more if it failed as a whole.
func probeTwice(ctx context.Context, s connectors.Surveyor, tags []connectors.Tag) ([][]connectors.Reading, error) {
	got, err := s.Probe(ctx, tags)
	if err == nil {
		return got, nil
	}
	select {
	case <-ctx.Done():
		return nil, err
	case <-time.After(portionAgain):
	}
	return s.Probe(ctx, tags)
}

// unitOf is the device behind a gateway that a Modbus tag names; "" for the
// connection's own, and for other protocols.
func unitOf(kind string, tag connectors.Tag) string {
	if unit, _, ok := strings.Cut(tag.Address, "/"); ok && kind == config.KindModbus {
		return unit
	}
	return ""
}

// severalUnits says that one device that is away says nothing about others.
func severalUnits(kind string, tags []connectors.Tag) bool {
	for _, t := range tags {
		if unitOf(kind, t) != unitOf(kind, tags[0]) {
			return true
		}
	}
	return false
}
