package uplink_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// scenario is a tenant, a gateway that is configured for it, and what the plant
// does so that the tenant's answers matter.
type scenario struct {
	name    string
	seeds   uint64
	profile mes.Profile
	auth    prodsmart.Auth
	prefix  string
	gateway func(*uplink.Settings)

	// refuses: the line answers counter and parameters posts with 400 at times.
	// once: it repeats no start/stop call.
	refuses, once bool
	// The first machine has a waste code, a parameter, a downtime type that the
	// tenant does not know, or a type that only a worker may use; there is a
	// machine that the tenant does not know.
	strangeWaste, strangeParameter, strangeType, workerType, strangeMachine bool
	// workers close productions and open others; reopens: as soon as none is open.
	// several: two are open. workerStops: workers begin and end downtimes.
	workers, reopens, several, workerStops bool
	// ratio is pieces per count, wasteInCount says that the count has the waste
	// in it, midnight that a day ends.
	ratio        float64
	wasteInCount bool
	midnight     bool
	// lostStops: a stop whose answer was lost may be missing.
	lostStops bool
}

// pair is what goes with an answer to an open question: the setting of the
// gateway that the documentation names for it, or what must happen in the plant
// for the answer to matter.
type pair struct {
	option string
	value  string // empty: every answer
	why    string
	with   func(*scenario)
}

var pairs = []pair{
	{"repeated_stop", "new_downtime", "docs/configuration.md: repeat_stop false where the tenant would open a second downtime; a proxy that repeats the call by itself opens one whatever the gateway does", func(s *scenario) {
		s.once, s.lostStops = true, true
		s.sets(func(g *uplink.Settings) { g.RepeatStop = uplink.RepeatOpens })
	}},
	{"waste_only", "accept", "waste_only: send is for tenants that take it", func(s *scenario) {
		s.sets(func(g *uplink.Settings) { g.WasteOnly = uplink.SendWaste })
	}},
	{"equal_waste", "accept", "waste: all sends equal quantities, which such a tenant takes", func(s *scenario) {
		s.sets(func(g *uplink.Settings) { g.Waste = uplink.AllWaste })
	}},
	{"absent_waste", "reject_400", "waste: all, for tenants that want every code every time; they must take equal quantities then", func(s *scenario) {
		s.profile.Options.EqualWaste = mes.EqualWasteAccept
		s.sets(func(g *uplink.Settings) { g.Waste = uplink.AllWaste })
	}},
	{"mount", "v1", "prefix", func(s *scenario) { s.prefix = "/api/v1" }},
	{"waste_in", "included", "count_is: total", func(s *scenario) { s.wasteInCount = true }},
	{"ratio", "", "an operation of two pieces a count", func(s *scenario) { s.ratio = 2 }},
	{"several_productions", "", "two productions are open", func(s *scenario) { s.several = true }},
	{"no_production", "", "workers close productions and open others", func(s *scenario) { s.workers = true }},
	{"parameters_idle", "", "workers close productions and open others", func(s *scenario) { s.workers = true }},
	{"counter_scope", "reset_on_production_start", "workers close productions and open others", func(s *scenario) { s.workers = true }},
	{"counter_scope", "reset_daily", "a day ends", func(s *scenario) { s.midnight = true }},
	{"stop_effect", "check_out", "workers begin again after each downtime", func(s *scenario) { s.workers, s.reopens = true, true }},
	{"unknown_waste", "", "a waste code is missing in Prodsmart", func(s *scenario) { s.strangeWaste = true }},
	{"unknown_parameter", "", "a parameter is missing in Prodsmart", func(s *scenario) { s.strangeParameter = true }},
	{"unknown_code", "", "a parameter is missing in Prodsmart", func(s *scenario) { s.strangeParameter = true }},
	{"unknown_type", "", "a downtime type is not assigned in Prodsmart", func(s *scenario) { s.strangeType = true }},
	{"unknown_machine", "", "a machine is missing in Prodsmart", func(s *scenario) { s.strangeMachine = true }},
	{"worker_reason", "", "a downtime type requires a worker", func(s *scenario) { s.workerType = true }},
	{"worker_downtime", "", "workers begin and end downtimes", func(s *scenario) { s.workerStops = true }},
	{"no_credentials", "", "tokens are used and end early", func(s *scenario) { s.tokens() }},
	{"bad_token", "", "tokens are used and end early", func(s *scenario) { s.tokens() }},
	{"both_credentials", "", "tokens are used and end early", func(s *scenario) { s.tokens() }},
	{"new_token", "", "tokens are used and end early", func(s *scenario) { s.tokens() }},
	{"window", "", "the limit is below the budget", func(s *scenario) { s.profile.Options.Limit = 30 }},
	{"refused_calls", "", "the limit is below the budget", func(s *scenario) { s.profile.Options.Limit = 30 }},
	{"retry_after", "", "the limit is below the budget", func(s *scenario) { s.profile.Options.Limit = 30 }},
}

