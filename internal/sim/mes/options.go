package mes

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say how this Prodsmart behaves. An empty answer means the first one
// of its type, which is the strictest reading of the documentation.
type Options struct {
	EqualCount         EqualCount         `json:"equal_count"`
	LowerCount         LowerCount         `json:"lower_count"`
	FirstCount         FirstCount         `json:"first_count"`
	EqualWaste         EqualWaste         `json:"equal_waste"`
	WasteOnly          WasteOnly          `json:"waste_only"`
	MissingCount       MissingCount       `json:"missing_count"`
	UnknownWaste       UnknownWaste       `json:"unknown_waste"`
	UnknownParameter   UnknownParameter   `json:"unknown_parameter"`
	NoProduction       NoProduction       `json:"no_production"`
	SeveralProductions SeveralProductions `json:"several_productions"`
	CounterScope       CounterScope       `json:"counter_scope"`
	WasteIn            WasteIn            `json:"waste_in"`
	FractionalCount    FractionalCount    `json:"fractional_count"`
	Ratio              Ratio              `json:"ratio"`
	CounterAnswer      CounterAnswer      `json:"counter_answer"`
	UnknownMachine     UnknownMachine     `json:"unknown_machine"`
	NoCredentials      NoCredentials      `json:"no_credentials"`
	BadToken           BadToken           `json:"bad_token"`
	BothCredentials    BothCredentials    `json:"both_credentials"`
	NewToken           NewToken           `json:"new_token"`
	ParametersIdle     ParametersIdle     `json:"parameters_idle"`
	RepeatedParameter  RepeatedParameter  `json:"repeated_parameter"`
	UnknownCode        UnknownCode        `json:"unknown_code"`
	NameAlias          NameAlias          `json:"name_alias"`
	UnknownType        UnknownType        `json:"unknown_type"`
	RepeatedStop       RepeatedStop       `json:"repeated_stop"`
	OtherStop          OtherStop          `json:"other_stop"`
	NeedlessStart      NeedlessStart      `json:"needless_start"`
	OtherStart         OtherStart         `json:"other_start"`
	UntypedStart       UntypedStart       `json:"untyped_start"`
	RunningForm        RunningForm        `json:"running_form"`
	WorkerDowntime     WorkerDowntime     `json:"worker_downtime"`
	WorkerReason       WorkerReason       `json:"worker_reason"`
	StopEffect         StopEffect         `json:"stop_effect"`
	RejectionText      RejectionText      `json:"rejection_text"`
	AbsentWaste        AbsentWaste        `json:"absent_waste"`
	StaleAnswer        StaleAnswer        `json:"stale_answer"`
	NumberForm         NumberForm         `json:"number_form"`
	BooleanValue       BooleanValue       `json:"boolean_value"`
	WrongValue         WrongValue         `json:"wrong_value"`
	SilentAnswer       SilentAnswer       `json:"silent_answer"`
	TypeKey            TypeKey            `json:"type_key"`
	GetToken           GetToken           `json:"get_token"`
	NoToken            NoToken            `json:"no_token"`
	Mount              Mount              `json:"mount"`
	StrictPaths        StrictPaths        `json:"strict_paths"`
	Window             Window             `json:"window"`
	RefusedCalls       RefusedCalls       `json:"refused_calls"`
	RetryAfter         RetryAfter         `json:"retry_after"`
	OpenEnd            OpenEnd            `json:"open_end"`
	ListNumbers        ListNumbers        `json:"list_numbers"`
	ListParameters     ListParameters     `json:"list_parameters"`
	ListTimes          ListTimes          `json:"list_times"`
	TimeSpent          TimeSpent          `json:"time_spent"`
	ListOrder          ListOrder          `json:"list_order"`
	PageBeyond         PageBeyond         `json:"page_beyond"`
	MachineFilter      MachineFilter      `json:"machine_filter"`
	KnownFilter        KnownFilter        `json:"known_filter"`
	UnknownFilter      UnknownFilter      `json:"unknown_filter"`
	ListCredentials    ListCredentials    `json:"list_credentials"`
	OrderOptions

	// TokenLife is how long a token is valid; 0 means 2 h.
	TokenLife time.Duration `json:"token_life"`
	// AnswerDelay is how late every answer comes after its call was applied; in
	// nanoseconds in JSON, as TokenLife.
	AnswerDelay time.Duration `json:"answer_delay"`
	// ReportTime is how long the report of working times takes: another one that comes
	// meanwhile is turned away with a 429 of its own, without Retry-After.
	ReportTime time.Duration `json:"report_time"`
	// Limit is the number of requests that a company may make in a minute; 0
	// means 120, a negative number means no limit.
	Limit int `json:"limit"`
	// Foreign is another client that spends from the same limit.
	Foreign Foreign `json:"foreign"`
}

