package sparkplug

import (
	"math"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Why a value is Bad. Sample.Reason holds one of these, or what Metric.Value
// says.
const (
	unborn        = "waiting for the birth certificate"
	notInBirth    = "not in the birth certificate"
	ambiguous     = "its alias stands for two metrics in the birth certificate"
	nodeOffline   = "Edge Node offline"
	deviceOffline = "device offline"
	missing       = "messages are missing"
	unreadable    = "the message can not be read"
	staleAtSource = "stale at the source"
	badAtSource   = "bad at the source"
	noBits        = "not a whole number, so it has no bits"
)

// standing is how far a source's messages can be understood.
type standing uint8

const (
	// waiting: no birth certificate was seen since the connection began.
	waiting standing = iota
	// alive: aliases are known and no message is missing.
	alive
	// doubtful: a message is missing, which may have given aliases another
	// meaning. Metrics that come by name are still understood.
	doubtful
	// dead: the death certificate was the last that was heard.
	dead
)

// source is an Edge Node itself or one of its devices: who has birth
// certificates and metrics of its own.
type source struct {
	place    place
	standing standing
	metrics  map[string]*metric // those that tags want, by name
	order    []*metric          // the same, as the configuration has them
	aliases  map[uint64]*metric // of the last birth certificate
}

// metric is one that a tag wants.
type metric struct {
	name string
	tags []int
	// What the last birth certificate said.
	born    bool
	doubled bool // its alias stands for another metric too
	typ     DataType
}

func newSource(at place) *source {
	return &source{place: at, metrics: map[string]*metric{}, aliases: map[uint64]*metric{}}
}

// want adds a tag that reads a metric.
func (s *source) want(name string, tag int) {
	m := s.metrics[name]
	if m == nil {
		m = &metric{name: name}
		s.metrics[name] = m
		s.order = append(s.order, m)
	}
	m.tags = append(m.tags, tag)
}

// fall gives the source a standing in which nothing is known, and all of its
// tags the reason.
func (s *source) fall(to standing, reason string, out *teller) {
	s.standing = to
	for _, m := range s.order {
		m.fail(reason, out)
	}
}

// fail makes the tags of a metric Bad.
func (m *metric) fail(reason string, out *teller) {
	for _, tag := range m.tags {
		out.bad(tag, reason)
	}
}

// birth takes a birth certificate: it lists all metrics there are, with their
// present values.
func (s *source) birth(p *Payload, out *teller) {
	s.standing = alive
	clear(s.aliases)
	for _, m := range s.order {
		m.born, m.doubled, m.typ = false, false, 0
	}
	for i := range p.Metrics {
		given := &p.Metrics[i]
		if m := s.metrics[given.Name]; m != nil {
			m.born, m.typ = true, given.Type
			if given.HasAlias {
				s.aliases[given.Alias] = m
			}
		}
	}
	s.disown(p)
	for i := range p.Metrics {
		if m := s.metrics[p.Metrics[i].Name]; m != nil && !m.doubled {
			m.observe(&p.Metrics[i], p.Time, out)
		}
	}
	for _, m := range s.order {
		if !m.born {
			m.fail(notInBirth, out)
		} else if m.doubled {
			m.fail(ambiguous, out)
		}
	}
}

// disown finds the metrics whose alias the same certificate gives to another
// one too, and forgets those aliases: what comes by them could be either.
func (s *source) disown(p *Payload) {
	var shared map[uint64]bool
	for i := range p.Metrics {
		given := &p.Metrics[i]
		m := s.aliases[given.Alias]
		if m == nil || !given.HasAlias || given.Name == m.name {
			continue
		}
		if shared == nil {
			shared = map[uint64]bool{}
		}
		shared[given.Alias] = true
	}
	if shared == nil {
		return
	}
	for i := range p.Metrics {
		given := &p.Metrics[i]
		if m := s.metrics[given.Name]; m != nil && given.HasAlias && shared[given.Alias] {
			m.doubled = true
			delete(s.aliases, given.Alias)
		}
	}
}

// data takes what has changed. Metrics that come by their alias are understood
// only while the source is alive; those that come by name whenever their type is
// known.
func (s *source) data(p *Payload, out *teller) {
	if s.standing == dead {
		s.fall(waiting, unborn, out) // it lives, and its birth was missed
	}
	for i := range p.Metrics {
		given := &p.Metrics[i]
		m := s.metrics[given.Name]
		if given.Name == "" && given.HasAlias && s.standing == alive {
			m = s.aliases[given.Alias]
		}
		if m != nil && (m.typ != 0 || given.Type != 0) {
			m.observe(given, p.Time, out)
		}
	}
}

// observe makes the samples of a metric. What a node kept while it was offline
// says nothing of the present.
func (m *metric) observe(given *Metric, sent uint64, out *teller) {
	if given.Historical {
		return
	}
	quality, reason := given.trust()
	var value connectors.Value
	if quality != connectors.Bad {
		var err error
		if value, err = given.Value(m.typ); err != nil {
			quality, reason = connectors.Bad, err.Error()
		}
	}
	at := instant(given.Time)
	if at.IsZero() {
		at = instant(sent)
	}
	for _, tag := range m.tags {
		out.value(tag, value, quality, reason, at)
	}
}

// trust reads the property Quality, whose codes are those of OPC: without it a
// value is good.
func (m *Metric) trust() (connectors.Quality, string) {
	switch {
	case !m.HasQuality || m.Quality >= 0xC0 && m.Quality <= 0xFF:
		return connectors.Good, ""
	case m.Quality == 500:
		return connectors.Bad, staleAtSource
	case m.Quality >= 0x40 && m.Quality <= 0x7F:
		return connectors.Uncertain, "uncertain at the source"
	}
	return connectors.Bad, badAtSource
}

// The milliseconds since 1970 that a node's clock may show: 2001 to 2100.
const (
	earliest = 1e12
	latest   = 4.2e12
)

// instant is a time of a payload; zero if it is none.
func instant(ms uint64) time.Time {
	if ms < earliest || ms > latest || ms > math.MaxInt64 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

// teller makes samples, and says of a tag that it is Bad only once for each
// reason.
type teller struct {
	bits    []int // by tag
	told    []string
	samples []connectors.Sample
}

// spoken marks tags whose last sample had a value.
const spoken = "\x00"

func newTeller(tags []connectors.Tag) *teller {
	t := &teller{bits: make([]int, len(tags)), told: make([]string, len(tags))}
	for i, tag := range tags {
		t.bits[i] = tag.Bit
	}
	return t
}

// begin forgets the samples of the last call, whose slice is used again.
func (t *teller) begin() { t.samples = t.samples[:0] }

// forget is called when a connection begins: nothing was told on it.
func (t *teller) forget() { clear(t.told) }

func (t *teller) bad(tag int, reason string) {
	if t.told[tag] == reason {
		return
	}
	t.told[tag] = reason
	t.samples = append(t.samples, connectors.Sample{Tag: tag, Reason: reason})
}

func (t *teller) value(tag int, v connectors.Value, q connectors.Quality, reason string, at time.Time) {
	if bit := t.bits[tag]; q != connectors.Bad && bit != connectors.NoBit {
		switch v.Kind() {
		case connectors.KindInt:
			v = connectors.Bool(uint64(v.AsInt())>>bit&1 == 1)
		case connectors.KindUint:
			v = connectors.Bool(v.AsUint()>>bit&1 == 1)
		default:
			q, reason = connectors.Bad, noBits
		}
	}
	if q == connectors.Bad {
		t.bad(tag, reason)
		return
	}
	t.told[tag] = spoken
	t.samples = append(t.samples, connectors.Sample{Tag: tag, Value: v, Quality: q, Reason: reason, SourceTime: at})
}
