package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

func (p *pretend) OrderBook(_ context.Context, source string) (*rules.Book, error) {
	if source != "sales" {
		return nil, fmt.Errorf("%q: %w", source, gateway.ErrUnknownSource)
	}
	b, err := rules.Open(rules.Defaults("sales"), nil, nil)
	if err != nil {
		return nil, err
	}
	at := p.status.At
	b.SetCatalog(rules.Catalog{"P-100": true}, at)
	line := func(id, product string) erp.Line {
		return erp.Line{ID: id, Product: product, Quantity: decimal.NewFromInt(480), Factor: decimal.NewFromInt(1)}
	}
	b.Observe(erp.OrderRead{Orders: []erp.Order{{
		ID: "642", Number: "A-17", State: erp.Open, Due: erp.DayOf(2026, 1, 10), Lines: []erp.Line{line("l1", "P-100"), line("l2", "P-999")},
	}}}, at)
	return b, nil
}

func (p *pretend) SyncOrders(_ context.Context, source string) error {
	p.asked = append(p.asked, "sync "+source)
	return nil
}

func (p *pretend) ResolveOrders(_ context.Context, source, what, option string) error {
	if option == "no" {
		return errors.New("nothing is to be decided")
	}
	p.asked = append(p.asked, "resolve "+source+" "+what+" "+option)
	return nil
}

// TestOrders: the sources, and the lines of one with the reason of each.
func TestOrders(t *testing.T) {
	p := newPretend()
	h, err := Handler(p, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	_, body := get(t, h, "/api/orders")
	var all OrderSources
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all.Sources) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	if s := all.Sources[0]; s.Mode != "shadow" || s.System != "smartup" || s.Held == nil || s.Held.Cancelled != 12 || s.Calls[0].Left != 20 || s.Lines["mirrored"] != 5 || s.Problem == "" {
		t.Errorf("%s", body)
	}
	_, body = get(t, h, "/api/orders/sales")
	var book orderBook
	if err := json.Unmarshal([]byte(body), &book); err != nil || len(book.Lines) != 2 || book.Source == nil {
		t.Fatalf("%v: %s", err, body)
	}
	if l := book.Lines[0]; l.Number != "A-17" || l.Order != "642" || l.Quantity != "480" || l.Due == nil || l.Product != "P-100" {
		t.Errorf("%+v", l)
	}
	if l := book.Lines[1]; l.Status != "waiting" || !l.Alert || !strings.Contains(l.Reason, "not in Prodsmart") || l.Quantity != "480" || l.Name != "642:l2" {
		t.Errorf("%+v", l)
	}
	if _, body = get(t, h, "/api/orders/sales?alerts=true"); strings.Contains(body, "P-100") || !strings.Contains(body, "P-999") {
		t.Error(body)
	}
	for path, want := range map[string]int{"/api/orders/nobody": http.StatusNotFound, "/api/orders/sales?alerts=maybe": http.StatusBadRequest} {
		if code, body := get(t, h, path); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// TestOrdersByHand: an operator's decisions arrive, from this computer only.
func TestOrdersByHand(t *testing.T) {
	for _, c := range []struct {
		path, remote string
		want         int
		asked        string
	}{
		{"/api/orders/sales/sync", "127.0.0.1:1234", http.StatusOK, "sync sales"},
		{"/api/orders/sales/sync", "10.0.0.7:1234", http.StatusForbidden, ""},
		{"/api/orders/sales/resolve?what=SU-1%2F2&option=apply", "127.0.0.1:1234", http.StatusOK, "resolve sales SU-1/2 apply"},
		{"/api/orders/sales/resolve?option=no", "127.0.0.1:1234", http.StatusConflict, ""},
	} {
		p := newPretend()
		h, err := Handler(p, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, c.path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:9182", c.remote
		r.Header.Set(HandHeader, "1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if asked := strings.Join(p.asked, ","); w.Code != c.want || asked != c.asked {
			t.Errorf("%s: status %d %s, asked %q", c.path, w.Code, w.Body, asked)
		}
	}
}
