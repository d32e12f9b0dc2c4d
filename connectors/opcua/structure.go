package opcua

import (
	"encoding/binary"

	"github.com/gopcua/opcua/ua"
)

const (
	// valuesPerStructure bounds the values that one structure is decoded to.
	valuesPerStructure = 1 << 17
	// structureDepth bounds structures in structures.
	structureDepth = 16
	// typesKept bounds the data types that a session learns.
	typesKept = 500
)

// dictionary is what a session has learnt about structures.
type dictionary struct {
	kinds      map[string]*kind // of data types, by node id
	byEncoding map[string]*kind // structures, by the node id that values carry

	// The last structure that was opened: a notification is often wanted by
	// several tags in a row.
	last   *ua.ExtensionObject
	opened *record
}

// kind is a data type as the decoder needs it: a builtin type, or a structure.
type kind struct {
	builtin ua.TypeID // TypeIDNull for a structure, or a type nobody can decode
	form    ua.StructureType
	fields  []field
	whole   bool // fields is complete
}

// field is a field of a structure. rank is 0 for a scalar, else the number of
// dimensions.
type field struct {
	name     string
	kind     *kind
	rank     int
	optional bool
}

// record is a decoded structure: its values in the order of the fields. A field
// that is left out is nil; arrays are []any.
type record struct {
	of     *kind
	values []any
}

// rawStructure is a structure as it travelled. The library's decoder makes one
// of every structure whose encoding is registered with it.
type rawStructure struct {
	body []byte
}

// Decode implements the library's BinaryDecoder: it takes the whole body.
func (r *rawStructure) Decode(b []byte) (int, error) {
	r.body = append([]byte(nil), b...) // the library uses its buffer again
	return len(b), nil
}

// Encode implements the library's BinaryEncoder.
func (r *rawStructure) Encode() ([]byte, error) { return r.body, nil }

// open decodes a structure; problem is a reason or empty.
func (d *dictionary) open(ext *ua.ExtensionObject) (*record, string) {
	if ext == nil || ext.TypeID == nil || ext.TypeID.NodeID == nil {
		return nil, reasonNoValue
	}
	if d.last == ext {
		return d.opened, ""
	}
	k := d.byEncoding[ext.TypeID.NodeID.String()]
	if k == nil {
		return nil, reasonUnknownStructure
	}
	var body []byte
	switch v := ext.Value.(type) {
	case nil:
		return nil, reasonNoValue
	case *rawStructure:
		body = v.body
	default:
		// One of the standard's own structures, which the library has decoded.
		var err error
		if body, err = ua.Encode(v); err != nil {
			return nil, reasonType
		}
	}
	r := decoder{rest: body, left: valuesPerStructure}
	out := r.structure(k, structureDepth)
	if r.problem != "" {
		return nil, r.problem
	}
	d.last, d.opened = ext, out
	return out, ""
}

// decoder reads a structure's body. After a problem it reads nothing more.
type decoder struct {
	rest    []byte
	left    int // values that may still be made
	problem string
}

func (r *decoder) fail(reason string) {
	if r.problem == "" {
		r.problem = reason
	}
}

