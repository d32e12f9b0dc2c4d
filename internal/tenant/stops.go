package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// stops asks everything about downtimes.
func (s *session) stops(ctx context.Context) error {
	names := []string{"unknown_type", "type_key", "repeated_stop", "other_stop", "other_start", "untyped_start", "running_form", "needless_start", "worker_downtime", "stop_effect"}
	if len(s.config.Types) == 0 {
		s.leave("it needs a downtime type of the machine", names...)
		return nil
	}
	agreed, err := s.agree(ctx, Part{
		Title: "Stops and starts",
		Does:  fmt.Sprintf("About 12 stops and starts of machine %s with the types %q, some of them on purpose wrong.", s.config.Machine, s.config.Types),
		Books: "A few downtimes of some seconds on the machine, and 3 pieces.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	present, err := s.downtimes(ctx)
	if err != nil {
		return s.unread(err, names...)
	}
	if len(running(present)) > 0 {
		s.leave("a downtime is open on the machine already", names...)
		return nil
	}
	begun, err := s.firstStop(ctx)
	if err != nil || !begun {
		return s.unread(err, names...)
	}
	for _, step := range []func(context.Context) error{
		s.stopEffect, s.repeatedStop, s.otherStop, s.otherStart, s.untypedStart, s.runningForm, s.needlessStart, s.workersDowntime,
	} {
		if err := step(ctx); err != nil {
			return s.unread(errorsJoinEnd(err, s.endAll(ctx)), names...)
		}
	}
	return s.endAll(ctx)
}

// unread leaves questions open if a list is too long to be read to its end, and
// hands on what is worse.
func (s *session) unread(err error, names ...string) error {
	if tooLong(err) {
		s.leave("the list of downtimes is too long to be read to its end", names...)
		return nil
	}
	return err
}

func (s *session) mark(ctx context.Context, running, typed string) (reply, prodsmart.Answer, error) {
	body := `{"running":` + running + `}`
	if typed != "" {
		text, _ := json.Marshal(typed) // a text always encodes
		body = fmt.Sprintf(`{"type":%s,"running":%s}`, text, running)
	}
	return s.send(ctx, prodsmart.StartStopService, body)
}

// standing are the downtimes of this run that go on.
func (s *session) standing(ctx context.Context) ([]prodsmart.Downtime, error) {
	list, err := s.downtimes(ctx)
	return running(list), err
}

// firstStop tries a type that does not exist, and begins a downtime with one that
// does. It is false if none began.
func (s *session) firstStop(ctx context.Context) (bool, error) {
	r, a, err := s.mark(ctx, "0", stranger+"type")
	if err != nil {
		return false, err
	}
	open, err := s.standing(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, "unknown_type")
	case r == refused:
		s.found("unknown_type", "reject_400")
	case len(open) == 0:
		s.found("unknown_type", "ignore_200")
	default:
		s.found("unknown_type", "taken")
		if _, _, err := s.mark(ctx, "1", stranger+"type"); err != nil {
			return false, err
		}
	}
	if r, a, err = s.mark(ctx, "0", s.config.Types[0]); err != nil {
		return false, err
	}
	if open, err = s.standing(ctx); err != nil {
		return false, err
	}
	if len(open) == 0 {
		why := "no downtime shows after a stop"
		if r == refused {
			why = fmt.Sprintf("the type %q is refused: %s. Is it assigned to the machine?", s.config.Types[0], a.Text)
		}
		s.leave(why, "type_key", "repeated_stop", "other_stop", "other_start", "untyped_start", "running_form", "worker_downtime", "stop_effect")
		return false, s.needlessStart(ctx)
	}
	if open[0].Type == s.config.Types[0] {
		s.found("type_key", "name")
	} else {
		s.found("type_key", "code")
	}
	return true, nil
}

// shown is how lists write the type of a stop that was begun with a type.
func (s *session) shown(typed string, list []prodsmart.Downtime) bool {
	return s.answers["type_key"] == "name" && types(list)[typed]
}

// stopEffect looks what became of the open record, and of pieces made meanwhile.
func (s *session) stopEffect(ctx context.Context) error {
	const name = "stop_effect"
	before := s.records
	s.records = nil
	now, err := s.openRecords(ctx)
	switch {
	case err != nil:
		return err
	case len(before) == 0:
		s.leave("no record was open", name)
		return nil
	case len(now) == 0:
		s.found(name, "check_out")
		return nil
	case s.ratio == nil || s.stored == nil:
		s.leave("it needs counts that move the record", name)
		return nil
	}
	o, ok, err := s.ask(ctx, name, func() telling { return telling{count: s.up(3)} })
	switch {
	case !ok:
		return err
	case o.reply == refused:
		s.leave("the count was refused: "+o.answer.Text, name)
	case o.still():
		s.found(name, "pause")
	case o.total.Sign() > 0:
		s.found(name, "keep_open")
	}
	return nil
}

func (s *session) repeatedStop(ctx context.Context) error {
	before, err := s.standing(ctx)
	if err != nil {
		return err
	}
	r, a, err := s.mark(ctx, "0", s.config.Types[0])
	if err != nil {
		return err
	}
	after, err := s.standing(ctx)
	switch {
	case err != nil:
		return err
	case len(after) > len(before):
		s.found("repeated_stop", "new_downtime")
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, "repeated_stop")
	case r == refused:
		s.found("repeated_stop", "reject_400")
	default:
		s.found("repeated_stop", "noop_200")
	}
	return nil
}

