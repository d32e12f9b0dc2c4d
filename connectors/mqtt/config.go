package mqtt

import "time"

// Config is one connection to an MQTT 3.1.1 broker. The zero value of a
// duration or number means the default, which Defaults fills in.
type Config struct {
	// Broker is tcp://host:port or ssl://host:port.
	Broker string
	// ClientID must be unique at the broker: two clients with one id throw
	// each other out. The session's undelivered messages belong to it.
	ClientID string
	// User and Password; empty for none.
	User, Password string
	// CA is a file with the certificates the broker's must descend from; empty
	// means the system's. Certificate and Key are files of the gateway's own.
	CA, Certificate, Key string
	// ServerName is the name the broker's certificate must carry, if it is not
	// the host of Broker.
	ServerName string
	// QoS of subscriptions, 0 or 1. Default 1.
	QoS *byte
	// KeepAlive is the time without traffic after which the broker is asked
	// whether it is still there. Default 5 s.
	KeepAlive time.Duration
	// Timeout bounds connecting, subscribing and the answer to a keep-alive.
	// Default 5 s.
	Timeout time.Duration
	// Payload is text (default: JSON members by Tag.Path, or the whole payload)
	// or sparkplug: Sparkplug B, in which Tag.Address is GROUP/NODE or
	// GROUP/NODE/DEVICE and Tag.Path the name of a metric.
	Payload string
	// Decimal is the decimal sign of numbers in texts: point (default) or comma.
	Decimal string
	// TimePath is the member of a JSON payload that holds the time of its
	// values: seconds, milliseconds or microseconds since 1970, or ISO 8601.
	// Empty if payloads carry none.
	TimePath string
	// Availability are topics on which devices, or the broker in their stead,
	// tell whether they are there.
	Availability []Availability
	// Rebirth allows to ask a Sparkplug Edge Node to introduce itself again when
	// its messages can not be understood: the only message the gateway ever
	// sends, and never more often than once in RebirthEvery for a node.
	Rebirth bool
	// RebirthEvery is 1 s to 1 h. Default 5 s: as long data may take to be fresh
	// again when a connection has broken twice.
	RebirthEvery time.Duration
}

// The values of Config.Payload.
const (
	PayloadText      = "text"
	PayloadSparkplug = "sparkplug"
)

// The values of Config.Decimal.
const (
	DecimalPoint = "point"
	DecimalComma = "comma"
)

// Availability is a topic on which a device tells whether it is there, usually
// by a last will. While it says that the device is away, the tags of the device
// are Bad.
type Availability struct {
	// Topic is a topic in which {device} stands for one level:
	// "tele/{device}/LWT". It concerns the tags whose topic has the same text at
	// that level. Without {device} it concerns all tags of the connection.
	Topic string
	// Path selects a member of a JSON payload; empty for the whole payload.
	Path string
	// Offline is the payload that means away. Default "offline", in any case of
	// letters. Everything else means there.
	Offline string
}
