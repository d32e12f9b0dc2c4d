package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Errors of our own that explain themselves.
var (
	errTooLarge  = errors.New("the broker sent a packet larger than 16 MiB; exclude its topic from the filters")
	errMute      = errors.New("the broker did not answer the keep-alive")
	errMalformed = errors.New("the broker answered a subscription with more results than were asked for; is it an MQTT 3.1.1 broker?")
)

// phase is how far a connection had come when it failed.
type phase uint8

const (
	dialling phase = iota
	greeting
	subscribing
	listening
)

// trouble makes the error of a Run: where, what, what to do, and the cause.
func (c *Connector) trouble(at phase, err error) error {
	where := "mqtt " + c.at.addr()
	if timedOut(err) || errors.Is(err, errMute) {
		c.meter.missing()
	}
	words := c.explain(at, err)
	c.state.failed(at, err, words)
	if words != "" {
		return fmt.Errorf("%s: %s (%w)", where, words, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// explain is empty for errors that explain themselves.
func (c *Connector) explain(at phase, err error) string {
	if words := tlsTrouble(err); words != "" {
		return words
	}
	if words := c.refusal(err); words != "" {
		return words
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, errTooLarge) || errors.Is(err, errMalformed):
		return ""
	case errors.As(err, &dns):
		return "the broker's name is unknown; check the address and this machine's DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there; check the port, and that the broker runs"
	case timedOut(err):
		return [...]string{
			dialling:    fmt.Sprintf("no connection within %v; check address, cable and firewall", c.cfg.Timeout),
			greeting:    fmt.Sprintf("the broker accepted the connection but did not answer within %v; is it an MQTT broker, and plain or TLS as configured?", c.cfg.Timeout),
			subscribing: fmt.Sprintf("the broker did not answer the subscription within %v", c.cfg.Timeout),
			listening:   "the broker does not take data any more; the network or the broker hangs",
		}[at]
	case !closedByPeer(err):
		return ""
	}
	switch at {
	case dialling, greeting:
		if c.at.secure {
			return "the broker closed the connection at once; it may want a client certificate, or not speak TLS on this port"
		}
		return "the broker closed the connection at once; is this its TLS port? Then write ssl://. If it has worked before, the broker may have no connection left"
	case subscribing:
		return "the broker closed the connection during the subscription; it may not allow these topics or so many, see its log" + c.state.takeover(c.cfg.ClientID)
	}
	return "the broker closed the connection" + c.state.takeover(c.cfg.ClientID)
}

// refusal puts the broker's answer to the greeting into words.
func (c *Connector) refusal(err error) string {
	switch {
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return fmt.Sprintf("the broker does not accept the client id %q; it may want a shorter one, or one it knows", c.cfg.ClientID)
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "the broker does not accept user and password"
	case errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return "the broker does not let this client in; check user and password, and its access rules"
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		return "the broker is not ready for clients, or has no connection left; see its log and its limits"
	case errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return "the broker does not speak MQTT 3.1.1; allow that version there"
	}
	return ""
}

// loss names the one loss of a connection that the library reports by its text
// only.
func loss(err error, timeout time.Duration) error {
	if strings.HasPrefix(err.Error(), "pingresp not received") {
		return fmt.Errorf("%w within %v; the network or the broker hangs", errMute, timeout)
	}
	return err
}

func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}
