package mapping

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestEncodeAsTheLibraryDoes compares the written form of snapshots with that of
// encoding/json: of an empty one, of one with everything in it, and of texts
// that need escapes.
func TestEncodeAsTheLibraryDoes(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 0, 0, 123_456_000, time.FixedZone("", 3600))
	third, whole := Ratio(1, 3), Whole(-7)
	state := stateMemory{
		State: Stopped, Type: "SETUP", Since: at, ByCalendar: true, Signalled: Running, SignalledType: "A\"B", SignalledSince: at,
		LostSince: at, StandingSince: at, StoppedAt: at, RunningSince: at, RunMade: third, LastCount: at.UTC(), Moved: true,
		Stop:  prodsmart.Stop{Episode: 1 << 63, Type: "<HALT> & co", Since: at},
		Class: "planned é\u2028", Episodes: 12, HeldSince: at, Contradiction: true,
	}
	for name, s := range map[string]*snapshot{
		"empty": {},
		"full": {
			Version: 1, Seen: at, Known: true, State: state,
			Counters: map[string]*counterState{
				"count": {
					Source: "c|a\\b|", Based: true, Raw: Whole(1 << 62), At: at, Total: third, Factor: &third, Latch: &whole,
					Pending: &pendingLevel{}, Left: &leftLevel{}, Keys: []uint64{1, 1 << 63}, LastPulse: at,
				},
				"waste <x>": {},
			},
			Posted: map[string]int64{"b": -1, "a": 1 << 62}, Sums: map[string]Number{"z": third, "a": whole}, Frozen: map[string]int64{"f": 0},
			Parameters: map[string]*parameterState{"p": {}, "q": {Value: `"a\tb"`, Number: &third, Version: 3, At: at}},
			Evidence:   map[string]string{"k": "\x01\xff", "l": ""},
			Order:      &orderMark{Source: "c|a||-1", Text: "J-1 <é>", Count: -5, Since: at, Open: true},
		},
	} {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	// A field that the structs gain must be written here as well.
	for _, v := range []any{state, counterState{}, parameterState{}, snapshot{}, orderMark{}, prodsmart.Stop{}} {
		typ, want := reflect.TypeOf(v), map[string]int{"stateMemory": 19, "counterState": 11, "parameterState": 4, "snapshot": 11, "orderMark": 5, "Stop": 3}
		if typ.NumField() != want[typ.Name()] {
			t.Errorf("%s has %d fields; the encoder knows %d", typ.Name(), typ.NumField(), want[typ.Name()])
		}
	}
	if _, err := (&snapshot{Seen: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}).encode(); err == nil {
		t.Error("a year that JSON can not carry is no error")
	}
}
