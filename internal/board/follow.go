package board

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
)

// followData is the part of /api/uplink about the copy of Prodsmart's records.
type followData struct {
	Kinds []followKind `json:"kinds"`
	// Waiting are the orders that are to be read because of messages.
	Waiting int `json:"waiting"`
	// Unread are the messages and answers of channels that could not be read.
	Unread  uint64 `json:"unread"`
	Problem string `json:"problem,omitempty"`
	// Webhook is missing if there is no door.
	Webhook *webhookData `json:"webhook,omitempty"`
}

type followKind struct {
	Kind    string `json:"kind"`
	Records int    `json:"records"`
	// TrueAt is the moment for which the copy is known to be right, and Age how long ago
	// that is, whatever became of the clock since; both are missing before the first time.
	TrueAt  *time.Time `json:"true_at,omitempty"`
	Age     *float64   `json:"age_seconds,omitempty"`
	Bounded bool       `json:"bounded,omitempty"`
}

type webhookData struct {
	Accepted uint64 `json:"accepted"`
	Repeated uint64 `json:"repeated"`
	Unsigned uint64 `json:"unsigned"`
	Old      uint64 `json:"old"`
	Refused  uint64 `json:"refused"`
	Lost     uint64 `json:"lost"`
	// Signature is that of the last message that was accepted.
	Signature string     `json:"signature,omitempty"`
	Header    string     `json:"header,omitempty"`
	Last      *time.Time `json:"last,omitempty"`
	// Problem is what was wrong with the last message that was not accepted.
	Problem   string     `json:"problem,omitempty"`
	ProblemAt *time.Time `json:"problem_at,omitempty"`
}

func followOf(s *gateway.FollowStatus, now time.Time, at func(time.Time) *time.Time) *followData {
	if !s.On {
		return nil
	}
	d := &followData{Waiting: s.Mirror.Hints, Unread: s.Mirror.Unread, Problem: s.Mirror.Problem}
	for k, kind := range s.Mirror.Kinds {
		one := followKind{Kind: mirror.Kind(k).String(), Records: kind.Records, TrueAt: at(kind.TrueAt), Bounded: kind.Bounded}
		if !kind.TrueAt.IsZero() {
			age := max(0, now.Sub(kind.TrueAt).Seconds())
			one.Age = &age
		}
		d.Kinds = append(d.Kinds, one)
	}
	if door := s.Door; door != nil {
		d.Webhook = &webhookData{door.Accepted, door.Repeated, door.Unsigned, door.Old, door.Refused, door.Lost,
			string(door.Matched), door.Header, at(door.Last), door.Problem, at(door.ProblemAt)}
	}
	return d
}

func (c *collector) follow(out emitter, s *gateway.FollowStatus, now time.Time) {
	if !s.On {
		return
	}
	for k, kind := range s.Mirror.Kinds {
		name := mirror.Kind(k).String()
		out.gauge(c.d.followRecords, float64(kind.Records), name)
		if !kind.TrueAt.IsZero() {
			out.gauge(c.d.followAge, max(0, now.Sub(kind.TrueAt).Seconds()), name)
		}
	}
	if s.Door == nil {
		return
	}
	for outcome, n := range map[string]uint64{"accepted": s.Door.Accepted, "repeated": s.Door.Repeated, "unsigned": s.Door.Unsigned,
		"old": s.Door.Old, "refused": s.Door.Refused, "lost": s.Door.Lost} {
		out.counter(c.d.webhooks, float64(n), outcome)
	}
}
