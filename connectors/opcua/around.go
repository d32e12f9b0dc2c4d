package opcua

import (
	"context"
	"reflect"
	"slices"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// elementsMost is the number of elements of one array that are candidates: those
// around the element that was asked for, else the first.
const elementsMost = 100

// learnHeld learns the structures that some variables hold, and reads these
// variables again: their values can be decoded only from then on.
func (v *survey) learnHeld(ctx context.Context, nodes []variable) error {
	var (
		again []*ua.ReadValueID
		which []int
	)
	for i := range nodes {
		held := valueOf(nodes[i].value)
		_, one := held.(*ua.ExtensionObject)
		_, many := held.([]*ua.ExtensionObject)
		if !one && !many {
			continue
		}
		if err := v.learn(ctx, nodes[i].node); err != nil {
			return err
		}
		again, which = append(again, attribute(nodes[i].node, ua.AttributeIDValue)), append(which, i)
	}
	values, err := v.readAll(ctx, again, ua.TimestampsToReturnBoth)
	if err != nil {
		return err
	}
	for k, i := range which {
		nodes[i].value = values[k]
	}
	return nil
}

// members adds the scalars in a value to the readings, as far as there is room.
// whole is the value's own reading, its tag's path the member that was asked for;
// dv is what was read, held what is at path in it.
func (v *survey) members(out []connectors.Reading, whole connectors.Reading, dv *ua.DataValue, held any, path []step) []connectors.Reading {
	if len(out) >= aroundMost || len(path) > maxSteps {
		return out
	}
	if ext, ok := held.(*ua.ExtensionObject); ok {
		r, problem := v.types.open(ext)
		if problem != "" {
			return out
		}
		held = r
	}
	if r, ok := held.(*record); ok {
		for i, f := range r.of.fields {
			out = v.members(out, whole, dv, r.values[i], append(slices.Clone(path), step{name: f.name}))
		}
		return out
	}
	if list := reflect.ValueOf(held); list.Kind() == reflect.Slice && !isBytes(held) {
		from := 0
		if len(path) == 0 {
			from = nearIndex(whole.Tag.Path, list.Len())
		}
		for i := from; i < min(list.Len(), from+elementsMost); i++ {
			out = v.members(out, whole, dv, list.Index(i).Interface(), append(slices.Clone(path), step{index: i}))
		}
		return out
	}
	if len(path) == 0 {
		return out
	}
	one := connectors.Reading{Tag: whole.Tag, Depth: whole.Depth + 1}
	one.Tag.Path = pathText(path)
	if one.Name = path[len(path)-1].name; one.Name == "" {
		one.Name = whole.Name + one.Tag.Path
	}
	one.Sample = v.types.sample(0, readingOf(one.Tag), dv)
	if held != nil {
		if variant, err := ua.NewVariant(held); err == nil {
			one.Type = heldType(variant)
		}
	}
	return append(out, one)
}

// nearIndex is the first of the elements around the one that a path begins with.
func nearIndex(path string, length int) int {
	steps, err := parsePath(path)
	if err != nil || len(steps) == 0 || steps[0].name != "" {
		return 0
	}
	return max(0, min(steps[0].index-elementsMost/2, length-elementsMost))
}

// isBytes says that a value is a byte string, which is one value, not a list.
func isBytes(held any) bool {
	_, ok := held.([]byte)
	return ok
}
