package board

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

func TestMissing(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := newPretend()
	p.missing = []store.Missing{
		{ID: 1, Time: at, Machine: "=SUM(A1)", Code: "not_in_prodsmart", Type: "JAM, big", From: at.Add(-time.Hour), To: at.Add(-time.Minute), Text: `a "downtime"`},
		{ID: 2, Time: at, Machine: "PRESS-1", Code: "backlog_late", Pieces: 40, Order: "O-1"},
	}
	zone := time.FixedZone("there", 3*3600)
	h, err := Handler(p, zone)
	if err != nil {
		t.Fatal(err)
	}
	code, body := get(t, h, "/api/missing?machine=PRESS-1&since=2026-11-22&until=2026-11-22T12:00:00Z")
	var got missingReport
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK || len(got.Missing) != 2 || got.More {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	if e := got.Missing[0]; *e.Seconds != 59*60 || !e.From.Equal(at.Add(-time.Hour)) || !strings.Contains(body, "2026-11-22T12:00:00+03:00") {
		t.Errorf("the first entry is %+v in %s", e, body)
	}
	if e := got.Missing[1]; e.From != nil || e.Seconds != nil || e.Pieces != 40 {
		t.Errorf("the second entry is %+v", e)
	}
	if want := `missing "PRESS-1" 2026-11-21 21:00:00 2026-11-22 12:00:00 5001`; !slices.Contains(p.asked, want) {
		t.Errorf("asked were %q", p.asked)
	}
	code, body = get(t, h, "/api/missing?format=csv")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || code != http.StatusOK || len(rows) != 3 {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	want := []string{"2026-11-22T13:00:00+03:00", "'=SUM(A1)", "not_in_prodsmart", "JAM, big", "2026-11-22T12:00:00+03:00", "2026-11-22T12:59:00+03:00", "3540", "", "", `a "downtime"`}
	if !slices.Equal(rows[1], want) {
		t.Errorf("the row is %q", rows[1])
	}
	for _, query := range []string{"since=lately", "after=x", "until=13:00", "format=xml"} {
		if code, body := get(t, h, "/api/missing?"+query); code != http.StatusBadRequest || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s", query, code, body)
		}
	}
	if _, body := get(t, h, "/api/missing?after=4711"); !strings.Contains(body, `"id": 2`) || !slices.Contains(p.asked, "after 4711") {
		t.Errorf("asked were %q: %s", p.asked, body)
	}
	p.missing = make([]store.Missing, maxMissing+1)
	if _, body := get(t, h, "/api/missing"); !strings.Contains(body, `"more": true`) || strings.Count(body, `"machine"`) != maxMissing {
		t.Error("a report without end is not cut")
	}
}

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("there", 3*3600)
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC) // the 23rd there
	for text, want := range map[string]string{
		"": "0001-01-01T00:00:00Z", "today": "2026-11-22T21:00:00Z", "yesterday": "2026-11-21T21:00:00Z",
		"2026-11-20": "2026-11-19T21:00:00Z", "2026-11-20 14:30": "2026-11-20T11:30:00Z", "2026-11-20T14:30:05": "2026-11-20T11:30:05Z",
		"2026-11-20T14:30:05+01:00": "2026-11-20T13:30:05Z",
	} {
		if got, err := ParseTime(text, now, zone); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

func TestUplinkData(t *testing.T) {
	p := newPretend()
	p.status.Uplink.Classes = []uplink.ClassStatus{{Name: "edge", Sent: 3, Waiting: 1, Oldest: time.Second}}
	p.status.Uplink.Machines = []uplink.MachineStatus{{
		Machine: "BEND-2", Report: prodsmart.Report{Count: 120, Stop: prodsmart.Stop{Episode: 1, Type: "JAM"}},
		Record: uplink.Record{Told: uplink.Told{Count: 100}}, Age: 4 * time.Second, Held: 7,
		Parked: "status 400: no such code", ParkedUntil: p.status.At.Add(time.Minute),
	}}
	h, err := Handler(p, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	code, body := get(t, h, "/api/uplink")
	var d uplinkData
	if err := json.Unmarshal([]byte(body), &d); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	m := d.Machines[0]
	if d.Budget != 100 || d.Classes[0].Sent != 3 || m.Count != 120 || m.Told != 100 || m.Held != 7 || m.Stop != "JAM" || m.Parked == "" || m.ParkedUntil == nil || m.Next != nil {
		t.Errorf("%s", body)
	}
}

func TestByHand(t *testing.T) {
	for _, c := range []struct {
		name, path, host, remote, header string
		want                             int
		asked                            string
	}{
		{"release", "/api/machines/BEND-2/release", "127.0.0.1:9182", "127.0.0.1:1234", "1", http.StatusOK, "release BEND-2"},
		{"retry by name", "/api/machines/A%2FB/retry", "localhost:9182", "[::1]:1234", "1", http.StatusOK, "retry A/B"},
		{"nothing is held", "/api/machines/IMM-05/release", "[::1]:9182", "127.0.0.1:1234", "1", http.StatusConflict, "release IMM-05"},
		{"unknown", "/api/machines/nobody/retry", "127.0.0.1", "127.0.0.1:1234", "1", http.StatusNotFound, "retry nobody"},
		{"by its own address", "/api/machines/BEND-2/release", "10.0.0.5:9182", "10.0.0.5:1234", "1", http.StatusOK, "release BEND-2"},
		{"from elsewhere by its address", "/api/machines/BEND-2/release", "10.0.0.5:9182", "10.0.0.7:1234", "1", http.StatusForbidden, ""},
		{"mapped", "/api/machines/BEND-2/release", "[::ffff:127.0.0.1]:9182", "[::ffff:127.0.0.1]:1234", "1", http.StatusOK, "release BEND-2"},
		{"mapped from elsewhere", "/api/machines/BEND-2/release", "127.0.0.1:9182", "[::ffff:10.0.0.7]:1234", "1", http.StatusForbidden, ""},
		{"from elsewhere", "/api/machines/BEND-2/release", "127.0.0.1:9182", "10.0.0.7:1234", "1", http.StatusForbidden, ""},
		{"a web page", "/api/machines/BEND-2/release", "127.0.0.1:9182", "127.0.0.1:1234", "", http.StatusForbidden, ""},
		{"a foreign name", "/api/machines/BEND-2/release", "evil.example:9182", "127.0.0.1:1234", "1", http.StatusForbidden, ""},
	} {
		p := newPretend()
		h, err := Handler(p, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, c.path, nil)
		r.Host, r.RemoteAddr = c.host, c.remote
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 9182})))
		if c.header != "" {
			r.Header.Set(HandHeader, c.header)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if asked := strings.Join(p.asked, ","); w.Code != c.want || asked != c.asked {
			t.Errorf("%s: status %d %s, asked %q", c.name, w.Code, w.Body, asked)
		}
	}
	for header, value := range map[string]string{
		"Forwarded": "for=10.0.0.7", "X-Forwarded-For": "10.0.0.7", "X-Real-Ip": "10.0.0.7", "Via": "1.1 proxy", "Origin": "http://127.0.0.1:3000",
	} {
		p := newPretend()
		h, err := Handler(p, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/api/machines/BEND-2/release", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:9182", "127.0.0.1:1234"
		r.Header.Set(HandHeader, "1")
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || len(p.asked) != 0 {
			t.Errorf("with %s: status %d %s, asked %q", header, w.Code, w.Body, p.asked)
		}
	}
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, h, "/api/machines/BEND-2/release"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET releases: %d", code)
	}
}

