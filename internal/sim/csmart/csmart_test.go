package csmart

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// firm is a service with one customer, one product and one order, and a clock.
type firm struct {
	*Server
	t       *testing.T
	address string
	token   string
}

func open(t *testing.T, o Options) *firm {
	f := &firm{t: t}
	now := time.Date(2026, 11, 20, 13, 3, 11, 0, time.UTC)
	f.Server = New(Config{Domain: "meble", Email: "biuro@meble.pl", Password: "hush-hush", Options: o, Now: func() time.Time { return now }})
	account := f.AddAccount(Account{Name: "Meble Nowak", TaxNo: "5250000000", Type: "firma"})
	product := f.AddProduct(Product{Code: "STOL-120", Name: "Stol 120", Unit: "szt"})
	f.Create(Order{Number: "ZS/45/2026", Status: "nowe", Date: "2026-11-20", Delivery: "2026-12-04", Account: account, AccountName: "Meble Nowak", TaxNo: "5250000000",
		Items: []Item{{Product: product, Code: "STOL-120", Name: "Stol 120", Quantity: "1230.500", Unit: "szt", Price: "500.00"}}})
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.address = server.URL + "/app/api.php"
	return f
}

// raw sends a form and gives the text of the answer.
func (f *firm) raw(query string, form url.Values) string {
	f.t.Helper()
	res, err := http.PostForm(f.address+"?"+query, form)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// ask makes a call with a token, and gives what was answered.
func (f *firm) ask(query string, form url.Values) (said any, data any) {
	f.t.Helper()
	if f.token == "" {
		f.token = "none"
		// The hash is that of "hush-hush", as sha1sum gives it.
		_, data := f.ask("module=Login", url.Values{"email": {"biuro@meble.pl"}, "hash": {"d27ea80a1d92533bd81ccc3f64788213edc96616"}})
		f.token, _ = data.(map[string]any)["token"].(string)
	}
	all := url.Values{"domain": {"meble"}, "token": {f.token}}
	for k, v := range form {
		all[k] = v
	}
	var out struct{ Error, Data any }
	text := strings.TrimPrefix(f.raw(query, all), "\ufeff")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		f.t.Fatalf("%s: %v in %q", query, err, text)
	}
	return out.Error, out.Data
}

func (f *firm) want(query string, form url.Values, want string) {
	f.t.Helper()
	said, data := f.ask(query, form)
	text, err := json.Marshal([]any{said, data})
	if err != nil || !strings.Contains(string(text), want) {
		f.t.Errorf("%s: %s, want %s (%v)", query, text, want, err)
	}
}

func TestCallsAsTheManualHasThem(t *testing.T) {
	f := open(t, Options{})
	f.want("module=SalesOrders&action=List", nil, `"quantity":"1230.500"`)
	f.want("module=SalesOrders&action=List", nil, `"modified":"2026-11-20 14:03:11"`)
	f.want("module=Accounts&action=List", nil, `"nip":"5250000000"`)
	f.want("module=Events&action=List", nil, `["",[]]`)
	f.want("module=Warehouse&action=List", nil, `["Nieznany moduł",null]`)
	f.want("module=SalesOrders&action=Save", url.Values{"name": {"x"}}, `["Nieznany moduł",null]`)
	f.want("module=Events&action=Save", nil, `["Pole name jest wymagane",null]`)
	f.want("module=Events&action=Save", url.Values{"name": {"x"}, "nip": {"1"}}, `nip`)
	f.want("module=Events&action=Save", url.Values{"name": {"x"}, "id": {"7"}}, `Nie znaleziono rekordu`)
	f.want("module=Events&action=Save", url.Values{"name": {"Zażółć"}, "nip": {"5250000000"}, "shoe_size": {"9"}}, `["","`)
	task := f.Tasks()[0]
	f.want("module=Events&action=Save", url.Values{"id": {task.ID}, "status": {"zamknięte"}}, `["","`+task.ID+`"]`)
	if task = f.Tasks()[0]; len(f.Tasks()) != 1 || task.Name != "Zażółć" || task.Status != "zamknięte" || task.Type != "zadanie" || task.End != "2026-11-20 09:00" {
		t.Errorf("%+v", f.Tasks())
	}
	f.want("module=Opportunities&action=Save", url.Values{"name": {"Offer"}}, `["","`)
	f.want("module=Opportunities&action=List", nil, `"name":"Offer"`)
	f.Revoke()
	f.want("module=Products&action=List", nil, `["Nieprawidłowy token",null]`)
	for _, c := range f.Calls() {
		if c.Form.Has("token") || c.Form.Has("hash") {
			t.Errorf("%+v keeps a secret", c)
		}
	}
}

