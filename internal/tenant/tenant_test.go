package tenant_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/tenant"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestTheLineFails: answers get lost before and after they were applied, the
// service is out at times. What is found is true all the same.
func TestTheLineFails(t *testing.T) {
	for name, kind := range map[string]mes.Fault{
		"dropped before": {Kind: mes.FaultDropBefore, Chance: 0.1},
		"dropped after":  {Kind: mes.FaultDropAfter, Chance: 0.1},
		"unavailable":    {Kind: mes.FaultStatus, Status: 503, Chance: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := 0
			for seed := range uint64(30) {
				r := newRehearsal(t)
				r.seed = seed
				r.faults = []mes.Fault{kind}
				is := configured(r.options)
				for question, f := range r.run(t) {
					answer, asked := want(question, is)
					if f.Answer != "" && asked && f.Answer != answer {
						t.Errorf("seed %d: %s: found %s, it is %s", seed, question, f.Answer, answer)
					}
					if f.Answer != "" {
						told++
					}
				}
			}
			if told < 150 {
				t.Errorf("only %d answers in ten runs", told)
			}
		})
	}
}

// TestWhatIsMissingLeavesQuestionsOpen: each part without what it needs.
func TestWhatIsMissingLeavesQuestionsOpen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rehearsal)
		open   []string
		why    string
	}{
		"no waste code": {func(r *rehearsal) { r.config.Waste = "" }, []string{"absent_waste", "equal_waste", "waste_in", "waste_only"}, "it needs a waste code"},
		"a wrong waste code": {func(r *rehearsal) { r.config.Waste = "WRONG" }, []string{"absent_waste", "equal_waste", "waste_in", "waste_only"},
			"waste of code WRONG is refused: Waste code WRONG is not known"},
		"no types":     {func(r *rehearsal) { r.config.Types = nil }, []string{"needless_start", "other_start", "other_stop", "repeated_stop", "running_form", "stop_effect", "type_key", "unknown_type", "untyped_start", "worker_downtime"}, "it needs a downtime type"},
		"one type":     {func(r *rehearsal) { r.config.Types = r.config.Types[:1] }, []string{"other_start", "other_stop"}, "it needs a second downtime type"},
		"a wrong type": {func(r *rehearsal) { r.config.Types = []string{"WRONG"} }, []string{"needless_start", "other_start", "other_stop", "repeated_stop", "running_form", "stop_effect", "type_key", "untyped_start", "worker_downtime"}, ""},
		"no door":      {func(r *rehearsal) { r.deaf = true }, []string{"signature_mode", "webhook_uuid"}, "no webhook is configured"},
		"an address that is not entered": {func(r *rehearsal) { r.unheard, r.config.Patience = true, time.Millisecond }, []string{"signature_mode", "webhook_uuid"},
			"no message came within 1ms: is the address of the door entered in Prodsmart"},
		"nothing is followed":   {func(r *rehearsal) { r.deaf, r.config.Channels = true, map[string]string{} }, []string{"signature_mode", "channel_downtimes", "order_deletion"}, ""},
		"orders are left out":   {func(r *rehearsal) { r.person.refuses = "Production orders" }, []string{"order_code", "order_put", "order_references", "signature_mode"}, "this part was left out"},
		"channels are left out": {func(r *rehearsal) { r.person.refuses = "Change channels" }, []string{"channel_productions"}, "this part was left out"},
		"no parameter":          {func(r *rehearsal) { r.config.ParameterCode, r.config.ParameterName = "", "" }, []string{"boolean_value", "name_alias", "parameters_idle"}, "it needs a parameter"},
		"a machine that counted before": {func(r *rehearsal) {
			r.config.Highest = 5000
			r.before = func(s *mes.Server) { s.ForeignCall("counter", machine, `{"count":5000}`) }
		}, []string{"first_count"}, "the machine has counted before"},
		"no second worker":    {func(r *rehearsal) { r.person.cannot = "If orders" }, []string{"several_productions"}, "no second record was open"},
		"no worker's stop":    {func(r *rehearsal) { r.person.cannot = "Let a worker begin a downtime" }, []string{"worker_downtime"}, "no worker's downtime was open"},
		"records stay open":   {func(r *rehearsal) { r.person.cannot = "Let the worker finish" }, []string{"counter_scope", "no_production", "parameters_idle"}, "a record was open"},
		"parts are left out":  {func(r *rehearsal) { r.person.refuses = "Parameters" }, []string{"name_alias", "unknown_code"}, "this part was left out"},
		"stops are left out":  {func(r *rehearsal) { r.person.refuses = "Stops and starts" }, []string{"other_stop"}, "this part was left out"},
		"counts are left out": {func(r *rehearsal) { r.person.refuses = "Counts and waste" }, []string{"first_count"}, "this part was left out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t)
			c.change(r)
			found := r.run(t)
			for _, q := range c.open {
				if f := found[q]; f.Answer != "" || !strings.HasPrefix(f.Open, c.why) {
					t.Errorf("%+v", f)
				}
			}
			is := configured(r.options)
			for _, q := range slices.Sorted(maps.Keys(found)) {
				if answer, asked := want(q, is); asked && found[q].Answer != "" && found[q].Answer != answer {
					t.Errorf("%s: found %s, it is %s", q, found[q].Answer, answer)
				}
			}
		})
	}
}

