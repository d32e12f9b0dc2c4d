package gateway

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

func TestGroupCommit(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		for n := range 200 {
			b.read(1, connectors.Int(int64(n)))
			b.keeper.note([]mapping.Event{{Machine: "M2", Text: fmt.Sprint(n)}})
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		writes := b.vault.taken()
		if len(writes) == 0 || len(writes) > 4 {
			t.Errorf("200 samples within 0.2 s made %d commits", len(writes))
		}
		var told []string
		for _, w := range writes {
			if len(w.Machines) > 1 {
				t.Errorf("a commit with %d states of one machine", len(w.Machines))
			}
			for _, e := range w.Events {
				if e.Rule == "" {
					told = append(told, e.Text)
				}
			}
		}
		if len(told) != 200 || !slices.IsSortedFunc(told, func(a, b string) int { return len(a) - len(b) }) {
			t.Errorf("%d of 200 events, in order: %v", len(told), told)
		}
		last := writes[len(writes)-1]
		if len(last.Machines) != 1 || totalIn(t, last.Machines[0].State) != "199" {
			t.Errorf("%+v", last.Machines)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSaveTakesTheStateAlong(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.read(1, connectors.Int(0))
		time.Sleep(5 * time.Second)
		b.read(1, connectors.Int(7)) // it merely counts on, and may wait
		began, known := time.Now(), len(b.vault.taken())
		release := b.vault.freeze()
		saved := make(chan error, 1)
		go func() {
			rev, err := b.keeper.Save(t.Context(), "M2", uplink.Record{Told: uplink.Told{Count: 7}}, 4)
			if err == nil && rev != 5 {
				err = fmt.Errorf("revision %d", rev)
			}
			saved <- err
		}()
		synctest.Wait()
		select {
		case err := <-saved:
			t.Fatalf("saved before the disk had it: %v", err)
		default:
		}
		release()
		if err := <-saved; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took >= commitEvery {
			t.Errorf("a record waited %v", took)
		}
		w := b.vault.taken()[known]
		if len(w.Records) != 1 || w.Records[0].Revision != 4 || len(w.Machines) != 1 || totalIn(t, w.Machines[0].State) != "7" {
			t.Errorf("told is ahead of what is kept: %+v", w)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAcknowledgedAfterCommit(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.read(1, connectors.Int(0))
		time.Sleep(5 * time.Second)
		feed := mapping.Feeds([]*mapping.Spec{&c.Machines[0].Spec, &c.Machines[1].Spec})[0]
		tag := slices.IndexFunc(feed.Tags, func(tag connectors.Tag) bool { return tag.Address == "holding:1" })
		acknowledged := 0
		deliver := func(n int64) {
			b.ingest(feed, connectors.Batch{
				Time:      time.Now(),
				Samples:   []connectors.Sample{{Tag: tag, Value: connectors.Int(n), Quality: connectors.Good}},
				Committed: func() { acknowledged++ },
			})
		}
		b.vault.set(errDisk)
		deliver(1)
		time.Sleep(time.Minute)
		if acknowledged != 0 {
			t.Fatal("acknowledged although nothing was saved")
		}
		known := len(b.vault.taken())
		b.vault.set(nil)
		deliver(2)
		time.Sleep(time.Minute)
		if w := b.vault.taken()[known]; acknowledged != 2 || len(w.Machines) != 1 || totalIn(t, w.Machines[0].State) != "2" {
			t.Errorf("%d acknowledged, saved %+v", acknowledged, w)
		}
		release := b.vault.freeze()
		deliver(3)
		synctest.Wait()
		if acknowledged != 2 {
			t.Error("acknowledged while the commit was on its way")
		}
		release()
		synctest.Wait()
		if acknowledged != 3 {
			t.Error("not acknowledged after the commit")
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConflict(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.read(1, connectors.Int(0))
		b.read(0, connectors.Int(0), connectors.Bool(true))
		if _, err := b.keeper.Save(t.Context(), "M2", uplink.Record{}, 99); !errors.Is(err, uplink.ErrConflict) {
			t.Fatalf("got %v", err)
		}
		synctest.Wait()
		writes := b.vault.taken()
		if len(writes) != 1 || len(writes[0].Machines) != 2 || len(writes[0].Records) != 0 {
			t.Errorf("the states did not go on without the record: %+v", writes)
		}
		if f := b.failed(); len(f) != 0 {
			t.Errorf("a conflict is no failing store: %v", f)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailingStore(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.read(1, connectors.Int(0))
		time.Sleep(5 * time.Second)
		known := len(b.vault.taken())
		b.vault.set(errDisk)
		for n := range 10 {
			b.read(1, connectors.Int(int64(n+1)))
			b.keeper.note([]mapping.Event{{Text: fmt.Sprint(n)}})
			time.Sleep(6 * time.Second)
		}
		if _, err := b.keeper.Save(t.Context(), "M2", uplink.Record{}, 1); !errors.Is(err, errDisk) && !errors.Is(err, errStoreFailing) {
			t.Errorf("a record was saved on a failing disk: %v", err)
		}
		if n := len(b.vault.taken()); n != known {
			t.Fatalf("%d writes", n-known)
		}
		failures := b.failed()
		if len(failures) < 10 || len(failures) > 40 {
			t.Errorf("%d tries in a minute", len(failures))
		}
		for _, err := range failures {
			if !errors.Is(err, errDisk) {
				t.Error(err)
			}
		}
		b.vault.set(nil)
		time.Sleep(longestRetry + commitEvery)
		if f := b.failed(); f[len(f)-1] != nil || len(f) > len(failures)+2 {
			t.Errorf("the recovery was not told once: %v", f)
		}
		w := b.vault.taken()[known]
		if len(w.Machines) != 1 || totalIn(t, w.Machines[0].State) != "10" || len(w.Records) != 0 {
			t.Errorf("%+v", w)
		}
		var texts string
		for _, e := range w.Events {
			texts += e.Text
		}
		if texts != "0123456789" {
			t.Errorf("events %s", texts)
		}
		if _, err := b.keeper.Save(t.Context(), "M2", uplink.Record{}, 1); err != nil {
			t.Error(err)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingEventsAreBounded(t *testing.T) {
	k := newKeeper(&fakeVault{}, nil)
	for n := range keptEvents + 50 {
		k.note([]mapping.Event{{Text: fmt.Sprint(n)}})
	}
	if len(k.events) != keptEvents || k.events[0].Text != "50" || k.lost != 50 {
		t.Errorf("%d wait from %s on, %d lost", len(k.events), k.events[0].Text, k.lost)
	}
}

// TestLastCommit ends the keeper with things that could have waited.
func TestLastCommit(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.read(1, connectors.Int(0))
		time.Sleep(5 * time.Second)
		b.read(1, connectors.Int(3))
		known := len(b.vault.taken())
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if w := b.vault.taken(); len(w) != known+1 || totalIn(t, w[known].Machines[0].State) != "3" {
			t.Errorf("%+v", w[known:])
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		b.vault.set(errDisk)
		b.read(1, connectors.Int(0))
		if err := b.stop(); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		release := b.vault.freeze()
		b.read(1, connectors.Int(0))
		began := time.Now()
		if err := b.stop(); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("a disk that hangs held the end up for %v: %v", time.Since(began), err)
		}
		release()
	})
}
