package prodsmart

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// keeper is a Prodsmart with one production order, which it keeps as it is put.
type keeper struct {
	mu      sync.Mutex
	order   map[string]json.RawMessage
	queries []string
	puts    []string
	// change changes what was put.
	change func(map[string]json.RawMessage)
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.URL.Path == "/api/authorization" {
		_, _ = io.WriteString(w, `{"token":"t"}`)
		return
	}
	q := r.URL.Query()
	q.Del("access_token")
	k.queries = append(k.queries, r.Method+" "+r.URL.EscapedPath()+" "+q.Encode())
	if r.Method == http.MethodPut {
		body, _ := io.ReadAll(r.Body)
		k.puts = append(k.puts, string(body))
		var put map[string]json.RawMessage
		if json.Unmarshal(body, &put) != nil {
			w.WriteHeader(400)
			return
		}
		for _, served := range []string{"id", "status", "running-status"} {
			put[served] = k.order[served]
		}
		put["location"] = json.RawMessage(`{"id":"12","code":` + string(put["location"]) + `,"name":"Main"}`)
		if k.change != nil {
			k.change(put)
		}
		k.order = put
	}
	_ = json.NewEncoder(w).Encode(k.order)
}

const kept = `{"id":3990,"code":"WO-77","description":"","notes":"n","ended":false,"is-active":true,"secret-flag":{"deep":[1,2.50,"x"]},
	"products":[{"product":"P1","quantity-ordered":4500.0,"observations":"o","quantity-produced":700,"colour":"red"}],
	"shipping":{"code":"SHP-1","id":9},"start-date":"2026-01-10T06:00:00.000+01:00","due-date":"2026-01-12T18:00:00Z",
	"custom-fields":[{"Custom Field":"123"},{"Other":4}],"machines":[{"code":"A32","id":4}],"pieces-by-box":"20",
	"workers-assigned":[{"number":1,"name":"Ana"},{"number":2}],
	"status":"onschedule","running-status":"started","location":{"id":"12","code":"SITE1","name":"Main"},"material-staging-complete":true}`

func newKeeper(t *testing.T) (*keeper, *Client) {
	k := &keeper{}
	if err := json.Unmarshal([]byte(kept), &k.order); err != nil {
		t.Fatal(err)
	}
	return k, newClient(t, answering(t, k.ServeHTTP))
}

// TestEditLosesNothing changes two fields of an order; everything else is put as it
// was read, with what this package does not know, but for what Prodsmart keeps
// itself and the shapes that differ between reading and writing.
func TestEditLosesNothing(t *testing.T) {
	k, c := newKeeper(t)
	got, err := c.ProductionOrders().Edit(t.Context(), 3990, func(o *ProductionOrder) error {
		o.Due = time.Date(2026, 1, 13, 18, 0, 0, 0, time.FixedZone("", 3600))
		o.Products[0].Ordered = NewDecimal(5000)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"GET /api/production-orders/3990 workers=true", "PUT /api/production-orders/3990 workers=true"}; !reflect.DeepEqual(k.queries, want) {
		t.Errorf("requests %q, want %q", k.queries, want)
	}
	var put, want map[string]any
	if err := json.Unmarshal([]byte(k.puts[0]), &put); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(kept), &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "status")
	delete(want, "running-status")
	want["location"] = "SITE1"
	want["start-date"], want["due-date"] = "2026-01-10T05:00:00Z", "2026-01-13T17:00:00Z" // times always leave in UTC
	want["products"] = []any{map[string]any{"product": "P1", "quantity-ordered": 5000., "observations": "o", "colour": "red"}}
	if !reflect.DeepEqual(put, want) {
		t.Errorf("put\n%v\nwant\n%v", put, want)
	}
	if !strings.Contains(k.puts[0], "2.50") {
		t.Errorf("what did not change was written anew: %s", k.puts[0])
	}
	if got.Products[0].Ordered != NewDecimal(5000) || got.Location.Name != "Main" {
		t.Errorf("the answer is %+v", got)
	}
}

