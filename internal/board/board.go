package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// Source is the gateway as the board sees it.
type Source interface {
	// Status gives the present status, from any goroutine.
	Status() gateway.Status
	// Ready is closed once the gateway does its work.
	Ready() <-chan struct{}
	// Missing gives what Prodsmart does not show as it was.
	Missing(ctx context.Context, q store.Query) ([]store.Missing, error)
	// Release lets a held backlog be told, Retry what was refused.
	Release(machine string) error
	Retry(machine string) error
	Orders
}

// Orders is the order mirror as the board sees it.
type Orders interface {
	// OrderBook gives what is kept of a source's orders.
	OrderBook(ctx context.Context, source string) (*rules.Book, error)
	// SyncOrders reads a source now. ResolveOrders decides about a source as a whole
	// (what is empty), an order or a write-back.
	SyncOrders(ctx context.Context, source string) error
	ResolveOrders(ctx context.Context, source, what, option string) error
}

// door answers for a gateway.
type door struct {
	source Source
	zone   *time.Location
	now    func() time.Time
}

// Handler serves figures and what can be asked of a gateway:
//
//	GET  /metrics, /healthz, /readyz
//	GET  /api/uplink                     the request budget, and what each machine was told
//	GET  /api/missing                    what Prodsmart does not show as it was;
//	                                     machine, since, until, after, format=json or csv
//	POST /api/machines/{code}/release    tell a held backlog
//	POST /api/machines/{code}/retry      try again what was refused
//	GET  /api/orders                     the sources of orders
//	GET  /api/orders/{source}            their lines, write-backs and states; alerts=true
//	POST /api/orders/{source}/sync       read it now
//	POST /api/orders/{source}/resolve    decide: form values what and option
//
// Times are in the given zone.
func Handler(s Source, zone *time.Location) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		&collector{status: s.Status, d: describe()},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, s.Status()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerReady(w, s) })
	d := &door{source: s, zone: zone, now: time.Now}
	mux.HandleFunc("GET /api/uplink", d.answerUplink)
	mux.HandleFunc("GET /api/missing", d.answerMissing)
	mux.HandleFunc("POST /api/machines/{code}/release", byHand("machine", "code", func(_ context.Context, r *http.Request) error { return s.Release(r.PathValue("code")) }))
	mux.HandleFunc("POST /api/machines/{code}/retry", byHand("machine", "code", func(_ context.Context, r *http.Request) error { return s.Retry(r.PathValue("code")) }))
	mux.HandleFunc("GET /api/orders", d.answerOrders)
	mux.HandleFunc("GET /api/orders/{source}", d.answerBook)
	mux.HandleFunc("POST /api/orders/{source}/sync", byHand("source", "source", func(ctx context.Context, r *http.Request) error {
		return s.SyncOrders(ctx, r.PathValue("source"))
	}))
	mux.HandleFunc("POST /api/orders/{source}/resolve", byHand("source", "source", func(ctx context.Context, r *http.Request) error {
		return s.ResolveOrders(ctx, r.PathValue("source"), r.FormValue("what"), r.FormValue("option"))
	}))
	return mux, nil
}

// healthBody is the body of /healthz.
type healthBody struct {
	Status     string      `json:"status"` // ok, or failing
	Uptime     string      `json:"uptime"`
	Conditions []condition `json:"conditions"`
}

type condition struct {
	Code    string    `json:"code"`
	Level   string    `json:"severity"`
	Subject string    `json:"subject,omitempty"`
	Title   string    `json:"title"`
	Detail  string    `json:"detail"`
	Next    string    `json:"next"`
	Since   time.Time `json:"since"`
}

// answerHealth fails only for what a restart of the gateway could mend, or what
// makes its work worthless: a store that can not be written. A machine that is
// off is no reason to restart the gateway; it stands in the conditions.
func answerHealth(w http.ResponseWriter, s gateway.Status) {
	body := healthBody{Status: "ok", Uptime: s.At.Sub(s.Started).Round(time.Second).String(), Conditions: []condition{}}
	code := http.StatusOK
	if s.Store.Problem != nil {
		body.Status, code = "failing", http.StatusServiceUnavailable
	}
	for _, c := range s.Conditions {
		body.Conditions = append(body.Conditions, condition{
			Code: c.Code.String(), Level: c.Severity.String(), Subject: c.Subject,
			Title: c.Title, Detail: c.Detail, Next: c.Next, Since: c.Since.UTC(),
		})
	}
	answer(w, code, body)
}

func answerReady(w http.ResponseWriter, s Source) {
	select {
	case <-s.Ready():
		answer(w, http.StatusOK, map[string]string{"status": "ready"})
	default:
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "waiting for the first connection"})
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(body) // the visitor may be gone
}

// Serve serves h at l until ctx ends; it closes l. Visitors are given a second
// to finish. What goes wrong with single connections, such as TLS, is only for who
// looks for it: strangers knock at doors.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	err := server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-failed
	return err
}
