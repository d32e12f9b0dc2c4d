package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/probe"
)

// TestLinesLoad holds that every line which probe and browse print is one that
// a configuration takes.
func TestLinesLoad(t *testing.T) {
	var lines []string
	for _, kind := range []string{"uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bcd16", "bcd32"} {
		for _, order := range []string{"ABCD", "CDAB", "BADC", "DCBA"} {
			for _, scale := range []string{"", "0.000001", "0.01", "1000000", "1/3600", "0.5", "60"} {
				tag := connectors.Tag{Address: fmt.Sprintf("3/holding:%d", 10*len(lines)), Type: kind, Order: order, Bit: connectors.NoBit}
				lines = append(lines, probe.Line(tag, scale))
			}
		}
	}
	lines = append(lines,
		probe.Line(connectors.Tag{Address: "input:5", Type: "uint16", Bit: 15}, ""),
		probe.Line(connectors.Tag{Address: "coil:5", Bit: connectors.NoBit}, ""),
		probe.Line(connectors.Tag{Address: "holding:9", Type: "string", Length: 8, Bit: connectors.NoBit}, ""))
	loads(t, `{modbus: {address: "tcp://10.0.4.30:502"}}`, lines)
	loads(t, `{opcua: {endpoint: "opc.tcp://10.0.4.21:4840"}}`, []string{
		probe.Line(connectors.Tag{Address: `nsu=urn:line;s="DB"."it's: #1, {x}"`, Bit: connectors.NoBit}, "0.1"),
		probe.Line(connectors.Tag{Address: "i=2258", Bit: connectors.NoBit}, ""),
		probe.Line(connectors.Tag{Address: "nsu=urn:line;s=ProdProcessedCount", Path: "[0].AccCount", Bit: connectors.NoBit}, "1/60"),
		probe.Line(connectors.Tag{Address: "nsu=urn:line;s=Stations", Path: `[1]."a.b: #1"[2][3]`, Bit: connectors.NoBit}, "0.01"),
		probe.Line(connectors.Tag{Address: "nsu=urn:line;g=09087e75-8e5e-499b-954f-f2a9603db28a", Bit: 3}, ""),
		probe.Line(connectors.Tag{Address: "nsu=urn:line;b=M/RbKBsRVkePCePcx24oRA==", Bit: connectors.NoBit}, ""),
		probe.Line(connectors.Tag{Address: "path:/Objects/nsu=urn:line;Line1/2:Go&:od", Bit: connectors.NoBit}, ""),
	})
	loads(t, `{mqtt: {broker: "tcp://10.0.4.5:1883"}}`, []string{
		probe.Line(connectors.Tag{Address: "plant/it's/n: 1", Path: "a.b", Bit: connectors.NoBit}, "2"),
	})
}

func loads(t *testing.T, connection string, lines []string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "connections: {c: %s}\nmachines:\n  M:\n    state: {idle_after: 30s}\n    parameters:\n", connection)
	for i, l := range lines {
		fmt.Fprintf(&text, "      p%d: %s\n", i, l)
	}
	text.WriteString("prodsmart: {key: \"${env:K}\", secret: \"${env:S}\"}\n")
	_, problems := config.Load("lines.yaml", config.Options{SkipSecrets: true, ReadFile: func(string) ([]byte, error) { return []byte(text.String()), nil }})
	for _, p := range problems {
		// A machine that only has parameters lacks a counter; that is said at the
		// machine, not at a line.
		if strings.Contains(p.Path, "parameters") || p.Line > 5 && p.Line <= 5+len(lines) {
			t.Errorf("%s\n%s", p, strings.Split(text.String(), "\n")[p.Line-1])
		}
	}
}

// display is a device with a counter at r:1, which a standing value at r:2
// resembles at first.
type display struct {
	reads int
	// browsed ends a walk, if it is not nil.
	browsed error
}

func (d *display) Examine(context.Context, []connectors.Tag) ([]connectors.Fact, error) {
	return nil, nil
}

func (d *display) Probe(_ context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	return make([][]connectors.Reading, len(tags)), nil
}

func (d *display) Around(context.Context, connectors.Tag) ([]connectors.Reading, error) {
	d.reads++
	count := uint64(1240)
	if d.reads > 1 {
		count = 1243
	}
	return []connectors.Reading{register("r:1", count), register("r:2", 1240)}, nil
}

