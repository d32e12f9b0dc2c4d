package config

import "strings"

func (l *loader) readConnections(c *Config) {
	l.connections = map[string]*Connection{}
	l.used = map[string]bool{}
	for _, e := range l.set.connections {
		if l.badCode(e.key, "the name of a connection") {
			continue
		}
		connection := &Connection{Pos: e.key.pos, Name: e.key.text}
		l.connections[connection.Name] = connection
		if l.readConnection(connection, e.value) {
			for _, other := range c.Connections {
				if connection.Kind != KindModbus || other.Kind != KindModbus || other.device() != connection.device() {
					continue
				}
				if connection.serial() {
					l.badKey(e.value, "the connection "+other.Name+" has the same serial port; only one can open it: use one connection for both, with unit/ before each address")
				} else {
					l.warn(e.key, "the connection "+other.Name+" goes to the same device; many devices serve one connection only: use one for both")
				}
				break
			}
			c.Connections = append(c.Connections, *connection)
		}
	}
}

func (l *loader) connectionNames() []string { return sortedKeys(l.connections) }

func (l *loader) readConnection(c *Connection, n *node) bool {
	kinds := l.schema.connectionKinds
	switch {
	case n.dead:
		return false
	case n.kind != mapNode || len(n.entries) != 1:
		l.bad(n, "expected one protocol with its settings, such as {modbus: {address: \"tcp://10.0.4.30:502\"}}; allowed are "+oneOf(kinds))
		return false
	}
	inner := n.entries[0]
	object := l.schema.kinds[inner.key.text]
	if object == nil {
		l.bad(inner.key, "the protocol "+quote(inner.key.text)+" is not known; allowed are "+oneOf(kinds)+didYouMean(inner.key.text, kinds))
		return false
	}
	c.Kind = inner.key.text
	before := len(l.errors.list)
	v := l.view(inner.value, object)
	switch c.Kind {
	case KindOPCUA:
		l.readOPCUA(c, v)
	case KindModbus:
		l.readModbus(c, v)
	case KindMQTT:
		l.readMQTT(c, v)
	}
	if len(l.errors.list) == before {
		if err := c.checkSettings(); err != nil {
			l.bad(inner.key, oneLine(err))
			return false
		}
	}
	return true
}

// device is what the connection talks to, whatever the connection is called.
func (c Connection) device() string {
	switch c.Kind {
	case KindOPCUA:
		return strings.ToLower(c.opcua.Endpoint)
	case KindModbus:
		port, _, _ := strings.Cut(c.modbus.Address, "?")
		_, port, _ = strings.Cut(port, "://")
		return strings.ToLower(port)
	}
	return strings.ToLower(c.mqtt.Broker)
}

// serial says that the connection is a serial port of this computer.
func (c Connection) serial() bool {
	return c.Kind == KindModbus && (strings.HasPrefix(c.modbus.Address, "rtu://") || strings.HasPrefix(c.modbus.Address, "ascii://"))
}
