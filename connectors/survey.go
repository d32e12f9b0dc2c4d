package connectors

import (
	"context"
	"errors"
	"time"
)

// ErrMore is what Browse returns when Walk.Limit, or a bound of its own, ended
// it before the device's end.
var ErrMore = errors.New("there is more than the limit allows to show")

// Reading is one thing a device holds, read once.
type Reading struct {
	// Tag reads it again: what an engineer writes into the configuration.
	Tag Tag
	// Name is what the device calls it; empty where the protocol has no names.
	Name string
	// Type says in the protocol's words what it is ("Int32[10]", "holding
	// register", "JSON number").
	Type string
	// Sample is its value; Sample.Tag has no meaning here.
	Sample Sample
	// Raw is the value as it travelled, nil where that would say nothing.
	Raw []byte
	// Depth and Children place it in the tree that Browse walks.
	Depth    int
	Children bool
	// Note is a remark for a person; may be empty.
	Note string
}

// Fact is something that a device says about itself or that was measured:
// "round trip", "2 ms".
type Fact struct {
	Name, Value string
}

// Walk says what Browse walks through.
type Walk struct {
	// Root is where to begin, in the protocol's notation: a node id, an area
	// or a range of registers, a topic filter. Empty means the protocol's
	// natural beginning.
	Root string
	// Depth is the number of levels below Root, 1 or more; 0 means all.
	Depth int
	// Limit ends the walk after that many readings; 0 means the protocol's own
	// bound. Browse tells by ErrMore that there would be more.
	Limit int
	// For is how long to listen where values come by themselves.
	For time.Duration
	// Values asks for values along with names.
	Values bool
}

// Surveyor asks a device what an engineer wants to know before he maps it. It
// connects at each call, makes one attempt, and leaves nothing open. It never
// changes anything on a device. Errors say at which address what happened, and
// what a person could do, as those of Connector.Run do.
type Surveyor interface {
	// Examine reports what the device is and can bear: product, limits,
	// security, round trip, clock; and what it makes of the tags (revised
	// intervals, number of requests).
	Examine(ctx context.Context, tags []Tag) ([]Fact, error)
	// Probe reads each tag once. The readings of a tag begin with the tag as it
	// was given; others that would make sense of the same raw data follow. A
	// tag that can not be read is one reading of Bad quality with a reason.
	Probe(ctx context.Context, tags []Tag) ([][]Reading, error)
	// Around reads what lies near a tag, and gives everything as which it could
	// be understood: the candidates for a value that a person sees on the
	// machine.
	Around(ctx context.Context, tag Tag) ([]Reading, error)
	// Browse walks through what the device holds and calls found for each, in
	// order, parents before children; it stops at found's first error and
	// returns it. It asks in small steps, so that a large device stays
	// responsive, and keeps nothing that it has handed over.
	Browse(ctx context.Context, walk Walk, found func(Reading) error) error
}

// Watcher is a Surveyor whose connecting is dear: it can look around a tag
// several times over one connection.
type Watcher interface {
	// Watch calls seen with what Around gives, at once and then each period,
	// until seen returns false or an error, which it returns. Everything is
	// closed when it returns.
	Watch(ctx context.Context, tag Tag, every time.Duration, seen func([]Reading) (more bool, err error)) error
}
