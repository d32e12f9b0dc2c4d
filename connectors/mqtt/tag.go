package mqtt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug"
)

// kinds are the values of Tag.Type.
var kinds = [...]string{"", "int", "float", "bool", "string"}

// CheckTag says what is wrong with a tag of the connection, in words for the
// person who wrote it.
//
// With text payloads the address is an MQTT topic filter; + stands for one level
// and # for the rest. Type is empty, int, float, bool or string; Path selects a
// member of a JSON payload; Bit selects a bit of a whole number. With Sparkplug
// payloads the address is GROUP/NODE or GROUP/NODE/DEVICE and Path the name of a
// metric, which brings its type. Every is not used: the sender decides when a
// value comes. Length and Order do not apply.
func (c Config) CheckTag(tag connectors.Tag) error {
	if c.Payload == PayloadSparkplug {
		return sparkplug.CheckTag(tag)
	}
	_, err := newReader(tag)
	return err
}

// newReader compiles a tag.
func newReader(tag connectors.Tag) (reader, error) {
	if err := checkFilter(tag.Address); err != nil {
		return reader{}, err
	}
	r := reader{kind: tag.Type, bit: tag.Bit}
	switch {
	case !slices.Contains(kinds[:], tag.Type):
		return reader{}, fmt.Errorf("type %q is unknown; allowed are int, float, bool and string, or none to take what comes", tag.Type)
	case tag.Order != "":
		return reader{}, fmt.Errorf("order %s does not apply: MQTT payloads are text", tag.Order)
	case tag.Length != 0:
		return reader{}, errors.New("length does not apply: MQTT payloads end by themselves")
	case tag.Bit != connectors.NoBit && (tag.Bit < 0 || tag.Bit > 63):
		return reader{}, fmt.Errorf("bit %d does not exist; allowed are 0 to 63", tag.Bit)
	case tag.Bit != connectors.NoBit && tag.Type != "" && tag.Type != "int":
		return reader{}, fmt.Errorf("a %s has no bits; leave the type out or use int", tag.Type)
	}
	if tag.Path != "" {
		p, err := parsePath(tag.Path)
		if err != nil {
			return reader{}, err
		}
		r.path = &p
	}
	return r, nil
}

// checkFilter holds a topic filter against the rules of MQTT.
func checkFilter(filter string) error {
	switch {
	case filter == "":
		return errors.New("the topic is empty")
	case len(filter) > 65535:
		return errors.New("the topic is longer than 65535 bytes")
	case !utf8.ValidString(filter):
		return errors.New("the topic is not valid UTF-8")
	case strings.ContainsFunc(filter, unicode.IsControl):
		return fmt.Errorf("topic %q holds a control character", filter)
	case strings.TrimSpace(filter) != filter:
		return fmt.Errorf("topic %q begins or ends with a space", filter)
	case strings.HasPrefix(filter, "$share/") || strings.HasPrefix(filter, "$queue/"):
		return fmt.Errorf("topic %q is a shared subscription: other clients would get a part of the messages, and they would not be counted here", filter)
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case strings.Contains(level, "#") && (level != "#" || i < len(levels)-1):
			return fmt.Errorf("topic %q: # must be the last level and stand alone in it", filter)
		case strings.Contains(level, "+") && level != "+":
			return fmt.Errorf("topic %q: + must stand alone in its level", filter)
		}
	}
	return nil
}

// CheckTags says what is wrong with the tags of one connection: each by itself,
// and together. A filter that counts messages must not overlap with another
// filter, because a broker may then deliver each message twice.
func (c Config) CheckTags(tags []connectors.Tag) error {
	pulses := map[string]bool{}
	for i, tag := range tags {
		if err := c.CheckTag(tag); err != nil {
			return fmt.Errorf("tag %d: %w", i+1, err)
		}
		pulses[tag.Address] = pulses[tag.Address] || tag.EachMessage
	}
	if c.Payload == PayloadSparkplug {
		return nil // addresses are no filters, and those that are made of them do not overlap
	}
	for wild := range pulses {
		if !strings.ContainsAny(wild, "+#") {
			continue // two different exact topics never overlap
		}
		for other, counted := range pulses {
			if other != wild && (counted || pulses[wild]) && overlap(wild, other) {
				first, second := min(wild, other), max(wild, other)
				return fmt.Errorf("topics %q and %q overlap and at least one counts messages: a broker may deliver each message twice; use one of them, or a second connection", first, second)
			}
		}
	}
	return nil
}

// overlap says whether a topic exists that matches both filters.
func overlap(a, b string) bool {
	if wildAtTop(a) && b[0] == '$' || wildAtTop(b) && a[0] == '$' {
		return false
	}
	for {
		headA, restA, moreA := strings.Cut(a, "/")
		headB, restB, moreB := strings.Cut(b, "/")
		if headA == "#" || headB == "#" {
			return true
		}
		if headA != headB && headA != "+" && headB != "+" {
			return false
		}
		switch {
		case !moreA && !moreB:
			return true
		case !moreA:
			return restB == "#"
		case !moreB:
			return restA == "#"
		}
		a, b = restA, restB
	}
}

func wildAtTop(filter string) bool { return filter[0] == '#' || filter[0] == '+' }
