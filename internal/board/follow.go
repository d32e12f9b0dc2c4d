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
	Waiting int    `json:"waiting"`
	Problem string `json:"problem,omitempty"`
	// Webhook is missing if there is no door.
	Webhook *webhookData `json:"webhook,omitempty"`
}

type followKind struct {
	Kind    string `json:"kind"`
	Records int    `json:"records"`
	// TrueAt is the moment for which the copy is known to be right.
	TrueAt  *time.Time `json:"true_at,omitempty"`
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
	Problem   string     `json:"problem,omitempty"`
}

func followOf(s *gateway.FollowStatus, at func(time.Time) *time.Time) *followData {
	if !s.On {
		return nil
	}
	d := &followData{Waiting: s.Mirror.Hints, Problem: s.Mirror.Problem}
	for k, kind := range s.Mirror.Kinds {
		d.Kinds = append(d.Kinds, followKind{mirror.Kind(k).String(), kind.Records, at(kind.TrueAt), kind.Bounded})
	}
	if door := s.Door; door != nil {
		d.Webhook = &webhookData{door.Accepted, door.Repeated, door.Unsigned, door.Old, door.Refused, door.Lost,
			string(door.Matched), door.Header, at(door.Last), door.Problem}
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
			out.gauge(c.d.followAge, now.Sub(kind.TrueAt).Seconds(), name)
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
