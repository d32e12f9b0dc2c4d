package modbus

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// wished are the requests that a device saw.
type wished struct {
	mu  sync.Mutex
	all []string
}

func (w *wished) add(r wireRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, fmt.Sprintf("%d/%d+%d", r.unit, r.start, r.count))
}

func (w *wished) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}

// serveMap answers for the units that it is given, about the registers they
// have, with the registers' offsets; a unit that it is not given keeps silent.
func serveMap(t *testing.T, units map[byte]func(offset int) bool) (Config, *wished) {
	w := &wished{}
	return fastConfig(serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
		w.add(r)
		has := units[r.unit]
		if has == nil {
			return nil
		}
		for i := range r.count {
			if !has(r.start + i) {
				return write(c, frameOf(r.id, r.unit, r.fn|exceptionBit, exceptionAddress))
			}
		}
		return write(c, r.right())
	})), w
}

func below(n int) func(int) bool { return func(o int) bool { return o < n } }

func mustProbe(t *testing.T, cfg Config, tags ...connectors.Tag) [][]connectors.Reading {
	t.Helper()
	got, err := mustSurvey(t, cfg).Probe(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestProbeAsksForLess: where eight registers together are refused, four, two
// and one are asked for, and what answered is said.
func TestProbeAsksForLess(t *testing.T) {
	cfg, w := serveMap(t, map[byte]func(int) bool{1: below(100)})
	for _, c := range []struct {
		tag      connectors.Tag
		requests string
		quality  connectors.Quality
		value    string
		note     string
		// widest is the number of registers of the largest other reading.
		widest int
	}{
		{tag("holding:50", ""), "1/50+8", connectors.Good, "50", "", 4},
		{tag("holding:95", ""), "1/95+8 1/95+4", connectors.Good, "95", "4 registers from here on answer, 8 together do not (exception 2: illegal data address)", 4},
		{tag("holding:97", ""), "1/97+8 1/97+4 1/97+2", connectors.Good, "97", "2 registers from here on answer, 4 together do not (exception 2: illegal data address)", 2},
		{tag("holding:99", ""), "1/99+8 1/99+4 1/99+2 1/99+1", connectors.Good, "99", "1 register from here on answers, 2 together do not (exception 2: illegal data address)", 1},
		{tag("holding:99", "uint32"), "1/99+8 1/99+4 1/99+2 1/99+1", connectors.Bad, "", "1 register from here on answers, 2 together do not (exception 2: illegal data address)", 1},
		{tag("holding:100", ""), "1/100+8 1/100+4 1/100+2 1/100+1", connectors.Bad, "", "", 0},
	} {
		got := mustProbe(t, cfg, c.tag)[0]
		if asked := strings.Join(w.take(), " "); asked != c.requests {
			t.Errorf("%v: asked for %s, want %s", c.tag, asked, c.requests)
		}
		own := got[0]
		if own.Tag != c.tag || own.Sample.Quality != c.quality || own.Note != c.note || c.value != "" && own.Sample.Value.Text() != c.value || (own.Sample.Reason == "") != (c.quality == connectors.Good) {
			t.Errorf("%v: %+v", c.tag, own)
		}
		widest := 0
		for _, r := range got[1:] {
			widest = max(widest, len(r.Raw)/2)
		}
		if widest != c.widest {
			t.Errorf("%v: readings of up to %d registers, want %d", c.tag, widest, c.widest)
		}
	}
}

// TestProbeInFewRequests: tags that the plan reads at once are asked for at
// once, each has its own value, and what is refused is found by halves.
func TestProbeInFewRequests(t *testing.T) {
	cfg, w := serveMap(t, map[byte]func(int) bool{1: func(o int) bool { return o != 40 && o < 1000 }})
	var tags []connectors.Tag
	for o := 0; o < 1000; o += 10 {
		tags = append(tags, tag(fmt.Sprintf("holding:0x%x", o), ""))
	}
	slow := tag("holding:5", "uint32")
	slow.Every = time.Hour
	tags = append(tags, slow, tags[3])
	got := mustProbe(t, cfg, tags...)
	for i, of := range got {
		a, err := parseAddress(tags[i].Address, false)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint(a.offset)
		switch {
		case i == 4:
			want = ""
		case tags[i] == slow:
			want = fmt.Sprint(5<<16 + 6)
		}
		if own := of[0]; own.Tag != tags[i] || (own.Sample.Quality == connectors.Good) != (want != "") || want != "" && own.Sample.Value.Text() != want {
			t.Errorf("%+v, want %s", own, want)
		}
	}
	// Nine requests of the plan, and the search for one register among
	// thirteen tags.
	if asked := w.take(); len(asked) > 22 {
		t.Errorf("%d requests: %v", len(asked), asked)
	}
	// The last of several is looked at as closely as one alone.
	got = mustProbe(t, cfg, tag("holding:10", ""), tag("holding:20", ""))
	if asked := strings.Join(w.take(), " "); asked != "1/10+18" {
		t.Error(asked)
	}
	for i := range got {
		if !slices.ContainsFunc(got[i], func(r connectors.Reading) bool { return r.Tag.Type == "float64" }) {
			t.Errorf("no float64 among the readings of %v", got[i][0].Tag)
		}
	}
}

// TestProbeReadsNothingElse: where the configuration forbids to read along, or
// names a hole, nothing but the tag is asked for.
func TestProbeReadsNothingElse(t *testing.T) {
	cfg, w := serveMap(t, map[byte]func(int) bool{1: below(1000)})
	cfg.Gap = -1
	mustProbe(t, cfg, tag("holding:10", "uint32"), tag("holding:20", ""))
	if asked := strings.Join(w.take(), " "); asked != "1/10+2 1/20+1" {
		t.Error(asked)
	}
	cfg.Gap, cfg.Holes = 0, []string{"holding:14"}
	mustProbe(t, cfg, tag("holding:10", "uint16"), tag("holding:20", ""))
	if asked := strings.Join(w.take(), " "); asked != "1/10+4 1/20+8" {
		t.Error(asked)
	}
}

// TestAbsentUnitCostsItsTimeOnce: of a unit that never answers two requests are
// sent, however many tags it has, and the others are read.
func TestAbsentUnitCostsItsTimeOnce(t *testing.T) {
	cfg, w := serveMap(t, map[byte]func(int) bool{1: below(1000)})
	tags := []connectors.Tag{tag("1/holding:10", "")}
	for o := range 20 {
		tags = append(tags, tag(fmt.Sprintf("7/holding:%d", 100*o), ""))
	}
	got := mustProbe(t, cfg, tags...)
	silent := 0
	for _, r := range w.take() {
		if strings.HasPrefix(r, "7/") {
			silent++
		}
	}
	if silent != 2 || got[0][0].Sample.Quality != connectors.Good {
		t.Errorf("%d requests to the absent unit; %+v", silent, got[0][0])
	}
	for _, of := range got[1:] {
		if of[0].Sample.Reason != reasonSilent {
			t.Errorf("%+v", of[0])
		}
	}
}

// TestRoundTripOfEachUnit: Examine says for each unit what it takes, and which
// does not answer, for which it waits twice.
func TestRoundTripOfEachUnit(t *testing.T) {
	w := &wished{}
	cfg := fastConfig(serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
		w.add(r)
		switch r.unit {
		case 3:
			time.Sleep(30 * time.Millisecond)
		case 9:
			return nil
		}
		return write(c, r.right())
	}))
	cfg.Every = time.Second
	var tags []connectors.Tag
	for _, unit := range []int{2, 3, 9} {
		for o := range 4 {
			tags = append(tags, tag(fmt.Sprintf("%d/holding:%d", unit, 100*o), ""))
		}
	}
	facts, err := mustSurvey(t, cfg).Examine(context.Background(), tags)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range facts {
		got[f.Name] = f.Value
	}
	quick, slow := got["round trip of unit 2"], got["round trip of unit 3"]
	if !strings.Contains(quick, "µs median") && !strings.Contains(quick, "ms median") || !strings.Contains(slow, "3") || !strings.Contains(slow, "ms median") || !strings.HasSuffix(slow, "of 6 requests") {
		t.Errorf("%q, %q", quick, slow)
	}
	if got["round trip of unit 9"] != "none: no answer within the timeout, 2 requests" {
		t.Errorf("%q", got["round trip of unit 9"])
	}
	silent := 0
	for _, r := range w.take() {
		if strings.HasPrefix(r, "9/") {
			silent++
		}
	}
	if silent != 2 {
		t.Errorf("%d requests to the silent unit", silent)
	}
	var took time.Duration
	if _, after, ok := strings.Cut(got["scan every 1s"], "about "); ok {
		took, err = time.ParseDuration(strings.Fields(after)[0])
	}
	if err != nil || took < 120*time.Millisecond || took > 2*time.Second {
		t.Errorf("%q: four requests of 30 ms and four quick ones", got["scan every 1s"])
	}
}
