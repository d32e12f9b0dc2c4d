package opcua

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// typeNamesKept bounds what a survey remembers of data types' names.
	typeNamesKept = 1000
	// noteRunes is the longest text of a value in a note.
	noteRunes = 120
	// elementsShown is the number of elements of an array in a note.
	elementsShown = 10
	// rawBytes is the most that a reading shows of a value as it travelled.
	rawBytes = 4096
)

// survey is a session with what one call of a Survey learns on its way.
type survey struct {
	*session
	typeNames map[string]string // of data types, by node id
}

// variable is a node with the attributes that describe it.
type variable struct {
	node  *ua.NodeID
	name  string
	value *ua.DataValue // nil if it was not asked for
	kind  string        // its data type in words
}

// describe reads what the variables are, and their values if asked. The others'
// fields stay empty.
func (v *survey) describe(ctx context.Context, nodes []variable, values bool) error {
	attributes := []ua.AttributeID{ua.AttributeIDDataType, ua.AttributeIDValueRank, ua.AttributeIDArrayDimensions}
	if values {
		attributes = append(attributes, ua.AttributeIDValue)
	}
	ask := make([]*ua.ReadValueID, 0, len(nodes)*len(attributes))
	for i := range nodes {
		for _, a := range attributes {
			ask = append(ask, attribute(nodes[i].node, a))
		}
	}
	got, err := v.readAll(ctx, ask, ua.TimestampsToReturnBoth)
	if err != nil {
		return err
	}
	if err := v.learnTypes(ctx, got, len(attributes)); err != nil {
		return err
	}
	for i := range nodes {
		a := got[i*len(attributes):]
		nodes[i].kind = v.typeText(a[0], a[1], a[2])
		if values {
			nodes[i].value = a[3]
		}
	}
	return nil
}

// learnTypes reads the names of the data types that are not known yet; data
// types are every step-th value.
func (v *survey) learnTypes(ctx context.Context, values []*ua.DataValue, step int) error {
	var ask []*ua.ReadValueID
	asked := map[string]bool{}
	for i := 0; i < len(values); i += step {
		n, ok := valueOf(values[i]).(*ua.NodeID)
		if !ok || builtinName(n) != "" || asked[n.String()] || v.typeNames[n.String()] != "" {
			continue
		}
		asked[n.String()] = true
		ask = append(ask, attribute(n, ua.AttributeIDBrowseName))
	}
	names, err := v.readAll(ctx, ask, ua.TimestampsToReturnNeither)
	if err != nil {
		return err
	}
	for i, dv := range names {
		if q, ok := valueOf(dv).(*ua.QualifiedName); ok && q.Name != "" && len(v.typeNames) < typeNamesKept {
			v.typeNames[ask[i].NodeID.String()] = q.Name
		}
	}
	return nil
}

// typeText says what a variable holds: "Int32", "Int32[10]", "DB_Station[2][8]".
func (v *survey) typeText(kind, rank, dimensions *ua.DataValue) string {
	n, ok := valueOf(kind).(*ua.NodeID)
	if !ok {
		return ""
	}
	name := builtinName(n)
	if name == "" {
		name = v.typeNames[n.String()]
	}
	if name == "" {
		name = n.String()
	}
	r, _ := valueOf(rank).(int32)
	sizes, _ := valueOf(dimensions).([]uint32)
	switch {
	case len(sizes) > 0:
		for _, size := range sizes[:min(len(sizes), 8)] {
			if size == 0 {
				name += "[]"
			} else {
				name += "[" + strconv.FormatUint(uint64(size), 10) + "]"
			}
		}
	case r >= 0:
		name += strings.Repeat("[]", min(max(1, int(r)), 8))
	}
	return name
}

// builtinName is the name of a type that OPC UA builds in, or of one of the
// standard's own that are plain numbers; empty for others.
func builtinName(n *ua.NodeID) string {
	if n.Namespace() != 0 {
		return ""
	}
	if name, ok := strings.CutPrefix(ua.TypeID(n.IntID()).String(), "TypeID"); ok && n.IntID() <= uint32(ua.TypeIDDiagnosticInfo) && n.IntID() > 0 {
		return name
	}
	switch n.IntID() {
	case 26:
		return "Number"
	case 27:
		return "Integer"
	case 28:
		return "UInteger"
	case 29:
		return "Enumeration"
	case 290:
		return "Duration"
	case 294:
		return "UtcTime"
	}
	return ""
}

