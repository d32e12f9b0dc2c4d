package main

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/probe"
)

// jsonReading is a reading for a script.
type jsonReading struct {
	Tag     string `json:"tag"`
	Path    string `json:"path,omitempty"`
	Order   string `json:"order,omitempty"`
	Length  int    `json:"length,omitempty"`
	Bit     *int   `json:"bit,omitempty"`
	Name    string `json:"name,omitempty"`
	Type    string `json:"type,omitempty"`
	Quality string `json:"quality"`
	Reason  string `json:"reason,omitempty"`
	Value   any    `json:"value,omitempty"`
	Raw     string `json:"raw,omitempty"`
	// Time is the device's, RFC 3339.
	Time  string `json:"time,omitempty"`
	Depth int    `json:"depth,omitempty"`
	Note  string `json:"note,omitempty"`
	// YAML is the line to paste.
	YAML string `json:"yaml"`
}

func readingJSON(r connectors.Reading) jsonReading {
	j := jsonReading{Tag: r.Tag.Address, Path: r.Tag.Path, Order: r.Tag.Order, Length: r.Tag.Length, Name: r.Name, Type: kindOf(r),
		Quality: r.Sample.Quality.String(), Reason: r.Sample.Reason, Raw: hex.EncodeToString(r.Raw), Depth: r.Depth, Note: r.Note,
		YAML: probe.Line(r.Tag, "")}
	if bit := r.Tag.Bit; bit != connectors.NoBit {
		j.Bit = &bit
	}
	if r.Sample.Quality != connectors.Bad {
		j.Value = valueJSON(r.Sample.Value)
	}
	if t := r.Sample.SourceTime; !t.IsZero() {
		j.Time = t.Format(time.RFC3339Nano)
	}
	return j
}

// kindOf is the type that a person would write, else the device's word for it.
func kindOf(r connectors.Reading) string {
	if r.Tag.Type != "" {
		return r.Tag.Type
	}
	return r.Type
}

// valueJSON is a value as JSON can hold it; infinities become texts.
func valueJSON(v connectors.Value) any {
	switch v.Kind() {
	case connectors.KindBool:
		return v.AsBool()
	case connectors.KindFloat32, connectors.KindFloat64:
		if f := v.AsFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v.Text()
		}
		return json.Number(v.Text())
	case connectors.KindInt, connectors.KindUint:
		return json.Number(v.Text())
	case connectors.KindString:
		return v.AsString()
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeReadings prints the ways to understand one tag as a table.
func writeReadings(w io.Writer, readings []connectors.Reading, now time.Time) error {
	first := readings[0]
	title := first.Tag.Address
	for _, more := range []string{first.Tag.Path, first.Name} {
		if more != "" && more != title {
			title += "  " + more
		}
	}
	if len(first.Raw) > 0 {
		title += "  raw " + spaced(first.Raw)
	}
	if err := printed(w, "%s\n", visible(title)); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, r := range readings {
		if i > 0 && r.Tag == first.Tag {
			continue // the tag as it was given is the first line
		}
		line := []string{""}
		if readings[len(readings)-1].Tag.Path != "" {
			line = append(line, r.Tag.Path)
		}
		line = append(line, kindOf(r), r.Tag.Order, bitOf(r.Tag), valueText(r.Sample), state(r.Sample, now), r.Note)
		if err := printed(table, "%s\n", strings.TrimRight(visible(strings.Join(line, "\t")), "\t ")); err != nil {
			return err
		}
	}
	return table.Flush()
}

func bitOf(t connectors.Tag) string {
	if t.Bit == connectors.NoBit {
		return ""
	}
	return "bit " + connectors.Int(int64(t.Bit)).Text()
}

// valueText is the value, or a dash if there is none.
func valueText(s connectors.Sample) string {
	switch {
	case s.Quality == connectors.Bad || s.Value.Kind() == connectors.KindNone:
		return "-"
	case s.Value.Kind() == connectors.KindString:
		return `"` + s.Value.AsString() + `"`
	}
	return s.Value.Text()
}

// state is quality, reason and age in one phrase.
func state(s connectors.Sample, now time.Time) string {
	text := s.Quality.String()
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	if s.Retained {
		text += ", retained"
	}
	if !s.SourceTime.IsZero() {
		text += ", " + now.Sub(s.SourceTime).Round(100*time.Millisecond).String() + " old"
	}
	return text
}

func spaced(raw []byte) string {
	const most = 64
	shown := raw[:min(most, len(raw))]
	var b strings.Builder
	for i, x := range shown {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex.EncodeToString([]byte{x}))
	}
	if len(raw) > most {
		b.WriteString(" ...")
	}
	return b.String()
}

// visible keeps what a device calls itself from steering the terminal. Tabs
// part columns.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
