package opcua

import (
	"math"
	"reflect"
	"time"

	"github.com/gopcua/opcua/ua"
)

// variant follows a value that says itself of what type it is.
func (s *scan) variant(depth int) error {
	mask, err := s.byte()
	if err != nil {
		return err
	}
	kind := ua.TypeID(mask & 0x3f)
	if kind == ua.TypeIDNull {
		return nil
	}
	element := variantElement(kind)
	if element == nil {
		return errStops
	}
	size := int64(element.Size()) + pointee(element)
	if mask&ua.VariantArrayValues == 0 {
		if err := s.spend(size); err != nil {
			return err
		}
		return s.value(element, depth+1)
	}
	length, err := s.uint32()
	n := int32(length)
	switch {
	case err != nil:
		return err
	case int(n) > ua.MaxVariantArrayLength:
		return errStops
	case n < -1:
		return hostile("an array of %d values", n)
	case int(n) > len(s.rest):
		return hostile("an array of %d values in %d bytes", n, len(s.rest))
	}
	if err := s.spend(int64(max(n, 0)) * size); err != nil {
		return err
	}
	for range n {
		if err := s.value(element, depth+1); err != nil {
			return err
		}
	}
	if mask&ua.VariantArrayDimensions == 0 {
		return nil
	}
	return s.dimensions(int64(n))
}

// dimensions follows how an array of n values is divided into rows. The library
// multiplies in 32 bits, and believes a product that overflows to n.
func (s *scan) dimensions(n int64) error {
	count, err := s.uint32()
	rank := int32(count)
	switch {
	case err != nil:
		return err
	case rank < 0:
		return errStops
	case rank > maxRank:
		return hostile("an array of %d dimensions", rank)
	}
	product := int64(1)
	for i := range rank {
		raw, err := s.uint32()
		if err != nil {
			return err
		}
		size := int32(raw)
		if size < 1 {
			return errStops
		}
		if product *= int64(size); product > math.MaxInt32 {
			return hostile("an array of %d values divided into more than %d", n, math.MaxInt32)
		}
		if i < rank-1 && product <= n {
			if err := s.spend(product * rowSize); err != nil {
				return err
			}
		}
	}
	if rank > 0 && product != n {
		return errStops
	}
	return nil
}

// variantElement is the type as which the library decodes a value of a builtin
// type; nil if there is no such type.
func variantElement(kind ua.TypeID) reflect.Type {
	switch kind {
	case ua.TypeIDBoolean, ua.TypeIDSByte, ua.TypeIDByte:
		return reflect.TypeFor[uint8]()
	case ua.TypeIDInt16, ua.TypeIDUint16:
		return reflect.TypeFor[uint16]()
	case ua.TypeIDInt32, ua.TypeIDUint32, ua.TypeIDFloat, ua.TypeIDStatusCode:
		return reflect.TypeFor[uint32]()
	case ua.TypeIDInt64, ua.TypeIDUint64, ua.TypeIDDouble:
		return reflect.TypeFor[uint64]()
	case ua.TypeIDDateTime:
		return reflect.TypeFor[time.Time]()
	case ua.TypeIDString, ua.TypeIDXMLElement:
		return reflect.TypeFor[string]()
	case ua.TypeIDByteString:
		return reflect.TypeFor[[]byte]()
	case ua.TypeIDGUID:
		return reflect.TypeFor[*ua.GUID]()
	case ua.TypeIDNodeID:
		return reflect.TypeFor[*ua.NodeID]()
	case ua.TypeIDExpandedNodeID:
		return reflect.TypeFor[*ua.ExpandedNodeID]()
	case ua.TypeIDQualifiedName:
		return reflect.TypeFor[*ua.QualifiedName]()
	case ua.TypeIDLocalizedText:
		return reflect.TypeFor[*ua.LocalizedText]()
	case ua.TypeIDExtensionObject:
		return reflect.TypeFor[*ua.ExtensionObject]()
	case ua.TypeIDDataValue:
		return reflect.TypeFor[*ua.DataValue]()
	case ua.TypeIDVariant:
		return reflect.TypeFor[*ua.Variant]()
	case ua.TypeIDDiagnosticInfo:
		return reflect.TypeFor[*ua.DiagnosticInfo]()
	}
	return nil
}
