package mirror

import "encoding/json"

// shapeOf says what kind an entity of a channel is by the fields that no other kind
// has; without any of them it is what the channel should have. It is kinds for one that
// is not kept.
func shapeOf(raw json.RawMessage, should Kind) Kind {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return should
	}
	for _, mark := range []struct {
		field string
		kind  Kind
	}{
		{"running-status", Orders}, {"products", Orders}, {"downtime-type", Downtimes}, {"event-type", Downtimes},
		{"operation", Productions}, {"produced-waste", Productions}, {"consumptions", Productions},
		{"entry", kinds}, {"product-code", kinds}, {"notification", kinds},
	} {
		if _, has := fields[mark.field]; has {
			return mark.kind
		}
	}
	return should
}

// filed says whether the channel of a kind has what it should.
func (m *Mirror) filed(channel, has Kind) {
	text := ""
	switch has {
	case channel:
	case kinds:
		text = "the change channel of " + channel.String() + " has something else in it"
	default:
		text = "the change channel of " + channel.String() + " has " + has.String() + " in it"
	}
	m.problem("prodsmart.follow.channels."+channel.String(), text)
}