// valueOf is what a good value holds; nil for every other.
func valueOf(dv *ua.DataValue) any {
	if dv == nil || dv.Value == nil || dv.Status&severity >= 0x80000000 {
		return nil
	}
	return dv.Value.Value()
}

// reading makes a reading of a variable: what an engineer may write to read it
// again, and what it says now.
func (v *survey) reading(x *variable) connectors.Reading {
	r := connectors.Reading{
		Tag:  connectors.Tag{Address: addressOf(x.node, v.namespaces).String(), Bit: connectors.NoBit},
		Name: x.name, Type: x.kind,
	}
	if x.value != nil {
		v.fill(&r, x.value)
	}
	return r
}

// fill puts a value into a reading whose tag says how to read it.
func (v *survey) fill(r *connectors.Reading, dv *ua.DataValue) {
	r.Sample = v.types.sample(0, readingOf(r.Tag), dv)
	var notes []string
	if name := statusName(dv.Status); dv.Status&severity != 0 && name != r.Sample.Reason {
		notes = append(notes, "status "+name)
	}
	if dv.Has(ua.DataValueServerTimestamp) && !dv.ServerTimestamp.IsZero() {
		notes = append(notes, "server time "+dv.ServerTimestamp.UTC().Format("15:04:05.000"))
	}
	if held := dv.Value; held != nil {
		if r.Type == "" {
			r.Type = heldType(held)
		}
		if raw, err := held.Encode(); err == nil && len(raw) > 1 && len(raw) <= rawBytes {
			r.Raw = raw[1:] // without the byte that says the type
		}
		if held.Has(ua.VariantArrayValues) {
			notes = append(notes, "holds "+arrayText(held.Value()))
		}
		if b, ok := held.Value().([]byte); ok {
			notes = append(notes, "holds "+clip(hex.EncodeToString(b)))
		}
	}
	r.Note = strings.Join(notes, "; ")
}

// heldType names the type of a value: "Int32", "Int32[10]".
func heldType(v *ua.Variant) string {
	name := strings.TrimPrefix(v.Type().String(), "TypeID")
	if v.Has(ua.VariantArrayValues) {
		if d := v.ArrayDimensions(); len(d) > 1 {
			return name + strings.ReplaceAll(fmt.Sprint(d), " ", "][")
		}
		name += "[" + strconv.Itoa(max(0, int(v.ArrayLength()))) + "]"
	}
	return name
}

// arrayText shows the first elements of an array.
func arrayText(a any) string {
	list := reflect.ValueOf(a)
	if list.Kind() != reflect.Slice {
		return ""
	}
	var parts []string
	for i := 0; i < min(list.Len(), elementsShown); i++ {
		value, problem := plain(list.Index(i).Interface())
		if problem != "" {
			parts = append(parts, "…")
			continue
		}
		parts = append(parts, value.Text())
	}
	if list.Len() > elementsShown {
		parts = append(parts, "…")
	}
	return clip("[" + strings.Join(parts, ", ") + "]")
}

// clip shortens a text for a note.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= noteRunes {
		return s
	}
	return string([]rune(s)[:noteRunes]) + "…"
}

// addressOf writes a node id of a session as an address that survives another
// order of the namespaces.
func addressOf(n *ua.NodeID, namespaces []string) address {
	a := address{ns: n.Namespace()}
	if int(a.ns) < len(namespaces) && a.ns != 0 && namespaces[a.ns] != "" {
		a.uri, a.ns = namespaces[a.ns], 0
	}
	switch n.Type() {
	case ua.NodeIDTypeString:
		a.kind, a.text = 's', n.StringID()
	case ua.NodeIDTypeGUID:
		a.kind = 'g'
		raw, err := parseGUID(strings.ToLower(n.StringID()))
		if err == nil {
			a.text = string(raw)
		} else {
			a.text = string(make([]byte, 16))
		}
	case ua.NodeIDTypeByteString:
		raw, _ := base64.StdEncoding.DecodeString(n.StringID()) // the library's own encoding
		a.kind, a.text = 'b', string(raw)
	default:
		a.kind, a.num = 'i', n.IntID()
	}
	return a
}
