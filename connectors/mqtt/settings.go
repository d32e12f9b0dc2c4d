package mqtt

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The limits of a configuration.
const (
	shortestKeepAlive = time.Second
	longestKeepAlive  = time.Hour
	shortestTimeout   = 100 * time.Millisecond
	longestTimeout    = time.Minute
	shortestRebirth   = time.Second
	longestRebirth    = time.Hour
)

// Defaults is the configuration with every missing number filled in. ClientID
// stays as it is: only the caller can know one that is unique at the broker.
func (c Config) Defaults() Config {
	if c.QoS == nil {
		qos := byte(1)
		c.QoS = &qos
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = 5 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Payload == "" {
		c.Payload = PayloadText
	}
	if c.Decimal == "" {
		c.Decimal = DecimalPoint
	}
	if c.RebirthEvery == 0 {
		c.RebirthEvery = 5 * time.Second
	}
	return c
}

// Check says everything that can not work, without touching network or disk.
func (c Config) Check() error {
	c = c.Defaults()
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	at, err := parseBroker(c.Broker)
	if err != nil {
		problems = append(problems, err)
	} else if !at.secure && c.CA+c.Certificate+c.Key+c.ServerName != "" {
		report("broker: certificates and server name need TLS; write ssl://%s, or leave them out", at.addr())
	}
	if (c.Certificate == "") != (c.Key == "") {
		report("certificate and key belong together: give both files or neither")
	}
	if c.User == "" && c.Password != "" {
		report("password is given without a user; MQTT does not allow that")
	}
	if len(c.ClientID) > 65535 || len(c.User) > 65535 || len(c.Password) > 65535 {
		report("client id, user and password can not be longer than 65535 bytes")
	}
	if *c.QoS > 1 {
		report("qos %d is not supported; allowed: 0, 1", *c.QoS)
	}
	if c.KeepAlive < shortestKeepAlive || c.KeepAlive > longestKeepAlive {
		report("keep-alive %v is out of range; allowed: %v to %v", c.KeepAlive, shortestKeepAlive, longestKeepAlive)
	}
	if c.Timeout < shortestTimeout || c.Timeout > longestTimeout {
		report("timeout %v is out of range; allowed: %v to %v", c.Timeout, shortestTimeout, longestTimeout)
	}
	return errors.Join(append(problems, c.checkPayload())...)
}

// checkPayload is Check for what concerns the messages.
func (c Config) checkPayload() error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Payload != PayloadText && c.Payload != PayloadSparkplug {
		report("payload %q is unknown; allowed: %s, %s", c.Payload, PayloadText, PayloadSparkplug)
	}
	if c.Decimal != DecimalPoint && c.Decimal != DecimalComma {
		report("decimal %q is unknown; allowed: %s, %s", c.Decimal, DecimalPoint, DecimalComma)
	}
	if c.TimePath != "" {
		if _, err := parsePath(c.TimePath); err != nil {
			report("time path: %w", err)
		}
	}
	if c.RebirthEvery < shortestRebirth || c.RebirthEvery > longestRebirth {
		report("rebirth every %v is out of range; allowed: %v to %v", c.RebirthEvery, shortestRebirth, longestRebirth)
	}
	return errors.Join(append(problems, checkAvailability(c.Availability))...)
}

// String shows the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("mqtt %s client=%s user=%s", c.Broker, c.ClientID, c.User)
}

// GoString is String, so that %#v does not show the password either.
func (c Config) GoString() string { return c.String() }

// endpoint is the address of a broker, taken apart.
type endpoint struct {
	host, port string
	secure     bool
}

func (e endpoint) addr() string { return net.JoinHostPort(e.host, e.port) }

// parseBroker reads tcp://host[:port] and ssl://host[:port]. Other programs
// call the same two mqtt, mqtts and tls. What stands before an @ is never
// repeated in an error: it may be a password.
func parseBroker(text string) (endpoint, error) {
	const want = "write tcp://host:port, or ssl://host:port for TLS"
	if text == "" {
		return endpoint{}, errors.New("broker: no address is given; " + want)
	}
	if !strings.Contains(text, "://") {
		return endpoint{}, errors.New("broker: the address does not say how to connect; " + want)
	}
	u, err := url.Parse(text)
	if err != nil {
		return endpoint{}, errors.New("broker: the address can not be read; " + want)
	}
	var e endpoint
	switch u.Scheme {
	case "tcp", "mqtt":
		e = endpoint{u.Hostname(), "1883", false}
	case "ssl", "tls", "mqtts":
		e = endpoint{u.Hostname(), "8883", true}
	case "ws", "wss":
		return endpoint{}, errors.New("broker: MQTT over WebSocket is not supported; " + want)
	default:
		return endpoint{}, fmt.Errorf("broker: %s:// is not supported; %s", u.Scheme, want)
	}
	switch {
	case u.User != nil:
		return endpoint{}, errors.New("broker: user and password do not belong in the address; give them as user and password")
	case e.host == "":
		return endpoint{}, errors.New("broker: the host is missing; " + want)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return endpoint{}, errors.New("broker: nothing may follow the port; " + want)
	}
	if u.Port() != "" {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || port == 0 {
			return endpoint{}, fmt.Errorf("broker: port %s does not exist; allowed: 1 to 65535", u.Port())
		}
		e.port = u.Port()
	}
	return e, nil
}
