package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// island is a device that has only some registers, and the float 12320.5 in the
// registers 42 and 43 (CDAB).
type island struct {
	has      func(offset int) bool
	mute     bool
	requests atomic.Int64
}

func (d *island) value(offset int) uint16 {
	switch offset {
	case 42:
		return 0x8200
	case 43:
		return 0x4640
	}
	return uint16(offset % 3 * offset)
}

func (d *island) serve(t testing.TB) string {
	return serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
		d.requests.Add(1)
		for i := range r.count {
			if r.unit != 1 || r.fn != 3 || !d.has(r.start+i) {
				if d.mute {
					return nil
				}
				return write(c, frameOf(r.id, r.unit, r.fn|exceptionBit, exceptionAddress))
			}
		}
		body := []byte{r.unit, r.fn, byte(2 * r.count)}
		for i := range r.count {
			body = binary.BigEndian.AppendUint16(body, d.value(r.start+i))
		}
		return write(c, frameOf(r.id, body...))
	})
}

func mustSurvey(t *testing.T, cfg Config) *Survey {
	t.Helper()
	s, err := NewSurvey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProbe: every reading's tag, read again, has the reading's value.
func TestProbe(t *testing.T) {
	d := &island{has: func(o int) bool { return o < 100 || o >= 20000 && o < 20010 }}
	s := mustSurvey(t, fastConfig(d.serve(t)))
	wanted := tag("holding:42", "float32")
	wanted.Order = "CDAB"
	first, err := s.Probe(context.Background(), []connectors.Tag{wanted, tag("40099", ""), tag("holding:20004", ""), tag("holding:200", ""), tag("coil:1", ""), tag("nonsense", "")})
	if err != nil {
		t.Fatal(err)
	}
	if r := first[0][0]; r.Tag != wanted || r.Sample.Value != connectors.Float32(12320.5) || string(r.Raw) != "\x82\x00\x46\x40" {
		t.Errorf("%+v", r)
	}
	if n := len(first[0]); n < 40 {
		t.Errorf("%d readings of holding:42", n)
	}
	for i, reason := range map[int]string{3: exceptionReason(exceptionAddress), 4: exceptionReason(exceptionAddress), 5: "can not be read"} {
		if len(first[i]) != 1 || first[i][0].Sample.Quality != connectors.Bad || first[i][0].Sample.Reason != reason {
			t.Errorf("%d: %+v", i, first[i])
		}
	}
	for i := range 3 {
		var tags []connectors.Tag
		for _, r := range first[i] {
			tags = append(tags, r.Tag)
		}
		again, err := s.Probe(context.Background(), tags)
		if err != nil {
			t.Fatal(err)
		}
		for j, r := range first[i] {
			if got := again[j][0]; got.Sample.Value.Text() != r.Sample.Value.Text() || r.Sample.Quality != connectors.Good || got.Sample.Quality != connectors.Good {
				t.Errorf("%+v is %+v when read again", r, got)
			}
		}
	}
}

// TestAround finds a value of a strange type beyond a hole, in few requests.
func TestAround(t *testing.T) {
	d := &island{has: func(o int) bool { return o < 60 || o >= 70 && o < 90 }}
	s := mustSurvey(t, fastConfig(d.serve(t)))
	all, err := s.Around(context.Background(), tag("holding:80", ""))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range all {
		if r.Sample.Value == connectors.Float32(12320.5) && r.Tag.Address == "holding:42" && r.Tag.Type == "float32" && r.Tag.Order == "CDAB" {
			found++
		}
		if r.Sample.Quality != connectors.Good {
			t.Errorf("%+v", r)
		}
	}
	// 16 to 59 and 70 to 89, each with 34 readings but at the ends, less those
	// that are no BCD.
	if found != 1 || len(all) < 1000 || len(all) > 64*34 {
		t.Errorf("found %d times in %d readings", found, len(all))
	}
	if n := d.requests.Load(); n > 110 {
		t.Errorf("%d requests", n)
	}
	if _, err := s.Around(context.Background(), tag("input:80", "")); err == nil || !strings.Contains(err.Error(), "tag input:80: nothing near it can be read (exception 2: illegal data address)") {
		t.Error(err)
	}
}

func TestBrowse(t *testing.T) {
	d := &island{has: func(o int) bool { return o < 100 || o >= 300 && o < 310 || o == 40001 }}
	s := mustSurvey(t, fastConfig(d.serve(t)))
	walk := func(w connectors.Walk) (string, int, error) {
		before := d.requests.Load()
		var out []string
		err := s.Browse(context.Background(), w, func(r connectors.Reading) error {
			if r.Depth == 0 {
				out = append(out, r.Name+" "+r.Note)
				return nil
			}
			a, err := parseAddress(r.Tag.Address, false)
			if err != nil || r.Sample.Value != connectors.Uint(uint64(d.value(int(a.offset)))) || d.value(int(a.offset)) == 0 {
				t.Errorf("%v, %+v", err, r)
			}
			return nil
		})
		return strings.Join(out, ", "), int(d.requests.Load() - before), err
	}
	got, n, err := walk(connectors.Walk{})
	if want := "holding:0-99 100 can be read, 67 are not zero, holding:300-309 10 can be read, 6 are not zero"; err != nil || got != want || n > 400 {
		t.Errorf("%s, %d requests, %v", got, n, err)
	}
	t.Logf("%d requests for the four areas", n)
	got, n, err = walk(connectors.Walk{Root: "1/holding:90-310"})
	if want := "1/holding:90-99 10 can be read, 6 are not zero, 1/holding:300-309 10 can be read, 6 are not zero"; err != nil || got != want || n > 300 {
		t.Errorf("%s, %d requests, %v", got, n, err)
	}
	if got, _, err = walk(connectors.Walk{Root: "holding:0x9c40-0x9c42"}); err != nil || got != "holding:0x9c41 1 can be read, 1 are not zero" {
		t.Errorf("%s, %v", got, err)
	}
	if _, n, err = walk(connectors.Walk{Root: "holding:0-99", Limit: 20}); !errors.Is(err, connectors.ErrMore) || n != 1 {
		t.Errorf("%d requests, %v", n, err)
	}
	if _, _, err = walk(connectors.Walk{Root: "holdng"}); err == nil || !strings.Contains(err.Error(), "did you mean holding?") {
		t.Error(err)
	}
	if _, n, err = walk(connectors.Walk{Root: "holding"}); !errors.Is(err, connectors.ErrMore) || n > browseRequests || !strings.Contains(err.Error(), "name a smaller range") {
		t.Errorf("%d requests, %v", n, err)
	}
	stop := errors.New("enough")
	if err := s.Browse(context.Background(), connectors.Walk{}, func(connectors.Reading) error { return stop }); err != stop {
		t.Error(err)
	}
}

// TestBrowseKeepsOutOfHoles and ends soon where a device keeps silent.
func TestBrowseKeepsOutOfHoles(t *testing.T) {
	d := &island{mute: true, has: func(o int) bool { return o < 50 || o >= 60 && o < 100 }}
	cfg := fastConfig(d.serve(t))
	cfg.Timeout = 30 * time.Millisecond
	var ranges []string
	tell := func(r connectors.Reading) error {
		if r.Depth == 0 {
			ranges = append(ranges, r.Name)
		}
		return nil
	}
	cfg.Holes = []string{"holding:50-59"}
	if err := mustSurvey(t, cfg).Browse(context.Background(), connectors.Walk{Root: "holding:0-99"}, tell); err != nil {
		t.Error(err)
	}
	if got := strings.Join(ranges, " "); got != "holding:0-49 holding:60-99" || d.requests.Load() != 2 {
		t.Errorf("%s in %d requests", got, d.requests.Load())
	}
	err := mustSurvey(t, cfg).Browse(context.Background(), connectors.Walk{Root: "holding:90-400"}, tell)
	if !errors.Is(err, connectors.ErrMore) {
		t.Error(err)
	}
	if got := strings.Join(ranges[2:], " "); got != "holding:90-99" {
		t.Errorf("%s", got)
	}
}

func TestExamine(t *testing.T) {
	d := &island{has: func(o int) bool { return o < 100 }}
	slow := tag("holding:200", "")
	slow.Every = 10 * time.Second
	cfg := fastConfig(d.serve(t))
	cfg.Every = time.Second
	facts, err := mustSurvey(t, cfg).Examine(context.Background(), []connectors.Tag{tag("holding:0", ""), tag("holding:50", "uint32"), slow})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range facts {
		got[f.Name] = f.Value
	}
	for name, want := range map[string]string{
		"framing": "Modbus TCP", "round trip": "of 14 requests", "largest request answered": "2 registers",
		"requests without data": "1/holding:200 (1): exception 2: illegal data address",
		"scan every 1s":         "2 requests, 3 registers and 0 bits, about ", "scan every 10s": "1 requests, 1 registers",
		"requests per second": "2.1", "load": " % of the time", "connections": "two at a time work",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

// TestSurveyOfNothing: a device that is mute, or not there, is an error that
// says where and what to do, and the end of ctx is not.
func TestSurveyOfNothing(t *testing.T) {
	mute := fastConfig(serveHostile(t, func(net.Conn, int, wireRequest) error { return nil }))
	_, err := mustSurvey(t, mute).Probe(context.Background(), []connectors.Tag{tag("holding:1", ""), tag("holding:2", "")})
	if err == nil || !strings.Contains(err.Error(), "modbus "+mute.Address+": unit 1: nothing answers (2 requests in a row, the last: no answer within the timeout); check that the device is on") {
		t.Error(err)
	}
	for _, tags := range [][]connectors.Tag{{tag("holding:1", "")}, {tag("holding:1", ""), tag("7/holding:1", "")}} {
		if _, err := mustSurvey(t, mute).Examine(context.Background(), tags); err == nil || !strings.Contains(err.Error(), "nothing answers (") {
			t.Errorf("%d tags: %v", len(tags), err)
		}
	}
	if _, err := NewSurvey(Config{Address: "plc"}); err == nil || !strings.Contains(err.Error(), "does not say how to connect") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := mustSurvey(t, mute).Browse(ctx, connectors.Walk{}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestExamineTellsWhatBecomesOfASecondConnection: one that is taken and never
// answered does not work, though connecting did.
func TestExamineTellsWhatBecomesOfASecondConnection(t *testing.T) {
	for want, second := range map[string]func(c net.Conn, r wireRequest) error{
		"two at a time work":             func(c net.Conn, r wireRequest) error { return write(c, r.right()) },
		"a second one is not answered":   func(net.Conn, wireRequest) error { return nil },
		"a second one is closed at once": func(net.Conn, wireRequest) error { return io.EOF },
	} {
		var mu sync.Mutex
		var served net.Conn
		s := mustSurvey(t, fastConfig(serveHostile(t, func(c net.Conn, _ int, r wireRequest) error {
			mu.Lock()
			defer mu.Unlock()
			if served == nil {
				served = c
			}
			if served == c {
				return write(c, r.right())
			}
			return second(c, r)
		})))
		facts, err := s.Examine(t.Context(), []connectors.Tag{tag("holding:0", "")})
		if err != nil {
			t.Fatal(err)
		}
		if got := facts[len(facts)-1]; got.Name != "connections" || !strings.HasPrefix(got.Value, want) {
			t.Errorf("%+v, want %s", got, want)
		}
	}
}

// TestBrowseTellsWhatItReadBeforeTheConnectionFailed.
func TestBrowseTellsWhatItReadBeforeTheConnectionFailed(t *testing.T) {
	s := mustSurvey(t, fastConfig(serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
		if n == 2 {
			return io.EOF
		}
		return write(c, r.right())
	})))
	var ranges []string
	err := s.Browse(t.Context(), connectors.Walk{Root: "holding:0-499", Depth: 1}, func(r connectors.Reading) error {
		ranges = append(ranges, r.Name)
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "holding:250: ") || strings.Join(ranges, " ") != "holding:0-249" {
		t.Errorf("%v, %v", ranges, err)
	}
}
