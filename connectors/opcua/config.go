package opcua

import "time"

// Security policies a connection can ask for.
const (
	SecurityNone           = "None"
	SecurityBasic256Sha256 = "Basic256Sha256"
)

// Config is one OPC UA connection. The zero value of a duration or number means
// the default, which Defaults fills in.
type Config struct {
	// Endpoint is opc.tcp://host:port/path. The host given here is used even
	// if the server advertises another.
	Endpoint string
	// Security is None or Basic256Sha256 (messages signed and encrypted).
	Security string
	// User and Password; empty for an anonymous session.
	User, Password string
	// CertificateDir keeps the gateway's own application certificate and key,
	// made at the first secure connection and used from then on.
	CertificateDir string
	// Publishing is the publishing interval of the subscription, and the
	// sampling interval of tags that ask for none. Default 1 s, 50 ms to 1 min.
	Publishing time.Duration
	// Queue is the number of values the server keeps for each tag between two
	// publishings. Default 10.
	Queue uint32
	// Timeout bounds connecting and every request. Default 5 s.
	Timeout time.Duration
}
