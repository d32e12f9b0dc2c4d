package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// posted is a comparer whose store holds posts.
func posted(t *testing.T, posts []store.PostEntry) *comparer {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "gateway.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Commit(t.Context(), store.Write{Posts: posts}); err != nil {
		t.Fatal(err)
	}
	return &comparer{store: s, machines: []string{"M1"}, margin: time.Minute}
}

func countPost(at time.Time, machine string, count int64) store.PostEntry {
	return store.PostEntry{Time: at, Machine: machine, Service: prodsmart.CounterService.String(), Verdict: prodsmart.Accepted.String(),
		Status: 200, Body: prodsmart.CounterBody(count, nil, nil)}
}

// edgePost stops M1, or starts it.
func edgePost(at time.Time, running bool) store.PostEntry {
	return store.PostEntry{Time: at, Machine: "M1", Service: prodsmart.StartStopService.String(), Verdict: prodsmart.Accepted.String(),
		Status: 200, Body: prodsmart.StartStopBody("HALT", running)}
}

// compareAll is what the comparer finds for M1.
func (c *comparer) compareAll(t *testing.T, r *reading) (in reconcile.Input, found []reconcile.Difference) {
	t.Helper()
	inputs, err := c.inputs(t.Context(), r)
	if err != nil || len(inputs) != 1 {
		t.Fatal(err, inputs)
	}
	return inputs[0], reconcile.Compare(reconcile.Agree(reconcile.Terms{}, inputs), inputs[0])
}

// behind is a Prodsmart whose clock is behind; its filters work.
type behind struct {
	written
}

func (b behind) Downtimes(_ context.Context, q prodsmart.DowntimeQuery) (list []prodsmart.Downtime, err error) {
	for _, d := range b.downtimes {
		if !d.End.Before(q.EndAfter) && !d.Start.Before(q.StartAfter) {
			list = append(list, d)
		}
	}
	return list, nil
}

