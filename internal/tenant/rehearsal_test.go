package tenant_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/tenant"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

const machine = "TEST-1"

// helper is a person who agrees to everything and works in Prodsmart.
type helper struct {
	t      *testing.T
	server *mes.Server
	// refuses are parts that are not agreed to, by title; cannot is what can not
	// be done, by its beginning.
	refuses, cannot string
	found           []tenant.Finding
	asked           []string
}

func (h *helper) Agree(_ context.Context, p tenant.Part) (bool, error) {
	if p.Title == "" || p.Does == "" || p.Books == "" {
		h.t.Errorf("the part %+v does not say what it does", p)
	}
	return h.refuses == "" || p.Title != h.refuses, nil
}

func (h *helper) Found(f tenant.Finding) { h.found = append(h.found, f) }

func (h *helper) Please(_ context.Context, what string) (bool, error) {
	h.asked = append(h.asked, what)
	if h.cannot != "" && strings.HasPrefix(what, h.cannot) {
		return false, nil
	}
	var err error
	switch {
	case strings.HasPrefix(what, "Let a worker begin one record"):
		if _, err = h.server.FinishProductions(machine); err == nil {
			_, err = h.server.StartProduction(machine, mes.Work{Order: "TEST", Operation: "OP"})
		}
	case strings.HasPrefix(what, "If orders or people share"):
		_, err = h.server.StartProduction(machine, mes.Work{Worker: 2, Order: "TEST", Operation: "OP"})
	case strings.HasPrefix(what, "Let the worker finish all"):
		_, err = h.server.FinishProductions(machine)
	case strings.HasPrefix(what, "Let a worker begin a downtime"):
		err = h.server.WorkerStops(machine, "HALT", 1)
	case strings.HasPrefix(what, "Let the worker end"):
		_, err = h.server.WorkerStarts(machine, 1)
	default:
		h.t.Errorf("nobody knows how to do this: %s", what)
	}
	return true, err
}

// rehearsal is one run against a pretend Prodsmart.
type rehearsal struct {
	options mes.Options
	setup   mes.MachineSetup
	config  tenant.Config
	faults  []mes.Fault
	seed    uint64 // of the faults
	// deaf says that there is no door, unheard that its address is not entered.
	deaf, unheard bool
	// before is what happened before the run.
	before func(*mes.Server)
	person helper
}

func newRehearsal(t *testing.T) *rehearsal {
	return &rehearsal{
		setup: mes.MachineSetup{
			Code: machine, Waste: []string{"SCRAP"}, QuantityRatio: 3,
			Parameters: []mes.ParameterSetup{{Name: "temperature", Code: "T1"}},
			Types:      []mes.TypeSetup{{Name: "HALT"}, {Name: "SETUP"}},
		},
		config: tenant.Config{Machine: machine, Waste: "SCRAP", ParameterName: "temperature", ParameterCode: "T1", Types: []string{"HALT", "SETUP"}, Pause: 1},
		person: helper{t: t},
	}
}

