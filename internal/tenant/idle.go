package tenant

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// machines asks for a machine that does not exist. Nothing is booked by it.
func (s *session) machines(ctx context.Context) error {
	machine := s.config.Machine
	s.config.Machine = stranger + "machine"
	r, a, err := s.send(ctx, prodsmart.CounterService, `{"count":1}`)
	s.config.Machine = machine
	switch {
	case err != nil:
		return err
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, "unknown_machine")
	case a.Status == 404 || a.Status == 400:
		s.found("unknown_machine", fmt.Sprint(a.Status))
	default:
		s.found("unknown_machine", "other")
	}
	return nil
}

// parameters asks the parameters service, with a record open.
func (s *session) parameters(ctx context.Context) error {
	names := []string{"unknown_code", "name_alias"}
	agreed, err := s.agree(ctx, Part{
		Title: "Parameters",
		Does:  fmt.Sprintf("A parameter %scode for machine %s, which nobody knows.", stranger, s.config.Machine),
		Books: "Perhaps a parameter of that code.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	s.records = nil
	if open, err := s.openRecords(ctx); err != nil || len(open) == 0 {
		s.leave("no record was open", names...)
		return err
	}
	r, a, err := s.send(ctx, prodsmart.ParametersService, `{"parameters":[{"code":"`+stranger+`code","value":1}]}`)
	switch {
	case err != nil:
		return err
	case r == unclear:
		s.leave("the answer was unclear: "+a.Text, names...)
		return nil
	case r == taken:
		s.found("unknown_code", "accept")
		s.leave("the service takes everything", "name_alias")
		if s.config.ParameterCode != "" { // so that the lists have one to show
			_, _, err = s.parameter(ctx, "code", s.config.ParameterCode)
		}
		return err
	}
	s.found("unknown_code", "reject_400")
	return s.alias(ctx)
}

// alias sends a parameter by its name to the service that wants its code.
func (s *session) alias(ctx context.Context) error {
	const name = "name_alias"
	if s.config.ParameterName == "" || s.config.ParameterCode == "" {
		s.leave("it needs a parameter of the machine", name)
		return nil
	}
	r, a, err := s.parameter(ctx, "code", s.config.ParameterCode)
	switch {
	case err != nil:
		return err
	case r != taken:
		s.leave(fmt.Sprintf("the parameter %s is not taken by its code: %s", s.config.ParameterCode, a.Text), name)
		return nil
	}
	r, a, err = s.parameter(ctx, "name", s.config.ParameterName)
	if err == nil {
		s.judge(name, r, a, "false", "true")
	}
	return err
}

// parameter posts the parameter of the configuration, named by a key.
func (s *session) parameter(ctx context.Context, key, text string) (reply, prodsmart.Answer, error) {
	quoted, _ := json.Marshal(text) // a text always encodes
	return s.send(ctx, prodsmart.ParametersService, fmt.Sprintf(`{"parameters":[{%q:%s,"value":%s}]}`, key, quoted, s.config.Value))
}

// idle asks what is taken while no record is open.
func (s *session) idle(ctx context.Context) error {
	names := []string{"no_production", "parameters_idle", "counter_scope"}
	agreed, err := s.agree(ctx, Part{
		Title: "Without a record, and with the next one",
		Does:  fmt.Sprintf("A count and a parameter for machine %s while no record is open on it, and a count on the next record.", s.config.Machine),
		Books: "6 pieces, on no record or on the next one.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	none, err := s.until(ctx, fmt.Sprintf("Let the worker finish all records on machine %s.", s.config.Machine),
		func(open []prodsmart.Production) bool { return len(open) == 0 })
	if err != nil || !none {
		s.leave("a record was open", names...)
		return err
	}
	if err := s.idleParameter(ctx); err != nil {
		return err
	}
	if _, told := s.answers["ratio"]; !told {
		s.leave("it needs counts that move a record", "no_production", "counter_scope")
		return nil
	}
	o, ok, err := s.ask(ctx, "no_production", func() telling { return telling{count: s.up(3)} })
	if !ok {
		return err
	}
	if o.reply == refused {
		s.found("no_production", "reject_400")
	}
	s.agreed = true
	return nil
}

func (s *session) idleParameter(ctx context.Context) error {
	const name = "parameters_idle"
	if s.config.ParameterCode == "" {
		s.leave("it needs a parameter of the machine", name)
		return nil
	}
	r, a, err := s.parameter(ctx, "code", s.config.ParameterCode)
	if err == nil {
		s.judge(name, r, a, "reject_400", "accept")
	}
	return err
}

// next looks what a record begins with, and whether it begins a new counter.
func (s *session) next(ctx context.Context) error {
	if !s.agreed {
		return nil
	}
	waiting := s.stored
	ready, err := s.one(ctx)
	if err != nil || !ready {
		s.leave("no new record was begun", "no_production", "counter_scope")
		return err
	}
	if _, told := s.answers["no_production"]; !told && s.stored != nil {
		if s.records[0].Quantity.Rat().Sign() > 0 {
			s.found("no_production", "credit_on_next_start")
		} else {
			s.found("no_production", "store_and_200")
		}
	}
	if waiting == nil {
		s.leave("an answer before was unclear", "counter_scope")
		return nil
	}
	o, ok, err := s.ask(ctx, "counter_scope", func() telling { return telling{count: s.up(3)} })
	switch {
	case !ok:
		return err
	case o.reply == refused:
		s.leave("the count was refused: "+o.answer.Text, "counter_scope")
	case o.as(o.expected):
		s.found("counter_scope", "machine_lifetime")
	case s.answers["first_count"] == "baseline", o.total.Cmp(o.expected) > 0:
		s.found("counter_scope", "reset_on_production_start")
	default:
		s.leave(fmt.Sprintf("the record grew by %s pieces", o.total.RatString()), "counter_scope")
	}
	return nil
}

// lists asks how the lists behave. Nothing is booked by it.
func (s *session) lists(ctx context.Context) error {
	q := prodsmart.DowntimeQuery{}
	all, err := page(ctx, s, func() ([]prodsmart.Downtime, error) { return s.prodsmart.Downtimes(ctx, q) })
	if err != nil {
		return err
	}
	if len(all) == 0 {
		s.leave("there are no downtimes to list", "known_filter", "page_beyond", "list_order")
		return nil
	}
	first, last := all[0], all[len(all)-1]
	switch {
	case first.ID < last.ID:
		s.found("list_order", "oldest_first")
	case first.ID > last.ID:
		s.found("list_order", "newest_first")
	}
	q.StartAfter = s.began.AddDate(1, 0, 0)
	future, err := page(ctx, s, func() ([]prodsmart.Downtime, error) { return s.prodsmart.Downtimes(ctx, q) })
	if err != nil {
		return err
	}
	if len(future) == 0 {
		s.found("known_filter", "apply")
	} else {
		s.found("known_filter", "ignore")
	}
	beyond, err := page(ctx, s, func() ([]prodsmart.Downtime, error) {
		return s.prodsmart.Downtimes(ctx, prodsmart.DowntimeQuery{Page: 100_000})
	})
	if err != nil {
		return err
	}
	if len(beyond) == 0 {
		s.found("page_beyond", "empty")
	} else {
		s.found("page_beyond", "repeat_last")
	}
	return nil
}
