package tenant

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

const (
	// mostPages is how much of a list is read. Filters may not work, so that the
	// list of a whole company comes.
	mostPages = 40
	// tries is how often a page is asked for that does not come.
	tries = 5
)

// page waits for its turn and asks for one page, again if it did not come.
func page[T any](ctx context.Context, s *session, fetch func() ([]T, error)) ([]T, error) {
	for try := 1; ; try++ {
		if err := s.wait(ctx, s.config.Pause-time.Since(s.last)); err != nil {
			return nil, err
		}
		records, err := fetch()
		s.last = time.Now()
		var failed *prodsmart.Error
		if err == nil || !errors.As(err, &failed) {
			return records, err
		}
		pause := failed.Answer.RetryAfter
		switch failed.Answer.Verdict {
		case prodsmart.Limited:
			try--
		case prodsmart.Ambiguous:
			if try == tries {
				return nil, fmt.Errorf("%w: %w", ErrGaveUp, err)
			}
		default:
			return nil, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		if err := s.wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// records reads a list to its end.
func records[T prodsmart.Record](ctx context.Context, s *session, fits func(T) bool, fetch func(page int) ([]T, error)) ([]T, error) {
	var all []T
	for r, err := range prodsmart.Pages(mostPages, fits, func(n int) ([]T, error) {
		return page(ctx, s, func() ([]T, error) { return fetch(n) })
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// productions are the records that are open on the machine.
func (s *session) productions(ctx context.Context) ([]prodsmart.Production, error) {
	q := prodsmart.ProductionQuery{Checked: prodsmart.CheckedIn, Machine: s.config.Machine}
	return records(ctx, s, q.Fits, func(page int) ([]prodsmart.Production, error) {
		q.Page = page
		return s.prodsmart.Productions(ctx, q)
	})
}

// downtimes are those of the machine that were not there before the first call.
func (s *session) downtimes(ctx context.Context) ([]prodsmart.Downtime, error) {
	q := prodsmart.DowntimeQuery{Span: prodsmart.Span{EndAfter: s.began.Add(-time.Hour)}, Machine: s.config.Machine}
	list, err := records(ctx, s, q.Fits, func(page int) ([]prodsmart.Downtime, error) {
		q.Page = page
		return s.prodsmart.Downtimes(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	if s.known == nil {
		s.known = map[int64]bool{}
		for _, d := range list {
			s.known[d.ID] = true
		}
		return list, nil
	}
	var fresh []prodsmart.Downtime
	for _, d := range list {
		if !s.known[d.ID] {
			fresh = append(fresh, d)
		}
	}
	return fresh, nil
}

// running are the downtimes that go on.
func running(list []prodsmart.Downtime) []prodsmart.Downtime {
	var open []prodsmart.Downtime
	for _, d := range list {
		if d.Open {
			open = append(open, d)
		}
	}
	return open
}

// types are the types of downtimes, without repetition.
func types(list []prodsmart.Downtime) map[string]bool {
	m := map[string]bool{}
	for _, d := range list {
		m[d.Type] = true
	}
	return m
}

// growth is by how much each record that is in both readings grew.
func growth(before, after []prodsmart.Production) (each []*big.Rat, total *big.Rat) {
	total = new(big.Rat)
	for _, b := range before {
		for _, a := range after {
			if a.ID == b.ID {
				d := new(big.Rat).Sub(a.Quantity.Rat(), b.Quantity.Rat())
				each, total = append(each, d), total.Add(total, d)
			}
		}
	}
	return each, total
}
