package sparkplug

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Rebirth is the payload of an NCMD that asks an Edge Node for its birth
// certificates: Node Control/Rebirth = true. No value of a machine is in it.
func Rebirth(now time.Time) []byte {
	ms := uint64(max(now.UnixMilli(), 0))
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.BytesType)
	m = protowire.AppendString(m, "Node Control/Rebirth")
	m = protowire.AppendTag(m, 3, protowire.VarintType)
	m = protowire.AppendVarint(m, ms)
	m = protowire.AppendTag(m, 4, protowire.VarintType)
	m = protowire.AppendVarint(m, uint64(Boolean))
	m = protowire.AppendTag(m, 14, protowire.VarintType)
	m = protowire.AppendVarint(m, protowire.EncodeBool(true))

	var b []byte
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, ms)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	return protowire.AppendBytes(b, m)
}