// apart are the options of services that the uplink does not use.
var apart = []string{"list_", "open_end", "time_spent", "page_beyond", "machine_filter", "known_filter", "unknown_filter"}

func (s *scenario) sets(change func(*uplink.Settings)) {
	before := s.gateway
	s.gateway = func(g *uplink.Settings) {
		if before != nil {
			before(g)
		}
		change(g)
	}
}

func (s *scenario) tokens() {
	s.auth = prodsmart.AuthToken
	s.profile.Options.TokenLife = 3 * time.Minute
}

// answer gives the tenant one answer and everything that goes with it.
func (s *scenario) answer(q openQuestion, value string) {
	reflect.ValueOf(&s.profile.Options).Elem().Field(q.field).SetString(value)
	for _, p := range pairs {
		if p.option == q.name && (p.value == "" || p.value == value) {
			p.with(s)
		}
	}
}

// openQuestion is a field of mes.Options with all that it may be.
type openQuestion struct {
	name   string
	field  int
	values []string
}

// openQuestions asks the pretend Prodsmart for its options: what it says to a
// wrong answer names the right ones.
func openQuestions(t *testing.T) []openQuestion {
	var list []openQuestion
	server, err := mes.New(mes.Config{})
	if err != nil {
		t.Fatal(err)
	}
	kind := reflect.TypeFor[mes.Options]()
	for i := range kind.NumField() {
		if kind.Field(i).Type.Kind() != reflect.String {
			continue
		}
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		var o mes.Options
		reflect.ValueOf(&o).Elem().Field(i).SetString("?")
		_, allowed, found := strings.Cut(fmt.Sprint(server.SetOptions(o)), "allowed: ")
		if !found {
			t.Fatalf("option %s: the answers are not known", name)
		}
		used := true
		for _, prefix := range apart {
			used = used && !strings.HasPrefix(name, prefix)
		}
		if used {
			list = append(list, openQuestion{name: name, field: i, values: strings.Split(allowed, ", ")})
		}
	}
	return list
}

// scenarios are all that TestFull runs.
func scenarios(t *testing.T) []scenario {
	questions := openQuestions(t)
	for _, p := range pairs {
		known := false
		for _, q := range questions {
			known = known || p.option == q.name
		}
		if !known {
			t.Fatalf("pair %s: there is no such option", p.option)
		}
	}
	list := profiles()
	for _, q := range questions {
		for _, v := range q.values {
			s := scenario{name: q.name + "=" + v, seeds: 4}
			s.answer(q, v)
			list = append(list, s)
		}
	}
	for i := range uint64(20) {
		list = append(list, mixed(questions, i))
	}
	return list
}

// profiles are the three profiles with each way to log in, and settings of the
// gateway that no option asks for.
func profiles() []scenario {
	var list []scenario
	for _, name := range []string{"documented", "lenient", "hostile"} {
		p, err := mes.ProfileNamed(name)
		if err != nil {
			panic(err)
		}
		list = append(list,
			scenario{name: name, seeds: 12, profile: p},
			scenario{name: name + ", token", seeds: 6, profile: p, auth: prodsmart.AuthToken},
			scenario{name: name + ", refusing", seeds: 6, profile: p, refuses: true},
		)
	}
	set := func(name string, change func(*uplink.Settings)) {
		list = append(list, scenario{name: name, seeds: 6, gateway: change})
	}
	set("first zero skipped", func(g *uplink.Settings) { g.FirstZero = uplink.SkipZero })
	set("backlog held", func(g *uplink.Settings) { g.Backlog = uplink.HoldBacklog })
	set("waste alone, refused", func(g *uplink.Settings) { g.WasteOnly = uplink.SendWaste })
	set("small budget", func(g *uplink.Settings) { g.Budget, g.ReportEvery = 12, time.Second })
	return list
}

// mixed is a tenant with random answers to all questions.
func mixed(questions []openQuestion, seed uint64) scenario {
	r := rand.New(rand.NewPCG(seed, 99))
	s := scenario{name: fmt.Sprint("mixed ", seed), seeds: 4, refuses: r.IntN(4) == 0}
	if r.IntN(3) == 0 {
		s.profile.Faults = mes.Hostile().Faults
	}
	if r.IntN(3) == 0 {
		s.sets(func(g *uplink.Settings) { g.Backlog = uplink.HoldBacklog })
	}
	for _, q := range questions {
		if v := q.values[r.IntN(len(q.values))]; r.IntN(2) == 0 {
			s.answer(q, v)
		}
	}
	return s
}
