// Package tenant finds out how one tenant of Prodsmart answers the questions
// that its documentation leaves open: what becomes of a count that did not grow,
// of a second stop, of a waste code that nobody knows. It asks by doing, on a
// machine that is there for tests, and reads in the lists what came of it. What
// it can not tell apart it does not guess.
package tenant

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// Config is what Run needs to know.
type Config struct {
	// Machine is the code of a machine in Prodsmart that is there for tests. What
	// is done with it is booked.
	Machine string
	// Highest is the highest count that the machine was ever told; 0 if it was
	// never told any.
	Highest int64
	// Waste is a waste code of the machine, WasteTold the highest quantity of it
	// that was ever told. Without a code the questions about waste stay open.
	Waste     string
	WasteTold int64
	// Parameter is a parameter of the machine, by both of its names; Value is a
	// JSON literal that it takes. Without one some questions stay open.
	ParameterName, ParameterCode, Value string
	// Types are up to two downtime types of the machine. Without the first the
	// questions about stops stay open, without the second those about two types.
	Types []string
	// API and Watch are for the questions about tokens and orders, which stay open
	// without them; those about orders also need Product, the code of a product that
	// an order may be made for.
	API     API
	Watch   *Watch
	Product string
	// Door hears the webhooks about those orders, and Channels are the texts of change
	// channels by what is in them (production_orders, productions, downtimes). Without
	// them the questions about what Prodsmart tells by itself stay open. Whoever gives
	// Door serves it, and closes it after Run.
	Door     *webhook.Recorder
	Channels map[string]string
	// Patience is how long messages are waited for; 0 means DefaultPatience.
	Patience time.Duration
	// Elsewhere is Prodsmart below another prefix of paths; nil leaves that out.
	Elsewhere Prodsmart
	// Pause is the least time between two requests, to leave the company's budget
	// to those who work; 0 means 1 s.
	Pause time.Duration
}

// Prodsmart is what Run talks to; a *prodsmart.Client.
type Prodsmart interface {
	Send(ctx context.Context, p prodsmart.Post) prodsmart.Answer
	Downtimes(ctx context.Context, q prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error)
	Productions(ctx context.Context, q prodsmart.ProductionQuery) ([]prodsmart.Production, error)
}

// Part is a group of questions that are asked together.
type Part struct {
	Title string
	// Does says what is going to be sent, Books what stays in Prodsmart; Books is
	// empty for a part that leaves nothing there.
	Does, Books string
}

// Person is the one at the keyboard. An error of its methods ends Run.
type Person interface {
	// Agree is asked before each part that books something. A part that is not
	// agreed to is left out.
	Agree(ctx context.Context, p Part) (bool, error)
	// Please asks for something that only a person can do in Prodsmart, and
	// returns when it is done; false if it can not be done.
	Please(ctx context.Context, what string) (bool, error)
	// Found is told of each finding when it is made.
	Found(f Finding)
}

// Finding is one question with its answer.
type Finding struct {
	// Question is a short name in snake_case, Title what it asks.
	Question, Title string
	// Answer is a short name in snake_case; empty if it could not be told, which
	// Open explains.
	Answer, Open string
	// Meaning says what the answer means for the plant.
	Meaning string
	// Setting is what to write below prodsmart: in the configuration, a key with its
	// value; dots in the key are sections. It is empty if the answer asks for none.
	Setting string
}

// ErrGaveUp is in the error of Run when Prodsmart could not be talked to.
var ErrGaveUp = errors.New("Prodsmart gives no answers to go on with")

// Run asks all questions and gives the findings in the order they were made; those
// that stayed open are at the end. With an error it gives those made before.
func Run(ctx context.Context, c Config, p Prodsmart, person Person) ([]Finding, error) {
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	s := &session{config: c, prodsmart: p, person: person, began: time.Now(), count: c.Highest, waste: c.WasteTold, booked: c.WasteTold, answers: map[string]string{}, open: map[string]string{}}
	if c.Value == "" {
		s.config.Value = "1"
	}
	err := s.all(ctx)
	for _, q := range questions() {
		if _, told := s.answers[q.name]; told {
			continue
		}
		why := s.open[q.name]
		if why == "" {
			why = "nothing that happened told it"
		}
		s.findings = append(s.findings, Finding{Question: q.name, Title: q.title, Open: why})
	}
	return s.findings, err
}

// session is one run.
type session struct {
	config    Config
	prodsmart Prodsmart
	person    Person
	began     time.Time
	last      time.Time // of the newest request

	findings []Finding
	answers  map[string]string
	open     map[string]string // questions to why they could not be told

	// count is the highest count sent, waste the highest quantity of the waste code,
	// booked the one that was taken last.
	count, waste, booked int64
	// stored is the counter that Prodsmart keeps of the machine; nil if that is not
	// known. always says that the waste code must be in each post.
	stored *big.Rat
	always bool
	// agreed says that a count was sent on purpose while no record was open.
	agreed bool
	// records are the records that are open; nil if they must be read.
	records []prodsmart.Production
	// ratio is the pieces for a count; nil while it is not known.
	ratio *big.Rat
	// known are the downtimes that were there before.
	known map[int64]bool
}

func (s *session) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		s.place, s.machines, s.tokens, s.orders, s.counter, s.parameters, s.stops, s.idle, s.next, s.lists, s.listForms,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found makes a finding.
func (s *session) found(name, answer string) {
	i := slices.IndexFunc(questions(), func(q question) bool { return q.name == name })
	q := questions()[i]
	f := Finding{Question: name, Title: q.title, Answer: answer, Meaning: q.answers[answer].meaning, Setting: q.answers[answer].setting}
	s.answers[name] = answer
	s.findings = append(s.findings, f)
	s.person.Found(f)
}

// leave says why questions stay open. The first reason is kept.
func (s *session) leave(why string, names ...string) {
	for _, name := range names {
		if s.open[name] == "" {
			s.open[name] = why
		}
	}
}

// agree asks for a part; if it is refused its questions stay open.
func (s *session) agree(ctx context.Context, p Part, names ...string) (bool, error) {
	ok, err := s.person.Agree(ctx, p)
	if !ok {
		s.leave("this part was left out", names...)
	}
	return ok, err
}

// reply is what came of a request.
type reply uint8

const (
	unclear reply = iota
	taken
	refused
)

// send makes one post. The error says that there is no point in going on.
func (s *session) send(ctx context.Context, service prodsmart.Service, body string) (reply, prodsmart.Answer, error) {
	a, err := s.request(ctx, false, func() (prodsmart.Answer, error) {
		return s.prodsmart.Send(ctx, prodsmart.Post{Machine: s.config.Machine, Service: service, Body: []byte(body)}), nil
	})
	switch {
	case err != nil:
		return unclear, a, err
	case a.Verdict == prodsmart.Refused:
		return refused, a, nil
	case a.Verdict == prodsmart.Ambiguous:
		return unclear, a, ctx.Err()
	}
	if service != prodsmart.CounterService {
		s.silent(a)
	}
	return taken, a, nil
}

// judge makes a finding of whether something was taken.
func (s *session) judge(name string, r reply, a prodsmart.Answer, no, yes string) {
	switch r {
	case unclear:
		s.leave("the answer was unclear: "+a.Text, name)
	case refused:
		s.found(name, no)
	default:
		s.found(name, yes)
	}
}

func (s *session) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
