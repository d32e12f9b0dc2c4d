package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// tooLong says that a list could not be read to its end.
func tooLong(err error) bool { return errors.Is(err, prodsmart.ErrMorePages) }

// errorsJoinEnd keeps the first error if cleaning up after it failed as well.
func errorsJoinEnd(err, end error) error {
	if end == nil || tooLong(end) {
		return err
	}
	return errors.Join(err, end)
}

func (s *session) untypedStart(ctx context.Context) error {
	return s.startForm(ctx, "untyped_start", "1", "")
}

func (s *session) runningForm(ctx context.Context) error {
	return s.startForm(ctx, "running_form", "true", s.config.Types[0])
}

// startForm starts the machine in a form that may not be taken.
func (s *session) startForm(ctx context.Context, name, running, typed string) error {
	if err := s.endAll(ctx); err != nil {
		return err
	}
	if open, err := s.begun(ctx); err != nil || !open {
		s.leave("no downtime could be begun", name)
		return err
	}
	r, a, err := s.mark(ctx, running, typed)
	if err == nil {
		s.judge(name, r, a, "reject_400", "accept")
	}
	return err
}

func (s *session) needlessStart(ctx context.Context) error {
	const name = "needless_start"
	if err := s.endAll(ctx); err != nil {
		return err
	}
	open, err := s.standing(ctx)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		s.leave("a downtime could not be ended", name)
		return nil
	}
	r, a, err := s.mark(ctx, "1", s.config.Types[0])
	switch {
	case err != nil:
		return err
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, name)
	case r == taken:
		s.found(name, "noop_200")
	case s.answers["type_key"] == "":
		s.leave("the type is refused", name)
	default:
		s.found(name, "reject_400")
	}
	return nil
}

// workersDowntime starts the machine while a worker's downtime is open.
func (s *session) workersDowntime(ctx context.Context) error {
	const name = "worker_downtime"
	typed := s.config.Types[0]
	done, err := s.person.Please(ctx, fmt.Sprintf("Let a worker begin a downtime of the type %q on machine %s. Leave this out if workers begin none in your plant.", typed, s.config.Machine))
	if err != nil || !done {
		s.leave("no worker's downtime was open", name)
		return err
	}
	open, err := s.standing(ctx)
	if err != nil {
		return err
	}
	if len(open) != 1 || !s.shown(typed, open) {
		s.leave("no worker's downtime was open", name)
		return nil
	}
	r, a, err := s.mark(ctx, "1", typed)
	if err != nil {
		return err
	}
	if open, err = s.standing(ctx); err != nil {
		return err
	}
	switch {
	case len(open) == 0:
		s.found(name, "close")
		return nil
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, name)
	default:
		s.found(name, "leave_open")
	}
	_, err = s.person.Please(ctx, fmt.Sprintf("Let the worker end the downtime on machine %s.", s.config.Machine))
	return err
}

// endAll ends the downtimes that this run began.
func (s *session) endAll(ctx context.Context) error {
	for range tries {
		open, err := s.standing(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		for _, typed := range s.config.Types {
			if _, _, err := s.mark(ctx, "1", typed); err != nil {
				return err
			}
		}
	}
	return nil
}
