package opcua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// statusName is a status code's name as the OPC UA specification spells it. The
// detail bits are left out, so that the set of names is bounded.
func statusName(code ua.StatusCode) string {
	code &= 0xffff0000
	d, ok := ua.StatusCodes[code]
	switch {
	case !ok:
		return fmt.Sprintf("status 0x%08X", uint32(code))
	case code == ua.StatusBad:
		return "Bad"
	case code == ua.StatusUncertain:
		return "Uncertain"
	}
	// The library writes initialisms in capitals, the specification does not.
	return strings.NewReplacer("TCP", "Tcp", "URI", "Uri", "URL", "Url", "ID", "Id").Replace(strings.TrimPrefix(d.Name, "Status"))
}

// refusal is a status code with which the server answered a request.
type refusal struct {
	what string
	code ua.StatusCode
	hint string
}

func (r *refusal) Error() string {
	text := r.what + ": the server answered " + statusName(r.code)
	if r.hint != "" {
		text += ": " + r.hint
	}
	return text
}

func (r *refusal) Unwrap() error { return r.code }

// isStatus says whether an error is one of some status codes of the server.
func isStatus(err error, codes ...ua.StatusCode) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range codes {
		if r.code == c {
			return true
		}
	}
	return false
}

// explainStatus makes an error of a status code, with what a person can do.
func explainStatus(what string, code ua.StatusCode) error {
	return &refusal{what: what, code: code, hint: hintFor(code)}
}

func hintFor(code ua.StatusCode) string {
	switch code {
	case ua.StatusBadUserAccessDenied, ua.StatusBadIdentityTokenRejected, ua.StatusBadIdentityTokenInvalid, ua.StatusBadUserSignatureInvalid:
		return "the server refuses this user; check user and password (or that the server trusts the user's certificate), and the user's rights on the server"
	case ua.StatusBadTooManySessions:
		return "all sessions of the server are taken; close other clients (HMI, SCADA, UaExpert, another gateway), or allow more sessions on the server. A client that was cut off keeps its session until the session's timeout: of this gateway half a minute, of others up to an hour"
	case ua.StatusBadTooManySubscriptions:
		return "the server allows no further subscription; close other clients, or allow more on the server"
	case ua.StatusBadSecurityPolicyRejected, ua.StatusBadSecurityModeRejected, ua.StatusBadSecurityModeInsufficient:
		return "the server does not allow this security; compare security here with the server's settings"
	case ua.StatusBadTCPEndpointURLInvalid:
		return "the server does not know this endpoint; compare the path behind host and port with the server's settings"
	case ua.StatusBadTCPServerTooBusy, ua.StatusBadTCPNotEnoughResources, ua.StatusBadOutOfMemory, ua.StatusBadResourceUnavailable, ua.StatusBadMaxConnectionsReached:
		return "the server has no room for another connection; close other clients (HMI, SCADA, UaExpert, another gateway), or wait until those that were cut off are given up"
	case ua.StatusBadServerHalted, ua.StatusBadShutdown:
		return "the server is not running yet, or stops"
	case ua.StatusBadLicenseExpired, ua.StatusBadLicenseLimitsExceeded, ua.StatusBadLicenseNotAvailable:
		return "the server's licence does not cover this"
	case ua.StatusBadCertificateTimeInvalid:
		return "to the server's clock the gateway's certificate is not valid yet or has expired; set the server's clock, and compare it with this machine's"
	case ua.StatusBadSessionIDInvalid, ua.StatusBadSessionClosed, ua.StatusBadNoSubscription, ua.StatusBadSubscriptionIDInvalid, ua.StatusBadSecureChannelIDInvalid:
		return "the server has forgotten this connection; it may have been restarted"
	}
	return ""
}

// windowsRefused is what Windows calls ECONNREFUSED; no other system uses it.
const windowsRefused = syscall.Errno(10061)

