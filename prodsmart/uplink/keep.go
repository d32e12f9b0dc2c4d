package uplink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// load brings the records of machines that were reported for the first time.
// It is false if the ledger failed; the rest is tried again later.
func (u *Uplink) load(ctx context.Context) bool {
	for {
		u.mu.Lock()
		if len(u.queue) == 0 {
			u.mu.Unlock()
			return true
		}
		machine := u.queue[0]
		u.mu.Unlock()
		record, revision, err := u.ledger.Load(ctx, machine)
		if err != nil {
			u.ledgerFailed(ctx, machine, "loaded", err)
			return false
		}
		u.ledgerWorks()
		u.mu.Lock()
		u.queue = slices.Delete(u.queue, 0, 1)
		u.revisions[machine] = revision
		if report, still := u.unknown[machine]; still {
			delete(u.unknown, machine)
			now := u.clock.now()
			u.desk.Add(now, machine, record)
			u.desk.Report(now, machine, report)
		}
		u.mu.Unlock()
	}
}

// save writes a record and is true once it can not be lost any more. A record
// that could not be saved is kept for later, unless a newer one replaces it.
func (u *Uplink) save(ctx context.Context, machine string, r Record) bool {
	err := u.put(ctx, machine, r)
	switch {
	case err == nil:
		u.ledgerWorks()
		return true
	case errors.Is(err, ErrConflict):
		u.reload(ctx, machine)
	default:
		u.ledgerFailed(ctx, machine, "saved", err)
	}
	return false
}

// put writes a record. It remembers what may or may not have been written.
func (u *Uplink) put(ctx context.Context, machine string, r Record) error {
	revision, err := u.ledger.Save(ctx, machine, r, u.revisions[machine])
	if errors.Is(err, ErrConflict) {
		revision, err = u.putOver(ctx, machine, r)
	}
	switch tried := u.unsaved[machine]; {
	case err == nil:
		u.revisions[machine] = revision
		delete(u.unsaved, machine)
	case errors.Is(err, ErrConflict):
	case len(tried) == 0 || !same(tried[len(tried)-1], r):
		u.unsaved[machine] = append(tried, r)
	}
	return err
}

// putOver writes a record in place of one that an earlier save of ours left,
// although it was said to have failed. Over anything else it is a conflict.
func (u *Uplink) putOver(ctx context.Context, machine string, r Record) (uint64, error) {
	found, revision, err := u.ledger.Load(ctx, machine)
	if err != nil {
		return 0, err
	}
	ours := func(tried Record) bool { return same(tried, found) }
	switch {
	case !slices.ContainsFunc(u.unsaved[machine], ours):
		return 0, ErrConflict
	case same(found, r):
		return revision, nil
	}
	return u.ledger.Save(ctx, machine, r, revision)
}

// same compares records as a ledger sees them.
func same(a, b Record) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// drop takes back work that does not leave. If the disk says that it does, it
// is corrected: nobody may later take it for sent.
func (u *Uplink) drop(ctx context.Context, w Work, saved bool) {
	u.mu.Lock()
	u.desk.Drop(u.clock.now(), w)
	r, known := u.desk.record(w.Machine)
	u.mu.Unlock()
	if !known {
		r = w.before
	}
	if saved {
		u.save(ctx, w.Machine, r)
	}
}

// saveUnsaved writes again what could not be written. What it finds is the
// newest: a machine with an unsaved record has nothing on its way.
func (u *Uplink) saveUnsaved(ctx context.Context) bool {
	for machine := range u.unsaved {
		r := u.newest(machine)
		if !u.save(ctx, machine, r) && len(u.unsaved) > 0 {
			return false
		}
	}
	return true
}

// newest is the record of a machine with an unsaved one.
func (u *Uplink) newest(machine string) Record {
	u.mu.Lock()
	defer u.mu.Unlock()
	if r, known := u.desk.record(machine); known {
		return r
	}
	tried := u.unsaved[machine]
	return tried[len(tried)-1]
}

// reload takes over what another writer left.
func (u *Uplink) reload(ctx context.Context, machine string) {
	delete(u.unsaved, machine)
	record, revision, err := u.ledger.Load(ctx, machine)
	if err != nil {
		u.ledgerFailed(ctx, machine, "loaded", err)
		return
	}
	u.revisions[machine] = revision
	u.mu.Lock()
	now := u.clock.now()
	if u.desk.Knows(machine) {
		u.desk.Add(now, machine, record)
	}
	u.mu.Unlock()
	u.ledgerFailed(ctx, machine, "saved", errConflictAgain)
}

// saveAll is the last save before the end.
func (u *Uplink) saveAll(ctx context.Context) error {
	var first error
	failed := 0
	for machine := range u.unsaved {
		if err := u.put(ctx, machine, u.newest(machine)); err != nil {
			failed++
			if first == nil {
				first = fmt.Errorf("%s: %w", machine, err)
			}
		}
	}
	if failed > 0 {
		return errSave(failed, first)
	}
	return nil
}

// ledgerFailed holds everything back for a while: nothing is told that can not
// be saved.
func (u *Uplink) ledgerFailed(ctx context.Context, machine, what string, err error) {
	if ctx.Err() != nil {
		return // the end, not a failure
	}
	now := u.clock.now()
	b := &u.ledgerBad
	b.until = now.Add(doubled(time.Second, b.fails, longestBackoff))
	b.fails++
	if b.fails > 1 {
		return
	}
	b.since = now
	u.tell([]Event{{Time: now, Machine: machine, Code: LedgerFailed, Level: Alarm,
		Text: fmt.Sprintf("What Prodsmart is told can not be %s: %v. Nothing is sent until it can; check the disk of the data folder.", what, err)}})
}

func (u *Uplink) ledgerWorks() {
	b := &u.ledgerBad
	if b.fails == 0 {
		return
	}
	now := u.clock.now()
	u.tell([]Event{{Time: now, Code: LedgerFailed, Over: true, Level: Notice,
		Text: fmt.Sprintf("The ledger works again after %s.", now.Sub(b.since).Round(time.Second))}})
	*b = trouble{}
}
