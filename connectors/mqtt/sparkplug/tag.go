package sparkplug

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// place names an Edge Node, or one of its devices.
type place struct{ group, node, device string }

// String is the notation of Tag.Address.
func (p place) String() string {
	if p.device == "" {
		return p.group + "/" + p.node
	}
	return p.group + "/" + p.node + "/" + p.device
}

// edge is the place of the Edge Node alone.
func (p place) edge() place { return place{group: p.group, node: p.node} }

// parsePlace reads GROUP/NODE or GROUP/NODE/DEVICE.
func parsePlace(address string) (place, error) {
	const want = "write GROUP/NODE for a metric of an Edge Node, GROUP/NODE/DEVICE for one of its devices"
	parts := strings.Split(address, "/")
	switch {
	case address == "":
		return place{}, errors.New("the address is empty; " + want)
	case parts[0] == namespace:
		return place{}, fmt.Errorf("address %q is a topic; %s", address, want)
	case len(parts) == 1:
		return place{}, fmt.Errorf("address %q names no Edge Node; %s", address, want)
	case len(parts) > 3:
		return place{}, fmt.Errorf("address %q has more than three parts; %s, and the metric as path", address, want)
	case strings.ContainsAny(address, "+#"):
		return place{}, fmt.Errorf("address %q: wildcards do not apply; %s", address, want)
	case !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl):
		return place{}, fmt.Errorf("address %q holds what no topic can", address)
	case len(address) > maxName:
		return place{}, fmt.Errorf("the address is longer than %d bytes", maxName)
	}
	for _, part := range parts {
		if strings.TrimSpace(part) != part || part == "" {
			return place{}, fmt.Errorf("address %q: a part is empty, or begins or ends with a space; %s", address, want)
		}
	}
	p := place{group: parts[0], node: parts[1]}
	if len(parts) == 3 {
		p.device = parts[2]
	}
	return p, nil
}

// CheckTag says what is wrong with a tag, in words for the person who wrote it.
// Address is GROUP/NODE or GROUP/NODE/DEVICE, Path the full name of the metric
// as the birth certificate has it; Bit selects a bit of a whole number. The
// birth certificate says the type, and the Edge Node when a value comes, so
// Type, Order and Length do not apply and Every is not used.
func CheckTag(tag connectors.Tag) error {
	if _, err := parsePlace(tag.Address); err != nil {
		return err
	}
	switch {
	case tag.Path == "":
		return errors.New("the metric is missing; write its full name as path, as the Edge Node publishes it")
	case len(tag.Path) > maxName:
		return fmt.Errorf("the name of the metric is longer than %d bytes", maxName)
	case !utf8.ValidString(tag.Path):
		return errors.New("the name of the metric is not UTF-8")
	case tag.Type != "":
		return fmt.Errorf("type %s does not apply: the birth certificate says a metric's type; leave it out", tag.Type)
	case tag.Order != "":
		return fmt.Errorf("order %s does not apply to Sparkplug; leave it out", tag.Order)
	case tag.Length != 0:
		return errors.New("length does not apply to Sparkplug; leave it out")
	case tag.Bit != connectors.NoBit && (tag.Bit < 0 || tag.Bit > 63):
		return fmt.Errorf("bit %d does not exist; allowed are 0 to 63", tag.Bit)
	case tag.EachMessage:
		return errors.New("Sparkplug reports values by exception and promises no message for each part; count a metric that is a total instead")
	}
	return nil
}
