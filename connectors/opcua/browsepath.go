package opcua

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

const (
	// pathPrefix begins an address that is a browse path.
	pathPrefix = "path:"
	// maxElements bounds the names in a browse path.
	maxElements = 64
	// reasonAmbiguous is for a path that does not lead to one node.
	reasonAmbiguous = "the browse path leads to several nodes"
	// reasonElsewhere is for a path that ends on another server.
	reasonElsewhere = "the browse path leads to another server"
)

// element is one browse name in a path.
type element struct {
	uri  string // empty: ns counts
	ns   uint16
	name string
}

// pathEnd is where a browse path leads in one session; node is nil, and reason
// says why, if it leads nowhere.
type pathEnd struct {
	node   *ua.NodeID
	reason string
}

// parseBrowsePath reads path:/Objects/nsu=urn:line;Line1/2:Good: the browse
// names from the root of the server, the first being Objects as a rule, each
// along any hierarchical reference. A name of another namespace than 0 begins
// with the namespace's URI, as in a node id, or its index and a colon. In a name,
// & makes the next character a part of the name, as in the relative paths of OPC
// UA: &/ &: and &&.
func parseBrowsePath(s string) ([]element, error) {
	rest, ok := strings.CutPrefix(s, pathPrefix+"/")
	if !ok {
		return nil, fmt.Errorf("browse path %q does not begin at the root; write path:/Objects/2:Line/2:Good", s)
	}
	if len(s) > maxIdentifier {
		return nil, fmt.Errorf("the browse path is longer than %d bytes", maxIdentifier)
	}
	var out []element
	for more := true; more; {
		var e element
		var err error
		if e, rest, more, err = parseElement(rest); err != nil {
			return nil, fmt.Errorf("browse path %q: name %d: %w", s, len(out)+1, err)
		}
		if out = append(out, e); len(out) > maxElements {
			return nil, fmt.Errorf("browse path %q has more than %d names", s, maxElements)
		}
	}
	return out, nil
}

// parseElement reads one name, and says whether a / and thus another follows.
func parseElement(s string) (e element, rest string, more bool, err error) {
	if tail, ok := strings.CutPrefix(s, "nsu="); ok {
		uri, name, ok := strings.Cut(tail, ";")
		if !ok {
			return e, "", false, errors.New("there is no ; after the namespace URI; write nsu=URI;Name")
		}
		if e.uri, err = unescapeURI(uri); err != nil {
			return e, "", false, err
		}
		s = name
	} else if index, name, ok := strings.Cut(s, ":"); ok && index != "" && strings.Trim(index, "0123456789") == "" {
		n, err := strconv.ParseUint(index, 10, 16)
		if err != nil {
			return e, "", false, fmt.Errorf("namespace index %q is not from 0 to 65535", index)
		}
		e.ns, s = uint16(n), name
	}
	var b strings.Builder
	i := 0
	for ; i < len(s) && s[i] != '/'; i++ {
		if s[i] == '&' {
			if i++; i == len(s) {
				return e, "", false, errors.New("nothing follows the last &; write && for one &")
			}
		}
		b.WriteByte(s[i])
	}
	if e.name = b.String(); e.name == "" {
		return e, "", false, errors.New("it is empty")
	}
	if i < len(s) {
		return e, s[i+1:], true, nil
	}
	return e, "", false, nil
}

// browsePathText is the canonical spelling of a path; parsing it gives the path
// again.
func browsePathText(path []element) string {
	var b strings.Builder
	b.WriteString(pathPrefix)
	for _, e := range path {
		b.WriteByte('/')
		switch {
		case e.uri != "":
			b.WriteString(namespacePrefix(e.uri))
		case e.ns != 0:
			b.WriteString(strconv.Itoa(int(e.ns)) + ":")
		}
		b.WriteString(strings.NewReplacer("&", "&&", "/", "&/", ":", "&:", "=", "&=").Replace(e.name))
	}
	return b.String()
}

