package mapping

// table holds a list for each signal, all of them in one array: what a batch
// looks up for its signals lies side by side in memory, which with a thousand
// machines is most of what a sample costs.
type table[T any] struct {
	from []int32 // where the list of each signal begins, and where the last ends
	all  []T
}

// newTable packs the lists of all signals.
func newTable[T any](lists [][]T) table[T] {
	t := table[T]{from: make([]int32, len(lists)+1)}
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	t.all = make([]T, 0, n)
	for i, l := range lists {
		t.all = append(t.all, l...)
		t.from[i+1] = int32(len(t.all))
	}
	return t
}

// of is the list of a signal.
func (t *table[T]) of(signal int) []T {
	if len(t.all) == 0 {
		return nil
	}
	return t.all[t.from[signal]:t.from[signal+1]]
}
