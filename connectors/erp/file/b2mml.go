package file

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// mostNodes bounds the elements of one request.
const mostNodes = 50_000

// schedule reads B2MML: an operations schedule (V0600 and later) or a production
// schedule (V0401 and before), alone or inside of a transaction (Process, Sync,
// Change, Cancel). A request is an order; each material that its segments
// produce is a line.
type schedule struct {
	*rules
	to *assembly
	t  *tags
	// cancel says that all that is named is cancelled; other, that something of
	// it is not.
	cancel, other bool
	// site is the equipment that the whole schedule is for, published its date.
	site      string
	published erp.When
}

// node is an element of a request, with the place behind its start tag.
type node struct {
	name, text, other, at string
	kids                  []*node
}

// kid is the first element with one of the names, an empty one if there is none.
func (n *node) kid(names ...string) *node {
	for _, name := range names {
		for _, k := range n.kids {
			if k.name == name {
				return k
			}
		}
	}
	return &node{at: n.at}
}

// value is the text, or that of the attribute OtherValue, which the standard has
// for words of one's own.
func (n *node) value() string {
	if n.other != "" {
		return n.other
	}
	return strings.TrimSpace(n.text)
}

func (r *rules) readSchedule(ctx context.Context, raw []byte, to *assembly) error {
	raw, err := textOf(raw)
	if err != nil {
		return refuse("", "the text is no UTF-16: %s", err)
	}
	s := &schedule{rules: r, to: to, t: newTags(bytes.NewReader(raw))}
	root := ""
	var path []string
	for {
		token, err := s.t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			if root == "" {
				root = name
			}
			if name == "OperationsRequest" || name == "ProductionRequest" {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := s.request(e); err != nil {
					return err
				}
				continue
			}
			path = append(path, name)
			s.action(e, len(path))
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			s.outside(path, string(e))
		}
	}
	return s.verdict(root)
}

// action notes what the transaction wants.
func (s *schedule) action(e xml.StartElement, depth int) {
	code := attr(e, "actionCode")
	switch {
	case depth == 1 && strings.HasPrefix(e.Name.Local, "Cancel"), e.Name.Local == "Cancel", strings.EqualFold(code, "Delete"):
		s.cancel = true
	case code != "":
		s.other = true
	}
}

// outside takes over what stands beside the requests.
func (s *schedule) outside(path []string, text string) {
	text = strings.TrimSpace(text)
	if len(path) < 2 || text == "" {
		return
	}
	last, before := path[len(path)-1], path[len(path)-2]
	switch {
	case last == "EquipmentID" && (before == "HierarchyScope" || before == "Location"):
		s.site = shorten(text, longestKey)
	case last == "PublishedDate" && strings.HasSuffix(before, "Schedule"):
		s.published, _ = s.dates.read(text) // it is only used where a request has no date
	}
}

func (s *schedule) verdict(root string) error {
	switch {
	case root == "":
		return refuse("", "the file has no element")
	case s.to.rows == 0 && !strings.Contains(root, "Schedule"):
		return refuse("", "the XML is %s, not an operations or production schedule of B2MML", shorten(root, 40))
	case s.cancel && s.other:
		return refuse("", "the file has a Delete together with other actions; it can not be told which request is deleted: send them in two files")
	}
	return nil
}

// tree reads an element with all in it.
func (s *schedule) tree(e xml.StartElement, left *int) (*node, error) {
	n := &node{name: e.Name.Local, other: strings.TrimSpace(attr(e, "OtherValue")), at: s.t.place()}
	if *left--; *left < 0 {
		return nil, refuse(n.at, "a request has more than %d elements", mostNodes)
	}
	for {
		token, err := s.t.next()
		if err != nil {
			return nil, err // the end of the text can not come here: the decoder tells it
		}
		switch e := token.(type) {
		case xml.StartElement:
			k, err := s.tree(e, left)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		case xml.CharData:
			if len(n.text)+len(e) > s.MaxCell {
				return nil, refuse(n.at, "%s is longer than %d bytes", n.name, s.MaxCell)
			}
			n.text += string(e)
		case xml.EndElement:
			return n, nil
		}
	}
}

// request makes an order of a request.
func (s *schedule) request(e xml.StartElement) error {
	left := mostNodes
	n, err := s.tree(e, &left)
	if err != nil {
		return err
	}
	if s.to.rows++; s.to.rows > s.MaxRows {
		return refuse(n.at, "the file has more than %d requests; split it, or raise max_rows", s.MaxRows)
	}
	head := erp.Order{}
	id := n.kid("ID")
	if head.ID, err = s.code(id, true); err != nil {
		s.to.drop(id.at, erp.Order{}, "", "%s: %s", n.name, err)
		return nil
	}
	head.Revision = shorten(n.kid("Version").value(), longestKey)
	head.Note = n.kid("Description").value()
	head.Location = s.site
	for _, scope := range []string{"HierarchyScope", "Location"} {
		if site := n.kid(scope).kid("EquipmentID").value(); site != "" {
			head.Location = shorten(site, longestKey)
		}
	}
	if head.Ordered, err = s.dates.read(n.kid("PublishedDate").value()); err != nil || head.Ordered.IsZero() {
		head.Ordered = s.published
	}
	for _, name := range s.Info {
		if v := n.kid(name).value(); v != "" {
			if head.Info == nil {
				head.Info = map[string]string{}
			}
			head.Info[name] = v
		}
	}
	if kind := n.kid("OperationsType").value(); kind != "" && !slices.Contains([]string{"Production", "Mixed"}, kind) {
		s.to.problem(n.at, head.ID, "", false, "%s %s is for %s, not for production; it is left out", n.name, head.ID, shorten(kind, 40))
		return nil
	}
	return s.lines(n, head)
}

