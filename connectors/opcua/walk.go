package opcua

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// walkPage is the number of references that one browse of a node gives.
	walkPage = 500
	// walkAhead is the number of nodes that are looked at before their rows are
	// given, to say whether they have children.
	walkAhead = 100
	// walkRows ends a walk without a limit of its own, and so bounds what it
	// remembers: 8 bytes for each node, about 40 MB with the table around them.
	walkRows = 1_000_000
	// walkDepth bounds the levels of a walk.
	walkDepth = 64
	// walkClasses are the nodes a walk shows.
	walkClasses = ua.NodeClassObject | ua.NodeClassVariable
)

// walker goes through the hierarchy below a node, depth first. Beside the nodes
// it has seen it keeps, for each level, one page of references at most, and the
// server's continuation point for the rest.
type walker struct {
	*survey
	walk  connectors.Walk
	found func(connectors.Reading) error
	rows  int
	seed  maphash.Seed
	seen  map[uint64]struct{}
	stack []level
	stale [][]byte // continuation points to give back
}

// level is a node whose children are being shown.
type level struct {
	node     *ua.NodeID
	taken    int                        // references that came
	refs     []*ua.ReferenceDescription // not looked at yet
	children []child                    // looked at
	at       int                        // the next of children
	point    []byte
}

// child is a node about to be shown.
type child struct {
	variable
	class ua.NodeClass
	again bool             // it has been shown at another place
	below *ua.BrowseResult // first page of its own references; nil if not known
}

// run walks below a node.
func (w *walker) run(ctx context.Context, root *ua.NodeID) error {
	first, err := w.browse(ctx, []*ua.BrowseDescription{below(root)}, walkPage)
	if err != nil {
		return err
	}
	if code := first[0].StatusCode; code&severity >= 0x80000000 {
		return explainStatus(fmt.Sprintf("browsing %s", addressOf(root, w.namespaces)), code)
	}
	w.first(root)
	w.push(root, first[0])
	for len(w.stack) > 0 && err == nil {
		err = w.step(ctx)
	}
	for i := range w.stack {
		w.drop(&w.stack[i])
	}
	if ctx.Err() == nil && !errors.Is(err, errLost) && !errors.Is(err, errNoAnswer) {
		// The rows are given; the session's end frees what this may leave.
		_ = w.release(ctx, w.stale)
	}
	return err
}

func below(n *ua.NodeID) *ua.BrowseDescription {
	return browseFor(n, id.HierarchicalReferences, ua.BrowseDirectionForward, walkClasses)
}

// nextPage goes on with a level's references. A server that has dropped the
// continuation point, as some do with the oldest when they give another, is asked
// from the beginning again.
func (w *walker) nextPage(ctx context.Context, l *level) error {
	next, err := w.browseNext(ctx, l.point)
	if err != nil {
		return err
	}
	l.point = nil
	skip := 0
	if next.StatusCode == ua.StatusBadContinuationPointInvalid {
		skip = l.taken
		again, err := w.browse(ctx, []*ua.BrowseDescription{below(l.node)}, walkPage)
		if err != nil {
			return err
		}
		next = again[0]
		for skip >= len(next.References) && len(next.ContinuationPoint) > 0 && len(next.References) > 0 {
			skip -= len(next.References)
			if next, err = w.browseNext(ctx, next.ContinuationPoint); err != nil {
				return err
			}
		}
	}
	if code := next.StatusCode; code&severity >= 0x80000000 {
		return explainStatus(fmt.Sprintf("browsing %s: %d nodes were shown, the rest does not come", addressOf(l.node, w.namespaces), l.taken), code)
	}
	l.refs, l.point = next.References[min(skip, len(next.References)):], next.ContinuationPoint
	l.taken += len(l.refs)
	return nil
}

// first says whether a node is met for the first time.
func (w *walker) first(n *ua.NodeID) bool {
	key := maphash.String(w.seed, n.String())
	_, met := w.seen[key]
	w.seen[key] = struct{}{}
	return !met
}

func (w *walker) push(node *ua.NodeID, r *ua.BrowseResult) {
	w.stack = append(w.stack, level{node: node, taken: len(r.References), refs: r.References, point: r.ContinuationPoint})
}

// drop remembers the continuation points of a level to give them back.
func (w *walker) drop(l *level) {
	if len(l.point) > 0 {
		w.stale = append(w.stale, l.point)
	}
	for i := l.at; i < len(l.children); i++ {
		w.forgetBelow(&l.children[i])
	}
}

func (w *walker) forgetBelow(c *child) {
	if c.below != nil && len(c.below.ContinuationPoint) > 0 {
		w.stale = append(w.stale, c.below.ContinuationPoint)
		c.below.ContinuationPoint = nil
	}
}