func TestEditWithoutAChangeWritesNothing(t *testing.T) {
	k, c := newKeeper(t)
	if _, err := c.ProductionOrders().Edit(t.Context(), 3990, func(*ProductionOrder) error { return nil }); err != nil || len(k.puts) != 0 {
		t.Errorf("%v, puts %q", err, k.puts)
	}
	stop := errors.New("not this one")
	if _, err := c.ProductionOrders().Edit(t.Context(), 3990, func(o *ProductionOrder) error { o.Notes = "x"; return stop }); !errors.Is(err, stop) || len(k.puts) != 0 {
		t.Errorf("%v, puts %q", err, k.puts)
	}
}

// TestWhatIsClearedIsWritten: an emptied field is no missing field.
func TestWhatIsClearedIsWritten(t *testing.T) {
	k, c := newKeeper(t)
	_, err := c.ProductionOrders().Edit(t.Context(), 3990, func(o *ProductionOrder) error {
		o.Notes, o.Machines, o.Workers, o.CustomFields, o.Active = "", nil, o.Workers[:1], o.CustomFields[1:], No
		o.Shipping = Reference{Code: "SHP-2"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"notes":""`, `"machines":[]`, `"workers-assigned":[{"number":1}]`, `"custom-fields":[{"Other":4}]`, `"is-active":false`, `"shipping":{"code":"SHP-2"}`} {
		if !strings.Contains(k.puts[0], want) {
			t.Errorf("%s is not in %s", want, k.puts[0])
		}
	}
}

func TestWhatWasNotTakenIsNamed(t *testing.T) {
	k, c := newKeeper(t)
	k.change = func(put map[string]json.RawMessage) {
		put["notes"] = json.RawMessage(`"n"`)
		put["workers-assigned"] = json.RawMessage(`[]`)
		put["is-active"] = json.RawMessage(`true`)
	}
	_, err := c.ProductionOrders().Edit(t.Context(), 3990, func(o *ProductionOrder) error {
		o.Notes, o.Active = "changed", No
		return nil
	})
	var failed *NotTaken
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	want := `prodsmart: production order 3990 (WO-77) was accepted, but Prodsmart answers with something else: notes is "n" instead of "changed"; workers-assigned is "" instead of "1, 2"; is-active is true instead of false`
	if err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
}

// TestWhatWasNotReadIsNotWritten: an order of a list would lose its custom fields.
func TestWhatWasNotReadIsNotWritten(t *testing.T) {
	k, c := newKeeper(t)
	for _, workers := range []bool{false, true} {
		list, err := c.ProductionOrders().List(t.Context(), ProductionOrderQuery{Workers: workers}, 1)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v %v", list, err)
		}
		list[0].Notes = "changed"
		if _, err = c.ProductionOrders().Update(t.Context(), list[0]); !errors.Is(err, ErrNotRead) {
			t.Errorf("workers %t: %v", workers, err)
		}
	}
	if _, err := c.ProductionOrders().Update(t.Context(), ProductionOrder{ID: 3990, Code: "WO-77"}); !errors.Is(err, ErrNotRead) {
		t.Error(err)
	}
	if len(k.puts) != 0 {
		t.Errorf("puts %q", k.puts)
	}
}

// An order of a list has other shapes than one that is read by itself.
func TestAnOrderOfAListIsWritten(t *testing.T) {
	raw := strings.NewReplacer(`"is-active":true`, `"active":true`, `{"code":"SHP-1","id":9}`, `"SHP-1"`).Replace(kept)
	o := decodeDocument[ProductionOrder](json.RawMessage(raw), &notes{zone: time.UTC})
	put := string(encodeDocument(o, toUpdate))
	for _, want := range []string{`"is-active":true`, `"shipping":{"code":"SHP-1"}`, `"location":"SITE1"`} {
		if !strings.Contains(put, want) {
			t.Errorf("%s is not in %s", want, put)
		}
	}
	if strings.Contains(put, `"active"`) {
		t.Errorf("both names are in %s", put)
	}
}

func TestCreateAndTheRest(t *testing.T) {
	k, c := newKeeper(t)
	r := c.ProductionOrders()
	o, err := r.Create(t.Context(), ProductionOrder{Code: "WO <1>", Start: time.Date(2026, 1, 1, 8, 0, 0, 5e8, time.FixedZone("", 7200)),
		Products: []OrderProduct{{Product: "P", Ordered: NewDecimal(3)}}, Location: Reference{Code: "S"}, Shipping: Reference{Code: "X"}, Active: Yes, WorkerGroups: []string{"All"}})
	if err != nil || o.ID != 3990 {
		t.Errorf("%+v %v", o, err)
	}
	if err := errors.Join(r.Delete(t.Context(), 3990), r.Activate(t.Context(), 3990), r.Notify(t.Context(), 3990, "short", "long")); err != nil {
		t.Error(err)
	}
	if err := r.Notify(t.Context(), 1, strings.Repeat("x", 141), ""); err == nil || !strings.Contains(err.Error(), "141 characters") {
		t.Error(err)
	}
	if err := r.Delete(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "no number or code") {
		t.Error(err)
	}
	want := []string{"POST /api/production-orders/ ", "DELETE /api/production-orders/3990 ", "POST /api/production-orders/3990/activate ", "POST /api/production-orders/3990/notify "}
	if !reflect.DeepEqual(k.queries, want) {
		t.Errorf("requests %q", k.queries)
	}
}

// TestDeletedIsDeleted: one that is gone already is no error; other refusals are.
func TestDeletedIsDeleted(t *testing.T) {
	for status, fine := range map[int]bool{200: true, 201: true, 204: true, 404: true, 410: true, 409: false, 412: false, 500: false} {
		c := newClient(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/authorization" {
				_, _ = io.WriteString(w, `{"token":"t"}`)
				return
			}
			w.WriteHeader(status)
			if status != 204 {
				_, _ = io.WriteString(w, "It has dependent entities.")
			}
		}))
		if err := c.Clients().Delete(t.Context(), 5); (err == nil) != fine {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// FuzzDocuments: whatever comes, reading and writing it back ends, keeps unknown
// fields, and writing twice is writing once.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte(kept))
	for _, sample := range samples(f) {
		f.Add([]byte(sample))
	}
	f.Add([]byte(`{"products":[null,{},{"product":{"code":1}}],"location":[],"shipping":7,"custom-fields":{"a":{}},"machines":[[]],"workers-assigned":["3"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzzDocument[ProductionOrder](t, raw)
		fuzzDocument[Product](t, raw)
		fuzzDocument[Partner](t, raw)
		fuzzDocument[TradeOrder](t, raw)
		fuzzDocument[Movement](t, raw)
	})
}

func fuzzDocument[T any, D document[T]](t *testing.T, raw []byte) {
	t.Helper()
	record := decodeDocument[T, D](raw, &notes{zone: time.UTC})
	for _, purpose := range []writing{toCreate, toUpdate} {
		once := encodeDocument[T, D](record, purpose)
		if !json.Valid(once) {
			t.Fatalf("%q is written as %q", raw, once)
		}
		again := encodeDocument[T, D](decodeDocument[T, D](once, &notes{zone: time.UTC}), purpose)
		if string(once) != string(again) {
			t.Fatalf("%q is written as %s and then as %s", raw, once, again)
		}
		var was, is map[string]json.RawMessage
		if json.Unmarshal(raw, &was) == nil && len(raw) <= maxDocument {
			if err := json.Unmarshal(once, &is); err != nil {
				t.Fatal(err)
			}
			if unknown, there := was["zzz"]; there && string(is["zzz"]) != string(compactRaw(unknown)) {
				t.Fatalf("zzz is %s in %s", is["zzz"], once)
			}
		}
	}
}

func compactRaw(raw json.RawMessage) json.RawMessage { return encoded(raw) }
