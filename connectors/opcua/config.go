package opcua

import "time"

// Security policies a connection can ask for.
const (
	SecurityNone           = "None"
	SecurityBasic256Sha256 = "Basic256Sha256"
	SecurityAes128         = "Aes128_Sha256_RsaOaep"
	SecurityAes256         = "Aes256_Sha256_RsaPss"
)

// The values of Config.Mode.
const (
	ModeSign           = "sign"
	ModeSignAndEncrypt = "sign_and_encrypt"
)

// The values of Config.Trust.
const (
	// TrustFirst trusts the first certificate a server shows, keeps it, and
	// refuses any other until a person has accepted it.
	TrustFirst = "first"
	// TrustList trusts certificates, and certificates issued by authorities,
	// that lie in the folder of trusted ones; nothing else.
	TrustList = "list"
	// TrustAny trusts every certificate: the messages are encrypted, but not
	// known to come from the right server.
	TrustAny = "any"
)

// The values of Config.Read.
const (
	ReadAuto      = "auto"
	ReadSubscribe = "subscribe"
	ReadPoll      = "poll"
)

// Config is one OPC UA connection. The zero value of a duration or number means
// the default, which Defaults fills in.
type Config struct {
	// Endpoint is opc.tcp://host:port/path. The host given here is used even
	// if the server advertises another.
	Endpoint string
	// Security is the policy: None (default), Basic256Sha256,
	// Aes128_Sha256_RsaOaep or Aes256_Sha256_RsaPss.
	Security string
	// Mode is what a policy other than None does with messages:
	// sign_and_encrypt (default) or sign.
	Mode string
	// User and Password; empty for an anonymous session.
	User, Password string
	// UserCertificate and UserKey are files (PEM or DER) of a user who logs in
	// with a certificate instead of a password.
	UserCertificate, UserKey string
	// CertificateDir keeps the gateway's own application certificate and key,
	// made at the first secure connection and used from then on, and the
	// certificates of servers: trusted, rejected, and pinned by connection.
	CertificateDir string
	// Trust says whose certificates are accepted: first (default), list or any.
	Trust string
	// IgnoreHost accepts a certificate that names another host than Endpoint.
	IgnoreHost bool
	// Profile names the kind of server, with the limits of its maker: auto
	// (default) finds it out, generic assumes little, and the others are
	// s7-1200, s7-1500, kepware, codesys, beckhoff.
	Profile string
	// Read says how values come: by subscribe, by poll, or auto (default), which
	// polls where a server has no subscriptions.
	Read string
	// Publishing is the publishing interval of the subscription, and the period
	// in poll mode. Default 1 s, 50 ms to 1 min.
	Publishing time.Duration
	// Sampling is the sampling interval of tags that ask for none. Default
	// Publishing.
	Sampling time.Duration
	// Queue is the number of values the server keeps for each tag between two
	// publishings. Default 10.
	Queue uint32
	// Timeout bounds connecting and every request. Default 5 s.
	Timeout time.Duration
}
