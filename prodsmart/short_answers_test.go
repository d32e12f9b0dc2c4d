package prodsmart

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// answeredWith is a client that is always answered like that.
func answeredWith(t *testing.T, kind string, status int, body string) *Client {
	t.Helper()
	return newClient(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/authorization" {
			_, _ = io.WriteString(w, `{"token":"t"}`)
			return
		}
		w.Header().Set("Content-Type", kind)
		if strings.HasSuffix(body, "CUT") {
			w.Header().Set("Content-Length", "100")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.TrimSuffix(body, "CUT"))
	}))
}

// A change channel that was read is empty there: what broke off is never taken for
// nothing, and no answer, however short, is more than an error.
func TestChangesThatBreakOff(t *testing.T) {
	for body, want := range map[string]bool{"": true, "[]": true, "null": true, "{}": true, "[": false, "{": false, "[1": false, "CUT": false, "[CUT": false, "[{}CUT": false, "]": false, "x": false} {
		_, err := answeredWith(t, "application/json", 200, body).Changes(t.Context(), "c", false)
		if (err == nil) != want {
			t.Errorf("%q: %v", body, err)
		}
	}
	for _, body := range []string{"{", "[", "", "[]", "[{]", "{}", "5"} {
		if o, err := answeredWith(t, "application/json", 200, body).ProductionOrders().Get(t.Context(), 7); err == nil {
			t.Errorf("%q: %+v", body, o)
		}
	}
}

// An answer that shows another order than the one that was asked for is none, and one
// that shows it as deleted says that it is gone.
func TestAnotherOrder(t *testing.T) {
	for body, gone := range map[string]bool{`{"id":8,"code":"A"}`: false, `{"message":"moved"}`: false, `{"id":7,"running-status":"deleted"}`: true} {
		o, err := answeredWith(t, "application/json", 200, body).ProductionOrders().Get(t.Context(), 7)
		if err == nil || Gone(err) != gone || o.Code != "" {
			t.Errorf("%s: %+v, %v", body, o, err)
		}
	}
}

// A web page that says 404 comes from something in between: nothing is gone because of it.
func TestPageIsNotGone(t *testing.T) {
	page := answeredWith(t, "text/html", 404, "<html><title>Maintenance</title></html>")
	if err := page.ProductionOrders().Delete(t.Context(), 7); err == nil {
		t.Error("a page counts as deleted")
	}
	_, err := page.ProductionOrders().Get(t.Context(), 7)
	if Gone(err) || !strings.Contains(err.Error(), "web page") {
		t.Error(err)
	}
	if _, err = answeredWith(t, "text/plain", 404, "Not found").ProductionOrders().Get(t.Context(), 7); !Gone(err) || Gone(nil) || Gone(errors.New("x")) {
		t.Error(err)
	}
}

// What people wrote is read whole, and JSON is no page whatever it is labelled.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("noted ", 2000) + "<b>"
	o, err := answeredWith(t, "text/html", 200, `{"id":7,"code":"A","notes":"`+long+`"}`).ProductionOrders().Get(t.Context(), 7)
	if err != nil || o.Notes != long || len(o.Unread) > 0 {
		t.Errorf("%d characters, %q, %v", len(o.Notes), o.Unread, err)
	}
}

// What a movement is for is written beside its shipping, and shown within it.
func TestMovementShowsItsOrders(t *testing.T) {
	body := `{"id":7,"product-code":"P1","quantity":"10","shipping":{"code":"SHP-1","clientOrder":{"code":"CO-1","client":"CL-1"},"location":{"id":"12","code":"SITE1"}},
		"receiving":{"code":"RCV-1","purchaseOrder":{"code":"PO-1"}}}`
	m, err := answeredWith(t, "application/json", 200, body).InventoryMovements().Get(t.Context(), 7)
	if err != nil || m.SalesOrder.Code != "CO-1" || m.PurchaseOrder.Code != "PO-1" || m.Location.Code != "SITE1" || m.Shipping.Code != "SHP-1" || len(m.Unread) > 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
