package connectors

// Trouble is a kind of condition that a connector can find out by itself. The
// list is closed.
type Trouble uint8

// The kinds of trouble.
const (
	// CertificateUntrusted: the device shows a certificate that the gateway
	// does not trust, or another one than it used to.
	CertificateUntrusted Trouble = iota
	// CertificateRefused: the device does not trust the gateway's certificate.
	CertificateRefused
	// CertificateExpiring: the gateway's or the device's certificate ends
	// within 60 days, or has ended.
	CertificateExpiring
	// LoginRefused: the device turns user and password away.
	LoginRefused
	// SessionsExhausted: the device has no session or connection left.
	SessionsExhausted
	// ClientIDTaken: another client uses the same name at the broker.
	ClientIDTaken
	// UnitSilent: a unit behind a gateway does not answer; the others do.
	UnitSilent
	// SourceOffline: a device behind a broker has announced that it is away.
	SourceOffline
	// SourceIncomplete: a source must be asked to introduce itself before its
	// messages can be understood, or messages of it are missing, also because a
	// broker refuses them or has forgotten those of an outage.
	SourceIncomplete
	// TooSlow: the device can not keep the wished period.
	TooSlow
	// ClockWrong: the device's clock is off by more than its tags can bear.
	ClockWrong

	// Troubles is the number of kinds.
	Troubles = iota
)

// Condition is something that holds now and that a person should know.
type Condition struct {
	Trouble Trouble
	// Subject says what it is about below the connection: a unit, a device, an
	// Edge Node. Empty for the whole connection. It comes from the
	// configuration, or is one of a bounded number.
	Subject string
	// Detail says what was seen, and what can be done if that is more than the
	// kind of trouble already says.
	Detail string
}
