package prodsmart

import (
	"context"
	"encoding/json"
	"net/url"
)

// Changes takes what changed since the last call out of a change channel, oldest
// first: at most PageSize entities as they are now. What is given here can not be
// had again, so it is returned raw, for a caller who keeps it before reading it, and
// an answer that was lost is lost: after any error the lists are the truth. A full
// page says that there is more. channel is the text that the tenant shows for the
// channel; workers asks for the workers of production orders.
//
// The lists of an answer that could be had only in part are given with the error.
func (c *Client) Changes(ctx context.Context, channel string, workers bool) ([]json.RawMessage, error) {
	filters := url.Values{}
	if workers {
		filters.Set("workers", "true")
	}
	r, err := c.do(ctx, "changes.take", channel, filters, nil)
	if err != nil {
		return nil, err
	}
	if !r.cut && r.broken == nil && isNothing(trimmed(r.body)) {
		return nil, nil
	}
	items, err := listItems(r.body)
	if err != nil || r.cut || r.broken != nil {
		return items, c.unreadable("changes.take", r)
	}
	return items, nil
}

// ReadProductionOrder reads an order of a change channel or webhook. workers says
// that it has its workers.
func (c *Client) ReadProductionOrder(raw json.RawMessage) ProductionOrder {
	return decodeDocument[ProductionOrder](raw, &notes{zone: c.zone})
}

// ReadProduction reads a production record of a change channel.
func (c *Client) ReadProduction(raw json.RawMessage) Production {
	return decodeProduction(raw, &notes{zone: c.zone})
}

// ReadDowntime reads a downtime of a change channel or webhook.
func (c *Client) ReadDowntime(raw json.RawMessage) Downtime {
	return decodeDowntime(raw, &notes{zone: c.zone})
}

// ReadProduct reads a product of a change channel.
func (c *Client) ReadProduct(raw json.RawMessage) Product {
	return decodeDocument[Product](raw, &notes{zone: c.zone})
}

// ReadPunch reads an event of a punch clock of a change channel or webhook.
func (c *Client) ReadPunch(raw json.RawMessage) Punch {
	return decodePunch(raw, &notes{zone: c.zone})
}

// ReadStock reads a stock of a change channel.
func (c *Client) ReadStock(raw json.RawMessage) Stock {
	return decodeStock(raw, &notes{zone: c.zone})
}
