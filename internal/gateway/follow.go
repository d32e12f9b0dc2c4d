package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// hookSource is the source of messages in the inbox; batches have the name of their
// kind.
const hookSource = "webhook"

// follower keeps a copy of what Prodsmart has: it reads in slots of the budget, and
// takes what Prodsmart sends by itself.
type follower struct {
	config  config.Follow
	mirror  *mirror.Mirror
	door    *webhook.Receiver // nil without one
	started time.Time
}

// FollowStatus says how the copy of Prodsmart's records is.
type FollowStatus struct {
	// On is false without the section follow, and in a dry run.
	On     bool
	Mirror mirror.Status
	// Door is nil without a webhook.
	Door *webhook.Status
}

// newFollower makes a follower, or none if nothing is followed.
func newFollower(g *Gateway) (*follower, error) {
	c := g.config.Prodsmart.Follow
	if !c.On || !g.config.Prodsmart.Live || g.client == nil {
		return nil, nil
	}
	f := &follower{config: c, started: g.started}
	box := inbox{g.store}
	f.mirror = mirror.New(mirror.Settings{Channels: channels(c), Poll: c.Poll, Every: c.Every}, mirror.FromClient(g.client), g.client, box,
		func(ctx context.Context, urgent bool, do func(context.Context) prodsmart.Answer) error {
			kind := uplink.ReadErrand
			if urgent {
				kind = uplink.OrderErrand
			}
			_, err := g.uplink.Errand(ctx, kind, do)
			return err
		})
	if c.Webhook == nil {
		return f, nil
	}
	hook := webhook.Config{Path: c.Webhook.Path, Signature: webhook.Signature(c.Webhook.Signature), MaxAge: c.Webhook.MaxAge, Lost: f.mirror.Suspect}
	if hook.MaxAge == 0 {
		hook.MaxAge = -1 // any
	}
	for _, s := range c.Webhook.Secrets {
		hook.Secrets = append(hook.Secrets, prodsmart.NewSecret(s.Reveal()))
	}
	var err error
	if f.door, err = webhook.New(hook, doorway{box, f.mirror}); err != nil {
		return nil, fmt.Errorf("prodsmart.follow.webhook: %w", err)
	}
	return f, nil
}

// channels are the change channels by their kind.
func channels(c config.Follow) map[mirror.Kind]string {
	m := map[mirror.Kind]string{}
	for _, kind := range []mirror.Kind{mirror.Orders, mirror.Productions, mirror.Downtimes} {
		if channel := c.Channels[kind.String()]; channel != "" {
			m[kind] = channel
		}
	}
	return m
}

// run follows until ctx ends. It may be called on none.
func (f *follower) run(ctx context.Context) {
	if f != nil {
		f.mirror.Run(ctx)
	}
}

// snapshot gives the present status. It may be called on none.
func (f *follower) snapshot() FollowStatus {
	if f == nil {
		return FollowStatus{}
	}
	s := FollowStatus{On: true, Mirror: f.mirror.Status()}
	if f.door != nil {
		door := f.door.Status()
		s.Door = &door
	}
	return s
}

// late says how the copy is behind; nothing if it is not. It may be called on none.
func (f *follower) late(now time.Time) string {
	if f == nil {
		return ""
	}
	patience := 3*f.config.Every + 5*time.Minute
	s := f.mirror.Status()
	var behind []string
	for k, kind := range s.Kinds {
		since := kind.TrueAt
		if since.IsZero() {
			since = f.started
		}
		if now.Sub(since) > patience {
			behind = append(behind, fmt.Sprintf("%s since %s", strings.ReplaceAll(mirror.Kind(k).String(), "_", " "), now.Sub(since).Round(time.Minute)))
		}
	}
	if len(behind) == 0 {
		return ""
	}
	text := "Not read to the end: " + strings.Join(behind, ", ") + "."
	if s.Problem != "" {
		text += " " + s.Problem
	}
	return text
}

// inbox keeps in the store what came by itself.
type inbox struct{ store *store.Store }

// Put is mirror.Inbox's.
func (b inbox) Put(ctx context.Context, i mirror.Item) error {
	source := i.Channel.String()
	if i.Webhook {
		source = hookSource
	}
	return b.store.Commit(ctx, store.Write{Inbox: []store.InboxItem{{Time: i.At, Source: source, Body: i.Body}}})
}

// Items is mirror.Inbox's. What has an unknown source is of another version, and is
// dropped.
func (b inbox) Items(ctx context.Context, most int) ([]mirror.Item, error) {
	list, err := b.store.Inbox(ctx, most)
	if err != nil {
		return nil, err
	}
	var items []mirror.Item
	for _, i := range list {
		item := mirror.Item{ID: i.ID, At: i.Time, Body: i.Body, Webhook: i.Source == hookSource}
		known := item.Webhook
		for _, kind := range []mirror.Kind{mirror.Orders, mirror.Productions, mirror.Downtimes} {
			if i.Source == kind.String() {
				item.Channel, known = kind, true
			}
		}
		if !known {
			item.Body = nil
		}
		items = append(items, item)
	}
	return items, nil
}

// Done is mirror.Inbox's.
func (b inbox) Done(ctx context.Context, ids ...int64) error {
	return b.store.Commit(ctx, store.Write{Taken: ids})
}

// doorway hands messages on.
type doorway struct {
	inbox  inbox
	mirror *mirror.Mirror
}

// Put is webhook.Inbox's.
func (d doorway) Put(ctx context.Context, delivery webhook.Delivery) error {
	body, err := json.Marshal(delivery)
	if err == nil {
		err = d.inbox.Put(ctx, mirror.Item{At: delivery.Received, Webhook: true, Body: body})
	}
	if err != nil {
		d.mirror.Suspect()
		return err
	}
	d.mirror.Wake()
	return nil
}
