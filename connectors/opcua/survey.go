package opcua

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// aroundMost is the number of candidates that Around gives at most.
const aroundMost = 1000

// Survey asks a server what an engineer wants to know. Each call is a session
// of its own.
type Survey struct {
	cfg Config
}

var (
	_ connectors.Surveyor = (*Survey)(nil)
	_ connectors.Watcher  = (*Survey)(nil)
)

// NewSurvey makes a survey. It touches neither the network nor the disk; the
// error joins every problem of the configuration.
func NewSurvey(cfg Config) (*Survey, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return &Survey{cfg: cfg}, nil
}

// visit opens a session of a connector with some tags, learns the server's
// namespaces and limits, and calls do. Everything is closed when it returns.
func (v *Survey) visit(ctx context.Context, tags []connectors.Tag, do func(*survey) error) error {
	c, err := New(v.cfg, tags)
	if err != nil {
		return err
	}
	if err := c.visit(ctx, do); err != nil {
		return fmt.Errorf("opcua %s: %w", v.cfg.Endpoint, err)
	}
	return nil
}

func (c *Connector) visit(ctx context.Context, do func(*survey) error) error {
	s, err := c.openSession(ctx)
	if err != nil {
		return err
	}
	var guarding sync.WaitGroup
	finished := make(chan struct{})
	guarding.Go(func() { s.guard(ctx, finished) })
	defer func() {
		close(finished)
		guarding.Wait()
		s.ch.closeAfter(err)
	}()
	if err = s.readServer(ctx); err == nil {
		err = do(&survey{session: s, typeNames: map[string]string{}})
	}
	return err
}

