package opcua

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// profileAuto is the value of Config.Profile that asks the server.
const profileAuto = "auto"

// limits is what one session may ask of its server. What the server says about
// itself wins where it is less.
type limits struct {
	items  int // monitored items created by one request
	read   int // nodes of one read
	browse int // nodes of one browse
	paths  int // browse paths translated by one request
	// sessions and total are how many sessions and monitored items this gateway
	// takes for granted in all, when it advises a person; 0 for no advice. They
	// are cautious guesses. The server counts, not we.
	sessions, total int
	// session is how long a server is asked to keep a session that it hears
	// nothing of. It counts only where the profile is configured: a session
	// begins before the server can be asked what it is.
	session time.Duration
}

// profile is a kind of server.
type profile struct {
	name string
	// marks are words of which one must be in what the server says of maker
	// and product, in small letters. A profile without marks is never found.
	marks []string
	limits
}

// profiles are the servers that are known, the more special before the more
// general; the last one is for all others. The figures are our own cautious
// choices, not the makers': a small controller shall not be busy with us. What
// a server says about itself wins where it is less.
func profiles() []profile {
	most := limits{items: itemsPerCall, read: nodesPerRead, browse: nodesPerBrowse, paths: pathsPerCall, session: sessionTimeout}
	with := func(change func(*limits)) limits {
		l := most
		change(&l)
		return l
	}
	return []profile{
		// A small CPU, which shall have few sessions, few items and small
		// requests from us.
		{"s7-1200", []string{"s7-1200", "s71200"}, with(func(l *limits) {
			l.items, l.read, l.browse, l.sessions, l.total = 200, 200, 50, 10, 1000
			l.session = shortSession
		})},
		// From small to large; the advice has the small ones in mind.
		{"s7-1500", []string{"s7-1500", "s71500", "et200sp", "et 200sp"}, with(func(l *limits) {
			l.sessions, l.total = 32, 10_000
		})},
		// A program on a PC with no small limits of its own; what it sends on
		// to its drivers is what takes time.
		{"kepware", []string{"kepware", "kepserver", "thingworx industrial connectivity"}, most},
		// Runs on controllers from very small to PC; small requests keep the
		// control task's neighbours undisturbed.
		{"codesys", []string{"codesys", "3s-smart", "wago"}, with(func(l *limits) {
			l.items, l.read, l.browse = 200, 200, 50
		})},
		// The server stands beside the control task on one machine; half of
		// our largest request leaves it time between two.
		{"beckhoff", []string{"beckhoff", "twincat"}, with(func(l *limits) { l.items = 500 })},
		{"generic", nil, most},
	}
}

// profileNames are the values of Config.Profile.
func profileNames() []string {
	names := []string{profileAuto}
	for _, p := range profiles() {
		names = append(names, p.name)
	}
	return names
}

// profileFor finds the profile of a server: the configured one, or the one
// whose mark is in what the server says about itself.
func profileFor(configured string, said ...string) profile {
	all := profiles()
	text := strings.ToLower(strings.Join(said, " "))
	for _, p := range all {
		if configured == p.name {
			return p
		}
		if configured != profileAuto {
			continue
		}
		for _, mark := range p.marks {
			if strings.Contains(text, mark) {
				return p
			}
		}
	}
	return all[len(all)-1]
}

// learnProfile asks the server for its maker, if the configuration does not
// say what it is. A server that does not tell is a generic one.
func (s *session) learnProfile(ctx context.Context) error {
	var said []string
	if s.c.cfg.Profile == profileAuto {
		values, err := s.read(ctx,
			id.Server_ServerStatus_BuildInfo_ProductURI,
			id.Server_ServerStatus_BuildInfo_ManufacturerName,
			id.Server_ServerStatus_BuildInfo_ProductName)
		if err != nil && fatal(err) {
			return err
		}
		for _, v := range values {
			if text, ok := valueOf(v).(string); ok {
				said = append(said, text)
			}
		}
	}
	s.profile = profileFor(s.c.cfg.Profile, said...)
	return nil
}

// facts are what is known about a session from its opening: the kind of server,
// how it is secured, and by whose certificate.
func (s *session) facts() []connectors.Fact {
	facts := []connectors.Fact{{Name: "profile", Value: s.profile.name}}
	if p := s.profile; p.total > 0 {
		facts = append(facts, connectors.Fact{Name: "advised at most", Value: fmt.Sprintf("%d sessions, %d monitored items; a cautious choice of the profile, not the maker's word", p.sessions, p.total)})
	}
	security := shortPolicy(s.how.endpoint.SecurityPolicyURI)
	if mode := s.how.endpoint.SecurityMode; mode != ua.MessageSecurityModeNone {
		security += " " + modeName(mode)
	}
	facts = append(facts,
		connectors.Fact{Name: "security", Value: security},
		connectors.Fact{Name: "session timeout", Value: s.timeout.String()},
		connectors.Fact{Name: "advertised endpoint", Value: s.how.endpoint.EndpointURL})
	if cert, err := ParseCertificate(s.how.endpoint.ServerCertificate); err == nil {
		facts = append(facts, connectors.Fact{Name: "server certificate", Value: cert.String()})
	}
	return facts
}