// TestAMachineThatCountedBefore says what to do.
func TestAMachineThatCountedBefore(t *testing.T) {
	r := newRehearsal(t)
	r.before = func(s *mes.Server) { s.ForeignCall("counter", machine, `{"count":5000}`) }
	if f := r.run(t)["first_count"]; f.Answer != "" || !strings.Contains(f.Open, "the count 10 was refused: The count must be greater than 5000. Was the machine told a higher one before? Give the highest one") {
		t.Errorf("%+v", f)
	}
}

// dead answers everything alike.
type dead struct{ answer prodsmart.Answer }

func (d dead) Send(context.Context, prodsmart.Post) prodsmart.Answer { return d.answer }

func (d dead) Downtimes(context.Context, prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
	return nil, &prodsmart.Error{Answer: d.answer}
}

func (d dead) Productions(context.Context, prodsmart.ProductionQuery) ([]prodsmart.Production, error) {
	return nil, &prodsmart.Error{Answer: d.answer}
}

// TestNoAnswers: who can not be reached, or turns the credentials away, ends the
// run; who asks for a pause gets it; who never answers clearly ends it as well.
func TestNoAnswers(t *testing.T) {
	for _, verdict := range []prodsmart.Verdict{prodsmart.Unsent, prodsmart.Unauthorized, prodsmart.Ambiguous, prodsmart.Limited} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			c := newRehearsal(t).config
			c.Pause = time.Second
			findings, err := tenant.Run(ctx, c, dead{prodsmart.Answer{Verdict: verdict, Text: "no", RetryAfter: time.Minute}}, &helper{t: t})
			if verdict == prodsmart.Limited {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v: %v", verdict, err)
				}
			} else if !errors.Is(err, tenant.ErrGaveUp) || !strings.Contains(err.Error(), "no") {
				t.Errorf("%v: %v", verdict, err)
			}
			for _, f := range findings {
				if f.Answer != "" || f.Open == "" {
					t.Errorf("%v: %+v", verdict, f)
				}
			}
		})
	}
}

// TestChannels: a channel that there is not, one of another type, and no webhook that
// says how deletions are told.
func TestChannels(t *testing.T) {
	r := newRehearsal(t)
	r.deaf = true
	r.config.Channels = map[string]string{"production_orders": "c-downtimes", "productions": "nowhere"}
	found := r.run(t)
	for question, answer := range map[string]string{"channel_production_orders": "without_it", "channel_productions": "unknown", "channel_downtimes": "", "order_deletion": ""} {
		if found[question].Answer != answer {
			t.Errorf("%s: %+v", question, found[question])
		}
	}
	for _, deletion := range []mes.OrderDeletion{mes.DeletionMarked, mes.DeletionAbsent} {
		r := newRehearsal(t)
		r.deaf, r.options.OrderDeletion = true, deletion
		if found := r.run(t); found["order_deletion"].Answer != string(deletion) || found["channel_production_orders"].Answer != "answers" {
			t.Errorf("%s: %+v", deletion, found["order_deletion"])
		}
	}
}
