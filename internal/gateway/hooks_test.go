package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
)

// TestBusinessWebhook: what a business system sends by itself brings its next read
// forward; what is not signed, and other paths, do nothing.
func TestBusinessWebhook(t *testing.T) {
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("sixteen bytes or"))
	t.Setenv("REPZO", "hush-hush")
	t.Setenv("REPZO_HOOK", secret)
	t.Setenv("PRODSMART_SECRET", "secret")
	company := repzo.New(repzo.Config{Key: "hush-hush"})
	system := httptest.NewServer(company)
	defer system.Close()
	c := configured(t, t.TempDir(), strings.Replace(twoMachines, "prodsmart: {mode: dry-run, report_every: 1s}", fmt.Sprintf(`prodsmart: {mode: dry-run, report_every: 1s, follow: {webhook: {listen: "127.0.0.1:0", path: /prodsmart, secret: "${env:PRODSMART_SECRET}"}}}
orders:
  sources:
    vans: {repzo: {url: "%s", key: "${env:REPZO}", hook_secret: "${env:REPZO_HOOK}"}, every: 1h}`, system.URL), 1))
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := runNew(t, g)
	t.Cleanup(func() { r.stop(t) })
	door := httptest.NewServer(g.Webhook())
	defer door.Close()
	pause := func() time.Duration {
		s := g.Status().Orders[0]
		return s.NextRead.Sub(s.LastRead)
	}
	eventually(t, "the orders are not read", func() bool { return !g.Status().Orders[0].LastRead.IsZero() && pause() > 50*time.Minute })

	post := func(path string) int {
		res, err := http.Post(door.URL+path, "application/json", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if n := post("/orders/vans"); n != http.StatusUnauthorized {
		t.Errorf("without a signature it is answered %d", n)
	}
	if n := post("/orders/other"); n != http.StatusNotFound {
		t.Errorf("another path is answered %d", n)
	}
	if pause() < 50*time.Minute {
		t.Error("a forged message had an effect")
	}

	if err := company.Subscribe(door.URL+"/orders/vans", secret, door.Client()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var deliver sync.WaitGroup
	deliver.Go(func() { company.Deliver(ctx) })
	defer deliver.Wait()
	defer stop()
	company.Create(repzo.Order{Status: "approved", ClientName: "Corner Shop"})
	eventually(t, "the next read is not earlier", func() bool { return pause() < time.Minute })
}

// TestBusinessWebhookSecret: a secret that is none is told at the start.
func TestBusinessWebhookSecret(t *testing.T) {
	t.Setenv("REPZO", "hush-hush")
	t.Setenv("PRODSMART_SECRET", "secret")
	c := configured(t, t.TempDir(), strings.Replace(twoMachines, "prodsmart: {mode: dry-run, report_every: 1s}", `prodsmart: {mode: dry-run, report_every: 1s, follow: {webhook: {listen: "127.0.0.1:0", path: /prodsmart, secret: "${env:PRODSMART_SECRET}"}}}
orders:
  sources:
    vans: {repzo: {url: "http://127.0.0.1:1", key: "${env:REPZO}", hook_secret: "${env:REPZO}"}}`, 1))
	if _, err := New(c, Options{Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "orders.sources.vans.repzo.hook_secret: the secret of the webhook must be whsec_") {
		t.Error(err)
	}
}
