package opcua

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"
)

// What one message that is not encrypted may make the library do. No server
// comes near any of it.
const (
	// maxNesting bounds values in values: the library follows them with its
	// stack, whose end nothing can catch.
	maxNesting = 250
	// maxRank bounds the dimensions of an array.
	maxRank = 16
	// maxDecoded bounds the memory that the values take once they are decoded,
	// in bytes; one byte that travels can take more than a hundred.
	maxDecoded = 64 << 20
	// rowSize is what a row of an array with several dimensions takes: twice a
	// slice, and what is lost on the way.
	rowSize = 72
)

// errStops ends the look at a message where the library stops as well, with an
// error that costs one request.
var errStops = errors.New("the message can not be decoded")

// scan follows the library's decoder through a message, byte by byte and type by
// type, but makes nothing of it, so that a message can be refused before it does
// harm: the library follows any nesting, believes most lengths, and panics at
// some of them.
type scan struct {
	rest []byte
	room int64 // bytes of memory that the rest may still take
}

// harmless says why a message must not reach the library; nil if it may. What
// the library refuses by itself is the library's to refuse. opening is set for a
// message that opens a channel.
func harmless(message []byte, opening bool) error {
	s := scan{rest: message, room: maxDecoded}
	if err := s.message(opening); err != nil && !errors.Is(err, errStops) {
		return err
	}
	return nil
}

func hostile(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errHostile, fmt.Sprintf(format, args...))
}

// message follows an answer from its type on.
func (s *scan) message(opening bool) error {
	start := s.rest
	if err := s.expandedNodeID(); err != nil {
		return err
	}
	// Without a content the library makes an empty answer, besides an error.
	_, service, _ := ua.DecodeService(start[:len(start)-len(s.rest)])
	if service == nil {
		return errStops
	}
	answer, ok := service.(ua.Response)
	if !ok {
		return hostile("a %s, though only answers are awaited", nameOfType(service))
	}
	_, fault := answer.(*ua.ServiceFault)
	if _, opens := answer.(*ua.OpenSecureChannelResponse); opens != opening && !fault {
		return hostile("a %s at the wrong time", nameOfType(answer))
	}
	return s.value(reflect.TypeOf(answer), 0)
}

// nameOfType is what the standard calls a message.
func nameOfType(service any) string { return strings.TrimPrefix(fmt.Sprintf("%T", service), "*ua.") }

// value follows a value of a type of the library.
func (s *scan) value(t reflect.Type, depth int) error {
	if depth > maxNesting {
		return hostile("values nested more than %d deep", maxNesting)
	}
	switch t {
	case reflect.TypeFor[*ua.Variant]():
		return s.variant(depth)
	case reflect.TypeFor[*ua.DataValue]():
		return s.dataValue(depth)
	case reflect.TypeFor[*ua.ExtensionObject]():
		return s.extension(depth)
	case reflect.TypeFor[*ua.DiagnosticInfo]():
		return s.diagnostics(depth)
	case reflect.TypeFor[*ua.NodeID]():
		_, err := s.nodeID()
		return err
	case reflect.TypeFor[*ua.ExpandedNodeID]():
		return s.expandedNodeID()
	case reflect.TypeFor[*ua.GUID]():
		return s.skip(16)
	case reflect.TypeFor[*ua.LocalizedText]():
		return s.localizedText()
	case reflect.TypeFor[*rawStructure]():
		return s.skip(len(s.rest))
	case reflect.TypeFor[time.Time]():
		return s.skip(8)
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32,
		reflect.Int64, reflect.Uint64, reflect.Float32, reflect.Float64:
		return s.skip(int(t.Size()))
	case reflect.String:
		return s.bytes()
	case reflect.Slice:
		return s.slice(t.Elem(), depth)
	case reflect.Pointer:
		return s.value(t.Elem(), depth)
	case reflect.Struct:
		return s.fields(t, depth)
	}
	return hostile("a value of type %s", t)
}