func (s *session) otherStop(ctx context.Context) error {
	const name = "other_stop"
	if len(s.config.Types) < 2 {
		s.leave("it needs a second downtime type of the machine", name, "other_start")
		return nil
	}
	before, err := s.standing(ctx)
	if err != nil {
		return err
	}
	r, a, err := s.mark(ctx, "0", s.config.Types[1])
	if err != nil {
		return err
	}
	after, err := s.standing(ctx)
	if err != nil {
		return err
	}
	had, has := ids(before), ids(after)
	fresh := slices.ContainsFunc(after, func(d prodsmart.Downtime) bool { return !slices.Contains(had, d.ID) })
	kept := slices.ContainsFunc(before, func(d prodsmart.Downtime) bool { return slices.Contains(has, d.ID) })
	switch {
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, name)
	case r == refused:
		s.found(name, "reject_400")
	case fresh && kept:
		s.found(name, "parallel")
	case fresh:
		s.found(name, "close_and_open")
	case kept && len(types(after)) > 0 && !sameTypes(before, after):
		s.found(name, "reclassify")
	default:
		s.leave("the downtimes look as before", name)
	}
	return nil
}

func ids(list []prodsmart.Downtime) []int64 {
	var n []int64
	for _, d := range list {
		n = append(n, d.ID)
	}
	return n
}

// sameTypes says that each record has the type that it had.
func sameTypes(a, b []prodsmart.Downtime) bool {
	for _, x := range a {
		for _, y := range b {
			if x.ID == y.ID && x.Type != y.Type {
				return false
			}
		}
	}
	return true
}

// otherStart starts the machine with a type that is not that of what is open. If
// both types are open it first starts it with one of them.
func (s *session) otherStart(ctx context.Context) error {
	const name = "other_start"
	if len(s.config.Types) < 2 {
		return nil
	}
	if s.answers["type_key"] != "name" {
		s.leave("lists show other texts than the types that are sent", name)
		return nil
	}
	open, err := s.standing(ctx)
	if err != nil {
		return err
	}
	if len(types(open)) == 2 {
		if r, a, err := s.mark(ctx, "1", s.config.Types[0]); err != nil || r == unclear {
			s.leave("the answer was unclear: "+a.Text, name)
			return err
		}
		after, err := s.standing(ctx)
		if err != nil {
			return err
		}
		if len(after) == 0 {
			s.found(name, "close_any")
			return nil
		}
		open = after
	}
	if len(types(open)) != 1 {
		s.leave("no downtime of one type was open", name)
		return nil
	}
	other := s.config.Types[1]
	if types(open)[other] {
		other = s.config.Types[0]
	}
	r, a, err := s.mark(ctx, "1", other)
	if err != nil {
		return err
	}
	after, err := s.standing(ctx)
	switch {
	case err != nil:
		return err
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, name)
	case r == refused:
		s.found(name, "reject_400")
	case len(after) == 0:
		s.found(name, "close_any")
	default:
		s.found(name, "close_only_matching")
	}
	return nil
}

// begun makes sure that a downtime is open.
func (s *session) begun(ctx context.Context) (bool, error) {
	for range tries {
		open, err := s.standing(ctx)
		if err != nil || len(open) > 0 {
			return err == nil, err
		}
		if _, _, err := s.mark(ctx, "0", s.config.Types[0]); err != nil {
			return false, err
		}
	}
	return false, nil
}
