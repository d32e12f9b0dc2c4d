package uplink

import (
	"context"
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
	revision, err := u.ledger.Save(ctx, machine, r, u.revisions[machine])
	switch {
	case err == nil:
		u.revisions[machine] = revision
		delete(u.unsaved, machine)
		u.ledgerWorks()
		return true
	case errors.Is(err, ErrConflict):
		u.reload(ctx, machine)
		return false
	}
	u.unsaved[machine] = r
	u.ledgerFailed(ctx, machine, "saved", err)
	return false
}

// saveUnsaved writes again what could not be written. What it finds is the
// newest: a machine with an unsaved record has nothing on its way.
func (u *Uplink) saveUnsaved(ctx context.Context) bool {
	for machine := range u.unsaved {
		u.mu.Lock()
		r, known := u.desk.record(machine)
		u.mu.Unlock()
		if !known {
			r = u.unsaved[machine]
		}
		if !u.save(ctx, machine, r) && len(u.unsaved) > 0 {
			return false
		}
	}
	return true
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
	for machine, r := range u.unsaved {
		u.mu.Lock()
		if newest, known := u.desk.record(machine); known {
			r = newest
		}
		u.mu.Unlock()
		if _, err := u.ledger.Save(ctx, machine, r, u.revisions[machine]); err != nil {
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
