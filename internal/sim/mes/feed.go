package mes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	created := !s.feed.known[item.feedKey]
	s.feed.known[item.feedKey] = !deleted
	for _, c := range s.feed.channels {
		if c.Type == kind {
			c.push(item)
		}
	}
	if len(s.courier.subscribers) > 0 {
		s.tellHooks(item, created)
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

// channelItems is how many changes a channel gives at a time, and channelKeeps
// how long it keeps one.
const (
	channelItems = 25
	channelKeeps = 24 * time.Hour
	mostChannels = 3
)

// listens says whether anybody wants to know of a thing, which counts as known
// from now on.
func (s *Server) listens(kind string, id int) bool {
	followed := func(c *channel) bool { return c.Type == kind }
	if len(s.courier.subscribers) > 0 || slices.ContainsFunc(s.feed.channels, followed) {
		return true
	}
	s.feed.known[feedKey{kind, id}] = true
	return false
}

// channelKinds are the types of channels.
func channelKinds() []string {
	return []string{kindDowntime, kindProduct, kindProduction, kindOrder, kindPunchClock, kindStock}
}

// addChannel makes a channel. The caller holds the lock.
func (s *Server) addChannel(c ChannelSetup) error {
	switch {
	case c.Name == "" || strings.Contains(c.Name, "/"):
		return fmt.Errorf("channel name %q: must have a character and no slash", c.Name)
	case !slices.Contains(channelKinds(), c.Type):
		return fmt.Errorf("channel type %q is not known; allowed: %s", c.Type, strings.Join(channelKinds(), ", "))
	case s.channelNamed(c.Name) != nil:
		return fmt.Errorf("channel %q exists already", c.Name)
	case len(s.feed.channels) >= mostChannels:
		return fmt.Errorf("there are %d channels already, which is the most that a company has", mostChannels)
	}
	s.feed.channels = append(s.feed.channels, &channel{ChannelSetup: c})
	return nil
}

func (s *Server) channelNamed(name string) *channel {
	i := slices.IndexFunc(s.feed.channels, func(c *channel) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return s.feed.channels[i]
}

// changesService serves GET of a channel: it gives the oldest changes and
// forgets them.
func (s *Server) changesService(r *http.Request, name string) (answer, bool) {
	if a, ok := s.admitReader(r); !ok {
		return a, false
	}
	c := s.channelNamed(name)
	switch {
	case r.Method != http.MethodGet:
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	case c == nil:
		return text(http.StatusNotFound, "Channel not found"), false
	}
	shapes := []map[string]any{}
	for _, i := range c.pop(s.now()) {
		shapes = append(shapes, s.fed(i, wantsWorkers(r)))
	}
	return asJSON(http.StatusOK, shapes), len(shapes) > 0
}

// expire forgets what is older than a channel keeps.
func (c *channel) expire(now time.Time) {
	c.items = slices.DeleteFunc(c.items, func(i feedItem) bool { return now.Sub(i.at) >= channelKeeps })
}

// pop takes the oldest changes out.
func (c *channel) pop(now time.Time) []feedItem {
	c.expire(now)
	n := min(len(c.items), channelItems)
	popped := slices.Clone(c.items[:n])
	c.items = slices.Delete(c.items, 0, n)
	return popped
}

// fed is an item of a channel: what the thing is like at this time.
func (s *Server) fed(i feedItem, workers bool) map[string]any {
	entity := i.entity
	if !i.deleted {
		entity = s.present(i)
	}
	switch i.kind {
	case kindOrder:
		return s.fedOrder(entity, workers, i.deleted)
	case kindProduction:
		return s.fedProduction(entity, i.deleted)
	case kindDowntime:
		entity = toldDowntime(entity)
		if i.deleted {
			entity["event-type"] = "downTime_deleted"
		}
	case kindProduct:
		entity = without(entity, "id")
		entity["notification"] = nil
		if i.deleted {
			entity["notification"] = "product_deleted"
		}
	case kindPunchClock:
		entity = toldPunchClock(entity)
		if i.deleted {
			entity["notification"] = "punchClock_deleted"
		}
	}
	return entity
}

// present is the shape that a thing has now: times go on without a change.
func (s *Server) present(i feedItem) map[string]any {
	switch i.kind {
	case kindOrder:
		if o := s.orders[i.id]; o != nil {
			return s.orderShape(o)
		}
	case kindProduction:
		if m, n := s.findProduction(i.id); m != nil {
			return s.productionShape(m, &m.Productions[n], false)
		}
	case kindDowntime:
		if m, n := s.findDowntime(i.id); m != nil {
			return s.downtimeShape(m, &m.Downtimes[n])
		}
	}
	return i.entity
}

// fedProduction is a production as the channel gives it.
func (s *Server) fedProduction(entity map[string]any, deleted bool) map[string]any {
	entity = without(entity, "parameters")
	if q, is := entity["quantity"].(float64); is {
		entity["quantity"] = decimal(q)
	}
	entity["consumptions"], entity["rework"] = []any{}, false
	entity["total-time-factor"] = decimal(1)
	entity["show-check-in-checklist-and-c-f"] = false
	if deleted {
		entity["status"] = "deleted"
	}
	return entity
}

// toldDowntime is a downtime as channels and webhooks tell of it.
func toldDowntime(entity map[string]any) map[string]any {
	entity = without(entity)
	if spent, is := entity["time-spent"].(string); is {
		entity["time-spent"] = strings.NewReplacer("H", ":", "m", ":", "s", "").Replace(spent)
	}
	return entity
}

// toldPunchClock is a punch of a clock as channels and webhooks tell of it.
func toldPunchClock(entity map[string]any) map[string]any {
	told := without(entity, "type")
	if kind, has := entity["type"]; has {
		told["entry"] = kind
	}
	return told
}