func (r *rehearsal) run(t *testing.T) map[string]tenant.Finding {
	t.Helper()
	r.options.Limit = -1
	server, err := mes.New(mes.Config{Key: "key", Secret: "secret", Seed: r.seed, Profile: mes.Profile{Options: r.options, Faults: r.faults},
		Machines: []mes.MachineSetup{r.setup, {Code: "OTHER", Types: []mes.TypeSetup{{Name: "HALT"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	// Others work in the same company.
	if err := server.WorkerStops("OTHER", "HALT", 1); err != nil {
		t.Fatal(err)
	}
	if r.before != nil {
		r.before(server)
	}
	door := webhook.NewRecorder("/hook", []prodsmart.Secret{prodsmart.NewSecret("secret")})
	hooks := httptest.NewServer(door)
	defer hooks.Close()
	defer server.Close()
	if !r.unheard {
		if _, err := server.Subscribe(hooks.URL+"/hook", nil); err != nil {
			t.Fatal(err)
		}
	}
	for kind, name := range map[string]string{"PRODUCTION_ORDER": "c-orders", "PRODUCTION": "c-productions", "DOWNTIME": "c-downtimes"} {
		if err := server.AddChannel(mes.ChannelSetup{Name: name, Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	watch := &tenant.Watch{}
	reach := prodsmart.Config{URL: web.URL, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"), OnRequest: watch.Note}
	client, err := prodsmart.New(reach)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	reach.Prefix = "/api/v1"
	elsewhere, err := prodsmart.New(reach)
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	r.config.API, r.config.Watch, r.config.Product, r.config.Elsewhere = client, watch, "P", elsewhere
	if r.config.Channels == nil {
		r.config.Channels = map[string]string{"production_orders": "c-orders", "productions": "c-productions", "downtimes": "c-downtimes"}
	}
	if !r.deaf {
		r.config.Door = door
	}
	r.person.server = server
	findings, err := tenant.Run(t.Context(), r.config, client, &r.person)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]tenant.Finding{}
	for _, f := range findings {
		if _, twice := m[f.Question]; twice || f.Title == "" || (f.Answer == "") == (f.Open == "") || f.Answer != "" && f.Meaning == "" {
			t.Errorf("not a good finding: %+v", f)
		}
		m[f.Question] = f
	}
	if told := len(r.person.found); told == 0 || !reflect.DeepEqual(r.person.found, findings[:told]) {
		t.Errorf("the person was told of %d findings, others than those returned", told)
	}
	if m, _ := server.Machine(machine); slices.ContainsFunc(m.Downtimes, mes.Downtime.Open) {
		t.Errorf("a downtime was left open: %+v", m.Downtimes)
	}
	if orders := server.Orders(); len(orders) > 0 {
		t.Errorf("orders were left behind: %+v", orders)
	}
	return m
}

// configured gives the options by their names.
func configured(o mes.Options) map[string]string {
	m := map[string]string{}
	each(reflect.ValueOf(o), func(name string, field reflect.Value) {
		if m[name] = field.String(); m[name] == "" {
			m[name] = mes.Questions()[name][0]
		}
	})
	return m
}

// each gives the options that are questions, those of embedded structs as well.
func each(v reflect.Value, f func(name string, field reflect.Value)) {
	for i := range v.NumField() {
		switch field := v.Type().Field(i); {
		case field.Anonymous:
			each(v.Field(i), f)
		case v.Field(i).Kind() == reflect.String:
			f(field.Tag.Get("json"), v.Field(i))
		}
	}
}

// set changes an option by its name.
func set(o *mes.Options, name, value string) {
	each(reflect.ValueOf(o).Elem(), func(n string, field reflect.Value) {
		if n == name {
			field.SetString(value)
		}
	})
}

// want is the finding that an option must lead to; ok is false for options that
// nothing asks for.
func want(question string, o map[string]string) (answer string, asked bool) {
	if strings.HasPrefix(question, "filter_") {
		question = "known_filter"
	}
	value, is := o[question]
	if !is {
		return "", false
	}
	for _, same := range []struct{ question, value, answer string }{
		{"counter_answer", "text", "number"}, {"counter_answer", "json", "number"},
		{"unknown_parameter", "ignore", "accept"}, {"unknown_parameter", "create", "accept"},
		{"unknown_code", "ignore", "accept"}, {"unknown_code", "create", "accept"},
		{"parameters_idle", "ignore_200", "accept"}, {"parameters_idle", "store", "accept"},
		{"counter_scope", "reset_daily", "machine_lifetime"},
		{"mount", "api", "one"}, {"mount", "v1", "one"},
		{"type_key", "either", "name"}, {"type_key", "code", "name"},
		{"machine_filter", "either", "code"},
		{"signature_mode", "sample", "sha1-hex"}, {"signature_mode", "prose", "sha1-base64"}, {"signature_mode", "sha256_hex", "sha256-hex"},
		{"signature_mode", "sha256_base64", "sha256-base64"}, {"signature_mode", "both_headers", "several"},
	} {
		if same.question == question && same.value == value {
			value = same.answer
		}
	}
	return value, true
}

// apart says whether the answer to a question can be told at all with these
// options, and if not, why.
func apart(question string, o map[string]string) (why string) {
	switch question {
	case "unknown_order":
		if o["order_code"] == "unique_400" {
			return "no second order is there to be deleted"
		}
	case "stale_answer":
		if o["lower_count"] != "ignore_200" || o["counter_answer"] == "empty" {
			return "only a count that is ignored shows it, in the answer"
		}
	case "name_alias":
		if o["unknown_code"] != "reject_400" {
			return "a service that takes all codes hides it"
		}
	case "unknown_waste":
		if o["absent_waste"] == "reject_400" {
			return "it is not tried, because the code may be wanted for ever"
		}
	case "machine_filter":
		if o["known_filter"] == "ignore" {
			return "the lists do not filter"
		}
	}
	return ""
}

// judge compares the findings with the options.
func judge(t *testing.T, o mes.Options, found map[string]tenant.Finding) {
	t.Helper()
	is := configured(o)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := found[name]
		answer, asked := want(name, is)
		if !asked {
			switch {
			case strings.HasPrefix(name, "channel_"):
				if f.Answer != "answers" {
					t.Errorf("%s: %s, %s", name, f.Answer, f.Open)
				}
			case name != "ratio":
				t.Errorf("%s is no option", name)
			}
			continue
		}
		switch {
		case f.Answer == answer:
		case f.Answer != "":
			t.Errorf("%s: found %s, it is %s", name, f.Answer, is[name])
		case apart(name, is) == "":
			t.Errorf("%s: it is %s, and was not found: %s", name, is[name], f.Open)
		}
	}
}

// TestEachAnswerIsFound rehearses each answer to each open question of the
// documentation alone.
func TestEachAnswerIsFound(t *testing.T) {
	for name, values := range mes.Questions() {
		for _, value := range values {
			if name == "no_credentials" || name == "mount" && value == "v1" {
				continue // the client would not get in
			}
			t.Run(name+"="+value, func(t *testing.T) {
				t.Parallel()
				r := newRehearsal(t)
				set(&r.options, name, value)
				judge(t, r.options, r.run(t))
			})
		}
	}
}

// TestAllAnswersTogether rehearses many of the combinations.
func TestAllAnswersTogether(t *testing.T) {
	n := uint64(200)
	if testing.Short() {
		n = 20
	}
	all := mes.Questions()
	names := slices.Sorted(maps.Keys(all))
	for seed := range n {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 5))
			r := newRehearsal(t)
			for _, name := range names {
				if name != "mount" {
					set(&r.options, name, all[name][rng.IntN(len(all[name]))])
				}
			}
			found := r.run(t)
			judge(t, r.options, found)
			if t.Failed() {
				t.Logf("%+v", r.options)
			}
		})
	}
}
