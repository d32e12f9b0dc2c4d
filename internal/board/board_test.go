package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// pretend is a gateway with one machine that stands and one that never
// answered.
type pretend struct {
	status  gateway.Status
	ready   chan struct{}
	missing []store.Missing
	asked   []string
}

func (p *pretend) Missing(_ context.Context, q store.Query) ([]store.Missing, error) {
	if q.After != 0 {
		p.asked = append(p.asked, fmt.Sprintf("after %d", q.After))
	}
	p.asked = append(p.asked, fmt.Sprintf("missing %q %s %s %d", q.Machine, q.From.UTC().Format(time.DateTime), q.To.UTC().Format(time.DateTime), q.Limit))
	return p.missing[:min(len(p.missing), q.Limit)], nil
}

func (p *pretend) Release(machine string) error {
	p.asked = append(p.asked, "release "+machine)
	if machine == "IMM-05" {
		return fmt.Errorf("%s: %w", machine, gateway.ErrNotHeld)
	}
	return nil
}

func (p *pretend) Retry(machine string) error {
	p.asked = append(p.asked, "retry "+machine)
	if machine == "nobody" {
		return fmt.Errorf("%s: %w", machine, gateway.ErrUnknownMachine)
	}
	return nil
}

func (p *pretend) Status() gateway.Status { return p.status }
func (p *pretend) Ready() <-chan struct{} { return p.ready }