// take is the next n bytes, or n zeros after a problem if n is small.
func (r *decoder) take(n int) []byte {
	if r.problem != "" || n < 0 || n > len(r.rest) {
		r.fail(reasonCut)
		return make([]byte, min(max(n, 0), 8))
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

// length reads the length of an array; a missing array has 0.
func (r *decoder) length() int {
	n := int32(r.uint32())
	if n <= 0 {
		return 0
	}
	if int(n) > r.left {
		r.fail(reasonCut)
		return 0
	}
	return int(n)
}

func (r *decoder) structure(k *kind, depth int) *record {
	out := &record{of: k, values: make([]any, len(k.fields))}
	if depth == 0 || !k.whole {
		r.fail(reasonUnknownStructure)
		return out
	}
	switch k.form {
	case ua.StructureTypeUnion:
		if n := r.uint32(); n > 0 && uint64(n) <= uint64(len(k.fields)) {
			out.values[n-1] = r.field(&k.fields[n-1], depth)
		} else if n != 0 {
			r.fail(reasonCut)
		}
		return out
	case ua.StructureTypeStructure, ua.StructureTypeStructureWithOptionalFields:
	default:
		r.fail(reasonUnknownStructure)
		return out
	}
	present, bit := uint32(0), 0
	if k.form == ua.StructureTypeStructureWithOptionalFields {
		present = r.uint32()
	}
	for i := range k.fields {
		f := &k.fields[i]
		if f.optional && k.form == ua.StructureTypeStructureWithOptionalFields {
			there := bit < 32 && present>>bit&1 == 1
			bit++
			if !there {
				continue
			}
		}
		if out.values[i] = r.field(f, depth); r.problem != "" {
			return out
		}
	}
	return out
}

func (r *decoder) field(f *field, depth int) any {
	if f.rank == 0 {
		return r.value(f.kind, depth)
	}
	if f.rank == 1 {
		return r.list(r.length(), f.kind, depth)
	}
	// The sizes come first, then all elements in one row.
	sizes := make([]int, min(r.length(), 8))
	total := 1
	for i := range sizes {
		sizes[i] = int(int32(r.uint32()))
		if sizes[i] < 0 || sizes[i] > r.left || total*sizes[i] > r.left {
			r.fail(reasonCut)
			return nil
		}
		total *= sizes[i]
	}
	if len(sizes) == 0 {
		return []any(nil)
	}
	return fold(r.list(total, f.kind, depth), sizes)
}

// list reads n values in a row.
func (r *decoder) list(n int, k *kind, depth int) []any {
	var out []any
	for i := 0; i < n && r.problem == ""; i++ {
		out = append(out, r.value(k, depth))
	}
	return out
}

// fold makes rows of rows of a list.
func fold(flat []any, sizes []int) []any {
	for _, size := range sizes[1:] {
		if size == 0 {
			return nil
		}
	}
	for d := len(sizes) - 1; d > 0; d-- {
		var rows []any
		for len(flat) >= sizes[d] {
			rows = append(rows, flat[:sizes[d]:sizes[d]])
			flat = flat[sizes[d]:]
		}
		flat = rows
	}
	return flat
}

// value reads one value of a type.
func (r *decoder) value(k *kind, depth int) any {
	if r.left--; r.left < 0 {
		r.fail(reasonCut)
		return nil
	}
	if k.builtin == ua.TypeIDNull {
		return r.structure(k, depth-1)
	}
	if size := sizeOf(k.builtin); size > 0 {
		return r.number(k.builtin, r.take(size))
	}
	switch k.builtin {
	case ua.TypeIDString, ua.TypeIDXMLElement, ua.TypeIDByteString:
		n := int32(r.uint32())
		raw := r.take(max(0, int(n)))
		if k.builtin == ua.TypeIDByteString {
			return append([]byte(nil), raw...)
		}
		return string(raw)
	case ua.TypeIDDateTime:
		return readOf(r, 8, (*ua.Buffer).ReadTime)
	case ua.TypeIDGUID:
		return structOf(r, new(ua.GUID))
	case ua.TypeIDNodeID:
		return structOf(r, new(ua.NodeID))
	case ua.TypeIDExpandedNodeID:
		return structOf(r, new(ua.ExpandedNodeID))
	case ua.TypeIDQualifiedName:
		ns := binary.LittleEndian.Uint16(r.take(2))
		return &ua.QualifiedName{NamespaceIndex: ns, Name: string(r.take(max(0, int(int32(r.uint32())))))}
	case ua.TypeIDLocalizedText:
		return structOf(r, new(ua.LocalizedText))
	case ua.TypeIDExtensionObject:
		return r.extension()
	}
	// A variant or a data value in a structure: the library's decoder of them
	// trusts lengths that it should not.
	r.fail(reasonUnknownStructure)
	return nil
}

// extension reads a structure that says its own type.
func (r *decoder) extension() any {
	ext := &ua.ExtensionObject{TypeID: structOf(r, new(ua.ExpandedNodeID))}
	ext.EncodingMask = r.take(1)[0]
	if ext.EncodingMask == ua.ExtensionObjectEmpty {
		return nil
	}
	body := r.take(max(0, int(int32(r.uint32()))))
	if ext.EncodingMask == ua.ExtensionObjectBinary {
		ext.Value = &rawStructure{body: append([]byte(nil), body...)}
	}
	return ext
}

// readOf reads n bytes with one of the library's readers.
func readOf[T any](r *decoder, n int, read func(*ua.Buffer) T) T {
	return read(ua.NewBuffer(r.take(n)))
}

// structOf reads one of the builtin structures with the library's decoder,
// which is safe for those that hold no variant.
func structOf[T ua.BinaryDecoder](r *decoder, into T) T {
	if r.problem != "" {
		return into
	}
	n, err := into.Decode(r.rest)
	if err != nil || n < 0 || n > len(r.rest) {
		r.fail(reasonCut)
		return into
	}
	r.rest = r.rest[n:]
	return into
}

// sizeOf is the number of bytes of a number, 0 for all other types.
func sizeOf(t ua.TypeID) int {
	switch t {
	case ua.TypeIDBoolean:
		return 1
	case ua.TypeIDFloat, ua.TypeIDStatusCode:
		return 4
	case ua.TypeIDDouble:
		return 8
	}
	return width(t) / 8
}

// number reads a number from exactly as many bytes as it has.
func (r *decoder) number(t ua.TypeID, raw []byte) any {
	b := ua.NewBuffer(raw)
	switch t {
	case ua.TypeIDBoolean:
		return b.ReadBool()
	case ua.TypeIDSByte:
		return b.ReadInt8()
	case ua.TypeIDByte:
		return b.ReadByte()
	case ua.TypeIDInt16:
		return b.ReadInt16()
	case ua.TypeIDUint16:
		return b.ReadUint16()
	case ua.TypeIDInt32:
		return b.ReadInt32()
	case ua.TypeIDUint32:
		return b.ReadUint32()
	case ua.TypeIDInt64:
		return b.ReadInt64()
	case ua.TypeIDUint64:
		return b.ReadUint64()
	case ua.TypeIDFloat:
		return b.ReadFloat32()
	case ua.TypeIDDouble:
		return b.ReadFloat64()
	}
	return ua.StatusCode(b.ReadUint32())
}
