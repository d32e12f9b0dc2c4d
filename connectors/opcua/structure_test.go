package opcua

import (
	"bytes"
	"testing"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestParsePath(t *testing.T) {
	for in, canonical := range map[string]string{
		"": "", "[3]": "[3]", "Count": ".Count", ".Count": ".Count", "[0].AccCount": "[0].AccCount", "[1,2]": "[1][2]",
		`."a.b"[1]`: `."a.b"[1]`, `."say ""x"""`: `."say ""x"""`, "a[1].b.c": ".a[1].b.c",
	} {
		steps, err := parsePath(in)
		if err != nil || pathText(steps) != canonical {
			t.Errorf("%q is %q, %v", in, pathText(steps), err)
		}
	}
	for _, in := range []string{"[", "[]", "[-1]", "[a]", "[1]x", ".", "a..b", "a]", `."`, `."a`, `."a"b`, "[99999999]", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", `a"b`} {
		if steps, err := parsePath(in); err == nil {
			t.Errorf("%q was read as %q", in, pathText(steps))
		}
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add(`[0]."a.b"[1,2].c`)
	f.Fuzz(func(t *testing.T, in string) {
		steps, err := parsePath(in)
		if err != nil {
			return
		}
		again, err := parsePath(pathText(steps))
		if err != nil || pathText(again) != pathText(steps) {
			t.Errorf("%q became %q, which became %q, %v", in, pathText(steps), pathText(again), err)
		}
	})
}

// machineType has a field of every form.
func machineType() *kind {
	builtin := func(t ua.TypeID) *kind { return &kind{builtin: t} }
	inner := &kind{whole: true, fields: []field{{name: "Id", kind: builtin(ua.TypeIDString)}, {name: "Target", kind: builtin(ua.TypeIDUint32)}}}
	choice := &kind{whole: true, form: ua.StructureTypeUnion, fields: []field{{name: "A", kind: builtin(ua.TypeIDInt16)}, {name: "B", kind: inner}}}
	k := &kind{whole: true, form: ua.StructureTypeStructureWithOptionalFields, fields: []field{
		{name: "Note", kind: builtin(ua.TypeIDString), optional: true},
		{name: "On", kind: builtin(ua.TypeIDBoolean), optional: true},
		{name: "Jobs", kind: inner, rank: 1},
		{name: "Grid", kind: builtin(ua.TypeIDInt16), rank: 2},
		{name: "Choice", kind: choice},
		{name: "Any", kind: builtin(ua.TypeIDExtensionObject)},
		{name: "Name", kind: builtin(ua.TypeIDQualifiedName)},
		{name: "Text", kind: builtin(ua.TypeIDLocalizedText)},
		{name: "Node", kind: builtin(ua.TypeIDNodeID)},
		{name: "When", kind: builtin(ua.TypeIDDateTime)},
		{name: "Last", kind: builtin(ua.TypeIDDouble)},
	}}
	return k
}

// machineBody is a value of machineType.
func machineBody() []byte {
	b := ua.NewBuffer(nil)
	b.WriteUint32(2) // On, no Note
	b.WriteBool(true)
	b.WriteInt32(2)
	for i, name := range []string{"J1", "J2"} {
		b.WriteString(name)
		b.WriteUint32(uint32(100 * (i + 1)))
	}
	b.WriteInt32(2) // a grid of 2 rows of 3
	b.WriteInt32(2)
	b.WriteInt32(3)
	for i := range int16(6) {
		b.WriteInt16(i)
	}
	b.WriteUint32(2) // B of the choice
	b.WriteString("J3")
	b.WriteUint32(300)
	b.WriteStruct(ua.NewFourByteExpandedNodeID(2, 99))
	b.WriteByte(1)
	b.WriteUint32(4)
	b.WriteUint32(0)
	b.WriteUint16(1)
	b.WriteString("q")
	b.WriteStruct(ua.NewLocalizedText("text"))
	b.WriteStruct(ua.NewStringNodeID(1, "n"))
	b.WriteUint64(133000000000000000)
	b.WriteFloat64(1.5)
	return b.Bytes()
}

func machine(body []byte) (*dictionary, *ua.ExtensionObject) {
	d := &dictionary{byEncoding: map[string]*kind{ua.NewFourByteNodeID(2, 7).String(): machineType()}}
	return d, &ua.ExtensionObject{TypeID: ua.NewFourByteExpandedNodeID(2, 7), EncodingMask: 1, Value: &rawStructure{body: body}}
}

func TestStructure(t *testing.T) {
	d, ext := machine(machineBody())
	dv := goodValue(ext)
	for path, want := range map[string]connectors.Value{
		".On": connectors.Bool(true), ".Jobs[1].Id": connectors.String("J2"), ".Jobs[0].Target": connectors.Uint(100),
		".Grid[1][2]": connectors.Int(5), ".Grid[0,1]": connectors.Int(1), ".Choice.B.Target": connectors.Uint(300),
		".Name": connectors.String("q"), ".Text": connectors.String("text"), ".Node": connectors.String("ns=1;s=n"), ".Last": connectors.Float64(1.5),
	} {
		s := d.sample(4, readingOf(connectors.Tag{Path: path, Bit: connectors.NoBit}), dv)
		if s.Value != want || s.Quality != connectors.Good || s.Tag != 4 || s.SourceTime.IsZero() {
			t.Errorf("%s: %+v", path, s)
		}
	}
	for path, reason := range map[string]string{
		".Note": reasonNoValue, ".Choice.A": reasonNoValue, ".Jobs[2].Id": reasonBeyond, ".Jobs.Id": reasonNoStructure,
		".On[0]": reasonNoArray, ".Grid": reasonArray, ".Choice": reasonStructure, ".Any.X": reasonUnknownStructure, ".x": reasonNoField,
	} {
		if s := d.sample(0, readingOf(connectors.Tag{Path: path, Bit: connectors.NoBit}), dv); s.Reason != reason || s.Quality != connectors.Bad {
			t.Errorf("%s: %+v", path, s)
		}
	}
	bit := connectors.Tag{Path: ".Jobs[0].Target", Bit: 2}
	if s := d.sample(0, readingOf(bit), dv); s.Value != connectors.Bool(true) { // 100 is 0b1100100
		t.Errorf("a bit of a member: %+v", s)
	}
}

// TestStructureCut: every shorter body is a reason, never a value or a panic.
func TestStructureCut(t *testing.T) {
	whole := machineBody()
	for n := range whole {
		d, ext := machine(whole[:n])
		if s := d.sample(0, readingOf(connectors.Tag{Path: ".Last", Bit: connectors.NoBit}), goodValue(ext)); s.Reason != reasonCut {
			t.Fatalf("%d bytes of %d: %+v", n, len(whole), s)
		}
	}
}

func FuzzStructure(f *testing.F) {
	f.Add(machineBody())
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, ext := machine(body)
		for _, path := range []string{".Last", ".Jobs[0].Id", ".Grid[0][0]", ".Choice.B.Id"} {
			s := d.sample(0, readingOf(connectors.Tag{Path: path, Bit: connectors.NoBit}), goodValue(ext))
			if s.Quality == connectors.Bad && s.Reason == "" {
				t.Errorf("%s is bad without a reason", path)
			}
		}
	})
}
