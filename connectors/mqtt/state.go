package mqtt

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// settled is how long a connection must last to be no sign of a second client
// with the same id.
const settled = time.Minute

// expirySoon is how long before its end a certificate is worth a word.
const expirySoon = 60 * 24 * time.Hour

// state is what a connector knows about its own trouble. All methods may be
// called from any goroutine.
type state struct {
	mu       sync.Mutex
	opened   time.Time // zero while there is no connection
	closures int       // connections in a row that the broker ended while young
	failure  *connectors.Condition
	ends     []ending
	wanted   bool                 // the broker asked for the gateway's certificate
	kept     bool                 // the broker was to keep the session of an earlier connection
	forgot   time.Time            // when it turned out that it had not; zero for never
	worked   bool                 // a connection has worked before
	turned   int                  // attempts in a row that the broker ended before its greeting
	unheard  []string             // availability topics that the broker refused on the present connection
	tls      *tls.ConnectionState // of the last connection; nil without TLS
}

// forgotFor is how long it is told that the broker forgot the session.
const forgotFor = 10 * time.Minute

// ending is the end of a certificate's validity.
type ending struct {
	whose string
	at    time.Time
}

// open notes a connection that works, and the availability topics that were
// refused on it; what made earlier ones fail is over.
func (s *state) open(since time.Time, unheard []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened, s.failure, s.unheard = since, nil, unheard
	s.worked, s.turned = true, 0
}

func (s *state) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened, s.unheard = time.Time{}, nil
}

// greeted notes whether the broker still has the session that it was to keep.
// Whether it had one before this connector's first connection nobody knows.
func (s *state) greeted(resumed bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept && !resumed {
		s.forgot = now
	}
	s.kept = true
}

func (s *state) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.opened.IsZero()
}

// closure notes that a connection of that age ended. Two clients with one id
// throw each other out in turn.
func (s *state) closure(err error, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if closedByPeer(err) && age < settled {
		s.closures++
		return
	}
	s.closures = 0
}

// takeover is the hint at a second client, once the broker has ended two young
// connections in a row.
func (s *state) takeover(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closures < 2 {
		return ""
	}
	return fmt.Sprintf(", %d times in a row soon after connecting; another client may use the client id %q: every client needs its own", s.closures, id)
}

// failed notes why an attempt failed, if that is a kind of trouble.
func (s *state) failed(at phase, err error, words string) {
	kind, ok := classify(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok && at == greeting && s.wanted && closedByPeer(err) {
		// Its refusal was overtaken by the end of the connection.
		kind, ok = connectors.CertificateRefused, true
	}
	s.failure = nil
	if at <= greeting {
		s.closures = 0 // whoever takes a client id lets it connect first
	}
	if at > greeting || !closedByPeer(err) {
		s.turned = 0
	} else if s.turned++; !ok && s.worked && s.turned >= 2 {
		// A restart closes connections too, but hardly twice.
		kind, ok = connectors.SessionsExhausted, true
		words = fmt.Sprintf("the broker, which let the gateway in before, has closed %d connections in a row before its greeting; raise its limit of connections (Mosquitto: max_connections) or find out who holds them", s.turned)
	}
	if ok {
		s.failure = &connectors.Condition{Trouble: kind, Detail: words}
	}
}

// classify finds the kind of trouble behind an error.
func classify(err error) (connectors.Trouble, bool) {
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return connectors.LoginRefused, true
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		return connectors.SessionsExhausted, true
	}
	return tlsKind(err)
}

// watched is a configuration that notes whether the broker asks for the
// gateway's certificate, which may then be what it does not like.
func (s *state) watched(secure *tls.Config) *tls.Config {
	s.mu.Lock()
	s.wanted = false
	s.mu.Unlock()
	secure = secure.Clone()
	own := secure.Certificates
	secure.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		s.mu.Lock()
		s.wanted = true
		s.mu.Unlock()
		for i := range own {
			if asked.SupportsCertificate(&own[i]) == nil {
				return &own[i], nil
			}
		}
		return &tls.Certificate{}, nil // none
	}
	return secure
}

// certified notes until when the certificates of a connection are valid.
func (s *state) certified(shown tls.ConnectionState, own *tls.Config) {
	var ends []ending
	if len(shown.PeerCertificates) > 0 {
		ends = append(ends, ending{"the broker's", shown.PeerCertificates[0].NotAfter})
	}
	for _, pair := range own.Certificates {
		if pair.Leaf != nil {
			ends = append(ends, ending{"the gateway's", pair.Leaf.NotAfter})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.tls = ends, &shown
}

// conditions gives what holds at a time.
func (s *state) conditions(now time.Time, id string) []connectors.Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []connectors.Condition
	if s.failure != nil {
		list = append(list, *s.failure)
	}
	if young := s.opened.IsZero() || now.Sub(s.opened) < settled; s.closures >= 2 && young {
		list = append(list, connectors.Condition{Trouble: connectors.ClientIDTaken,
			Detail: fmt.Sprintf("the broker has ended %d connections in a row soon after they began; give every client, also a second gateway or a test program, a client id of its own instead of %q", s.closures, id)})
	}
	if !s.forgot.IsZero() && now.Sub(s.forgot) < forgotFor {
		list = append(list, connectors.Condition{Trouble: connectors.SourceIncomplete,
			Detail: fmt.Sprintf("at %s the broker had forgotten the session of the client id %q: messages that count and were sent before that while the gateway was away are lost; let the broker keep its sessions over a restart (Mosquitto: persistence true) and longer than outages last", s.forgot.UTC().Format("15:04:05 MST"), id)})
	}
	for n, topic := range s.unheard {
		if n == maxSubjects {
			break
		}
		list = append(list, connectors.Condition{Trouble: connectors.SourceIncomplete, Subject: topic,
			Detail: "the broker refused the availability topic: a device that is away is not noticed by it; let the gateway's user read the topic"})
	}
	for _, end := range s.ends {
		if left := end.at.Sub(now); left < expirySoon {
			list = append(list, connectors.Condition{Trouble: connectors.CertificateExpiring,
				Detail: fmt.Sprintf("%s certificate is valid until %s; renew it before", end.whose, end.at.UTC().Format("2006-01-02 15:04 MST"))})
		}
	}
	return list
}

// merged joins conditions of one kind about one thing, which whoever shows them
// could not tell apart.
func merged(list []connectors.Condition) []connectors.Condition {
	var out []connectors.Condition
	for _, c := range list {
		n := slices.IndexFunc(out, func(o connectors.Condition) bool { return o.Trouble == c.Trouble && o.Subject == c.Subject })
		if n < 0 {
			out = append(out, c)
			continue
		}
		out[n].Detail += "; " + c.Detail
	}
	return out
}
