package webhook

import (
	"encoding/json"
	"errors"
	"strings"
)

// Entity is what a message is about.
type Entity string

// The entities that can be followed. All others are Other.
const (
	ProductionOrder Entity = "production order"
	Downtime        Entity = "downtime"
	PunchClock      Entity = "punch clock"
	Other           Entity = "other"
)

// Hint says what a message is about. It says that something happened to it, not
// what it is like.
type Hint struct {
	Entity Entity
	// ID is the number of the record; 0 if the message has none.
	ID int64
	// Deleted says that the record is gone.
	Deleted bool
	// Topic is the message's own.
	Topic string
}

// ErrNoMessage is returned by Parse for a body that is no message.
var ErrNoMessage = errors.New("the body of the message is neither an object nor a list")

// Parse finds out what a message is about: by its topic, then by the notification
// in its body, then by the body's shape. What it does not know is Other, without
// an error: messages that nobody asked for are sent as well.
func Parse(d Delivery) (Hint, error) {
	h := Hint{Topic: d.Topic, Entity: Other}
	topic, action, _ := strings.Cut(d.Topic, "/")
	h.Entity = entityOf(topic)
	var body struct {
		ID            any             `json:"id"`
		Notification  string          `json:"notification"`
		EventType     string          `json:"event-type"`
		RunningStatus any             `json:"running-status"`
		Products      json.RawMessage `json:"products"`
		DowntimeType  any             `json:"downtime-type"`
		Entry         any             `json:"entry"`
	}
	text := strings.TrimSpace(string(d.Body))
	switch {
	case strings.HasPrefix(text, "["):
		if !json.Valid(d.Body) {
			return h, ErrNoMessage
		}
		return h, nil // movements, lots: without a number
	case !strings.HasPrefix(text, "{"), unmarshalLoose(d.Body, &body) != nil:
		return h, ErrNoMessage
	}
	h.ID = number(body.ID)
	said := body.Notification
	if said == "" {
		said = body.EventType
	}
	if i := strings.LastIndex(said, "_"); i >= 0 {
		if h.Entity == Other {
			h.Entity = entityOf(said[:i])
		}
		if action == "" {
			action = said[i+1:]
		}
		h.Deleted = strings.HasPrefix(strings.ToLower(said[i+1:]), "delete")
	}
	if h.Entity == Other && topic == "" {
		switch {
		case body.Products != nil && body.RunningStatus != nil:
			h.Entity = ProductionOrder
		case body.DowntimeType != nil:
			h.Entity = Downtime
		case body.Entry != nil:
			h.Entity = PunchClock
		}
	}
	status, _ := body.RunningStatus.(string)
	h.Deleted = h.Deleted || strings.HasPrefix(strings.ToLower(action), "delete") || strings.EqualFold(status, "deleted")
	return h, nil
}

// entityOf reads a name in any style: productionOrder, production_order.
func entityOf(name string) Entity {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name)) {
	case "productionorder", "productionorders":
		return ProductionOrder
	case "downtime", "downtimes":
		return Downtime
	case "punchclock", "punchclocks":
		return PunchClock
	}
	return Other
}

// unmarshalLoose reads an object whose fields may have other types than they
// should; those are left out.
func unmarshalLoose(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return nil
	}
	return err
}

func number(v any) int64 {
	switch v := v.(type) {
	case float64:
		if n := int64(v); float64(n) == v && n > 0 {
			return n
		}
	case string:
		var n json.Number
		if json.Unmarshal([]byte(v), &n) == nil {
			if i, err := n.Int64(); err == nil && i > 0 {
				return i
			}
		}
	}
	return 0
}