// Probe implements connectors.Surveyor. A tag is read as it was given; there is
// no other way to understand a value that says its own type. Its node's own
// type, which may be an array or a structure, is in Reading.Type, and the
// members to choose from are what Around gives.
func (v *Survey) Probe(ctx context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	out := make([][]connectors.Reading, len(tags))
	err := v.visit(ctx, nil, func(s *survey) error {
		var (
			nodes []variable
			which []int
		)
		for i, tag := range tags {
			out[i] = []connectors.Reading{{Tag: tag}}
			node, problem := s.find(ctx, tag)
			if problem != nil {
				out[i][0].Sample.Reason, out[i][0].Note = reasonAddress, problem.Error()
				continue
			}
			nodes, which = append(nodes, variable{node: node}), append(which, i)
		}
		if err := s.nameAll(ctx, nodes); err != nil {
			return err
		}
		if err := s.describe(ctx, nodes, true); err != nil {
			return err
		}
		for k, i := range which {
			r := &out[i][0]
			r.Name, r.Type = nodes[k].name, nodes[k].kind
			s.fill(r, nodes[k].value)
			if r.Sample.Quality != connectors.Bad {
				continue
			}
			text := s.advice(r.Tag, r.Sample, nodes[k].value)
			if r.Sample.Reason == reasonUnknownStructure {
				var err error
				if text, err = s.adviceOnMember(ctx, nodes[k].node, r.Tag.Path); err != nil {
					return err
				}
			}
			if text != "" {
				r.Note = strings.TrimSuffix(text+"; "+r.Note, "; ")
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// find is the node of a tag in this session.
func (s *survey) find(ctx context.Context, tag connectors.Tag) (*ua.NodeID, error) {
	a, err := parseTag(tag)
	if err != nil {
		return nil, err
	}
	node, err := s.only(ctx, a)
	if err != nil {
		return nil, err
	}
	if path, _ := parsePath(tag.Path); named(path) {
		return node, s.learn(ctx, node)
	}
	return node, nil
}

// only is the node of one address.
func (s *survey) only(ctx context.Context, a address) (*ua.NodeID, error) {
	if err := s.translate(ctx, []address{a}); err != nil {
		return nil, err
	}
	node, reason := s.nodeOf(a)
	switch {
	case node != nil:
		return node, nil
	case reason == reasonNamespace:
		return nil, fmt.Errorf("%s: %s, which has %q", a, reason, s.namespaces)
	}
	return nil, fmt.Errorf("%s: %s", a, reason)
}

// nameAll reads the names of nodes.
func (s *survey) nameAll(ctx context.Context, nodes []variable) error {
	ask := make([]*ua.ReadValueID, len(nodes))
	for i := range nodes {
		ask[i] = attribute(nodes[i].node, ua.AttributeIDBrowseName)
	}
	names, err := s.readAll(ctx, ask, ua.TimestampsToReturnNeither)
	if err != nil {
		return err
	}
	for i, dv := range names {
		if q, ok := valueOf(dv).(*ua.QualifiedName); ok {
			nodes[i].name = q.Name
		}
	}
	return nil
}

// Around implements connectors.Surveyor: the tag's node, all variables that hang
// where it hangs, and the elements and members of those that are arrays or
// structures.
func (v *Survey) Around(ctx context.Context, tag connectors.Tag) ([]connectors.Reading, error) {
	var out []connectors.Reading
	err := v.visit(ctx, nil, func(s *survey) (err error) {
		out, err = s.around(ctx, tag)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Watch implements connectors.Watcher: it looks around in one session.
func (v *Survey) Watch(ctx context.Context, tag connectors.Tag, every time.Duration, seen func([]connectors.Reading) (more bool, err error)) error {
	again := time.NewTicker(every)
	defer again.Stop()
	var own error // seen's: not a word of the server's
	err := v.visit(ctx, nil, func(s *survey) error {
		for {
			near, err := s.around(ctx, tag)
			if err != nil {
				return err
			}
			more := false
			if more, own = seen(near); !more || own != nil {
				return own
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-again.C:
			}
		}
	})
	if own != nil {
		return own
	}
	return err
}

// around reads a tag's neighbourhood once.
func (s *survey) around(ctx context.Context, tag connectors.Tag) ([]connectors.Reading, error) {
	node, err := s.find(ctx, tag)
	if err != nil {
		return nil, err
	}
	near, err := s.siblings(ctx, node)
	if err != nil {
		return nil, err
	}
	if err := s.describe(ctx, near, true); err != nil {
		return nil, err
	}
	if err := s.learnHeld(ctx, near); err != nil {
		return nil, err
	}
	var out []connectors.Reading
	for i := range near {
		r := s.reading(&near[i])
		out = append(out, r)
		if i == 0 {
			r.Tag.Path = tag.Path
		}
		if held := valueOf(near[i].value); held != nil {
			out = s.members(out, r, near[i].value, held, nil)
		}
	}
	return out, nil
}

// siblings are a node, as the first, and the other variables below its parents,
// and those below itself.
func (s *survey) siblings(ctx context.Context, node *ua.NodeID) ([]variable, error) {
	up := browseFor(node, id.HierarchicalReferences, ua.BrowseDirectionInverse, 0)
	parents, err := s.browse(ctx, []*ua.BrowseDescription{up}, nodesPerBrowse)
	if err != nil {
		return nil, err
	}
	ask := []*ua.BrowseDescription{browseFor(node, id.HierarchicalReferences, ua.BrowseDirectionForward, ua.NodeClassVariable)}
	for _, ref := range parents[0].References {
		if n := s.local(ref); n != nil {
			ask = append(ask, browseFor(n, id.HierarchicalReferences, ua.BrowseDirectionForward, ua.NodeClassVariable))
		}
	}
	results, err := s.browse(ctx, ask, aroundMost)
	if err != nil {
		return nil, err
	}
	near := []variable{{node: node}}
	if err := s.nameAll(ctx, near); err != nil {
		return nil, err
	}
	seen := map[string]bool{node.String(): true}
	points := [][]byte{parents[0].ContinuationPoint}
	for _, r := range results {
		points = append(points, r.ContinuationPoint)
		for _, ref := range r.References {
			if n := s.local(ref); n != nil && !seen[n.String()] && len(near) < aroundMost {
				seen[n.String()] = true
				near = append(near, variable{node: n, name: nameOf(ref)})
			}
		}
	}
	return near, s.release(ctx, withPoints(points))
}

// withPoints leaves out what is no continuation point.
func withPoints(points [][]byte) [][]byte {
	var out [][]byte
	for _, p := range points {
		if len(p) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// Browse implements connectors.Surveyor. Without a root it begins at the Objects
// folder and leaves the server's description of itself aside. It shows objects
// and variables along all hierarchical references; a node that hangs at several
// places is walked through at the first only, so loops end. It gives no more
// than a million rows.
func (v *Survey) Browse(ctx context.Context, walk connectors.Walk, found func(connectors.Reading) error) error {
	root := address{kind: 'i', num: id.ObjectsFolder}
	if walk.Root != "" {
		var err error
		if root, err = parseAddress(walk.Root); err != nil {
			return err
		}
	}
	var own error // found's, or that there is more: not a word of the server's
	err := v.visit(ctx, nil, func(s *survey) error {
		node, err := s.only(ctx, root)
		if err != nil {
			return err
		}
		w := walker{survey: s, walk: walk, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
		w.found = func(r connectors.Reading) error {
			own = found(r)
			return own
		}
		err = w.run(ctx, node)
		if errors.Is(err, connectors.ErrMore) && own == nil {
			own = err
		}
		return err
	})
	if own != nil {
		return own
	}
	return err
}