// question is one option with what it may be; the first is the default.
type question struct {
	name    string
	value   *string
	allowed []string
}

func (o *Options) questions() []question {
	return append(append(o.machineQuestions(), o.companyQuestions()...), o.OrderOptions.questions()...)
}

// machineQuestions are those about the three services of machines.
func (o *Options) machineQuestions() []question {
	return []question{
		{"equal_count", (*string)(&o.EqualCount), []string{"reject_400", "accept_noop"}},
		{"lower_count", (*string)(&o.LowerCount), []string{"reject_400", "accept_as_reset", "ignore_200"}},
		{"first_count", (*string)(&o.FirstCount), []string{"delta_from_zero", "baseline"}},
		{"equal_waste", (*string)(&o.EqualWaste), []string{"reject_400", "accept"}},
		{"waste_only", (*string)(&o.WasteOnly), []string{"reject_400", "accept"}},
		{"missing_count", (*string)(&o.MissingCount), []string{"reject_400", "accept"}},
		{"unknown_waste", (*string)(&o.UnknownWaste), []string{"reject_400", "ignore", "create"}},
		{"unknown_parameter", (*string)(&o.UnknownParameter), []string{"reject_400", "ignore", "create"}},
		{"no_production", (*string)(&o.NoProduction), []string{"store_and_200", "reject_400", "credit_on_next_start"}},
		{"several_productions", (*string)(&o.SeveralProductions), []string{"first", "split_evenly", "all"}},
		{"counter_scope", (*string)(&o.CounterScope), []string{"machine_lifetime", "reset_on_production_start", "reset_daily"}},
		{"waste_in", (*string)(&o.WasteIn), []string{"excluded", "included"}},
		{"fractional_count", (*string)(&o.FractionalCount), []string{"accept", "reject_400", "truncate"}},
		{"ratio", (*string)(&o.Ratio), []string{"raw", "scaled"}},
		{"counter_answer", (*string)(&o.CounterAnswer), []string{"text", "json", "object", "empty"}},
		{"parameters_idle", (*string)(&o.ParametersIdle), []string{"ignore_200", "reject_400", "store"}},
		{"repeated_parameter", (*string)(&o.RepeatedParameter), []string{"overwrite", "append"}},
		{"unknown_code", (*string)(&o.UnknownCode), []string{"reject_400", "ignore", "create"}},
		{"name_alias", (*string)(&o.NameAlias), []string{"false", "true"}},
		{"unknown_type", (*string)(&o.UnknownType), []string{"reject_400", "ignore_200"}},
		{"repeated_stop", (*string)(&o.RepeatedStop), []string{"noop_200", "new_downtime", "reject_400"}},
		{"other_stop", (*string)(&o.OtherStop), []string{"close_and_open", "reclassify", "parallel", "reject_400"}},
		{"needless_start", (*string)(&o.NeedlessStart), []string{"noop_200", "reject_400"}},
		{"other_start", (*string)(&o.OtherStart), []string{"close_any", "close_only_matching", "reject_400"}},
		{"untyped_start", (*string)(&o.UntypedStart), []string{"reject_400", "accept"}},
		{"running_form", (*string)(&o.RunningForm), []string{"reject_400", "accept"}},
		{"worker_downtime", (*string)(&o.WorkerDowntime), []string{"close", "leave_open"}},
		{"worker_reason", (*string)(&o.WorkerReason), []string{"reject_400", "accept"}},
		{"stop_effect", (*string)(&o.StopEffect), []string{"keep_open", "pause", "check_out"}},
		{"absent_waste", (*string)(&o.AbsentWaste), []string{"unchanged", "reject_400"}},
		{"stale_answer", (*string)(&o.StaleAnswer), []string{"stored", "sent"}},
		{"number_form", (*string)(&o.NumberForm), []string{"reject_400", "accept"}},
		{"boolean_value", (*string)(&o.BooleanValue), []string{"reject_400", "accept"}},
		{"wrong_value", (*string)(&o.WrongValue), []string{"reject_400", "ignore", "accept"}},
		{"silent_answer", (*string)(&o.SilentAnswer), []string{"empty", "object", "no_content"}},
		{"type_key", (*string)(&o.TypeKey), []string{"name", "code", "either"}},
	}
}

