package opcua

import (
	"context"
	"fmt"
	"strings"

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
	// sessions and total are how many sessions and monitored items the maker
	// allows in all; 0 if that is not known. The server counts them, not we:
	// they are for texts.
	sessions, total int
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
// general; the last one is for all others.
func profiles() []profile {
	most := limits{items: itemsPerCall, read: nodesPerRead, browse: nodesPerBrowse, paths: pathsPerCall}
	with := func(change func(*limits)) limits {
		l := most
		change(&l)
		return l
	}
	return []profile{
		// The small CPU allows 10 sessions and 1,000 monitored items. It takes
		// far longer for each item once more than 200 come in one request.
		{"s7-1200", []string{"s7-1200", "s71200"}, with(func(l *limits) {
			l.items, l.read, l.browse, l.sessions, l.total = 200, 200, 50, 10, 1000
		})},
		// The smallest CPUs of the series allow 32 sessions; 10,000 items is
		// what the large ones take.
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
		// The server beside TwinCAT fetches symbols over ADS; its requests for
		// many symbols are cut into pieces of 500.
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
		facts = append(facts, connectors.Fact{Name: "limits of the maker", Value: fmt.Sprintf("%d sessions, %d monitored items", p.sessions, p.total)})
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
