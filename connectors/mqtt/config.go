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
}
