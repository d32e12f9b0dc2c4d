package reconcile

import "time"

// booking is growth of a total: at least least and at most most pieces were
// added to what was open then.
type booking struct {
	at          window
	least, most int64
}

// total is one value of a cumulative series as it was sent.
type total struct {
	at    window
	value int64
	sure  bool
}

// bookings are the steps of a series. What was told before its first value is
// not known.
func bookings(series []total) []booking {
	var out []booking
	known, last := false, int64(0)
	var doubt *booking // may have been applied before the next sure value
	for _, t := range series {
		if t.value < last { // the series was begun anew
			out = append(out, booking{at: t.at, most: t.value})
			last, doubt = t.value, nil
			continue
		}
		b := booking{at: t.at, least: t.value - last, most: t.value - last}
		if doubt != nil {
			b.at.first = doubt.at.first
		}
		if !known {
			b.least = 0
		}
		if !t.sure {
			b.least = 0
			doubt = &b
			continue
		}
		if b.most > 0 {
			out = append(out, b)
		}
		known, last, doubt = true, t.value, nil
	}
	if doubt != nil && doubt.most > 0 {
		out = append(out, *doubt)
	}
	return out
}

// series are the totals that were sent: of the count, and of each waste code.
func (in *Input) series() (count []total, waste map[string][]total) {
	waste = map[string][]total{}
	var doubt total // the newest one without an answer
	for i := range in.Posts {
		p := &in.Posts[i]
		body, ok := p.counter()
		if !ok {
			continue
		}
		out := p.outcome()
		if out == refused && doubt.value > 0 && *body.Count <= doubt.value {
			// It is there already: the one without an answer had been applied.
			count = append(count, total{doubt.at, doubt.value, true})
			doubt = total{}
		}
		if out != applied && out != doubtful {
			continue
		}
		sure := out == applied
		count = append(count, total{p.window(), *body.Count, sure})
		if doubt = (total{}); !sure {
			doubt = count[len(count)-1]
		}
		for _, w := range body.Waste {
			waste[w.Code] = append(waste[w.Code], total{p.window(), w.Quantity, sure})
		}
	}
	return count, waste
}

// between is what was certainly, and what may have been, booked from one time to
// another.
func between(list []booking, from, to time.Time, edge time.Duration) (least, most int64) {
	for _, b := range list {
		if !b.at.first.Before(from.Add(edge)) && !b.at.last.After(to.Add(-edge)) {
			least += b.least
		}
		if !b.at.last.Before(from.Add(-edge)) && !b.at.first.After(to.Add(edge)) {
			most += b.most
		}
	}
	return least, most
}
