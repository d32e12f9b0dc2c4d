package opcua

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// maxSteps bounds the depth of a member.
	maxSteps = 16
	// maxIndex is the largest index of an array's element.
	maxIndex = 1 << 20
)

// step is one step from a value to a member of it: the name of a structure's
// field, or the index of an array's element if the name is empty.
type step struct {
	name  string
	index int
}

// parsePath reads the way to a member: "[3]", "[0].AccCount", ".Job.Id", "Job",
// "[1][2]" or "[1,2]". Indexes begin at 0. A name that holds a point, a bracket
// or a quote is written in quotes, a quote in it twice: ."a.b".
func parsePath(s string) ([]step, error) {
	var steps []step
	for rest := s; rest != ""; {
		var err error
		switch {
		case rest[0] == '[':
			steps, rest, err = indexSteps(steps, rest[1:])
		case rest[0] == '.':
			steps, rest, err = nameStep(steps, rest[1:])
		case len(steps) == 0:
			steps, rest, err = nameStep(steps, rest)
		default:
			err = errors.New("after ] comes . or [")
		}
		if err == nil && len(steps) > maxSteps {
			err = fmt.Errorf("it has more than %d steps", maxSteps)
		}
		if err != nil {
			return nil, fmt.Errorf("path %q can not be read: %w; write [3], .Name or [0].Name", s, err)
		}
	}
	return steps, nil
}

func indexSteps(steps []step, s string) ([]step, string, error) {
	inner, rest, ok := strings.Cut(s, "]")
	if !ok {
		return nil, "", errors.New("there is no ] after [")
	}
	for _, text := range strings.Split(inner, ",") {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n > maxIndex {
			return nil, "", fmt.Errorf("%q is no index from 0 to %d", text, maxIndex)
		}
		steps = append(steps, step{index: int(n)})
	}
	return steps, rest, nil
}

func nameStep(steps []step, s string) ([]step, string, error) {
	var name, rest string
	if strings.HasPrefix(s, `"`) {
		var b strings.Builder
		i := 1
		for ; i < len(s); i++ {
			if s[i] == '"' {
				if i+1 >= len(s) || s[i+1] != '"' {
					break
				}
				i++
			}
			b.WriteByte(s[i])
		}
		if i >= len(s) {
			return nil, "", errors.New("a quote is not closed")
		}
		name, rest = b.String(), s[i+1:]
		if rest != "" && rest[0] != '.' && rest[0] != '[' {
			return nil, "", errors.New("after a quoted name comes . or [")
		}
	} else {
		end := strings.IndexAny(s, `.["]`)
		if end < 0 {
			end = len(s)
		}
		if name, rest = s[:end], s[end:]; rest != "" && rest[0] != '.' && rest[0] != '[' {
			return nil, "", fmt.Errorf("%q stands in a name; write the name in quotes", rest[:1])
		}
	}
	if name == "" || len(name) > maxIdentifier {
		return nil, "", errors.New("a name is empty or too long")
	}
	return append(steps, step{name: name}), rest, nil
}

// pathText writes steps so that parsePath reads them again.
func pathText(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.name == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case strings.ContainsAny(s.name, `.[]"`):
			b.WriteString(`."` + strings.ReplaceAll(s.name, `"`, `""`) + `"`)
		default:
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

// named says that a path goes through a structure.
func named(path []step) bool {
	for _, s := range path {
		if s.name != "" {
			return true
		}
	}
	return false
}

// sample reads what a server said of one node for one tag, which may want a
// member of it.
func (d *dictionary) sample(index int, r reading, dv *ua.DataValue) connectors.Sample {
	if len(r.path) == 0 || dv == nil || dv.Status&severity >= 0x80000000 {
		return sample(index, r, dv)
	}
	bad := connectors.Sample{Tag: index, SourceTime: sourceTime(dv)}
	if dv.Value == nil {
		bad.Reason = reasonNoValue
		return bad
	}
	held, problem := d.pick(dv.Value.Value(), r.path)
	if problem != "" {
		bad.Reason = problem
		return bad
	}
	v, err := ua.NewVariant(held)
	if err != nil {
		bad.Reason = shapeOf(held)
		return bad
	}
	one := *dv
	one.Value = v
	return sample(index, r, &one)
}

// shapeOf is why a member is no scalar.
func shapeOf(held any) string {
	switch held.(type) {
	case *record:
		return reasonStructure
	case []any:
		return reasonArray
	}
	return reasonType
}

// pick finds a member; problem is a reason or empty.
func (d *dictionary) pick(held any, path []step) (member any, problem string) {
	for _, s := range path {
		if v, ok := held.(*ua.Variant); ok && v != nil {
			held = v.Value()
		}
		if s.name == "" {
			held, problem = elementOf(held, s.index)
		} else {
			held, problem = d.field(held, s.name)
		}
		if problem != "" {
			return nil, problem
		}
	}
	if v, ok := held.(*ua.Variant); ok && v != nil {
		held = v.Value()
	}
	if held == nil {
		return nil, reasonNoValue
	}
	return held, ""
}

// elementOf is one element of an array.
func elementOf(held any, index int) (any, string) {
	list := reflect.ValueOf(held)
	if list.Kind() != reflect.Slice {
		return nil, reasonNoArray
	}
	if index >= list.Len() {
		return nil, reasonBeyond
	}
	return list.Index(index).Interface(), ""
}

// field is one field of a structure.
func (d *dictionary) field(held any, name string) (any, string) {
	if ext, ok := held.(*ua.ExtensionObject); ok {
		var problem string
		if held, problem = d.open(ext); problem != "" {
			return nil, problem
		}
	}
	r, ok := held.(*record)
	if !ok {
		return nil, reasonNoStructure
	}
	for i, f := range r.of.fields {
		if f.name == name {
			return r.values[i], ""
		}
	}
	return nil, reasonNoField
}
