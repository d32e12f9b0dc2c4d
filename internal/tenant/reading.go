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
	// tries is how often something is tried that did not work, attempts how often a
	// request is made that does not arrive, each time after a longer pause.
	tries    = 5
	attempts = 8
)

// request makes one request in its turn. It waits out the limit, and makes a request
// again that did not reach Prodsmart; if again is set, also one whose answer was
// unclear. The answer is accepted, refused or, without again, ambiguous. The error says
// that there is no point in going on.
func (s *session) request(ctx context.Context, again bool, do func() (prodsmart.Answer, error)) (prodsmart.Answer, error) {
	for failed := 0; ; {
		if err := s.wait(ctx, s.config.Pause-time.Since(s.last)); err != nil {
			return prodsmart.Answer{}, err
		}
		a, err := do()
		s.last = time.Now()
		if err != nil {
			return a, err
		}
		switch {
		case a.Verdict == prodsmart.Unsent, a.Verdict == prodsmart.Ambiguous && again:
			if failed++; failed == attempts {
				return a, fmt.Errorf("%w: %s", ErrGaveUp, a.Text)
			}
			a.RetryAfter = max(a.RetryAfter, time.Duration(failed)*s.config.Pause)
		case a.Verdict == prodsmart.Unauthorized:
			return a, fmt.Errorf("%w: %s", ErrGaveUp, a.Text)
		case a.Verdict != prodsmart.Limited:
			return a, nil
		}
		if err := s.wait(ctx, a.RetryAfter); err != nil {
			return a, err
		}
	}
}

// answerOf is the answer that a request had, whose error is err. Other errors are
// nobody's answer.
func answerOf(err error) (prodsmart.Answer, error) {
	var failed *prodsmart.Error
	switch {
	case err == nil:
		return prodsmart.Answer{Verdict: prodsmart.Accepted}, nil
	case errors.As(err, &failed):
		return failed.Answer, nil
	}
	return prodsmart.Answer{}, err
}

// page asks for one page of a list.
func page[T any](ctx context.Context, s *session, fetch func() ([]T, error)) (records []T, err error) {
	a, err := s.request(ctx, true, func() (prodsmart.Answer, error) {
		var failed error
		records, failed = fetch()
		return answerOf(failed)
	})
	if err == nil && a.Verdict != prodsmart.Accepted {
		err = fmt.Errorf("%w: %s", ErrGaveUp, a.Text)
	}
	return records, err
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