func (d *display) Browse(ctx context.Context, _ connectors.Walk, found func(connectors.Reading) error) error {
	if err := found(register("r:1\x1b[2J", 7)); err != nil {
		return err
	}
	return d.browsed
}

func register(address string, v uint64) connectors.Reading {
	return connectors.Reading{Tag: connectors.Tag{Address: address, Type: "uint16", Bit: connectors.NoBit},
		Sample: connectors.Sample{Value: connectors.Uint(v), Quality: connectors.Good}}
}

// TestAsked lets a person answer the question for another value.
func TestAsked(t *testing.T) {
	for name, c := range map[string]struct {
		typed, out string
		reads      int
	}{
		"a value": {"1 243\n", "holds 1240, then 1243", 2},
		"nothing": {"\n", "holds 1240", 1},
		"the end": {"", "holds 1240", 1},
	} {
		var out, talk strings.Builder
		d := &display{}
		o := probeOptions{shows: "1 240", timeout: time.Minute, out: &out, talk: &talk, answers: bufio.NewScanner(strings.NewReader(c.typed))}
		if err := o.solve(t.Context(), d, "r:2"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d.reads != c.reads || !strings.Contains(out.String(), c.out) || !strings.Contains(talk.String(), "another sample decides") {
			t.Errorf("%s: %d reads\n%s%s", name, d.reads, out.String(), talk.String())
		}
	}
}

// TestThenIsAwaitedInVain ends with the wait, and says what was looked for.
func TestThenIsAwaitedInVain(t *testing.T) {
	o := probeOptions{shows: "1240", then: "1250", wait: time.Millisecond, timeout: time.Minute, out: io.Discard, talk: io.Discard}
	err := o.solve(t.Context(), &display{}, "r:2")
	if err == nil || !strings.Contains(err.Error(), "1240, then 1250") {
		t.Fatal(err)
	}
}

// TestUnanswered is an address about which a device says nothing at all.
func TestUnanswered(t *testing.T) {
	var out strings.Builder
	o := probeOptions{timeout: time.Minute, out: &out}
	if err := o.read(t.Context(), &display{}, []string{"r:9"}); err == nil || !strings.Contains(out.String(), "bad: no answer") {
		t.Fatal(err, out.String())
	}
}

// TestBrowseEnds holds what ends a walk well and what does not.
func TestBrowseEnds(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	broken := errors.New("the device is gone")
	for name, c := range map[string]struct {
		ctx  context.Context
		ends error
		want error
		talk string
	}{
		"the limit": {t.Context(), connectors.ErrMore, nil, "There is more than these 1 rows"},
		"its own bound": {t.Context(), fmt.Errorf("%w: ended at holding:500 after 600 requests\x1b[2J; name a smaller range", connectors.ErrMore), nil,
			"There is more than these 1 rows: ended at holding:500 after 600 requests?[2J; name a smaller range\n"},
		"a person":      {stopped, context.Canceled, nil, "Stopped after 1 rows"},
		"the device":    {t.Context(), broken, broken, ""},
		"the very end":  {t.Context(), nil, nil, ""},
		"ended, broken": {t.Context(), fmt.Errorf("opcua: %w", broken), broken, ""},
	} {
		var out, talk strings.Builder
		b := browser{out: &out}
		err := b.run(c.ctx, &display{browsed: c.ends}, &talk)
		if !errors.Is(err, c.want) || !strings.Contains(talk.String(), c.talk) {
			t.Errorf("%s: %v, %s", name, err, talk.String())
		}
		if strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "= 7") {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

// watched is a display to which one connection is enough.
type watched struct {
	display
	watches int
}

func (w *watched) Watch(ctx context.Context, tag connectors.Tag, _ time.Duration, seen func([]connectors.Reading) (bool, error)) error {
	w.watches++
	for more := true; more; {
		near, err := w.Around(ctx, tag)
		if err != nil {
			return err
		}
		if more, err = seen(near); err != nil {
			return err
		}
	}
	return nil
}

// TestThenOverOneConnection looks for the later value without connecting each
// time, where the device allows it.
func TestThenOverOneConnection(t *testing.T) {
	var out strings.Builder
	o := probeOptions{shows: "1240", then: "1243", wait: time.Minute, timeout: time.Minute, out: &out, talk: io.Discard}
	w := &watched{}
	if err := o.solve(t.Context(), w, "r:2"); err != nil || w.watches != 1 || !strings.Contains(out.String(), "'r:1'") || strings.Contains(out.String(), "'r:2'") {
		t.Error(err, w.watches, out.String())
	}
}
