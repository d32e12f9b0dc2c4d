package sparkplug

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestTraces plays every folder of messages in testdata/host and compares what
// the host makes of them. A line that begins in the first column is an event,
// the indented ones after it are what must follow:
//
//	tag GROUP/NODE[/DEVICE] METRIC [BIT]
//	rebirth 10s
//	@1s begin | tick | conditions
//	@1s TYPE GROUP/NODE[/DEVICE] seq=1 NAME#ALIAS:TYPE=VALUE ...
//
// A metric's type with a ~ is not sent, one of the flags !historical, !null and
// !q500 may follow; again, retained and raw=HEX concern the message. With
// UPDATE_GOLDEN=1 the answers are written anew.
func TestTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "host", "*.trace"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d traces, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".trace"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if got == string(text) {
				return
			}
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s says\n%s\nbut the host makes of it\n%s", name, text, got)
		})
	}
}

// start is when the traces begin.
var start = time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)

// play gives the trace with the answers of a host.
func play(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var tags []connectors.Tag
	var rebirth time.Duration
	var host *Host
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			continue
		}
		out.WriteString(line)
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "tag":
			tag := connectors.Tag{Address: words[1], Path: words[2], Bit: connectors.NoBit}
			if len(words) > 3 {
				tag.Bit = int(number(t, words[3]))
			}
			tags = append(tags, tag)
		case words[0] == "rebirth":
			rebirth = duration(t, words[1])
		default:
			if host == nil {
				var err error
				if host, err = NewHost(tags, rebirth); err != nil {
					t.Fatal(err)
				}
			}
			out.WriteString(event(t, host, tags, words))
		}
	}
	return out.String()
}

// event plays one line.
func event(t *testing.T, h *Host, tags []connectors.Tag, words []string) string {
	t.Helper()
	now := start.Add(duration(t, strings.TrimPrefix(words[0], "@")))
	switch words[1] {
	case "begin":
		return answer(h.Begin(now), tags, now)
	case "tick":
		return answer(h.Tick(now), tags, now)
	case "conditions":
		var out strings.Builder
		for _, c := range h.Conditions() {
			word := map[connectors.Trouble]string{connectors.SourceOffline: "offline", connectors.SourceIncomplete: "incomplete"}[c.Trouble]
			fmt.Fprintf(&out, "  %s %s: %s\n", word, c.Subject, c.Detail)
		}
		return out.String()
	}
	parts := strings.Split(words[2], "/")
	topic := "spBv1.0/" + parts[0] + "/" + words[1] + "/" + strings.Join(parts[1:], "/")
	return answer(h.Message(topic, payloadOf(t, words[3:], now), slices.Contains(words, "retained"), now), tags, now)
}

// answer writes down what followed.
func answer(r Result, tags []connectors.Tag, now time.Time) string {
	var out strings.Builder
	for _, s := range r.Samples {
		tag := tags[s.Tag]
		fmt.Fprintf(&out, "  %s %s", tag.Address, tag.Path)
		if tag.Bit != connectors.NoBit {
			fmt.Fprintf(&out, " bit %d", tag.Bit)
		}
		fmt.Fprintf(&out, " %s", s.Quality)
		if s.Quality != connectors.Bad {
			fmt.Fprintf(&out, " %s", s.Value.Text())
			if s.SourceTime.IsZero() {
				out.WriteString(" without a time")
			}
		}
		if s.Reason != "" {
			fmt.Fprintf(&out, ": %s", s.Reason)
		}
		out.WriteString("\n")
	}
	if r.Ask != "" {
		fmt.Fprintf(&out, "  ask %s\n", r.Ask)
	}
	if !r.Wake.IsZero() {
		fmt.Fprintf(&out, "  wake after %v\n", r.Wake.Sub(now))
	}
	return out.String()
}

// payloadOf makes a payload of the words of a line.
func payloadOf(t *testing.T, words []string, now time.Time) []byte {
	t.Helper()
	var b []byte
	sent := uint64(now.UnixMilli())
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case key == "raw":
			return []byte(value)
		case key == "sent":
			sent = uint64(start.Add(duration(t, value)).UnixMilli())
		case key == "timeless":
			sent = 0
		case key == "seq":
			b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), uint64(number(t, value)))
		case word != "retained":
			b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), metricOf(t, word))
		}
	}
	if sent != 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), sent)
	}
	return b
}

// metricOf encodes NAME#ALIAS:TYPE=VALUE!FLAG.
func metricOf(t *testing.T, word string) []byte {
	t.Helper()
	word, flag, _ := strings.Cut(word, "!")
	head, value, _ := strings.Cut(word, "=")
	head, typ, _ := strings.Cut(head, ":")
	name, alias, aliased := strings.Cut(head, "#")
	var b []byte
	varint := func(field protowire.Number, v uint64) {
		b = protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
	}
	if name != "" {
		b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), name)
	}
	if aliased {
		varint(2, uint64(number(t, alias)))
	}
	kind := typeOf(t, strings.TrimPrefix(typ, "~"))
	if !strings.HasPrefix(typ, "~") {
		varint(4, uint64(kind))
	}
	switch {
	case flag == "historical":
		varint(5, 1)
	case flag == "null":
		varint(7, 1)
		return b
	case strings.HasPrefix(flag, "q"):
		property := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(Int32))
		property = protowire.AppendVarint(protowire.AppendTag(property, 3, protowire.VarintType), uint64(number(t, flag[1:])))
		set := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "Quality")
		set = protowire.AppendBytes(protowire.AppendTag(set, 2, protowire.BytesType), property)
		b = protowire.AppendBytes(protowire.AppendTag(b, 9, protowire.BytesType), set)
	}
	switch {
	case kind == String:
		return protowire.AppendString(protowire.AppendTag(b, 15, protowire.BytesType), value)
	case kind == Boolean:
		varint(14, protowire.EncodeBool(value == "true"))
	case kind == Double:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return protowire.AppendFixed64(protowire.AppendTag(b, 13, protowire.Fixed64Type), math.Float64bits(f))
	case kind == Int64 || kind == UInt64:
		varint(11, uint64(number(t, value)))
	default:
		varint(10, uint64(uint32(number(t, value))))
	}
	return b
}

func typeOf(t *testing.T, name string) DataType {
	t.Helper()
	for k := Int8; k <= Template; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no type %q", name)
	return 0
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