func TestLogin(t *testing.T) {
	f := open(t, Options{})
	for _, form := range []url.Values{nil, {"domain": {"meble"}, "email": {"biuro@meble.pl"}, "hash": {"hush-hush"}}, {"domain": {"other"}, "email": {"biuro@meble.pl"}, "hash": {"d27ea80a1d92533bd81ccc3f64788213edc96616"}}} {
		if text := f.raw("module=Login", form); !strings.Contains(text, "hasło") {
			t.Errorf("%v: %s", form, text)
		}
	}
}

func TestWaysOfTheLanguage(t *testing.T) {
	for want, o := range map[string]Options{
		`{"0":{"account_id":`: {NumericKeys: true},
		"1\u00a0230,500":      {Comma: true},
		`"date":"20.11.2026","delivery_date":"04.12.2026"`:   {PolishDates: true},
		`[[],[{"account_id":`:                                {Falsy: "[]"},
		`{"lp":"1","name":"Stol 120"`:                        {NoLineID: true, NoCode: true},
		`"description":"","id":"1247","name":"ZS/45/2026","`: {NoModified: true, NoItems: true},
	} {
		open(t, o).want("module=SalesOrders&action=List", nil, want)
	}
	open(t, Options{EmptyText: true}).want("module=Events&action=List", nil, `["",""]`)
	open(t, Options{EmptyNull: true}).want("module=Events&action=List", nil, `["",null]`)
	open(t, Options{Most: 1}).want("module=SalesOrders&action=List", nil, `ZS/45/2026`)
	if text := open(t, Options{BOM: true}).raw("module=Login", nil); !strings.HasPrefix(text, "\ufeff{") {
		t.Errorf("%q", text)
	}
	f := open(t, Options{PostOnly: true})
	res, err := http.Get(f.address + "?module=Login")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", res.StatusCode)
	}
}

func TestOffice(t *testing.T) {
	f := open(t, Options{})
	o := f.Orders()[0]
	f.Edit(o.ID, func(o *Order) { o.Items = append(o.Items, Item{Name: "Montaż", Quantity: "1", Unit: "usł"}) })
	if now := f.Orders()[0]; len(now.Items) != 2 || now.Items[0].ID != o.Items[0].ID || now.Items[1].ID == "" || len(o.Items) != 1 {
		t.Errorf("%+v", now)
	}
	if f.Edit("7", func(*Order) {}) {
		t.Error("an order that there is not was changed")
	}
	f.Delete(o.ID)
	if len(f.Orders()) != 0 {
		t.Error("it is still there")
	}
}

func TestFaults(t *testing.T) {
	f := open(t, Options{})
	f.ask("module=Products&action=List", nil)
	form := url.Values{"domain": {"meble"}, "token": {f.token}, "name": {"x"}}
	for kind, want := range map[FaultKind]string{Failed: "Wystąpił", CommitFail: "Wystąpił", Page: "<!DOCTYPE", Warning: "<br />", Empty: "", HalfAnswer: `{"da`, Status500: "Internal", Commit500: "Internal", TooMany: "Too Many", WrongTypes: `"data":"brak"`} {
		before := len(f.Tasks())
		f.AddFault(Fault{Kind: kind, Module: "Events"})
		if text := f.raw("module=Events&action=Save", form); !strings.HasPrefix(text, want) && !strings.Contains(text, want) {
			t.Errorf("%s: %q", kind, text)
		}
		nothing := kind == Failed || kind == Status500 || kind == TooMany
		if done := len(f.Tasks()) > before; done == nothing {
			t.Errorf("%s: done is %v", kind, done)
		}
	}
	f.AddFault(Fault{Kind: NoData})
	f.want("module=Products&action=List", nil, `["",[]]`)
	f.AddFault(Fault{Kind: Expired})
	f.want("module=Products&action=List", nil, `token`)
	for _, kind := range []FaultKind{DropBefore, DropAfter} {
		f.AddFault(Fault{Kind: kind})
		if _, err := http.PostForm(f.address+"?module=Events&action=Save", form); err == nil {
			t.Errorf("%s: there is an answer", kind)
		}
	}
	f.AddFault(Fault{Kind: Status500})
	f.ClearFaults()
	if n := f.Count("Events", "Save", time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)); n != 12 {
		t.Errorf("%d calls", n)
	}
}
