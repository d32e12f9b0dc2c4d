package gateway

import (
	"context"
	"errors"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// failingVault can not be written.
type failingVault struct{}

func (failingVault) Commit(context.Context, store.Write) error { return errors.New("no disk") }
func (failingVault) Record(context.Context, string) (uplink.Record, uint64, error) {
	return uplink.Record{}, 0, nil
}

func TestMissingEntriesWaitBoundedAndCounted(t *testing.T) {
	k := newKeeper(failingVault{}, func(error) {})
	for i := range keptEvents {
		k.missing(store.Missing{ID: int64(i)})
	}
	if err := k.flush(t.Context()); err == nil {
		t.Fatal("the vault does not fail")
	}
	if n := len(k.gaps); n != keptEvents || k.givenUp() != 0 {
		t.Fatalf("%d wait, %d were given up", n, k.givenUp())
	}
	for i := range 3 {
		k.missing(store.Missing{ID: int64(keptEvents + i)})
	}
	if err := k.flush(t.Context()); err == nil || len(k.gaps) != keptEvents || k.gaps[0].ID != 3 || k.givenUp() != 3 {
		t.Errorf("%v: %d wait from %d on, %d were given up", err, len(k.gaps), k.gaps[0].ID, k.givenUp())
	}
}
