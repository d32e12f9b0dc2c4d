package gateway

import (
	"fmt"
	"log/slog"
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

	mu    sync.Mutex
	posts map[postKey]uint64
	// begun holds, for each condition, the uplink's events that it began with
	// and that are not over.
	begun map[subject]map[uplink.Code]string
}

// subject is a condition and what it is about.
type subject struct {
	code health.Code
	name string
}

// postKey counts posts for the metrics.
type postKey struct{ Service, Verdict string }

// condition logs the beginning and the end of a condition. Connections log
// themselves, with more to say.
func (n *notifier) condition(c health.Change) {
	if c.Condition.Code == health.LinkDown {
		return
	}
	if c.Ended {
		n.log.Info("over: "+c.Condition.Title, "code", c.Condition.Code.String(), "subject", c.Condition.Subject,
			"after", c.At.Sub(c.Condition.Since).Round(time.Second))
		return
	}
	n.log.Warn(c.Condition.Title, "code", c.Condition.Code.String(), "subject", c.Condition.Subject,
		"detail", c.Condition.Detail, "next", c.Condition.Next)
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
	case uplink.CounterRefused, uplink.ExtrasRefused:
		return health.PostRefused, true
	case uplink.OtherWriter, uplink.FellBack:
		return health.CounterJump, true
	}
	return 0, false
}

func (n *notifier) uplink(e uplink.Event) {
	code, lasting := uplinkCondition(e.Code)
	switch {
	case lasting:
		about := subject{code, e.Machine}
		if code != health.PostRefused && code != health.CounterJump {
			about.name = "" // it concerns all, whoever's post it was that met it
		}
		n.lasting(about, e)
	case e.Level != uplink.Info:
		n.log.Warn(e.Text, "code", string(e.Code), "machine", e.Machine)
	}
	n.keeper.note([]mapping.Event{{
		Time: e.Time, Machine: e.Machine, Rule: string(e.Code), Subject: "prodsmart", Level: mapping.Severity(e.Level), Text: e.Text,
	}})
}

// lasting begins or ends a condition. Several events may hold one up; it ends
// with the last of them.
func (n *notifier) lasting(about subject, e uplink.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.begun == nil {
		n.begun = map[subject]map[uplink.Code]string{}
	}
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
	n.mu.Lock()
	if n.posts == nil {
		n.posts = map[postKey]uint64{}
	}
	n.posts[postKey{p.Post.Service.String(), verdict}]++
	n.mu.Unlock()
	n.log.Debug("post", "machine", p.Post.Machine, "service", p.Post.Service.String(), "body", string(p.Post.Body),
		"verdict", verdict, "status", p.Answer.Status, "took", p.Answer.Took)
	n.keeper.posted(store.PostEntry{
		Time: p.Sent, Machine: p.Post.Machine, Service: p.Post.Service.String(), Body: p.Post.Body,
		Verdict: verdict, Status: p.Answer.Status, Text: p.Answer.Text, Took: p.Answer.Took,
	})
}

func (n *notifier) postCounts() map[postKey]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make(map[postKey]uint64, len(n.posts))
	for k, v := range n.posts {
		out[k] = v
	}
	return out
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
	n.log.Warn(text, "code", health.ClockJump.String())
	n.keeper.note([]mapping.Event{{Time: time.Now(), Rule: "clock", Subject: "gateway", Level: mapping.Notice, Text: text}})
}