func newPretend() *pretend {
	at := time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)
	p := &pretend{ready: make(chan struct{})}
	p.status = gateway.Status{
		At: at, Started: at.Add(-time.Hour), Site: "izmir",
		Links: []gateway.LinkStatus{{Name: "line", Up: true, Reconnects: 2, Stats: connectors.Stats{
			Requests: 7, Samples: 70, Data: 140, Timeouts: 3, LastGood: at, RoundTrip: 3 * time.Millisecond, Skew: -90 * time.Second, SkewAt: at,
		}}, {Name: "bad", Up: true, BadSince: at}},
		Posts:   []gateway.PostCount{{Service: "counter", Verdict: "accepted", Count: 12}},
		Events:  []gateway.EventCount{{Machine: "BEND-2", Level: mapping.Alarm, Count: 4}, {Machine: "IMM-05", Level: mapping.Notice}, {Level: mapping.Notice, Count: 1}},
		GivenUp: 5,
		Store:   store.Health{LostEvents: 2, LostPosts: 1, BackupAt: at, BackupProblem: errors.New("no rights"), TidyProblem: errors.New("busy")},
		Conditions: []health.Condition{{
			Code: health.TagBad, Severity: health.TagBad.Definition().Severity, Subject: "BEND-2", Title: "A tag can not be read", Detail: "No usable value", Next: "Check its address", Since: at,
		}},
	}
	stands := gateway.MachineStatus{Code: "BEND-2", Age: 4 * time.Second}
	stands.State, stands.Known, stands.Count = mapping.Stopped, true, 120
	stands.Waste = []prodsmart.Waste{{Code: "SCRAP", Quantity: 3}}
	stands.Stop = prodsmart.Stop{Episode: 1, Type: "JAM"}
	stands.Parameters = []prodsmart.Parameter{{Name: "temperature", Value: "20.5"}, {Name: "recipe", Value: `"A"`}}
	stands.StateTimes[mapping.Running] = 90 * time.Second
	p.status.Machines = []gateway.MachineStatus{stands, {Code: "IMM-05"}}
	p.status.Uplink.Budget, p.status.Uplink.Used, p.status.Uplink.Pace = 100, 12, 1
	p.status.Uplink.Classes = []uplink.ClassStatus{{Name: "edge", Sent: 3, Waiting: 2, Oldest: 1500 * time.Millisecond}}
	p.status.Uplink.Machines = []uplink.MachineStatus{{Machine: "BEND-2", Held: 40, Parked: "status 400"}}
	sales := gateway.OrderStatus{System: "smartup"}
	sales.Name, sales.Shadow, sales.Target, sales.LastRead, sales.Alerts = "sales", true, rules.ProductionOrders, at, 1
	sales.Problem, sales.Since = "read of orders: it is away", at
	sales.Hold = &rules.Hold{Since: at, What: "12 orders are gone at once", Cancelled: 12}
	sales.Counts = map[rules.Status]int{rules.Mirrored: 5, rules.Asking: 1}
	sales.Left = []erp.Left{{Class: "frequent", Used: 480, PerDay: 500, Left: 20, Until: at.Add(time.Hour)}}
	p.status.Orders = []gateway.OrderStatus{sales}
	p.status.Follow.On = true
	p.status.Follow.Mirror.Kinds[mirror.Orders] = mirror.KindStatus{TrueAt: at.Add(-20 * time.Second), Records: 17}
	p.status.Follow.Mirror.Unread = 3
	p.status.Follow.Door = &webhook.Status{Accepted: 5, Unsigned: 2, Matched: webhook.SHA1Hex, Header: "x-prodsmart-hmac-sha256", Last: at, ProblemAt: at, Problem: "a message without a signature"}
	return p
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMetrics(t *testing.T) {
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	code, body := get(t, h, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, body)
	}
	for _, line := range []string{
		`prodsmart_gateway_machine_parts_total{machine="BEND-2"} 120`,
		`prodsmart_gateway_machine_waste_total{code="SCRAP",machine="BEND-2"} 3`,
		`prodsmart_gateway_machine_state{machine="BEND-2",state="stopped"} 1`,
		`prodsmart_gateway_machine_state{machine="BEND-2",state="running"} 0`,
		`prodsmart_gateway_machine_state{machine="IMM-05",state="unknown"} 1`,
		`prodsmart_gateway_machine_state_seconds_total{machine="BEND-2",state="running"} 90`,
		`prodsmart_gateway_machine_parameter{machine="BEND-2",parameter="temperature"} 20.5`,
		`prodsmart_gateway_machine_age_told_seconds{machine="BEND-2"} 4`,
		`prodsmart_gateway_machine_downtime_open{machine="BEND-2"} 1`,
		`prodsmart_gateway_connection_up{connection="line"} 1`,
		`prodsmart_gateway_connection_reconnects_total{connection="line"} 2`,
		`prodsmart_gateway_connection_round_trip_seconds{connection="line"} 0.003`,
		`prodsmart_gateway_connection_data_total{connection="line"} 140`,
		`prodsmart_gateway_connection_timeouts_total{connection="line"} 3`,
		`prodsmart_gateway_connection_clock_skew_seconds{connection="line"} -90`,
		`prodsmart_gateway_connection_all_bad{connection="line"} 0`,
		`prodsmart_gateway_connection_all_bad{connection="bad"} 1`,
		`prodsmart_gateway_uplink_posts_total{service="counter",verdict="accepted"} 12`,
		`prodsmart_gateway_uplink_used_requests 12`,
		`prodsmart_gateway_uplink_requests_total{class="edge"} 3`,
		`prodsmart_gateway_uplink_waiting_requests{class="edge"} 2`,
		`prodsmart_gateway_uplink_waiting_oldest_seconds{class="edge"} 1.5`,
		`prodsmart_gateway_machine_held_pieces{machine="BEND-2"} 40`,
		`prodsmart_gateway_machine_parked{machine="BEND-2"} 1`,
		`prodsmart_gateway_order_lines{source="sales",status="mirrored"} 5`,
		`prodsmart_gateway_order_lines{source="sales",status="over"} 0`,
		`prodsmart_gateway_order_alerts{source="sales"} 1`,
		`prodsmart_gateway_orders_failing{source="sales"} 1`,
		`prodsmart_gateway_orders_held{source="sales"} 1`,
		`prodsmart_gateway_order_calls_left{class="frequent",source="sales"} 20`,
		`prodsmart_gateway_journal_events_total{level="alarm",machine="BEND-2"} 4`,
		`prodsmart_gateway_journal_events_total{level="notice",machine="IMM-05"} 0`,
		`prodsmart_gateway_journal_events_total{level="notice",machine=""} 1`,
		`prodsmart_gateway_store_lost_entries_total 8`,
		`prodsmart_gateway_follow_records{kind="production_orders"} 17`,
		`prodsmart_gateway_follow_age_seconds{kind="production_orders"} 20`,
		`prodsmart_gateway_webhook_messages_total{outcome="unsigned"} 2`,
		`prodsmart_gateway_store_backup_failing 1`,
		`prodsmart_gateway_store_tidy_failing 1`,
		`prodsmart_gateway_store_backup_timestamp_seconds 1.7675928e+09`,
		`prodsmart_gateway_condition{code="tag_bad",severity="` + health.TagBad.Definition().Severity.String() + `",subject="BEND-2"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, unwanted := range []string{`machine_parts_total{machine="IMM-05"}`, "recipe", "No usable value", "no rights"} {
		if strings.Contains(body, unwanted) {
			t.Errorf("the metrics hold %q", unwanted)
		}
	}
}

func TestMetricsFollowTheNamingRules(t *testing.T) {
	problems, err := testutil.CollectAndLint(&collector{status: newPretend().Status, d: describe()})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	var _ prometheus.Collector = &collector{}
}

func TestHealthNamesWhatToDo(t *testing.T) {
	p := newPretend()
	h, err := Handler(p, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	code, body := get(t, h, "/healthz")
	if code != http.StatusOK || !strings.Contains(body, `"next": "Check its address"`) || !strings.Contains(body, `"status": "ok"`) {
		t.Errorf("%d %s", code, body)
	}
	p.status.Store.Problem = errors.New("disk gone")
	code, body = get(t, h, "/healthz")
	if code != http.StatusServiceUnavailable || !json.Valid([]byte(body)) || strings.Contains(body, "disk gone") {
		t.Errorf("%d %s", code, body)
	}
}

func TestReady(t *testing.T) {
	p := newPretend()
	h, err := Handler(p, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, h, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("ready before the first connection: %d", code)
	}
	close(p.ready)
	if code, _ := get(t, h, "/readyz"); code != http.StatusOK {
		t.Errorf("not ready: %d", code)
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/metrics", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Serve does not end")
	}
}
