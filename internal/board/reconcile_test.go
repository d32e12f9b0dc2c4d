package board

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
)

func TestTheComparisonIsShown(t *testing.T) {
	p := newPretend()
	at := p.status.At
	p.status.Reconcile = gateway.ReconcileStatus{
		On: true, Began: at.Add(-2 * time.Minute), Last: at.Add(-time.Minute), Next: at.Add(time.Minute), Machines: 2, Requests: 4, Problem: "status 403",
		Differences: []reconcile.Difference{
			{Kind: reconcile.DowntimeMissing, Machine: "BEND-2", ID: 7, At: at},
			{Kind: reconcile.DowntimeMissing, Machine: "IMM-05", ID: 8, At: at},
		},
	}
	h, err := Handler(p, time.FixedZone("there", 3*3600))
	if err != nil {
		t.Fatal(err)
	}
	code, body := get(t, h, "/api/uplink")
	var d uplinkData
	if err := json.Unmarshal([]byte(body), &d); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	if r := d.Reconcile; r == nil || !r.Last.Equal(at.Add(-time.Minute)) || r.Machines != 2 || r.Problem == "" || len(r.Differences) != 2 || r.Differences[1].ID != 8 ||
		!strings.Contains(body, "2026-01-05T08:59:00+03:00") {
		t.Errorf("%s", body)
	}
	_, body = get(t, h, "/metrics")
	for _, line := range []string{
		`prodsmart_gateway_reconcile_last_timestamp_seconds 1.76759274e+09`,
		`prodsmart_gateway_reconcile_differences{kind="downtime_missing"} 2`,
		`prodsmart_gateway_reconcile_differences{kind="told_above"} 0`,
		`prodsmart_gateway_reconcile_failing 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestNoComparisonIsNone(t *testing.T) {
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/uplink", "/metrics"} {
		if _, body := get(t, h, path); strings.Contains(body, "reconcile") {
			t.Errorf("%s tells of a comparison that is off", path)
		}
	}
}
