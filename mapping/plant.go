package mapping

import (
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Feed distributes what one connection learns to the machines that read it. It
// is not safe for concurrent use; a connection emits from one goroutine.
type Feed struct {
	// Connection is the connection's name.
	Connection string
	// Tags are the tags to watch, without duplicates. Samples refer to them by
	// index.
	Tags []connectors.Tag
	// Machines are the indexes, into the specs given to Feeds, of the machines
	// that read the connection, in ascending order.
	Machines []int

	// routes are the first machine of each tag, more the others: few tags have
	// any, and one array is read at the speed of memory.
	routes  []route
	more    map[int][]route
	batches []Batch // by place in Machines, used again for each batch
	touched []int
}

type route struct {
	place  int32 // in Machines
	signal int32
	shared bool // there are more
}

// Feeds gives a feed for each connection that the machines read, in the order
// of first use. A tag that several machines read is watched once.
func Feeds(specs []*Spec) []*Feed {
	var feeds []*Feed
	byName := map[string]*Feed{}
	tags := map[Signal]int{}
	for machine, spec := range specs {
		for signal, s := range spec.Signals {
			f := byName[s.Connection]
			if f == nil {
				f = &Feed{Connection: s.Connection}
				byName[s.Connection] = f
				feeds = append(feeds, f)
			}
			f.add(machine, signal, s, tags)
		}
	}
	for _, f := range feeds {
		f.batches = make([]Batch, len(f.Machines))
	}
	return feeds
}

func (f *Feed) add(machine, signal int, s Signal, tags map[Signal]int) {
	tag, known := tags[s]
	if !known {
		tag = len(f.Tags)
		tags[s] = tag
		f.Tags = append(f.Tags, s.Tag)
	}
	if len(f.Machines) == 0 || f.Machines[len(f.Machines)-1] != machine {
		f.Machines = append(f.Machines, machine)
	}
	r := route{place: int32(len(f.Machines) - 1), signal: int32(signal)}
	if !known {
		f.routes = append(f.routes, r)
		return
	}
	if f.more == nil {
		f.more = map[int][]route{}
	}
	f.routes[tag].shared = true
	f.more[tag] = append(f.more[tag], r)
}

// Split calls step for each machine that the batch concerns, in ascending order
// of machines. The batch given to step is valid during the call. A change of
// the link and a sign of life concern all machines of the connection.
func (f *Feed) Split(b connectors.Batch, step func(machine int, b *Batch)) {
	everyone := b.Link != connectors.LinkSame || b.Alive
	f.touched = f.touched[:0]
	if everyone {
		for place := range f.Machines {
			f.begin(place, b)
		}
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		if s.Tag < 0 || s.Tag >= len(f.routes) {
			continue
		}
		f.read(f.routes[s.Tag], s, &b, everyone)
		if f.routes[s.Tag].shared {
			for _, r := range f.more[s.Tag] {
				f.read(r, s, &b, everyone)
			}
		}
	}
	if !everyone {
		slices.Sort(f.touched)
	}
	for _, place := range f.touched {
		step(f.Machines[place], &f.batches[place])
		f.batches[place].Readings = f.batches[place].Readings[:0]
	}
}

// read adds a sample to the batch of one machine. begun says that the batches of
// all machines were begun.
func (f *Feed) read(r route, s *connectors.Sample, b *connectors.Batch, begun bool) {
	mine := &f.batches[r.place]
	if !begun && len(mine.Readings) == 0 {
		f.begin(int(r.place), *b)
	}
	mine.Readings = append(mine.Readings, Reading{Signal: int(r.signal), Sample: s})
}

func (f *Feed) begin(place int, b connectors.Batch) {
	mine := &f.batches[place]
	mine.Time, mine.Connection, mine.Link, mine.Alive = b.Time, f.Connection, b.Link, b.Alive
	f.touched = append(f.touched, place)
}