// step shows one node, or fetches more of them.
func (w *walker) step(ctx context.Context) error {
	depth := len(w.stack)
	l := &w.stack[depth-1]
	switch {
	case l.at < len(l.children):
	case len(l.refs) > 0:
		return w.lookAhead(ctx, l)
	case len(l.point) > 0:
		return w.nextPage(ctx, l)
	default:
		w.stack = w.stack[:depth-1]
		return nil
	}
	if w.rows >= w.most() {
		return w.over()
	}
	c := &l.children[l.at]
	l.at++
	deeper := !c.again && depth < w.depth() && !w.aside(c)
	if err := w.show(c, depth-1); err != nil {
		w.forgetBelow(c)
		return err
	}
	if !deeper {
		w.forgetBelow(c)
		return nil
	}
	return w.descend(ctx, c)
}

// over is the error of a walk that has given all the rows it may.
func (w *walker) over() error {
	if w.rows < walkRows {
		return connectors.ErrMore
	}
	return fmt.Errorf("%w: a walk gives no more; begin at a node further down, or see fewer levels with --depth", connectors.ErrMore)
}

func (w *walker) most() int {
	if w.walk.Limit > 0 {
		return min(w.walk.Limit, walkRows)
	}
	return walkRows
}

func (w *walker) depth() int {
	if w.walk.Depth > 0 {
		return min(w.walk.Depth, walkDepth)
	}
	return walkDepth
}

// aside says that a node is the server's description of itself, which nobody
// walks through who has not asked for it.
func (w *walker) aside(c *child) bool {
	return w.walk.Root == "" && c.node.Namespace() == 0 && c.node.IntID() == id.Server
}

// descend goes to the children of a node that has been shown.
func (w *walker) descend(ctx context.Context, c *child) error {
	if c.below == nil {
		// The server had no continuation point left when it was looked at.
		if err := w.release(ctx, w.stale); err != nil {
			return err
		}
		w.stale = nil
		again, err := w.browse(ctx, []*ua.BrowseDescription{below(c.node)}, walkPage)
		if err != nil {
			return err
		}
		c.below = again[0]
	}
	if len(c.below.References) > 0 || len(c.below.ContinuationPoint) > 0 {
		w.push(c.node, c.below)
	}
	c.below = nil // the level has it
	return nil
}

// show gives a node's row.
func (w *walker) show(c *child, depth int) error {
	w.rows++
	r := w.reading(&c.variable)
	r.Depth = depth
	r.Children = c.below == nil || len(c.below.References) > 0
	if c.class == ua.NodeClassObject {
		r.Type = "Object"
	}
	switch {
	case c.again:
		r.Children, r.Note = false, "shown before at another place"
	case w.aside(c):
		r.Note = "about the server itself; begin at i=2253 to see it"
	case c.class == ua.NodeClassObject && c.below != nil && c.below.StatusCode&severity >= 0x80000000:
		r.Note = "its content can not be listed: " + statusName(c.below.StatusCode)
	}
	return w.found(r)
}

// lookAhead makes children of the next references: what they are, what they
// hold, and whether something is below them.
func (w *walker) lookAhead(ctx context.Context, l *level) error {
	if len(w.stale) >= walkAhead {
		if err := w.release(ctx, w.stale); err != nil {
			return err
		}
		w.stale = nil
	}
	n := min(walkAhead, len(l.refs))
	l.children, l.at = l.children[:0], 0
	var (
		ask       []*ua.BrowseDescription
		variables []variable
	)
	for _, ref := range l.refs[:n] {
		node := w.local(ref)
		if node == nil {
			continue // on another server
		}
		c := child{variable: variable{node: node, name: nameOf(ref)}, class: ref.NodeClass}
		c.again = !w.first(node)
		l.children = append(l.children, c)
		ask = append(ask, below(node))
		if ref.NodeClass == ua.NodeClassVariable {
			variables = append(variables, c.variable)
		}
	}
	l.refs = l.refs[n:]
	results, err := w.browse(ctx, ask, walkPage)
	if err != nil {
		return err
	}
	if err := w.describe(ctx, variables, w.walk.Values); err != nil {
		return err
	}
	for i := range l.children {
		c := &l.children[i]
		if results[i].StatusCode != ua.StatusBadNoContinuationPoints {
			c.below = results[i]
		}
		if c.class == ua.NodeClassVariable {
			c.variable, variables = variables[0], variables[1:]
		}
	}
	return nil
}

// local is the node of a reference on this server; nil if it is on another.
func (v *survey) local(ref *ua.ReferenceDescription) *ua.NodeID {
	if ref == nil || ref.NodeID == nil || ref.NodeID.NodeID == nil {
		return nil
	}
	return local(ref.NodeID, v.namespaces)
}

func nameOf(ref *ua.ReferenceDescription) string {
	if ref.BrowseName != nil && ref.BrowseName.Name != "" {
		return ref.BrowseName.Name
	}
	if ref.DisplayName != nil {
		return ref.DisplayName.Text
	}
	return ""
}