// code gives a key or code.
func (s *schedule) code(n *node, needed bool) (string, error) {
	t := n.value()
	switch {
	case t == "" && needed:
		return "", fmt.Errorf("it has no key")
	case len(t) > longestKey:
		return "", fmt.Errorf("%q is longer than %d bytes", shorten(t, 40), longestKey)
	case strings.ContainsFunc(t, unicode.IsControl):
		return "", fmt.Errorf("%q has control characters or ends of lines in it", shorten(t, 40))
	}
	return t, nil
}

// material is something that a segment produces.
type material struct {
	n *node
	// due and state are the segment's, else the request's.
	due, state *node
}

// produced are the materials that the segments below n make, in their order.
func produced(n *node, due, state *node) (out []material) {
	for _, k := range n.kids {
		switch k.name {
		case "SegmentRequirement":
			d, st := k.kid("LatestEndTime", "EndTime"), k.kid("SegmentState")
			if d.value() == "" {
				d = due
			}
			if st.value() == "" {
				st = state
			}
			out = append(out, produced(k, d, st)...)
		case "MaterialProducedRequirement":
			out = append(out, material{k, due, state})
		case "MaterialRequirement":
			if use := strings.ToLower(k.kid("MaterialUse").value()); strings.HasPrefix(use, "produce") {
				out = append(out, material{k, due, state})
			}
		}
	}
	return out
}

// lines adds what a request produces. A material that several segments of a
// request produce goes through them: it counts once, as the last one has it.
func (s *schedule) lines(n *node, head erp.Order) error {
	list := produced(n, n.kid("EndTime", "LatestEndTime"), n.kid("RequestState"))
	if len(list) == 0 {
		s.to.drop(n.at, head, "", "%s %s: no segment of it has a material that is produced (MaterialRequirement with the use Produced, or MaterialProducedRequirement)", n.name, head.ID)
		return nil
	}
	var pieces []assemble.Line
	for _, m := range list {
		p, at, err := s.piece(m)
		if err != nil {
			s.to.drop(at, head, p.Line.ID, "%s %s: %s", n.name, head.ID, err)
			continue
		}
		i := slices.IndexFunc(pieces, func(q assemble.Line) bool { return q.Line.ID == p.Line.ID })
		if i < 0 {
			pieces = append(pieces, p)
			continue
		}
		if !pieces[i].Line.Quantity.Equal(p.Line.Quantity) || pieces[i].Line.Unit != p.Line.Unit {
			s.to.problem(p.At, head.ID, p.Line.ID, false, "%s %s: two segments produce %s in different quantities, %s %s and %s %s; the last one counts",
				n.name, head.ID, p.Line.ID, pieces[i].Line.Quantity, pieces[i].Line.Unit, p.Line.Quantity, p.Line.Unit)
		}
		pieces[i] = p
	}
	for _, p := range pieces {
		s.to.add(head, p)
	}
	return nil
}

// piece makes a line of a material; at is the place of what was wrong.
func (s *schedule) piece(m material) (p assemble.Line, at string, err error) {
	id := m.n.kid("MaterialDefinitionID", "MaterialClassID")
	p.At = m.n.at
	if p.Line.Product, err = s.code(id, true); err != nil {
		return p, id.at, fmt.Errorf("MaterialDefinitionID: %w", err)
	}
	p.Line.ID = p.Line.Product
	lot, err := s.code(m.n.kid("MaterialLotID"), false)
	if err != nil {
		return p, m.n.at, fmt.Errorf("MaterialLotID: %w", err)
	}
	if lot != "" {
		p.Line.ID += "/" + lot
	}
	p.Line.ProductName = m.n.kid("Description").value()
	q := m.n.kid("Quantity", "MaterialQuantity")
	amount := q.kid("QuantityString")
	if p.Line.Quantity, err = s.amount(amount.value()); err != nil {
		return p, amount.at, fmt.Errorf("QuantityString: %w", err)
	}
	if p.Line.Unit, err = s.code(q.kid("UnitOfMeasure"), false); err != nil {
		return p, q.at, fmt.Errorf("UnitOfMeasure: %w", err)
	}
	if p.Line.Unit == "" {
		p.Line.Factor = decimal.NewFromInt(1) // the material's own unit
	}
	if p.Line.Due, err = s.dates.read(m.due.value()); err != nil {
		return p, m.due.at, err
	}
	p.Word = m.state.value()
	p.State = s.state(p.Word)
	if s.cancel {
		p.State, p.Word = erp.Cancelled, "Cancel"
	}
	return p, "", nil
}

// amount is a number of XML: with a point, unless the plant says comma.
func (s *schedule) amount(text string) (decimal.Decimal, error) {
	mark := s.mark
	if mark == erp.Either {
		mark = erp.Point
	}
	return erp.ParseDecimal(text, mark)
}