// relative is the path as the server takes it. ok is false if the server does
// not know a namespace.
func relative(path []element, namespaces []string) (out *ua.RelativePath, ok bool) {
	out = &ua.RelativePath{}
	for _, e := range path {
		ns := e.ns
		if e.uri != "" {
			i := slices.Index(namespaces, e.uri)
			if i < 0 || i > math.MaxUint16 {
				return nil, false
			}
			ns = uint16(i)
		}
		out.Elements = append(out.Elements, &ua.RelativePathElement{
			ReferenceTypeID: numericNodeID(0, id.HierarchicalReferences), IncludeSubtypes: true,
			TargetName: &ua.QualifiedName{NamespaceIndex: ns, Name: e.name},
		})
	}
	return out, true
}

// nodeOf is the node of an address in this session; nil, with a reason, if there
// is none. Browse paths have to be translated before.
func (s *session) nodeOf(a address) (*ua.NodeID, string) {
	if a.kind == 'p' {
		end := s.paths[a]
		return end.node, end.reason
	}
	node, ok := a.resolve(s.namespaces)
	if !ok {
		return nil, reasonNamespace
	}
	return node, ""
}

// translate asks the server where browse paths lead. Addresses of other kinds
// are left out. The error is one that ends the session.
func (s *session) translate(ctx context.Context, addresses []address) error {
	var (
		ask   []*ua.BrowsePath
		whose []address
	)
	ends := map[address]pathEnd{}
	for _, a := range addresses {
		if a.kind != 'p' {
			continue
		}
		path, err := parseBrowsePath(a.text)
		if err != nil {
			return err // New has read it before
		}
		to, ok := relative(path, s.namespaces)
		if !ok {
			ends[a] = pathEnd{reason: reasonNamespace}
			continue
		}
		ask = append(ask, &ua.BrowsePath{StartingNode: numericNodeID(0, id.RootFolder), RelativePath: to})
		whose = append(whose, a)
	}
	err := inBatches(len(ask), &s.per.paths, func(from, to int) error {
		results, err := s.translateOnce(ctx, ask[from:to])
		for i, r := range results {
			ends[whose[from+i]] = s.endOf(r)
		}
		return err
	})
	if err == nil {
		s.paths = ends
	}
	return err
}

// translateOnce is one request. A refusal of the whole request counts for each
// path.
func (s *session) translateOnce(ctx context.Context, ask []*ua.BrowsePath) ([]*ua.BrowsePathResult, error) {
	res, err := call[*ua.TranslateBrowsePathsToNodeIDsResponse](ctx, s.ch, &ua.TranslateBrowsePathsToNodeIDsRequest{BrowsePaths: ask}, s.c.cfg.Timeout)
	var refused *refusal
	switch {
	case err == nil && len(res.Results) != len(ask):
		return nil, fmt.Errorf("TranslateBrowsePathsToNodeIds: %d paths were asked for and %d came", len(ask), len(res.Results))
	case err == nil:
		return res.Results, nil
	case !errors.As(err, &refused) || fatal(err) || tooLarge(err) && len(ask) > 1:
		return nil, err
	}
	return slices.Repeat([]*ua.BrowsePathResult{{StatusCode: refused.code}}, len(ask)), nil
}

// endOf reads where one path leads.
func (s *session) endOf(r *ua.BrowsePathResult) pathEnd {
	if r == nil {
		return pathEnd{reason: reasonNoValue}
	}
	if r.StatusCode&severity >= 0x80000000 {
		return pathEnd{reason: statusName(r.StatusCode)}
	}
	var end pathEnd
	for _, t := range r.Targets {
		if t == nil || t.TargetID == nil || t.TargetID.NodeID == nil {
			continue
		}
		node := local(t.TargetID, s.namespaces)
		switch {
		case t.RemainingPathIndex != math.MaxUint32 || node == nil:
			return pathEnd{reason: reasonElsewhere}
		case end.node != nil && !node.Equal(end.node):
			return pathEnd{reason: reasonAmbiguous}
		}
		end.node = node
	}
	if end.node == nil {
		end.reason = statusName(ua.StatusBadNoMatch)
	}
	return end
}

// local is the node of an expanded id on this server; nil if it is on another,
// or in a namespace that the server does not list.
func local(n *ua.ExpandedNodeID, namespaces []string) *ua.NodeID {
	if n.ServerIndex != 0 {
		return nil
	}
	if n.NamespaceURI == "" {
		return n.NodeID
	}
	a := addressOf(n.NodeID, nil)
	a.uri, a.ns = n.NamespaceURI, 0
	node, _ := a.resolve(namespaces)
	return node
}
