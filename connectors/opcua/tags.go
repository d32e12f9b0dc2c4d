package opcua

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// maxQueue bounds the values a server is asked to keep for one node.
	maxQueue = 10_000
	// eachQueue is the queue of a tag whose every message counts.
	eachQueue = 1_000
)

// CheckTag says what is wrong with a tag, without asking the server: how its
// address is written, options that OPC UA does not have, and what does not go
// with the settings of the connection.
func (c Config) CheckTag(tag connectors.Tag) error {
	_, err := c.parseTag(tag)
	return err
}

// parseTag reads a tag of this connection.
func (c Config) parseTag(tag connectors.Tag) (address, error) {
	a, err := parseTag(tag)
	if err == nil && tag.EachMessage && c.Read == ReadPoll {
		err = fmt.Errorf("every value of %s counts, and read: poll can not see every value; set read to subscribe or auto, or count a total of the PLC instead", tag.Address)
	}
	return a, err
}

func parseTag(tag connectors.Tag) (address, error) {
	a, err := parseAddress(tag.Address)
	problems := []error{err}
	if tag.Order != "" {
		problems = append(problems, fmt.Errorf("byte order %q is for Modbus; an OPC UA server sends numbers, leave it out", tag.Order))
	}
	if tag.Length != 0 {
		problems = append(problems, fmt.Errorf("length %d is for Modbus strings; leave it out", tag.Length))
	}
	if _, err := parsePath(tag.Path); err != nil {
		problems = append(problems, err)
	}
	want, known := typeOf(tag.Type)
	if !known {
		problems = append(problems, fmt.Errorf("type %q is not an OPC UA type; leave it out, or use one of %s", tag.Type, typeNames))
	}
	switch {
	case tag.Bit < connectors.NoBit || tag.Bit > 63:
		problems = append(problems, fmt.Errorf("bit %d is out of range; allowed: 0 to 63", tag.Bit))
	case tag.Bit != connectors.NoBit && known && tag.Type != "" && tag.Bit >= width(want):
		problems = append(problems, fmt.Errorf("bit %d is not in a value of type %s", tag.Bit, tag.Type))
	}
	if tag.Every < 0 {
		problems = append(problems, fmt.Errorf("period %s is negative", tag.Every))
	}
	return a, errors.Join(problems...)
}

// typeNames are the names that a tag's type may have, for people. The names of
// the specification (SByte, Float, Double…) are understood as well.
const typeNames = "bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64, string"

// typeOf finds the OPC UA type of a name; the empty name is any type.
func typeOf(name string) (ua.TypeID, bool) {
	switch strings.ToLower(name) {
	case "":
		return ua.TypeIDNull, true
	case "bool", "boolean":
		return ua.TypeIDBoolean, true
	case "int8", "sbyte":
		return ua.TypeIDSByte, true
	case "uint8", "byte":
		return ua.TypeIDByte, true
	case "int16":
		return ua.TypeIDInt16, true
	case "uint16":
		return ua.TypeIDUint16, true
	case "int32":
		return ua.TypeIDInt32, true
	case "uint32":
		return ua.TypeIDUint32, true
	case "int64":
		return ua.TypeIDInt64, true
	case "uint64":
		return ua.TypeIDUint64, true
	case "float32", "float":
		return ua.TypeIDFloat, true
	case "float64", "double":
		return ua.TypeIDDouble, true
	case "string":
		return ua.TypeIDString, true
	}
	return ua.TypeIDNull, false
}

// width is the number of bits of an integer type, 0 for all others.
func width(t ua.TypeID) int {
	switch t {
	case ua.TypeIDSByte, ua.TypeIDByte:
		return 8
	case ua.TypeIDInt16, ua.TypeIDUint16:
		return 16
	case ua.TypeIDInt32, ua.TypeIDUint32:
		return 32
	case ua.TypeIDInt64, ua.TypeIDUint64:
		return 64
	}
	return 0
}

// planItems finds the monitored items that serve the tags.
func planItems(cfg Config, tags []connectors.Tag) ([]plannedItem, error) {
	type key struct {
		node  address
		every time.Duration
		each  bool
	}
	var (
		plan     []plannedItem
		problems []error
		seen     = make(map[key]int, len(tags))
	)
	for i, tag := range tags {
		a, err := cfg.parseTag(tag)
		if err != nil {
			problems = append(problems, fmt.Errorf("tag %d: %w", i, err))
			continue
		}
		k := key{node: a, every: tag.Every, each: tag.EachMessage}
		if k.every == 0 && !k.each {
			k.every = cfg.Sampling
		}
		at, ok := seen[k]
		if !ok {
			at = len(plan)
			seen[k] = at
			plan = append(plan, plannedItem{node: k.node, every: k.every, each: k.each})
		}
		plan[at].tags = append(plan[at].tags, i)
	}
	return plan, errors.Join(problems...)
}