// companyQuestions are those about tokens, paths, the limit and the lists.
func (o *Options) companyQuestions() []question {
	return []question{
		{"unknown_machine", (*string)(&o.UnknownMachine), []string{"404", "400"}},
		{"no_credentials", (*string)(&o.NoCredentials), []string{"401", "403", "400"}},
		{"bad_token", (*string)(&o.BadToken), []string{"401", "403", "400"}},
		{"both_credentials", (*string)(&o.BothCredentials), []string{"basic_wins", "token_wins", "must_agree"}},
		{"new_token", (*string)(&o.NewToken), []string{"coexist", "rotate", "same"}},
		{"rejection_text", (*string)(&o.RejectionText), []string{"text", "empty", "html", "json"}},
		{"get_token", (*string)(&o.GetToken), []string{"unchanged", "prolongs"}},
		{"no_token", (*string)(&o.NoToken), []string{"404", "400", "create"}},
		{"mount", (*string)(&o.Mount), []string{"both", "api", "v1"}},
		{"strict_paths", (*string)(&o.StrictPaths), []string{"false", "true"}},
		{"window", (*string)(&o.Window), []string{"sliding", "fixed", "bucket"}},
		{"refused_calls", (*string)(&o.RefusedCalls), []string{"free", "counted"}},
		{"retry_after", (*string)(&o.RetryAfter), []string{"seconds", "http_date", "absent"}},
		{"open_end", (*string)(&o.OpenEnd), []string{"null", "absent", "far_future"}},
		{"list_numbers", (*string)(&o.ListNumbers), []string{"number", "string"}},
		{"list_parameters", (*string)(&o.ListParameters), []string{"map", "name_value"}},
		{"list_times", (*string)(&o.ListTimes), []string{"documented", "seconds"}},
		{"time_spent", (*string)(&o.TimeSpent), []string{"documented", "clock"}},
		{"list_order", (*string)(&o.ListOrder), []string{"oldest_first", "newest_first"}},
		{"page_beyond", (*string)(&o.PageBeyond), []string{"empty", "repeat_last"}},
		{"machine_filter", (*string)(&o.MachineFilter), []string{"either", "id", "code"}},
		{"known_filter", (*string)(&o.KnownFilter), []string{"apply", "ignore"}},
		{"unknown_filter", (*string)(&o.UnknownFilter), []string{"ignore", "reject_400"}},
		{"list_credentials", (*string)(&o.ListCredentials), []string{"token", "either"}},
	}
}

// filled returns the options with defaults in place of empty answers, or says
// which answer is not one of those allowed.
func (o Options) filled() (Options, error) {
	for _, q := range o.questions() {
		if *q.value == "" {
			*q.value = q.allowed[0]
		}
		if !slices.Contains(q.allowed, *q.value) {
			return o, fmt.Errorf("option %s: %q is not known; allowed: %s", q.name, *q.value, strings.Join(q.allowed, ", "))
		}
	}
	if err := o.Foreign.check(); err != nil {
		return o, fmt.Errorf("option foreign: %w", err)
	}
	if o.AnswerDelay < 0 || o.TokenLife < 0 || o.ReportTime < 0 {
		return o, fmt.Errorf("options answer_delay, token_life and report_time can not be negative")
	}
	if o.TokenLife == 0 {
		o.TokenLife = 2 * time.Hour
	}
	if o.Limit == 0 {
		o.Limit = 120
	}
	return o, nil
}

// Questions lists the options that are questions, each with the answers that
// there are. The first answer is the default.
func Questions() map[string][]string {
	all := map[string][]string{}
	for _, q := range (&Options{}).questions() {
		all[q.name] = q.allowed
	}
	return all
}
