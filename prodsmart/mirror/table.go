package mirror

import (
	"slices"
	"time"
)

// table holds the records of one kind as they were last seen. What is older than
// what it has never replaces it.
type table[T any] struct {
	entries map[int64]*entry[T]
	// trueAt is the moment for which the table is known to be right: all that
	// happened before it is in it. Zero while that was never so.
	trueAt time.Time
	// version grows with each change.
	version uint64
}

type entry[T any] struct {
	value T
	// asOf is when it was like this at the earliest: when the request that showed it
	// left. seen is the number of the last complete list that it was in.
	asOf time.Time
	seen uint64
	// gone says that the record is deleted; it is kept for a while, so that what is
	// late does not bring it back.
	gone bool
	// open says that the record is one of those that the complete lists show.
	open bool
	// missed is in how many complete lists in a row it was missed.
	missed int
}

func newTable[T any]() table[T] { return table[T]{entries: map[int64]*entry[T]{}} }

// put takes a record over, if nothing newer is known. It says whether it did.
func (t *table[T]) put(id int64, v T, asOf time.Time, open bool) bool {
	e := t.entries[id]
	if e == nil {
		e = &entry[T]{}
		t.entries[id] = e
	} else if asOf.Before(e.asOf) {
		return false
	}
	e.value, e.asOf, e.gone, e.open, e.missed = v, asOf, false, open, 0
	t.version++
	return true
}

// remove takes over that a record is deleted, if nothing newer is known.
func (t *table[T]) remove(id int64, asOf time.Time) bool {
	e := t.entries[id]
	if e == nil {
		e = &entry[T]{}
		t.entries[id] = e
	} else if asOf.Before(e.asOf) {
		return false
	}
	was := !e.gone
	e.asOf, e.gone, e.open, e.missed = asOf, true, false, 0
	t.version++
	return was
}

// missing are the records that complete lists show and the newest one did not,
// although they were known before it began.
func (t *table[T]) missing(round uint64, began time.Time) []int64 {
	var list []int64
	for id, e := range t.entries {
		if e.open && e.seen != round && e.asOf.Before(began) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// forget drops what is closed or gone for longer than it is kept, and then the
// oldest of it, until no more than most records are left.
func (t *table[T]) forget(before time.Time, most int) {
	type closed struct {
		id   int64
		asOf time.Time
	}
	var list []closed
	for id, e := range t.entries {
		switch {
		case e.open:
		case e.asOf.Before(before):
			delete(t.entries, id)
		default:
			list = append(list, closed{id, e.asOf})
		}
	}
	slices.SortFunc(list, func(a, b closed) int { return a.asOf.Compare(b.asOf) })
	for _, c := range list {
		if len(t.entries) <= most {
			return
		}
		delete(t.entries, c.id)
	}
}

// ids are the numbers of the records that are there, in their order.
func (t *table[T]) ids() []int64 {
	var ids []int64
	for id, e := range t.entries {
		if !e.gone {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// values are the records that are there, by their number.
func (t *table[T]) values() []T {
	ids := t.ids()
	list := make([]T, len(ids))
	for i, id := range ids {
		list[i] = t.entries[id].value
	}
	return list
}