// fields follows a structure of the library's.
func (s *scan) fields(t reflect.Type, depth int) error {
	for i := range t.NumField() {
		f := t.Field(i).Type
		if err := s.spend(pointee(f)); err != nil {
			return err
		}
		if err := s.value(f, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// slice follows an array that is not a Variant's.
func (s *scan) slice(element reflect.Type, depth int) error {
	if element.Kind() == reflect.Uint8 {
		return s.bytes()
	}
	n, err := s.uint32()
	switch {
	case err != nil:
		return err
	case n == math.MaxUint32:
		return nil
	case n > math.MaxInt32 || int(n) > len(s.rest):
		return errStops
	}
	if err := s.spend(int64(n) * (int64(element.Size()) + pointee(element))); err != nil {
		return err
	}
	for range n {
		if err := s.value(element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pointee is the memory that a pointer's target takes; 0 for what is none.
func pointee(t reflect.Type) int64 {
	if t.Kind() != reflect.Pointer {
		return 0
	}
	size := int64(t.Elem().Size())
	switch t {
	case reflect.TypeFor[*ua.DataValue]():
		size += int64(reflect.TypeFor[ua.Variant]().Size())
	case reflect.TypeFor[*ua.ExtensionObject]():
		size += pointee(reflect.TypeFor[*ua.ExpandedNodeID]())
	case reflect.TypeFor[*ua.ExpandedNodeID]():
		size += int64(reflect.TypeFor[ua.NodeID]().Size())
	}
	return size
}

func (s *scan) dataValue(depth int) error {
	mask, err := s.byte()
	if err == nil && mask&ua.DataValueValue != 0 {
		err = s.value(reflect.TypeFor[*ua.Variant](), depth+1)
	}
	size := 0
	for _, part := range []struct {
		bit  byte
		size int
	}{
		{ua.DataValueStatusCode, 4},
		{ua.DataValueSourceTimestamp, 8}, {ua.DataValueSourcePicoseconds, 2},
		{ua.DataValueServerTimestamp, 8}, {ua.DataValueServerPicoseconds, 2},
	} {
		if mask&part.bit != 0 {
			size += part.size
		}
	}
	if err != nil {
		return err
	}
	return s.skip(size)
}

func (s *scan) extension(depth int) error {
	start := s.rest
	if err := s.expandedNodeID(); err != nil {
		return err
	}
	typeID := start[:len(start)-len(s.rest)]
	mask, err := s.byte()
	if err != nil || mask == ua.ExtensionObjectEmpty {
		return err
	}
	body, err := s.lengthAndBytes()
	if err != nil || len(body) == 0 {
		return err
	}
	t := reflect.TypeFor[*ua.XMLElement]()
	if mask != ua.ExtensionObjectXML {
		if t = extensionType(typeID); t == nil {
			return nil // the library leaves it out
		}
	}
	inner := scan{rest: body, room: s.room}
	if err := inner.spend(pointee(t)); err != nil {
		return err
	}
	err = inner.value(t, depth+1)
	s.room = inner.room
	return err
}

// extensionType is the type of which the library makes what has this type id, as
// it travels; nil if it knows none. The library does not tell, but shows it
// with a body that is too short for anything.
func extensionType(typeID []byte) reflect.Type {
	var shown ua.ExtensionObject
	_, _ = shown.Decode(append(append(make([]byte, 0, len(typeID)+6), typeID...), ua.ExtensionObjectBinary, 1, 0, 0, 0, 0))
	return reflect.TypeOf(shown.Value)
}

func (s *scan) diagnostics(depth int) error {
	mask, err := s.byte()
	if err != nil {
		return err
	}
	for _, bit := range []byte{ua.DiagnosticInfoSymbolicID, ua.DiagnosticInfoNamespaceURI, ua.DiagnosticInfoLocale, ua.DiagnosticInfoLocalizedText} {
		if mask&bit != 0 {
			err = errors.Join(err, s.skip(4))
		}
	}
	if err == nil && mask&ua.DiagnosticInfoAdditionalInfo != 0 {
		err = s.bytes()
	}
	if err == nil && mask&ua.DiagnosticInfoInnerStatusCode != 0 {
		err = s.skip(4)
	}
	if err != nil || mask&ua.DiagnosticInfoInnerDiagnosticInfo == 0 {
		return err
	}
	if err := s.spend(pointee(reflect.TypeFor[*ua.DiagnosticInfo]())); err != nil {
		return err
	}
	return s.value(reflect.TypeFor[*ua.DiagnosticInfo](), depth+1)
}

// nodeID returns the byte that says what belongs to an expanded one.
func (s *scan) nodeID() (byte, error) {
	mask, err := s.byte()
	if err != nil {
		return 0, err
	}
	switch ua.NodeIDType(mask & 0xf) {
	case ua.NodeIDTypeTwoByte:
		return mask, s.skip(1)
	case ua.NodeIDTypeFourByte:
		return mask, s.skip(3)
	case ua.NodeIDTypeNumeric:
		return mask, s.skip(6)
	case ua.NodeIDTypeGUID:
		return mask, s.skip(2 + 16)
	case ua.NodeIDTypeString, ua.NodeIDTypeByteString:
		if err := s.skip(2); err != nil {
			return mask, err
		}
		return mask, s.bytes()
	}
	return mask, errStops
}

func (s *scan) expandedNodeID() error {
	mask, err := s.nodeID()
	if err == nil && mask&0x80 != 0 {
		err = s.bytes()
	}
	if err == nil && mask&0x40 != 0 {
		err = s.skip(4)
	}
	return err
}

func (s *scan) localizedText() error {
	mask, err := s.byte()
	if err == nil && mask&ua.LocalizedTextLocale != 0 {
		err = s.bytes()
	}
	if err == nil && mask&ua.LocalizedTextText != 0 {
		err = s.bytes()
	}
	return err
}

// spend counts memory that the library takes for what is decoded.
func (s *scan) spend(n int64) error {
	if s.room -= n; s.room < 0 {
		return hostile("one whose values take more than %d MB of memory", maxDecoded>>20)
	}
	return nil
}

func (s *scan) skip(n int) error {
	if n > len(s.rest) {
		return errStops
	}
	s.rest = s.rest[n:]
	return nil
}

func (s *scan) byte() (byte, error) {
	if len(s.rest) == 0 {
		return 0, errStops
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b, nil
}

func (s *scan) uint32() (uint32, error) {
	if len(s.rest) < 4 {
		return 0, errStops
	}
	n := binary.LittleEndian.Uint32(s.rest)
	s.rest = s.rest[4:]
	return n, nil
}

// bytes follows a string, or a string of bytes.
func (s *scan) bytes() error {
	b, err := s.lengthAndBytes()
	if err != nil {
		return err
	}
	return s.spend(int64(len(b)))
}

func (s *scan) lengthAndBytes() ([]byte, error) {
	n, err := s.uint32()
	switch {
	case err != nil || n == math.MaxUint32:
		return nil, err
	case n > math.MaxInt32 || int(n) > len(s.rest):
		return nil, errStops
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b, nil
}