// TestClockThatIsFoundWrong: what was not asked for, because the difference of the
// clocks was not known then, is not missed.
func TestClockThatIsFoundWrong(t *testing.T) {
	now := time.Now().Truncate(time.Second).UTC()
	const by = 2 * time.Hour
	posts := []store.PostEntry{countPost(now.Add(-9*time.Hour), "M1", 0)}
	var there behind
	for i := range 7 {
		begin := now.Add(-7 * time.Hour).Add(time.Duration(i) * time.Hour).Add(time.Duration(i*i) * time.Minute)
		end := begin.Add(time.Duration(5+i) * time.Minute)
		posts = append(posts, edgePost(begin, false), edgePost(end, true))
		there.downtimes = append(there.downtimes, prodsmart.Downtime{ID: int64(i + 1), Type: "HALT", Start: begin.Add(-by), End: end.Add(-by),
			Machines: []prodsmart.Reference{{Code: "M1"}}})
	}
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.lists, c.store, c.machines = there, posted(t, posts).store, []string{"M1"}
	r := reading{to: now, from: now.Add(-8 * time.Hour), told: map[string]uplink.Told{}}
	if err := c.read(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	inputs, err := c.inputs(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	terms := c.agree(&r, inputs)
	if found := reconcile.Compare(terms, inputs[0]); len(found) > 0 || terms.Offset != -by || len(r.downtimes) == 7 || !r.from.Equal(now.Add(-6*time.Hour)) {
		t.Errorf("%+v, %d downtimes were asked for since %s, found %+v", terms, len(r.downtimes), r.from, found)
	}
}

// TestMachineThatIsAdded: what was made before the first post of a machine, which
// came later than those of others, is not compared.
func TestMachineThatIsAdded(t *testing.T) {
	now := time.Now().Truncate(time.Second).UTC()
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	c := posted(t, []store.PostEntry{countPost(at(-300), "M2", 7), countPost(at(-120), "M1", 0), countPost(at(-100), "M1", 100)})
	r := reading{from: at(-240), to: now, told: map[string]uplink.Told{}, productions: []prodsmart.Production{
		{ID: 1, Machine: prodsmart.Reference{Code: "M1"}, Quantity: prodsmart.NewDecimal(400), Start: at(-180), End: at(-60)},
	}}
	if in, found := c.compareAll(t, &r); len(found) > 0 || len(in.Posts) != 2 {
		t.Errorf("%d posts, found %+v", len(in.Posts), found)
	}
	r.productions[0].Start = at(-115)
	if _, found := c.compareAll(t, &r); len(found) != 1 || found[0].Kind != reconcile.MorePieces {
		t.Errorf("of a production after the first post: %+v", found)
	}
}

// TestClockThatWasSetBack: posts whose times are not in the order in which they
// were sent say nothing about when something was told; those after them do.
func TestClockThatWasSetBack(t *testing.T) {
	now := time.Now().Truncate(time.Second).UTC()
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	var posts []store.PostEntry
	count := int64(0)
	for _, from := range []int{-240, -210} { // an hour, half of which comes again
		for minute := range 60 {
			posts = append(posts, countPost(at(from+minute), "M1", count))
			count += 10
		}
	}
	posts = append(posts, countPost(at(-120), "M1", count), countPost(at(-100), "M1", count+100))
	c := posted(t, posts)
	r := reading{from: at(-300), to: now, told: map[string]uplink.Told{}, productions: []prodsmart.Production{
		{ID: 1, Machine: prodsmart.Reference{Code: "M1"}, Quantity: prodsmart.NewDecimal(count - 300), Start: at(-205), End: at(-140)},
		{ID: 2, Machine: prodsmart.Reference{Code: "M1"}, Quantity: prodsmart.NewDecimal(90), Start: at(-125), End: at(-60)},
	}}
	if _, found := c.compareAll(t, &r); len(found) != 1 || found[0].ID != 2 || found[0].Kind != reconcile.FewerPieces {
		t.Errorf("found %+v", found)
	}
}

// TestNightOfTheClocks: a list without zones is compared over the night in which
// the clocks are put back. What falls into the hour that comes twice is not known.
func TestNightOfTheClocks(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	night := time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC)
	posts := []store.PostEntry{countPost(night, "M1", 0)}
	var records []string
	for i := range 10 { // one each hour; the fifth begins and ends in the hour that comes twice
		begin := night.Add(time.Duration(i)*time.Hour + 20*time.Minute)
		end := begin.Add(15 * time.Minute)
		posts = append(posts, edgePost(begin, false), edgePost(end, true))
		const wall = "2006-01-02T15:04:05"
		records = append(records, fmt.Sprintf(`{"id":%d,"downtime-type":"HALT","machines":[{"code":"M1"}],"checked-out":true,"start-time":%q,"end-time":%q}`,
			i+1, begin.In(lisbon).Format(wall), end.In(lisbon).Format(wall)))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/authorization":
			_, _ = io.WriteString(w, `{"token":"token"}`)
		case "/api/downtimes":
			_, _ = io.WriteString(w, "["+strings.Join(records, ",")+"]")
		default:
			_, _ = io.WriteString(w, "[]")
		}
	}))
	t.Cleanup(server.Close)
	client, err := prodsmart.New(prodsmart.Config{URL: server.URL, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"), Zone: lisbon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.lists, c.store, c.machines, c.zone = client, posted(t, posts).store, []string{"M1"}, lisbon
	r := reading{from: night.Add(-time.Hour), to: night.Add(12 * time.Hour), told: map[string]uplink.Told{}}
	if err := c.read(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	in, found := c.compareAll(t, &r)
	if len(found) > 0 || !in.PartDowntimes || len(in.Downtimes) != 8 {
		t.Errorf("%d of 10 downtimes are known, found %+v", len(in.Downtimes), found)
	}
}

// TestMorePostsThanAreRead: of very many posts the newest are compared.
func TestMorePostsThanAreRead(t *testing.T) {
	now := time.Now().Truncate(time.Second).UTC()
	const n = mostPosts + 3000
	var posts []store.PostEntry
	for i := range n {
		posts = append(posts, countPost(now.Add(time.Duration(i-n)*time.Second), "M1", int64(i)))
	}
	c := posted(t, posts)
	hours := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
	r := reading{from: hours(-24), to: now.Add(5 * time.Minute), told: map[string]uplink.Told{"M1": {Counted: true, Count: n - 1, At: now}}, productions: []prodsmart.Production{
		{ID: 1, Machine: prodsmart.Reference{Code: "M1"}, Quantity: prodsmart.NewDecimal(3600), Start: hours(-2), End: hours(-1)},
		{ID: 2, Machine: prodsmart.Reference{Code: "M1"}, Quantity: prodsmart.NewDecimal(3600), Start: hours(-1), End: now},
	}}
	in, found := c.compareAll(t, &r)
	for _, d := range found {
		if d.Kind != reconcile.Unassigned { // before the productions
			t.Errorf("%+v", d)
		}
	}
	if len(in.Posts) > mostPosts || !in.From.Equal(in.Posts[0].Time) || in.Posts[len(in.Posts)-1].Time.Before(now.Add(-time.Minute)) {
		t.Errorf("%d posts from %s, compared from %s", len(in.Posts), in.Posts[0].Time, in.From)
	}
}
