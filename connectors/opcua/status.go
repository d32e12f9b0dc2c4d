package opcua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/gopcua/opcua/ua"
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
	case ua.StatusBadUserAccessDenied, ua.StatusBadIdentityTokenRejected, ua.StatusBadIdentityTokenInvalid:
		return "the server refuses this user; check user and password, and the user's rights on the server"
	case ua.StatusBadTooManySessions:
		return "all sessions of the server are taken; close other clients, or allow more sessions on the server. A session that was cut off frees itself within a minute"
	case ua.StatusBadTooManySubscriptions:
		return "the server allows no further subscription; close other clients, or allow more on the server"
	case ua.StatusBadSecurityPolicyRejected, ua.StatusBadSecurityModeRejected, ua.StatusBadSecurityModeInsufficient:
		return "the server does not allow this security; compare security here with the server's settings"
	case ua.StatusBadTCPEndpointURLInvalid:
		return "the server does not know this endpoint; compare the path behind host and port with the server's settings"
	case ua.StatusBadTCPServerTooBusy, ua.StatusBadTCPNotEnoughResources, ua.StatusBadOutOfMemory, ua.StatusBadResourceUnavailable, ua.StatusBadMaxConnectionsReached:
		return "the server has no room for another connection; close other clients"
	case ua.StatusBadServerHalted, ua.StatusBadShutdown:
		return "the server is not running yet, or stops"
	case ua.StatusBadLicenseExpired, ua.StatusBadLicenseLimitsExceeded, ua.StatusBadLicenseNotAvailable:
		return "the server's licence does not cover this"
	case ua.StatusBadCertificateTimeInvalid:
		return "a certificate is out of its period of validity; compare the clocks of the server and this machine"
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
	var code ua.StatusCode
	if !errors.As(err, &code) {
		return fmt.Errorf("opening the secure channel with %s: %w", shortPolicy(policy), err)
	}
	return explainStatus("opening the secure channel with "+shortPolicy(policy), code)
}

// explainTrust adds what to do about a certificate to an error of connecting
// securely, if trust can be its cause.
func explainTrust(err error, id *identity) error {
	trust := isStatus(err, ua.StatusBadSecurityChecksFailed, ua.StatusBadCertificateUntrusted, ua.StatusBadCertificateInvalid,
		ua.StatusBadCertificateUseNotAllowed, ua.StatusBadCertificateIssuerUseNotAllowed, ua.StatusBadCertificateURIInvalid,
		ua.StatusBadCertificateHostNameInvalid, ua.StatusBadCertificateChainIncomplete, ua.StatusBadCertificateRevocationUnknown)
	switch {
	case trust:
		return fmt.Errorf("%w: the server does not trust this gateway: move the certificate with thumbprint %s to the server's trusted folder, or import %s there", err, id.thumbprint(), id.export)
	case errors.Is(err, errLost):
		return fmt.Errorf("%w; if it happens each time, the server does not trust this gateway: move the certificate with thumbprint %s to the server's trusted folder, or import %s there", err, id.thumbprint(), id.export)
	}
	return err
}

// shortPolicy is a security policy's name without its long prefix.
func shortPolicy(uri string) string {
	return strings.TrimPrefix(uri, ua.SecurityPolicyURIPrefix)
}
