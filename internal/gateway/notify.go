package gateway

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// notifier turns what happens into journal entries, conditions and log lines.
type notifier struct {
	log    *slog.Logger
	health *health.Tracker
	keeper *keeper
	// reminders log conditions, repeats hold back what happens again and again.
	reminders reminders
	repeats   repeats

	mu sync.Mutex
	// begun holds, for each condition, the uplink's events that it began with
	// and that are not over.
	begun map[subject]map[uplink.Code]string
	// passing holds when conditions end that say what happened.
	passing map[subject]time.Time

	counts sync.Mutex // for what follows; nothing slow is done meanwhile
	posts  map[postKey]uint64
	events map[eventKey]uint64
}

// newNotifier makes a notifier with its tracker of conditions. Its owner sets
// the keeper before anything happens.
func newNotifier(log *slog.Logger) *notifier {
	n := &notifier{
		log: log, begun: map[subject]map[uplink.Code]string{}, passing: map[subject]time.Time{},
		posts: map[postKey]uint64{}, events: map[eventKey]uint64{},
	}
	n.reminders.log = log
	n.health = health.NewTracker(time.Now, n.reminders.change)
	return n
}

// postKey and eventKey count posts and journal entries for the metrics.
type (
	postKey  struct{ Service, Verdict string }
	eventKey struct {
		Machine string
		Level   mapping.Severity
	}
)

// passingFor is how long a condition stays that says what happened, so that
// somebody sees it.
const passingFor = time.Hour

// pass lets time pass. The gateway's watch calls it.
func (n *notifier) pass(now time.Time) {
	n.mu.Lock()
	for about, until := range n.passing {
		if !now.Before(until) {
			delete(n.passing, about)
			n.health.Clear(about.code, about.name)
		}
	}
	n.mu.Unlock()
	n.reminders.pass(now, n.health.List())
	for _, e := range n.repeats.overdue(now) {
		n.warn(e.Event, e.before)
	}
}

// happened holds a condition for passingFor. It reports whether it is new.
func (n *notifier) happened(code health.Code, about, text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.passing[subject{code, about}] = time.Now().Add(passingFor)
	return n.health.Set(code, about, text)
}

// decided takes the events of a machine's step. It does not keep them.
func (n *notifier) decided(events []mapping.Event) {
	for i := range events {
		switch e := &events[i]; e.Level {
		case mapping.Alarm:
			n.alarm(*e)
		case mapping.Notice:
			n.log.Debug(e.Text, "machine", e.Machine, "rule", e.Rule, "subject", e.Subject)
		}
	}
	n.journal(events)
}

// alarm mentions an event that needs a person. A jump leaves nothing behind that
// could be asked later, so its condition begins here.
func (n *notifier) alarm(e mapping.Event) {
	before, due := n.repeats.take(time.Now(), e)
	if e.Rule == "R11" && n.happened(health.CounterJump, e.Machine, e.Text) {
		return // the condition is logged, with the event's text
	}
	if due {
		n.warn(e, before)
	}
}

func (n *notifier) warn(e mapping.Event, before int) {
	list := []any{"machine", e.Machine, "rule", e.Rule, "subject", e.Subject}
	if before > 0 {
		list = append(list, "times", before+1)
	}
	n.log.Warn(e.Text, list...)
}

// journal counts events and hands them to the keeper.
func (n *notifier) journal(events []mapping.Event) {
	n.counts.Lock()
	for i := range events {
		n.events[eventKey{events[i].Machine, events[i].Level}]++
	}
	n.counts.Unlock()
	n.keeper.note(events)
}

// uplinkCondition is the condition that an uplink event begins or ends, and
// whether it is one at all; what is not happens once.
func uplinkCondition(code uplink.Code) (health.Code, bool) {
	switch code {
	case uplink.Unreachable, uplink.Unclear:
		return health.ProdsmartUnreachable, true
	case uplink.Rejected:
		return health.Unauthorized, true
	case uplink.Throttled:
		return health.Limited, true
	case uplink.LedgerFailed:
		return health.StoreFailing, true
	case uplink.CounterRefused, uplink.ExtrasRefused, uplink.ParametersRefused, uplink.MachineRefused:
		return health.PostRefused, true
	case uplink.OtherWriter:
		return health.OtherWriter, true
	case uplink.FellBack:
		return health.ReportBelowTold, true
	case uplink.BacklogHeld:
		return health.BacklogHeld, true
	}
	return 0, false
}

