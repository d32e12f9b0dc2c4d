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

// This file reads the settings of each protocol.

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
		Security: v.text("security"), Mode: v.text("mode"), CertificateDir: filepath.Join(l.data, "pki"),
		Trust: v.text("trust"), IgnoreHost: v.truth("ignore_host"), Profile: v.text("profile"), Read: v.text("read"),
		Publishing: v.duration("publishing"), Sampling: v.duration("sampling"),
		Queue: uint32(v.whole("queue")), Timeout: v.duration("timeout"),
	}
	for key, to := range map[string]*string{"certificate_dir": &c.opcua.CertificateDir,
		"user_certificate": &c.opcua.UserCertificate, "user_key": &c.opcua.UserKey} {
		if path := v.text(key); path != "" {
			*to = l.beside(path)
		}
	}
	l.credentials(c, v)
	l.doubtOPCUA(c, v)
}

// doubtOPCUA warns of settings that work and are not wise.
func (l *loader) doubtOPCUA(c *Connection, v *view) {
	none := c.opcua.Security == opcua.SecurityNone
	switch {
	case v.has("user_certificate") != v.has("user_key"):
		l.badKey(v.node, "user_certificate and user_key belong together; give both or none")
	case none && v.valid("password"):
		l.warn(v.at("password"), "security is None: the password may cross the network in clear if the server allows it; use Basic256Sha256")
	case !none && c.opcua.Trust == opcua.TrustAny:
		l.warn(v.at("trust"), "any certificate is accepted: whoever answers at the address can give counts; use first or list")
	}
	if none {
		for _, key := range []string{"mode", "trust", "ignore_host"} {
			if v.valid(key) {
				l.warn(v.at(key), key+" has no effect while security is None: nothing is signed; choose a policy such as Basic256Sha256")
			}
		}
	}
}

func (l *loader) readModbus(c *Connection, v *view) {
	unit := uint8(v.whole("unit"))
	c.modbus = &modbus.Config{
		Address: l.modbusAddress(v), Unit: &unit,
		Every: v.duration("every"), Timeout: v.duration("timeout"), MaxRead: v.whole("max_read"),
		MaxReadBits: v.whole("max_read_bits"), Gap: v.whole("gap"), OneBased: v.truth("one_based"),
		ConnectPause: v.duration("connect_pause"), Pause: v.duration("pause"), Release: v.truth("release"),
	}
	if c.modbus.Gap == 0 {
		c.modbus.Gap = -1 // 0 is the default to the connector; no unused register is the same as none
	}
	for _, hole := range itemsOf(v.child("holes")) {
		for _, text := range l.texts(hole) {
			if err := (modbus.Config{Address: anyAddress, Holes: []string{text}}).Check(); err != nil {
				l.bad(hole, strings.TrimPrefix(oneLine(err), "holes: "))
				continue
			}
			c.modbus.Holes = append(c.modbus.Holes, text)
		}
	}
}

// anyAddress is right, so that a check finds what is wrong with the rest.
const anyAddress = "tcp://localhost"

// modbusAddress checks the address of a network, or of a serial port and its
// settings.
func (l *loader) modbusAddress(v *view) string {
	text := v.text("address")
	if !(Connection{Kind: KindModbus, modbus: &modbus.Config{Address: text}}).serial() {
		return l.address(v, "address", "tcp://10.0.4.30:502", "tcp", "rtuovertcp", "asciiovertcp", "rtu", "ascii")
	}
	if err := (modbus.Config{Address: text}).Check(); err != nil {
		l.bad(v.at("address"), strings.TrimPrefix(oneLine(err), "address: "))
	}
	return text
}

func (l *loader) readMQTT(c *Connection, v *view) {
	qos := byte(v.whole("qos"))
	c.mqtt = &mqtt.Config{
		Broker:   l.address(v, "broker", "tcp://10.0.4.5:1883", "tcp", "ssl"),
		ClientID: v.text("client_id"), ServerName: v.text("server_name"), QoS: &qos,
		KeepAlive: v.duration("keep_alive"), Timeout: v.duration("timeout"),
		Payload: v.text("payload"), Decimal: v.text("decimal"), TimePath: v.text("time_path"),
		Rebirth: v.truth("rebirth"), RebirthEvery: v.duration("rebirth_every"),
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
	l.readPayload(c.mqtt, v)
}

// readPayload reads what messages hold, and who tells that he is away.
func (l *loader) readPayload(c *mqtt.Config, v *view) {
	for _, item := range itemsOf(v.child("availability")) {
		a := l.view(item, v.object.index["availability"].sub)
		if !a.wrong {
			c.Availability = append(c.Availability, mqtt.Availability{Topic: a.text("topic"), Path: a.text("path"), Offline: a.text("offline")})
		}
	}
	sparkplug := c.Payload == mqtt.PayloadSparkplug
	for key, forSparkplug := range map[string]bool{"decimal": false, "time_path": false, "availability": false, "rebirth": true, "rebirth_every": true} {
		switch {
		case !v.has(key) || sparkplug == forSparkplug:
		case sparkplug:
			l.badKey(v.at(key), key+" is about texts and JSON; Sparkplug says this itself: remove it")
		default:
			l.badKey(v.at(key), key+" is about Sparkplug; write payload: sparkplug, or remove it")
		}
	}
	if sparkplug && !v.has("rebirth") {
		l.warn(v.node, "without rebirth: true, metrics that come by alias can not be understood after a start of the gateway until the Edge Node is started again; with it the gateway sends that one request, and nothing else; rebirth: false is silent about this")
	}
}
