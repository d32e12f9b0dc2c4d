package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// DefaultPatience is how long messages of Prodsmart are waited for.
const DefaultPatience = 30 * time.Second

// messages looks at what Prodsmart sent by itself about the orders with a code, which
// were made, changed and deleted.
func (s *session) messages(ctx context.Context, code string) error {
	names := []string{"signature_mode", "webhook_uuid"}
	if s.config.Door == nil {
		s.leave("no webhook is configured, or its door could not be opened", names...)
		return nil
	}
	heard, err := s.hear(ctx, code)
	if err != nil {
		return err
	}
	if len(heard) == 0 {
		s.leave(fmt.Sprintf("no message came within %s: is the address of the door entered in Prodsmart, and can it be reached from there?", s.config.Patience), append(names, "order_deletion")...)
		return nil
	}
	s.found("signature_mode", signedBy(heard))
	uuids := map[string]bool{}
	for _, m := range heard {
		uuids[m.UUID] = true
	}
	switch {
	case len(heard) < 2 || uuids[""]:
		s.leave("it needs two messages with x-prodsmart-webhook-uuid", "webhook_uuid")
	case len(uuids) == 1:
		s.found("webhook_uuid", "per_subscription")
	default:
		s.found("webhook_uuid", "per_delivery")
	}
	for _, m := range heard {
		if isDeletion(m) {
			s.deletion(m.Body)
		}
	}
	return nil
}

// hear waits until the deletion of an order was told.
func (s *session) hear(ctx context.Context, code string) ([]webhook.Heard, error) {
	patience := time.NewTimer(s.config.Patience)
	defer patience.Stop()
	for {
		heard := s.config.Door.About(code)
		if slices.ContainsFunc(heard, isDeletion) {
			return heard, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			return heard, nil
		case <-s.config.Door.News():
		}
	}
}

func isDeletion(m webhook.Heard) bool { return strings.HasSuffix(strings.ToLower(m.Topic), "/delete") }

// signedBy says how messages are signed. All are, or none: so the first one that tells
// something is enough.
func signedBy(heard []webhook.Heard) string {
	answer := "none"
	for _, m := range heard {
		switch {
		case len(m.Matches) > 1:
			return "several"
		case len(m.Matches) == 1:
			return string(m.Matches[0].Signature)
		case m.Signed:
			answer = "wrong"
		}
	}
	return answer
}

// deletion looks at what is told of an order that was deleted.
func (s *session) deletion(body []byte) {
	const name = "order_deletion"
	var order struct {
		Running *string `json:"running-status"`
	}
	if s.answers[name] != "" || json.Unmarshal(body, &order) != nil {
		return
	}
	switch {
	case order.Running == nil || *order.Running == "":
		s.found(name, "absent")
	case strings.EqualFold(*order.Running, "deleted"):
		s.found(name, "deleted")
	default:
		s.leave(fmt.Sprintf("its running status is %.40q", *order.Running), name)
	}
}

// channels reads the change channels that are configured until they are empty. code is
// that of orders that were deleted; empty if none were made.
func (s *session) channels(ctx context.Context, code string) error {
	kinds := []string{"production_orders", "productions", "downtimes"}
	var names []string
	for _, kind := range kinds {
		if s.config.API == nil || s.config.Channels[kind] == "" {
			s.leave("no such channel is configured", "channel_"+kind)
		} else {
			names = append(names, "channel_"+kind)
		}
	}
	if len(names) == 0 {
		s.leave("neither a webhook nor a change channel told it", "order_deletion")
		return nil
	}
	texts := slices.Sorted(maps.Values(s.config.Channels))
	agreed, err := s.agree(ctx, Part{
		Title: "Change channels",
		Does:  fmt.Sprintf("The channels %s are read until they are empty.", strings.Join(texts, ", ")),
		Books: "What waits in them is taken out. A gateway that follows them reads it when it reads all lists the next time.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	for _, kind := range kinds {
		if s.config.Channels[kind] == "" {
			continue
		}
		look := ""
		if kind == "production_orders" {
			look = code
		}
		if err := s.channel(ctx, "channel_"+kind, s.config.Channels[kind], look); err != nil {
			return err
		}
	}
	s.leave("neither a webhook nor a change channel told it", "order_deletion")
	return nil
}

// channel empties one channel, and looks for orders with a code in it.
func (s *session) channel(ctx context.Context, name, channel, code string) error {
	seen := false
	for range mostPages {
		status, body, err := s.call(ctx, "changes.take", channel, nil, nil)
		var items []json.RawMessage
		switch {
		case err != nil:
			return err
		case status == 404 || status == 400:
			s.found(name, "unknown")
			return nil
		case status < 200 || status > 299:
			s.leave(fmt.Sprintf("the answer was unclear: %.200s", body), name)
			return nil
		case json.Unmarshal(body, &items) != nil:
			s.leave(fmt.Sprintf("the answer is no list: %.200s", body), name)
			return nil
		}
		for _, item := range items {
			var order struct{ Code string }
			if code != "" && json.Unmarshal(item, &order) == nil && order.Code == code {
				seen = true
				s.deletion(item)
			}
		}
		if len(items) == 0 {
			break
		}
	}
	if code != "" && !seen {
		s.found(name, "without_it")
	} else {
		s.found(name, "answers")
	}
	return nil
}
