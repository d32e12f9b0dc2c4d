package config

import (
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// checkTag asks the protocol whether it understands a tag.
func checkTag(c *Connection, tag connectors.Tag) error {
	switch c.Kind {
	case KindModbus:
		return modbus.CheckTag(tag)
	case KindMQTT:
		return c.MQTT().CheckTag(tag)
	}
	return c.OPCUA().CheckTag(tag)
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

// checkSettings asks the protocol whether it can work with the settings.
func (c Connection) checkSettings() error {
	switch c.Kind {
	case KindOPCUA:
		return c.OPCUA().Check()
	case KindModbus:
		return c.modbus.Check()
	}
	return c.MQTT().Check()
}

// checkTogether is the last net: what is right by itself and wrong together.
func (l *loader) checkTogether(c *Config) {
	if len(l.errors.list)+len(l.deferred) > 0 {
		return
	}
	tags := map[string][]connectors.Tag{}
	seen := map[mapping.Signal]bool{}
	for _, m := range c.Machines {
		if _, err := mapping.New(m.Spec); err != nil {
			l.errors.add(Problem{Pos: m.Pos, Path: "machines." + printable(m.Spec.Code), Text: oneLine(err)})
		}
		for _, s := range m.Spec.Signals {
			if !seen[s] {
				seen[s] = true
				tags[s.Connection] = append(tags[s.Connection], s.Tag)
			}
		}
	}
	for _, connection := range c.Connections {
		if connection.Kind != KindMQTT {
			continue
		}
		if err := connection.MQTT().CheckTags(tags[connection.Name]); err != nil {
			l.errors.add(Problem{Pos: connection.Pos, Path: "connections." + printable(connection.Name), Text: oneLine(err)})
		}
	}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