// TestFollowing: the page data say how the copy of Prodsmart's records is, and what
// happens at the door.
func TestFollowing(t *testing.T) {
	p := newPretend()
	h, err := Handler(p, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	_, body := get(t, h, "/api/uplink")
	var got struct{ Follow *followData }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Follow == nil || len(got.Follow.Kinds) != 3 {
		t.Fatalf("%v: %s", err, body)
	}
	if k := got.Follow.Kinds[0]; k.Kind != "production_orders" || k.Records != 17 || !k.TrueAt.Equal(p.status.At.Add(-20*time.Second)) {
		t.Errorf("%+v", k)
	}
	if k := got.Follow.Kinds; k[0].Age == nil || *k[0].Age != 20 || k[1].Age != nil || got.Follow.Unread != 3 {
		t.Errorf("%+v", got.Follow)
	}
	if w := got.Follow.Webhook; w.Accepted != 5 || w.Unsigned != 2 || w.Signature != "sha1-hex" || w.Header != "x-prodsmart-hmac-sha256" || w.Problem == "" || !w.ProblemAt.Equal(p.status.At) {
		t.Errorf("%+v", w)
	}
	p.status.Follow.On = false
	if _, body := get(t, h, "/api/uplink"); strings.Contains(body, `"follow"`) {
		t.Error("what is not followed is shown")
	}
}
