package config

import (
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
)

// checkTag asks the protocol whether it understands a tag.
func checkTag(c *Connection, tag connectors.Tag) error {
	switch c.Kind {
	case KindModbus:
		return modbus.CheckTag(tag)
	case KindMQTT:
		return mqtt.CheckTag(tag)
	}
	return checkNodeID(tag)
}

// canonicalAddress writes an address so that two ways to name one register are
// equal: 40001, holding:0 and 1/holding:0 on a device of unit 1.
func canonicalAddress(c *Connection, tag connectors.Tag) string {
	if c.Kind != KindModbus {
		return tag.Address
	}
	plan, err := modbus.Plan(*c.modbus, []connectors.Tag{tag})
	if err != nil || len(plan) != 1 {
		return tag.Address
	}
	return fmt.Sprintf("%d/%s:%d", plan[0].Unit, plan[0].Area, plan[0].Offset)
}

// checkNodeID checks the outline of an OPC UA node id.
func checkNodeID(tag connectors.Tag) error {
	text := tag.Address
	for {
		head, rest, found := strings.Cut(text, ";")
		if !found || !strings.HasPrefix(head, "ns=") && !strings.HasPrefix(head, "nsu=") {
			break
		}
		text = rest
	}
	if len(text) > 2 && strings.Contains("isgb", text[:1]) && text[1] == '=' {
		return nil
	}
	return fmt.Errorf(`%q is no node id; write it like ns=3;s="DB"."Count", nsu=urn:line;s=Count or i=2258`, tag.Address)
}
