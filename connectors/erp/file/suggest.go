package file

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// suggest is YAML for the columns that were seen.
func (v *survey) suggest(name string, list []trait) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# from %s\ncolumns:\n", name)
	used := map[string]bool{}
	for _, m := range Meanings() {
		for _, c := range list {
			if c.Means == m {
				mark := ""
				if used[m] {
					mark = "# or this one: "
				}
				fmt.Fprintf(&b, "  %s%s: [%s]\n", mark, m, strconv.Quote(c.Path))
				used[m] = true
			}
		}
	}
	for _, m := range []string{"order", "product", "quantity"} {
		if !used[m] {
			fmt.Fprintf(&b, "  %s: [] # write the name of its column\n", m)
		}
	}
	for _, c := range list {
		if c.Means == "" && c.Seen > 0 {
			fmt.Fprintf(&b, "# not used: %s (%s: %s)\n", strconv.Quote(c.Path), c.Type, strings.Join(c.Samples, ", "))
		}
	}
	for _, c := range list {
		switch c.Means {
		case "quantity":
			b.WriteString(marksOf(c))
		case "due":
			b.WriteString(v.datesOf(c))
		case "state":
			b.WriteString(v.wordsOf(c))
		}
	}
	return b.String()
}

// marksOf suggests the decimal mark where a number could be read in two ways.
func marksOf(c trait) string {
	comma, point, unclear := 0, 0, ""
	for i, s := range c.values {
		if c.plain[i] || !strings.ContainsAny(s, ".,") {
			continue
		}
		_, e := erp.ParseDecimal(s, erp.Either)
		_, ec := erp.ParseDecimal(s, erp.Comma)
		_, ep := erp.ParseDecimal(s, erp.Point)
		switch {
		case ec == nil && ep != nil:
			comma++
		case ep == nil && ec != nil:
			point++
		case e != nil:
			unclear = s
		}
	}
	switch {
	case comma > 0 && point == 0:
		return "decimal: comma\n"
	case point > 0 && comma == 0:
		return "decimal: point\n"
	case unclear != "":
		return fmt.Sprintf("# decimal: comma or point? %q could be thousands or a fraction\n", shorten(unclear, 40))
	}
	return ""
}

// datesOf suggests a way to write dates where those that are configured do not
// read them all.
func (v *survey) datesOf(c trait) string {
	var strange []string
	for i, s := range c.values {
		if _, err := v.dates.read(s); err != nil && !c.plain[i] {
			strange = append(strange, s)
		}
	}
	if len(strange) == 0 {
		return ""
	}
	switch ways := waysOf(strange); len(ways) {
	case 0:
		return fmt.Sprintf("# dates: [] # write the way of %q, of yyyy, mm, dd, hh, mi, ss\n", shorten(strange[0], 40))
	case 1:
		return "dates: [" + strconv.Quote(ways[0]) + "]\n"
	default:
		return fmt.Sprintf("# dates: [%q] # or %s? %q fits both\n", ways[0], strings.Join(ways[1:], ", "), shorten(strange[0], 40))
	}
}

// wordsOf tells the words of states that nobody knows.
func (v *survey) wordsOf(c trait) string {
	var out []string
	for _, s := range c.values {
		if w := strconv.Quote(shorten(s, 40)); v.state(s) == erp.Unknown && !slices.Contains(out, w) && len(out) < 20 {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "# states: {open: [], held: [], closed: [], cancelled: []} # in none of them: " + strings.Join(out, ", ") + "\n"
}

// elements describes what the requests of a schedule have in them, by the path
// of each element.
func (r *rules) elements(ctx context.Context, raw []byte) ([]erp.Field, error) {
	raw, err := textOf(raw)
	if err != nil {
		return nil, refuse("", "the text is no UTF-16: %s", err)
	}
	s := &schedule{rules: r, to: newAssembly("", r.Config), t: newTags(bytes.NewReader(raw))}
	var order []string
	found := map[string]*erp.Field{}
	n := 0
	for n < lookedAt && ctx.Err() == nil {
		token, err := s.t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "OperationsRequest" && e.Name.Local != "ProductionRequest" {
			continue
		}
		left := mostNodes
		request, err := s.tree(e, &left)
		if err != nil {
			return nil, err
		}
		n++
		seen := map[string]bool{}
		request.walk("", func(path, value string) {
			f := found[path]
			if f == nil {
				if len(found) >= mostCells {
					return
				}
				f = &erp.Field{Path: path, Type: "text", Means: meansOf(path)}
				found[path], order = f, append(order, path)
			}
			if !seen[path] {
				f.Seen++
			}
			seen[path] = true
			if shown := shorten(value, 40); len(f.Samples) < samples && !slices.Contains(f.Samples, shown) {
				f.Samples = append(f.Samples, shown)
			}
		})
	}
	if n == 0 {
		return nil, refuse("", "the XML has no OperationsRequest and no ProductionRequest")
	}
	out := make([]erp.Field, 0, len(order))
	for _, path := range order {
		found[path].Of = n
		out = append(out, *found[path])
	}
	return out, nil
}

// longestPath bounds the names of an element and of those that it is in, in bytes.
const longestPath = 300

// walk gives the values of all elements below n that have one.
func (n *node) walk(path string, do func(path, value string)) {
	for _, k := range n.kids {
		at := k.name
		if path != "" {
			at = path + "/" + k.name
		}
		if len(at) > longestPath {
			continue // names of elements are short; garbage is not
		}
		if v := k.value(); v != "" {
			do(at, v)
		}
		k.walk(at, do)
	}
}

// meansOf is what an element of a request is taken for.
func meansOf(path string) string {
	switch path {
	case "ID":
		return "order"
	case "Version":
		return "revision"
	case "Description":
		return "note"
	case "EndTime", "SegmentRequirement/LatestEndTime":
		return "due"
	case "RequestState", "SegmentRequirement/SegmentState":
		return "state"
	}
	for end, m := range map[string]string{
		"/MaterialDefinitionID": "product", "/Quantity/QuantityString": "quantity", "/Quantity/UnitOfMeasure": "unit",
	} {
		if strings.HasSuffix(path, end) && (strings.Contains(path, "MaterialRequirement") || strings.Contains(path, "MaterialProducedRequirement")) {
			return m
		}
	}
	return ""
}
