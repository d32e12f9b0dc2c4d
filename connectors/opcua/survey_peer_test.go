package opcua

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func surveyOf(t *testing.T, cfg Config) *Survey {
	t.Helper()
	v, err := NewSurvey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// heapAfter is the memory in use once garbage is collected.
func heapAfter() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestPeerBrowseLarge walks through 50,000 variables: the first rows come at
// once, memory does not grow with the rows, and an early end leaves no
// continuation point behind, of which the server has few.
func TestPeerBrowseLarge(t *testing.T) {
	const count = 50_000
	p := startPeer(t, peerOptions{Tree: count})
	cfg := p.config()
	cfg.Timeout = 30 * time.Second
	v := surveyOf(t, cfg)
	root := connectors.Walk{Root: "nsu=" + plantURI + ";s=Line", Values: true}

	before := heapAfter()
	var first time.Duration
	var growth uint64
	rows, folders, again := 0, 0, 0
	start := time.Now()
	err := v.Browse(t.Context(), root, func(r connectors.Reading) error {
		if rows++; rows == 1 {
			first = time.Since(start)
		}
		switch {
		case strings.HasPrefix(r.Note, "shown before"):
			again++
		case r.Type == "Object":
			folders++
		case r.Type != "Int32" || r.Sample.Quality != connectors.Good || !strings.HasPrefix(r.Tag.Address, "nsu="+plantURI+";s=Line."):
			t.Fatalf("row %d is %+v", rows, r)
		}
		if rows%10_000 == 0 {
			growth = max(growth, heapAfter()-min(before, heapAfter()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows in %s, the first after %s, heap +%d KiB", rows, time.Since(start), first, growth>>10)
	if folders != count/200+1 || again != 1 || rows != count+folders+again {
		t.Errorf("%d rows, %d of them folders, %d shown before", rows, folders, again)
	}
	if first > 5*time.Second {
		t.Errorf("the first row came after %s", first)
	}
	if growth > 16<<20 {
		t.Errorf("the walk took %d MiB", growth>>20)
	}
	endsEarly(t, v, root)
	root.Depth = 1
	rows = 0
	if err := v.Browse(t.Context(), root, func(r connectors.Reading) error {
		if rows++; r.Depth != 0 || !r.Children {
			t.Errorf("%+v", r)
		}
		return nil
	}); err != nil || rows != count/200+1 {
		t.Errorf("one level: %d rows, %v", rows, err)
	}
}

// endsEarly ends a walk by found, and by its limit.
func endsEarly(t *testing.T, v *Survey, walk connectors.Walk) {
	t.Helper()
	own := errors.New("enough")
	n := 0
	if err := v.Browse(t.Context(), walk, func(connectors.Reading) error {
		if n++; n == 3 {
			return own
		}
		return nil
	}); !errors.Is(err, own) || n != 3 {
		t.Fatalf("the walk ended with %v after %d rows", err, n)
	}
	walk.Limit = 5
	if err := v.Browse(t.Context(), walk, func(connectors.Reading) error { return nil }); !errors.Is(err, connectors.ErrMore) {
		t.Errorf("a limited walk ended with %v", err)
	}
}

func TestPeerSurvey(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Nodes: []string{"Good", "Scrap"}, Structures: true, PerCall: 2})
	v := surveyOf(t, p.config())
	tags := append(peerTags("Good", "Missing", "Scrap"), connectors.Tag{Address: node("Hall.Counts"), Bit: connectors.NoBit}, connectors.Tag{Address: "Good"})

	facts, err := v.Examine(t.Context(), tags[:4])
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, f := range facts {
		said[f.Name] = f.Value
	}
	t.Log(facts)
	for name, part := range map[string]string{
		"product": "NodeOPCUA", "round trip": "s", "clock": "right to", "limit: monitored items per request": "2", "publishing": "100ms",
		"items": "3 of 4 accepted", "refused: " + tags[1].Address: "BadNodeIdUnknown", "state": "Running",
	} {
		if !strings.Contains(said[name], part) {
			t.Errorf("%s is %q, want %q", name, said[name], part)
		}
	}

	probed, err := v.Probe(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	if r := probed[0][0]; r.Sample.Value != connectors.Uint(1) || r.Type != "Uint32" || r.Name != "Good" || !slices.Equal(r.Raw, []byte{1, 0, 0, 0}) || r.Sample.SourceTime.IsZero() || r.Tag != tags[0] {
		t.Errorf("a good tag: %+v", r)
	}
	if r := probed[1][0]; r.Sample.Quality != connectors.Bad || r.Sample.Reason != "BadNodeIdUnknown" {
		t.Errorf("a missing tag: %+v", r)
	}
	if r := probed[3][0]; r.Type != "Uint32[]" || r.Sample.Reason != reasonArray || !strings.Contains(r.Note, "[10, 20, 30]") {
		t.Errorf("an array: %+v", r)
	}
	if r := probed[4][0]; r.Sample.Reason != reasonAddress || r.Note == "" {
		t.Errorf("a wrong address: %+v", r)
	}

	near, err := v.Around(t.Context(), tags[0])
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, r := range near {
		addresses = append(addresses, r.Tag.Address)
	}
	if addresses[0] != tags[0].Address || !slices.Contains(addresses, tags[2].Address) {
		t.Errorf("around: %q", addresses)
	}
}

// TestPeerProbeNamesMembers: a name that is wrong is answered by those that are
// right, at the level where it was looked for.
func TestPeerProbeNamesMembers(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Structures: true})
	for path, want := range map[string][]string{".Wrong": {"AccCount", "Job"}, ".Job.Wrong": {"Id", "Target"}} {
		probed, err := surveyOf(t, p.config()).Probe(t.Context(), []connectors.Tag{{Address: node("Hall.Station"), Path: path, Bit: connectors.NoBit}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range want {
			if note := probed[0][0].Note; !strings.HasPrefix(note, "it has ") || !strings.Contains(note, name) {
				t.Errorf("%s: %q", path, note)
			}
		}
	}
}

// TestPeerMembers: elements of arrays and fields of structures, as nested as
// PLCs have them, through a subscription and in a survey.
func TestPeerMembers(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Structures: true})
	cases := []struct {
		name, path string
		want       connectors.Value
		reason     string
	}{
		{name: "Counts", path: "[2]", want: connectors.Uint(30)},
		{name: "Counts", path: "[3]", reason: reasonBeyond},
		{name: "Counts", path: ".Count", reason: reasonNoStructure},
		{name: "Station", path: ".AccCount", want: connectors.Int(7)},
		{name: "Station", path: "Job.Id", want: connectors.String("J7")},
		{name: "Station", path: ".Temps[1]", want: connectors.Float64(21.5)},
		{name: "Station", path: ".Note", reason: reasonNoValue},
		{name: "Station", path: ".Wrong", reason: reasonNoField},
		{name: "Station", path: ".Job", reason: reasonStructure},
		{name: "Station", path: ".Temps", reason: reasonArray},
		{name: "Stations", path: "[1].AccCount", want: connectors.Int(2)},
		{name: "Stations", path: "[0].Job.Target", want: connectors.Uint(500)},
	}
	var tags []connectors.Tag
	for _, c := range cases {
		tags = append(tags, connectors.Tag{Address: node("Hall." + c.name), Path: c.path, Bit: connectors.NoBit})
	}
	tags = append(tags, connectors.Tag{Address: "i=2256", Path: ".BuildInfo.ProductName", Bit: connectors.NoBit})
	r := follow(t, p.config(), tags)
	r.Wait(t, peerWithin, "all values", func() bool { _, ok := r.Latest(len(tags) - 1); return ok })
	probed, err := surveyOf(t, p.config()).Probe(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		watched, _ := r.Latest(i)
		for _, s := range []connectors.Sample{watched, probed[i][0].Sample} {
			if s.Reason != c.reason || s.Value != c.want || (s.Quality == connectors.Good) != (c.reason == "") {
				t.Errorf("%s%s: %+v", c.name, c.path, s)
			}
		}
	}
	near, err := surveyOf(t, p.config()).Around(t.Context(), connectors.Tag{Address: node("Hall.Counts"), Bit: connectors.NoBit})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.reason != "" {
			continue
		}
		tag := connectors.Tag{Address: node("Hall." + c.name), Path: "." + strings.TrimPrefix(c.path, "."), Bit: connectors.NoBit}
		if strings.HasPrefix(c.path, "[") {
			tag.Path = c.path
		}
		if !slices.ContainsFunc(near, func(r connectors.Reading) bool { return r.Tag == tag && r.Sample.Value == c.want && r.Type != "" }) {
			t.Errorf("%s%s is not around", c.name, c.path)
		}
	}
	if s, _ := r.Latest(len(cases)); s.Value != connectors.String("NodeOPCUA-Server") {
		t.Errorf("a structure of the standard: %+v", s)
	}
}
