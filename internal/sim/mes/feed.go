package mes

import (
	"slices"
	"time"
)

// The kinds of what changes. All but the movements are types of channels too.
const (
	kindOrder      = "PRODUCTION_ORDER"
	kindProduction = "PRODUCTION"
	kindDowntime   = "DOWNTIME"
	kindProduct    = "PRODUCT"
	kindStock      = "STOCK"
	kindPunchClock = "PUNCH_CLOCK"
	kindMovement   = "INVENTORY_MOVEMENT"
)

// feed is what tells others of changes.
type feed struct {
	channels []*channel
	// known are the things that were told of, to tell a new one from one that
	// changed.
	known map[feedKey]bool
}

// feedKey is one thing; its number is one of its kind.
type feedKey struct {
	kind string
	id   int
}

// feedItem is the newest change of one thing.
type feedItem struct {
	feedKey
	at      time.Time
	entity  map[string]any
	deleted bool
}

// changed tells the channels and webhooks that a thing was made, changed or
// deleted. The entity is its full shape as reads give it, and is not changed
// afterwards. The caller holds the lock.
func (s *Server) changed(kind string, id int, entity map[string]any, deleted bool) {
	item := feedItem{feedKey{kind, id}, s.now(), entity, deleted}
	s.feed.known[item.feedKey] = !deleted
	for _, c := range s.feed.channels {
		if c.Type == kind {
			c.push(item)
		}
	}
}

// channel is a stack of changes of one type.
type channel struct {
	ChannelSetup
	items []feedItem // oldest first, one of each thing
}

// ChannelSetup is a change channel as an administrator makes it.
type ChannelSetup struct {
	// Name is what clients ask for; any text without a slash.
	Name string `json:"name"`
	// Type is DOWNTIME, PRODUCT, PRODUCTION, PRODUCTION_ORDER, PUNCH_CLOCK or
	// STOCK.
	Type string `json:"type"`
}

// push adds a change in place of an earlier one of the same thing.
func (c *channel) push(item feedItem) {
	c.items = slices.DeleteFunc(c.items, func(i feedItem) bool { return i.feedKey == item.feedKey })
	c.items = append(c.items, item)
}