func (n *notifier) uplink(e uplink.Event) {
	entry := mapping.Event{
		Time: e.Time, Machine: e.Machine, Rule: string(e.Code), Subject: "prodsmart", Level: mapping.Severity(e.Level), Text: e.Text,
	}
	code, lasting := uplinkCondition(e.Code)
	switch {
	case lasting:
		about := subject{code, e.Machine}
		if !ofMachine(code) {
			about.name = "" // it concerns all, whoever's post it was that met it
		}
		n.lasting(about, e)
	case e.Level != uplink.Info:
		if before, due := n.repeats.take(time.Now(), entry); due {
			n.warn(entry, before)
		}
	}
	n.journal([]mapping.Event{entry})
	if isMissing(e) {
		n.keeper.missing(store.Missing{
			Time: e.Time, Machine: e.Machine, Code: string(e.Code), Type: e.Stop.Type,
			From: e.From, To: e.To, Pieces: e.Pieces, Order: e.Order, Text: e.Text,
		})
	}
}

// isMissing says that an event belongs to the report of what Prodsmart does not
// show as it was. A stop that was given up is reported as missing when it ends.
func isMissing(e uplink.Event) bool {
	switch e.Code {
	case uplink.NotInProdsmart, uplink.StopLate, uplink.StartLate, uplink.BacklogLate:
		return true
	case uplink.BacklogHeld, uplink.StopGivenUp, uplink.ParametersRefused:
		return !e.Over
	}
	return false
}

// asked notes what somebody asked for by hand.
func (n *notifier) asked(machine, rule, text string) {
	n.log.Info(text, "machine", machine)
	n.journal([]mapping.Event{{Time: time.Now(), Machine: machine, Rule: rule, Subject: "prodsmart", Level: mapping.Notice, Text: text}})
}

// ofMachine says that an uplink condition is about one machine.
func ofMachine(code health.Code) bool {
	return code == health.PostRefused || code == health.OtherWriter || code == health.ReportBelowTold || code == health.BacklogHeld
}

// lasting begins or ends a condition. Several events may hold one up; it ends
// with the last of them.
func (n *notifier) lasting(about subject, e uplink.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !e.Over {
		if n.begun[about] == nil {
			n.begun[about] = map[uplink.Code]string{}
		}
		n.begun[about][e.Code] = e.Text
		n.health.Set(about.code, about.name, e.Text)
		return
	}
	delete(n.begun[about], e.Code)
	for _, text := range n.begun[about] {
		n.health.Set(about.code, about.name, text)
		return
	}
	delete(n.begun, about)
	n.health.Clear(about.code, about.name)
}

func (n *notifier) posted(p uplink.Posted) {
	verdict := p.Answer.Verdict.String()
	if p.Dry {
		verdict = "dry-run"
	}
	n.counts.Lock()
	n.posts[postKey{p.Post.Service.String(), verdict}]++
	n.counts.Unlock()
	n.log.Debug("post", "machine", p.Post.Machine, "service", p.Post.Service.String(), "body", string(p.Post.Body),
		"verdict", verdict, "status", p.Answer.Status, "took", p.Answer.Took)
	n.keeper.posted(store.PostEntry{
		Time: p.Sent, Machine: p.Post.Machine, Service: p.Post.Service.String(), Body: p.Post.Body,
		Verdict: verdict, Status: p.Answer.Status, Text: p.Answer.Text, Took: p.Answer.Took,
	})
}

// counted gives the numbers of posts and of journal entries since the start.
func (n *notifier) counted() (map[postKey]uint64, map[eventKey]uint64) {
	n.counts.Lock()
	defer n.counts.Unlock()
	return maps.Clone(n.posts), maps.Clone(n.events)
}

// store is told of failing commits, and with nil of their end.
func (n *notifier) store(err error) {
	if err == nil {
		n.health.Clear(health.StoreFailing, "")
		return
	}
	n.health.Set(health.StoreFailing, "", err.Error())
}

func (n *notifier) clock(jump time.Duration) {
	text := fmt.Sprintf("The clock of this computer was moved by %v. Counting and debouncing do not use it; planned times do.", jump.Round(time.Millisecond))
	n.happened(health.ClockJump, "", text)
	n.journal([]mapping.Event{{Time: time.Now(), Rule: "clock", Subject: "gateway", Level: mapping.Notice, Text: text}})
}
