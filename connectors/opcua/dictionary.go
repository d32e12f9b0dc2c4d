package opcua

import (
	"context"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// Data types of the standard namespace that stand for a builtin type or have no
// definition of their own.
const (
	typeEnumeration = 29
	lastBuiltin     = 25
)

// learn finds out how the value of a node is decoded, if it is a structure. What
// can not be learnt shows as the reason of the samples; the error is one that
// ends the session.
func (s *session) learn(ctx context.Context, node *ua.NodeID) error {
	values, err := s.readAll(ctx, []*ua.ReadValueID{attribute(node, ua.AttributeIDDataType)}, ua.TimestampsToReturnNeither)
	if err != nil {
		return err
	}
	t, _ := valueOf(values[0]).(*ua.NodeID)
	if t == nil {
		return nil
	}
	k, err := s.kindOf(ctx, t, structureDepth)
	if err != nil || k.builtin != ua.TypeIDExtensionObject && k.builtin != ua.TypeIDVariant {
		return err
	}
	// The node may hold any structure: its value tells which.
	if values, err = s.readAll(ctx, []*ua.ReadValueID{attribute(node, ua.AttributeIDValue)}, ua.TimestampsToReturnNeither); err != nil {
		return err
	}
	held := valueOf(values[0])
	if list, ok := held.([]*ua.ExtensionObject); ok && len(list) > 0 {
		held = list[0]
	}
	ext, _ := held.(*ua.ExtensionObject)
	if ext == nil || ext.TypeID == nil || ext.TypeID.NodeID == nil || s.types.byEncoding[ext.TypeID.NodeID.String()] != nil {
		return nil
	}
	if t, err = s.neighbour(ctx, ext.TypeID.NodeID, id.HasEncoding, ua.BrowseDirectionInverse); err != nil || t == nil {
		return err
	}
	_, err = s.kindOf(ctx, t, structureDepth)
	return err
}

// kindOf learns a data type and those of its fields. A type that can not be
// decoded is an empty kind, so that it is asked for once.
func (s *session) kindOf(ctx context.Context, t *ua.NodeID, depth int) (*kind, error) {
	if t.Namespace() == 0 && t.IntID() > 0 && t.IntID() <= lastBuiltin {
		return &kind{builtin: ua.TypeID(t.IntID())}, nil
	}
	if t.Namespace() == 0 && t.IntID() == typeEnumeration {
		return &kind{builtin: ua.TypeIDInt32}, nil
	}
	name := t.String()
	if k := s.types.kinds[name]; k != nil {
		return k, nil
	}
	if s.types.kinds == nil {
		s.types.kinds, s.types.byEncoding = map[string]*kind{}, map[string]*kind{}
	}
	k := &kind{}
	if depth == 0 || len(s.types.kinds) >= typesKept {
		return k, nil
	}
	s.types.kinds[name] = k
	values, err := s.readAll(ctx, []*ua.ReadValueID{attribute(t, ua.AttributeIDDataTypeDefinition)}, ua.TimestampsToReturnNeither)
	if err != nil {
		return nil, err
	}
	ext, _ := valueOf(values[0]).(*ua.ExtensionObject)
	if ext != nil {
		switch def := ext.Value.(type) {
		case *ua.EnumDefinition:
			k.builtin = ua.TypeIDInt32
			return k, nil
		case *ua.StructureDefinition:
			return k, s.define(ctx, k, t, def, depth)
		}
	}
	// A type without a definition is encoded as the type it is made of.
	parent, err := s.neighbour(ctx, t, id.HasSubtype, ua.BrowseDirectionInverse)
	if err != nil || parent == nil {
		return k, err
	}
	base, err := s.kindOf(ctx, parent, depth-1)
	if err == nil && base.builtin != ua.TypeIDExtensionObject {
		*k = *base
	}
	return k, err
}

// define fills a kind from a structure's definition, and has the library keep
// structures of this encoding as they travel. The library's list of encodings
// is one for the whole process; as every entry of ours is the same, servers do
// not get into each other's way.
func (s *session) define(ctx context.Context, k *kind, t *ua.NodeID, def *ua.StructureDefinition, depth int) error {
	k.form = def.StructureType
	for _, f := range def.Fields {
		if f == nil || f.DataType == nil {
			return nil
		}
		of, err := s.kindOf(ctx, f.DataType, depth-1)
		if err != nil {
			return err
		}
		k.fields = append(k.fields, field{name: f.Name, kind: of, rank: max(0, int(f.ValueRank)), optional: f.IsOptional})
	}
	k.whole = true
	encoding := def.DefaultEncodingID
	if encoding == nil || encoding.Namespace() == 0 && encoding.IntID() == 0 && encoding.StringID() == "" {
		var err error
		if encoding, err = s.neighbour(ctx, t, id.HasEncoding, ua.BrowseDirectionForward); err != nil || encoding == nil {
			return err
		}
	}
	s.types.byEncoding[encoding.String()] = k
	if encoding.Namespace() != 0 {
		ua.RegisterExtensionObject(encoding, new(rawStructure))
	}
	return nil
}

// neighbour is the first node at the other end of a reference; nil if there is
// none. Of several encodings it is the binary one.
func (s *session) neighbour(ctx context.Context, node *ua.NodeID, reference uint32, direction ua.BrowseDirection) (*ua.NodeID, error) {
	results, err := s.browse(ctx, []*ua.BrowseDescription{browseFor(node, reference, direction, 0)}, 0)
	if err != nil {
		return nil, err
	}
	if err := s.release(ctx, withPoints([][]byte{results[0].ContinuationPoint})); err != nil {
		return nil, err
	}
	var found *ua.NodeID
	for _, ref := range results[0].References {
		if ref == nil || ref.NodeID == nil || ref.NodeID.NodeID == nil {
			continue
		}
		if found == nil || nameOf(ref) == "Default Binary" {
			found = ref.NodeID.NodeID
		}
	}
	return found, nil
}