// explainDial says why a server can not be reached.
func explainDial(err error, host string) error {
	var (
		dns  *net.DNSError
		nerr net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dns):
		return fmt.Errorf("host name %q can not be resolved; check the name, or use the IP address: %w", dns.Name, err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, windowsRefused):
		return fmt.Errorf("nothing listens at %s; is the OPC UA server activated, and is the port right? %w", host, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &nerr) && nerr.Timeout():
		return fmt.Errorf("%s does not answer; is the device on, is the network path open, does a firewall block the port? %w", host, err)
	}
	return fmt.Errorf("%s can not be reached: %w", host, err)
}

// explainSecure says why a secure channel was not opened. A server that does not
// trust a client's certificate may answer so, or just hang up.
func explainSecure(err error, policy string) error {
	var (
		code ua.StatusCode
		bye  *farewell
	)
	if !errors.As(err, &code) {
		return fmt.Errorf("opening the secure channel with %s: %w", shortPolicy(policy), err)
	}
	refused := explainStatus("opening the secure channel with "+shortPolicy(policy), code)
	if errors.As(err, &bye) && bye.reason != "" {
		return fmt.Errorf("%w (%.200q)", refused, bye.reason)
	}
	return refused
}

// untrusting are the answers of a server that does not accept the gateway's
// certificate.
func untrusting() []ua.StatusCode {
	return []ua.StatusCode{
		ua.StatusBadSecurityChecksFailed, ua.StatusBadCertificateUntrusted, ua.StatusBadCertificateInvalid,
		ua.StatusBadCertificateUseNotAllowed, ua.StatusBadCertificateIssuerUseNotAllowed, ua.StatusBadCertificateURIInvalid,
		ua.StatusBadCertificateHostNameInvalid, ua.StatusBadCertificateChainIncomplete, ua.StatusBadCertificateRevocationUnknown,
		ua.StatusBadCertificateTimeInvalid, ua.StatusBadCertificateRevoked, ua.StatusBadNoValidCertificates,
	}
}

// whereToTrust says where servers keep what they have refused.
const whereToTrust = "Kepware: OPC UA Configuration, Trusted Clients, Trust; TIA: import it at the CPU under Protection & Security, Certificate manager, and as a trusted client of the OPC UA server; servers with folders: move it from rejected to trusted/certs"

// explainTrust adds what to do about a certificate to an error of connecting
// securely, if trust can be its cause.
func explainTrust(err error, id *identity) error {
	sure := ""
	switch {
	case isStatus(err, untrusting()...):
	case errors.Is(err, errLost):
		sure = "if it happens each time, "
	default:
		return err
	}
	return fmt.Errorf("%w; %sthe server does not trust this gateway: let it trust the certificate with thumbprint %s, or import %s there (%s)", err, sure, id.thumbprint(), id.export, whereToTrust)
}

// openings are the conditions that opening a session finds out, in the order in
// which it does, and the answers that mean them.
func openings() []struct {
	kind  connectors.Trouble
	codes []ua.StatusCode
} {
	return []struct {
		kind  connectors.Trouble
		codes []ua.StatusCode
	}{
		{connectors.CertificateUntrusted, nil},
		{connectors.CertificateRefused, untrusting()},
		{connectors.SessionsExhausted, []ua.StatusCode{
			ua.StatusBadTooManySessions, ua.StatusBadTCPServerTooBusy, ua.StatusBadTCPNotEnoughResources,
			ua.StatusBadMaxConnectionsReached,
		}},
		{connectors.LoginRefused, []ua.StatusCode{
			ua.StatusBadUserAccessDenied, ua.StatusBadIdentityTokenRejected, ua.StatusBadIdentityTokenInvalid,
			ua.StatusBadUserSignatureInvalid,
		}},
	}
}

// noteOpening makes conditions of what became of an attempt to open a session;
// nil is a success. What an attempt did not come as far as stays as it was.
func (c *Connector) noteOpening(err error) {
	all := openings()
	reached := -1
	for i, o := range all {
		if len(o.codes) > 0 && isStatus(err, o.codes...) {
			reached = i
			c.notes.set(o.kind, "", err.Error())
		}
	}
	for i, o := range all {
		if err == nil || i < reached {
			c.notes.clear(o.kind, "")
		}
	}
}

// shortPolicy is a security policy's name without its long prefix.
func shortPolicy(uri string) string {
	return strings.TrimPrefix(uri, ua.SecurityPolicyURIPrefix)
}
