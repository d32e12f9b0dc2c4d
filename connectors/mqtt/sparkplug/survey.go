package sparkplug

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// maxSources bounds the nodes and devices of one catalogue.
const maxSources = 10_000

// Catalogue collects what births say about nodes and devices, for a person who
// looks for a metric.
type Catalogue struct {
	within place // empty parts mean all
	born   map[place]bool
	heard  map[place]bool // nodes
}

// NewCatalogue makes a catalogue of everything, or of a group, a node or a
// device: "", GROUP, GROUP/NODE or GROUP/NODE/DEVICE.
func NewCatalogue(root string) (*Catalogue, error) {
	c := &Catalogue{born: map[place]bool{}, heard: map[place]bool{}}
	var err error
	switch {
	case root == "":
	case !strings.Contains(root, "/"):
		if c.within, err = parsePlace(root + "/any"); err == nil {
			c.within.node = ""
		}
	default:
		c.within, err = parsePlace(root)
	}
	return c, err
}

// Filters are the subscriptions that bring what is to be collected.
func (c *Catalogue) Filters() []string {
	switch {
	case c.within.group == "":
		return []string{namespace + "/#"}
	case c.within.node == "":
		return []string{namespace + "/" + c.within.group + "/#"}
	}
	return c.within.filters()
}

// Node is the one Edge Node that is looked at, GROUP/NODE; empty if there may be
// several.
func (c *Catalogue) Node() string {
	if c.within.node == "" {
		return ""
	}
	return c.within.edge().String()
}

// Message gives the readings of a birth certificate the first time it comes: the
// node or device, and its metrics one level below. ask is a node that sends and
// whose birth was not seen, at each of its messages. connectors.ErrMore says that
// there are too many.
func (c *Catalogue) Message(topic string, payload []byte) (list []connectors.Reading, ask string, err error) {
	k, at, ok := parseTopic(topic)
	if !ok || !k.follows(at.device != "") {
		return nil, "", nil
	}
	if len(c.heard)+len(c.born) >= maxSources {
		return nil, "", connectors.ErrMore
	}
	c.heard[at.edge()] = true
	if k != nodeBirth && k != deviceBirth {
		if !c.born[at.edge()] && k != nodeDeath {
			ask = at.edge().String()
		}
		return nil, ask, nil
	}
	if c.born[at] {
		return nil, "", nil
	}
	c.born[at] = true
	if c.within.device != "" && c.within != at {
		return nil, "", nil
	}
	return c.birth(k, at, payload), "", nil
}

// birth makes the readings of a birth certificate.
func (c *Catalogue) birth(k kind, at place, payload []byte) []connectors.Reading {
	head := connectors.Reading{Name: at.String(), Type: "Edge Node", Children: true}
	if k == deviceBirth {
		head.Type = "device"
	}
	var p Payload
	if err := Decode(payload, &p); err != nil {
		head.Children, head.Note = false, err.Error()
		return []connectors.Reading{head}
	}
	list := []connectors.Reading{head}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		r := connectors.Reading{
			Tag:  connectors.Tag{Address: at.String(), Path: m.Name, Bit: connectors.NoBit},
			Name: m.Name, Type: m.Type.String(), Depth: 1,
		}
		if m.HasAlias {
			r.Note = fmt.Sprintf("alias %d", m.Alias)
		}
		quality, reason := m.trust()
		if quality != connectors.Bad {
			v, err := m.Value(m.Type)
			if err != nil {
				quality, reason = connectors.Bad, err.Error()
			}
			r.Sample.Value = v
		}
		r.Sample.Quality, r.Sample.Reason = quality, reason
		if at := instant(m.Time); !at.IsZero() {
			r.Sample.SourceTime = at
		}
		list = append(list, r)
	}
	return list
}

// Unborn gives a reading for every node that was heard and whose birth
// certificate did not come. asked says that the nodes were asked for it.
func (c *Catalogue) Unborn(asked bool) []connectors.Reading {
	note := "it is there, but its birth certificate did not come; trigger Node Control/Rebirth there, or set rebirth: true, and look again"
	if asked {
		note = "it is there, but its birth certificate did not come, although it was asked for; may the gateway publish on its NCMD topic?"
	}
	var list []connectors.Reading
	for _, at := range slices.SortedFunc(maps.Keys(c.heard), func(a, b place) int { return strings.Compare(a.String(), b.String()) }) {
		if c.born[at] {
			continue
		}
		list = append(list, connectors.Reading{Name: at.String(), Type: "Edge Node",
			Sample: connectors.Sample{Reason: unborn}, Note: note})
	}
	return list
}
