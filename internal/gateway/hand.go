package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
)

// ErrUnknownMachine is returned for a machine that is not configured.
var ErrUnknownMachine = errors.New("the configuration has no machine of this code that is told to Prodsmart")

// ErrNotHeld is returned by Release for a machine whose counter is not held.
var ErrNotHeld = errors.New("nothing of this machine is held")

// Release lets the held backlog of a machine be told, on whatever record is open
// in Prodsmart. It may be called while Run works.
func (g *Gateway) Release(machine string) error {
	if !g.tells(machine) {
		return fmt.Errorf("%s: %w", machine, ErrUnknownMachine)
	}
	if !g.uplink.Release(machine) {
		return fmt.Errorf("%s: %w", machine, ErrNotHeld)
	}
	g.notify.asked(machine, "release", "The held backlog was released by hand.")
	return nil
}

// Retry sends at once what was refused of a machine: somebody corrected it in
// Prodsmart. It may be called while Run works.
func (g *Gateway) Retry(machine string) error {
	if !g.tells(machine) {
		return fmt.Errorf("%s: %w", machine, ErrUnknownMachine)
	}
	g.uplink.Unpark(machine)
	g.notify.asked(machine, "retry", "What was refused is tried again, asked for by hand.")
	return nil
}

func (g *Gateway) tells(machine string) bool {
	return slices.ContainsFunc(g.units, func(u *unit) bool { return u.told && u.code == machine })
}

// Missing gives what Prodsmart does not show as it was, oldest first.
func (g *Gateway) Missing(ctx context.Context, q store.Query) ([]store.Missing, error) {
	return g.store.Missing(ctx, q)
}
