package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
)

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
				if connection.Kind == KindModbus && other.device() == connection.device() {
					l.warn(e.key, "the connection "+other.Name+" goes to the same device; many devices serve one connection only: use one for both")
					break
				}
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
		return strings.ToLower(c.modbus.Address)
	}
	return strings.ToLower(c.mqtt.Broker)
}

// address checks a kindText that is scheme://host:port and gives it back.
func (l *loader) address(v *view, key, example string, schemes ...string) string {
	text := v.text(key)
	if !v.valid(key) {
		return text
	}
	u, err := url.Parse(text)
	var problem string
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "":
		problem = "expected an address such as " + example + ", got " + quote(text)
	case !containsText(schemes, u.Scheme):
		problem = quote(u.Scheme+"://") + " is not possible; allowed are " + oneOf(withSlashes(schemes)) + didYouMean(u.Scheme+"://", withSlashes(schemes))
	case u.User != nil:
		problem = "the address holds a user or password; they belong into user and password"
	case u.Hostname() == "":
		problem = "the address names no host; write it like " + example
	}
	if problem == "" && strings.Contains(u.Host, ":") {
		if _, port, err := net.SplitHostPort(u.Host); err == nil {
			if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
				problem = "the port " + quote(port) + " is not possible; allowed are 1 to 65535"
			}
		}
	}
	if problem != "" {
		l.bad(v.at(key), problem)
	}
	return text
}

func withSlashes(schemes []string) []string {
	out := make([]string, len(schemes))
	for i, s := range schemes {
		out[i] = s + "://"
	}
	return out
}

func (l *loader) credentials(c *Connection, v *view) {
	c.User, c.Password = l.secret(v, "user"), l.secret(v, "password")
	switch {
	case v.has("password") && !v.has("user"):
		l.badKey(v.at("password"), "a password is given, but no user; set user as well")
	case v.has("user") && !v.has("password") && c.Kind == KindOPCUA:
		l.badKey(v.at("user"), "a user is given, but no password; "+referenceHint)
	}
}

func (l *loader) readOPCUA(c *Connection, v *view) {
	c.opcua = &opcua.Config{
		Endpoint: l.address(v, "endpoint", "opc.tcp://10.0.4.21:4840", "opc.tcp"),
		Security: v.text("security"), CertificateDir: filepath.Join(l.data, "pki"),
		Publishing: v.duration("publishing"), Queue: uint32(v.whole("queue")), Timeout: v.duration("timeout"),
	}
	if folder := v.text("certificate_dir"); folder != "" {
		c.opcua.CertificateDir = l.beside(folder)
	}
	l.credentials(c, v)
	if c.opcua.Security == opcua.SecurityNone && v.valid("password") {
		l.warn(v.at("password"), "security is None: the password may cross the network in clear if the server allows it; use Basic256Sha256")
	}
}

func (l *loader) readModbus(c *Connection, v *view) {
	unit := uint8(v.whole("unit"))
	c.modbus = &modbus.Config{
		Address: l.address(v, "address", "tcp://10.0.4.30:502", "tcp"), Unit: &unit,
		Every: v.duration("every"), Timeout: v.duration("timeout"), MaxRead: v.whole("max_read"),
		MaxReadBits: v.whole("max_read_bits"), Gap: v.whole("gap"), OneBased: v.truth("one_based"),
	}
	if c.modbus.Gap == 0 {
		c.modbus.Gap = -1 // 0 is the default to the connector; no unused register is the same as none
	}
}

func (l *loader) readMQTT(c *Connection, v *view) {
	qos := byte(v.whole("qos"))
	c.mqtt = &mqtt.Config{
		Broker:   l.address(v, "broker", "tcp://10.0.4.5:1883", "tcp", "ssl"),
		ClientID: v.text("client_id"), ServerName: v.text("server_name"), QoS: &qos,
		KeepAlive: v.duration("keep_alive"), Timeout: v.duration("timeout"),
	}
	if c.mqtt.ClientID == "" {
		c.mqtt.ClientID = "prodsmart-gateway-" + c.Name
		if l.site.name != "" {
			c.mqtt.ClientID = fmt.Sprintf("prodsmart-gateway-%s-%s", l.site.name, c.Name)
		}
	}
	for key, to := range map[string]*string{"ca": &c.mqtt.CA, "certificate": &c.mqtt.Certificate, "key": &c.mqtt.Key} {
		if path := v.text(key); path != "" {
			*to = l.beside(path)
		}
		if v.valid(key) && strings.HasPrefix(c.mqtt.Broker, "tcp://") {
			l.badKey(v.at(key), "certificates need an encrypted connection; the broker's address must begin with ssl://")
		}
	}
	if v.has("certificate") != v.has("key") {
		l.badKey(v.node, "certificate and key belong together; give both or none")
	}
	l.credentials(c, v)
}
