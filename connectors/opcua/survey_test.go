package opcua

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestWatchKeepsOneSession: looking several times is one session, which ends
// with the looking, and what seen says is what comes back.
func TestWatchKeepsOneSession(t *testing.T) {
	p := startPLC(t)
	p.is("Count", int32(1))
	tag := connectors.Tag{Address: "nsu=" + plantURI + ";s=Count", Bit: connectors.NoBit}
	own := errors.New("enough")
	for _, want := range []error{nil, own} {
		opened, closed := 0, 0
		p.with(func() { opened, closed = p.sessions, p.closed })
		looks := 0
		err := surveyOf(t, dialling(p.addr)).Watch(t.Context(), tag, time.Millisecond, func(near []connectors.Reading) (bool, error) {
			looks++
			if len(near) == 0 || near[0].Sample.Value != connectors.Int(int64(looks)) {
				t.Errorf("look %d: %+v", looks, near)
			}
			p.is("Count", int32(looks+1))
			if looks == 3 {
				p.is("Count", int32(1))
				return false, want
			}
			return true, nil
		})
		if err != want || looks != 3 {
			t.Errorf("%d looks, %v", looks, err)
		}
		p.seen(t, "the end of the one session", func() bool { return p.sessions == opened+1 && p.closed == closed+1 })
	}
}

// TestBrowseStops: a person who stops a walk does not wait for a server that
// says nothing.
func TestBrowseStops(t *testing.T) {
	p := startPLC(t)
	p.with(func() { p.flat = 10 * walkPage })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stopped time.Time
	cfg := dialling(p.addr)
	cfg.Timeout = 30 * time.Second
	err := surveyOf(t, cfg).Browse(ctx, connectors.Walk{Root: "nsu=" + plantURI + ";s=Flat"}, func(connectors.Reading) error {
		if stopped.IsZero() {
			p.with(func() { p.hang = true })
			stopped = time.Now()
			time.AfterFunc(50*time.Millisecond, stop)
		}
		return nil
	})
	if err == nil || ctx.Err() == nil {
		t.Fatalf("the walk ended with %v", err)
	}
	if took := time.Since(stopped); took > 2*time.Second {
		t.Errorf("the walk ended %s after it was stopped", took)
	}
}

// TestBrowseTellsWhatIsClosed: a folder that can not be listed says so; it is
// not an empty one.
func TestBrowseTellsWhatIsClosed(t *testing.T) {
	p := startPLC(t)
	p.with(func() { p.flat, p.closedNode = 3, "Flat1" })
	notes := map[string]string{}
	if err := surveyOf(t, dialling(p.addr)).Browse(t.Context(), connectors.Walk{Root: "nsu=" + plantURI + ";s=Flat"}, func(r connectors.Reading) error {
		notes[r.Name] = r.Note
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if notes["Flat0"] != "" || notes["Flat1"] != "its content can not be listed: "+statusName(ua.StatusBadUserAccessDenied) {
		t.Errorf("%q", notes)
	}
}

// TestBrowseGoesOnWithoutContinuationPoint: a server that drops continuation
// points costs no row and shows none twice; one that drops them all is an error,
// not the end.
func TestBrowseGoesOnWithoutContinuationPoint(t *testing.T) {
	p := startPLC(t)
	const flat = 2*walkPage + 10
	walk := connectors.Walk{Root: "nsu=" + plantURI + ";s=Flat", Depth: 1}
	for _, forgets := range []int{0, 1, 1000} {
		p.with(func() { p.flat, p.forgets = flat, forgets })
		rows := map[string]int{}
		err := surveyOf(t, dialling(p.addr)).Browse(t.Context(), walk, func(r connectors.Reading) error {
			if rows[r.Tag.Address]++; rows[r.Tag.Address] > 1 || r.Note != "" {
				t.Errorf("again %+v", r)
			}
			return nil
		})
		if forgets == 1000 {
			want(t, err, "500 nodes were shown, the rest does not come: the server answered BadContinuationPointInvalid")
		} else if err != nil || len(rows) != flat {
			t.Errorf("%d dropped: %d rows, %v", forgets, len(rows), err)
		}
	}
}

// TestAroundLargeArray: of a large array the candidates are the elements around
// the one that was asked for.
func TestAroundLargeArray(t *testing.T) {
	p := startPLC(t)
	list := make([]int32, 10_000)
	for i := range list {
		list[i] = int32(i)
	}
	p.is("list", list)
	for path, want := range map[string][2]int64{"": {0, 99}, "[7]": {0, 99}, "[5000]": {4950, 5049}, "[9999]": {9900, 9999}, "[20000]": {9900, 9999}} {
		near, err := surveyOf(t, dialling(p.addr)).Around(t.Context(), connectors.Tag{Address: node("list"), Path: path, Bit: connectors.NoBit})
		if err != nil || len(near) != 1+elementsMost {
			t.Fatalf("%s: %d readings, %v", path, len(near), err)
		}
		first, last := near[1], near[elementsMost]
		if near[0].Tag.Path != "" || first.Sample.Value != connectors.Int(want[0]) || last.Sample.Value != connectors.Int(want[1]) || last.Tag.Path != fmt.Sprintf("[%d]", want[1]) {
			t.Errorf("%s: %+v to %+v", path, first, last)
		}
	}
}
