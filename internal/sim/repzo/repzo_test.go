package repzo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// desk is a company with a clock that a test sets, and who calls it.
type desk struct {
	*testing.T
	*Server
	at       time.Time
	url      string
	carton   string
	main     string
	variants []string
}

func open(t *testing.T, o Options) *desk {
	d := &desk{T: t, at: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)}
	d.Server = New(Config{Key: "k", Options: o, Now: func() time.Time { return d.at }})
	web := httptest.NewServer(d.Server)
	t.Cleanup(web.Close)
	d.url = web.URL
	d.carton = d.AddUnit("CRTN", "24")
	d.main = d.AddWarehouse("Main", "W1", "main")
	d.variants = d.AddProduct(Product{Name: "Chips", SKU: "P-1", Variants: []Variant{{Name: "salt", Price: 1642}}})
	return d
}

func (d *desk) order() string {
	return d.Create(Order{Client: "c1", ClientName: "Shop", Items: []Item{{Variant: d.variants[0], Unit: d.carton, Quantity: "50"}}})
}

// call gives the status and the text of an answer; 0 is none.
func (d *desk) call(method, path, body string) (int, string) {
	r, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("api-key", "k")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(text)
}

func (d *desk) list(path string) []map[string]any {
	d.Helper()
	status, text := d.call("GET", path, "")
	var in struct{ Data []map[string]any }
	if err := json.Unmarshal([]byte(text), &in); err != nil || status != 200 {
		d.Fatal(status, err, text)
	}
	return in.Data
}

func TestAnOrderOnTheWire(t *testing.T) {
	d := open(t, Options{})
	id := d.order()
	list := d.list("/proforma?per_page=200&page=1")
	if len(list) != 1 || list[0]["_id"] != id || list[0]["status"] != "pending" || list[0]["latest"] != true {
		t.Fatal(list)
	}
	line := list[0]["items"].([]any)[0].(map[string]any)
	if line["base_unit_qty"] != 1200.0 || line["total_before_tax"] != 1970400.0 || member(line, "variant.product_sku") != "P-1" || member(line, "measureunit.factor") != 24.0 {
		t.Error(line)
	}
	if _, text := d.call("GET", "/proforma/"+id, ""); !strings.HasPrefix(text, `{"__v"`) {
		t.Error(text)
	}
	if _, text := d.call("GET", "/proforma/"+id+"?withCycle=true", ""); !strings.Contains(text, `"proforma":{`) {
		t.Error(text)
	}
	for path, want := range map[string]int{"/proforma/000000000000000000000000": 404, "/nothing": 404, "/warehouse/" + d.main: 200} {
		if got, text := d.call("GET", path, ""); got != want {
			t.Error(path, got, text)
		}
	}
	r, _ := http.NewRequest("GET", d.url+"/proforma", nil)
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 401 {
		t.Error("without a key", err)
	}
}

func TestFiltersAndPages(t *testing.T) {
	d := open(t, Options{})
	var ids []string
	for range 5 {
		ids = append(ids, d.order())
		d.at = d.at.Add(time.Hour)
	}
	_ = d.Approve(ids[1])
	status := url.QueryEscape(`["approved","processing"]`)
	sorted := "&sortBy=" + url.QueryEscape(`[{"field":"_id","type":"asc"}]`)
	since := strconv.FormatInt(time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC).UnixMilli(), 10)
	for query, want := range map[string]int{
		"": 5, "per_page=2": 2, "per_page=2&page=3": 1, "per_page=2&page=9": 0, "status=" + status: 1, "status=approved": 1, "from__id=" + ids[2] + sorted: 2, "latest=true": 5, "latest=false": 0,
		"from_updatedAt=" + since: 2, "from_updatedAt=" + since + "&to_updatedAt=" + since: 0, "client_id=c1": 5, "client_id=c2": 0, "conversion_status=converted": 0, "conversion_status=not_converted": 5,
		"nobody_knows=1": 5, "integration_meta.x=1": 0, "serial_number.formatted=PRO-1032-1604": 1,
	} {
		if n := len(d.list("/proforma?" + query)); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	_, text := d.call("GET", "/proforma?per_page=2&page=2", "")
	for _, want := range []string{`"total_result":5`, `"total_pages":3`, `"current_page":2`, `"next_page_url":"http`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestTheOfficeMakesVersions(t *testing.T) {
	for name, same := range map[string]bool{"another id": false, "the same id": true} {
		t.Run(name, func(t *testing.T) {
			d := open(t, Options{SameID: same, Renumber: true})
			first := d.order()
			before, _ := d.Order(first)
			second, err := d.Edit(first, func(o *Order) { o.Items[0].Quantity = "60" })
			if err != nil || (second == first) != same {
				t.Fatal(second, err)
			}
			after, _ := d.Order(first)
			if after.Number != before.Number || after.Version != 2 || after.Items[0].ID == before.Items[0].ID || before.Items[0].Quantity != "50" {
				t.Errorf("%+v", after)
			}
			if n, want := len(d.list("/proforma?latest=false")), map[bool]int{true: 0, false: 1}[same]; n != want {
				t.Errorf("%d superseded versions", n)
			}
			if err := d.Convert(first); err != nil {
				t.Fatal(err)
			}
			if got := d.list("/proforma?conversion_status=converted"); len(got) != 1 || got[0]["_id"] != second || got[0]["invoice_reference"] == nil {
				t.Error(got)
			}
		})
	}
}

func TestTheOfficeSplitsHoldsAndRemoves(t *testing.T) {
	d := open(t, Options{})
	id := d.Create(Order{Items: []Item{{Variant: d.variants[0], Unit: d.carton, Quantity: "1"}, {Variant: d.variants[0], Unit: d.carton, Quantity: "2"}}})
	other, err := d.Split(id)
	all := d.Orders()
	if err != nil || len(all) != 2 || len(all[0].Items) != 1 || all[1].ID != other || all[1].Items[0].Quantity != "2" || all[1].Number == all[0].Number {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, do := range []func(string) error{d.Approve, d.Hold, d.Reject, d.Disable, func(id string) error { return d.Label(id, "x") }} {
		d.at = d.at.Add(time.Minute)
		if err := do(other); err != nil {
			t.Fatal(err)
		}
		if o, _ := d.Order(other); !o.Updated.Equal(d.at) {
			t.Error("the change is not dated")
		}
	}
	if o, _ := d.Order(other); o.Status != "rejected" || !o.Disabled || o.CustomStatus != "x" {
		t.Errorf("%+v", o)
	}
	d.Erase(id)
	if _, there := d.Order(id); there || len(d.Orders()) != 1 {
		t.Error("an erased order is there")
	}
	if err := d.Approve(id); err == nil {
		t.Error("an erased order was approved")
	}
}

func TestOptionsOfLists(t *testing.T) {
	since := func(n int64) string { return "/proforma?from_updatedAt=" + strconv.FormatInt(n, 10) }
	for name, c := range map[string]struct {
		o    Options
		path string
		want int
	}{
		"all": {Options{}, "/proforma", 2}, "hides disabled": {Options{HideDisabled: true}, "/proforma", 1}, "asked for": {Options{HideDisabled: true}, "/proforma?disabled=true", 1},
		"hides old": {Options{HideOld: true}, "/proforma", 1}, "milliseconds": {Options{}, since(1e12), 2}, "milliseconds as seconds": {Options{UpdatedUnit: "s"}, since(1e12), 0},
		"seconds": {Options{UpdatedUnit: "s"}, since(1e9), 2}, "not looked at": {Options{UpdatedUnit: "none"}, since(1e15), 2}, "cap": {Options{MostPerPage: 1}, "/proforma?per_page=200", 1},
		"keyset": {Options{}, "/proforma?from__id=ffffffffffffffffffffffff", 0}, "no keyset": {Options{NoKeyset: true}, "/proforma?from__id=ffffffffffffffffffffffff", 2},
	} {
		d := open(t, c.o)
		id := d.order()
		if _, err := d.Edit(id, func(*Order) {}); err != nil {
			t.Fatal(err)
		}
		_ = d.Disable(id)
		if n := len(d.list(c.path)); n != c.want {
			t.Errorf("%s: %d, want %d", name, n, c.want)
		}
	}
}

func TestOptionsOfShapes(t *testing.T) {
	for name, c := range map[string]struct {
		o          Options
		path, want string
	}{
		"number": {Options{}, "/proforma", `"qty":50`}, "text": {Options{TextNumbers: true}, "/proforma", `"qty":"50"`}, "documented": {Options{Documentation: true}, "/proforma", `"serial":"PRO-`},
		"wire stock": {Options{}, "/inventory", `"UpdatedAt":`}, "documented stock": {Options{Documentation: true}, "/inventory", `"reservedQuantity":0`},
		"wire path": {Options{}, "/measureunits", `"factor":24`}, "documented path": {Options{Documentation: true}, "/measure-unit", `"factor":24`},
		"other path": {Options{Documentation: true}, "/measureunits", `Cannot GET`}, "status": {Options{}, "/proforma", `"custom_status":"`}, "populated": {Options{Populate: true}, "/proforma", `"custom_status":{`},
		"product": {Options{}, "/variant?withProduct=true", `"product":{`}, "no product": {Options{}, "/variant", `"product":"`}, "warehouse": {Options{Documentation: true}, "/warehouse", `"paging":{`},
	} {
		d := open(t, c.o)
		_ = d.Label(d.order(), d.AddStatus("In production", "IN", false))
		d.SetStock(d.main, d.variants[0], decimal.NewFromInt(5))
		if _, text := d.call("GET", c.path, ""); !strings.Contains(text, c.want) {
			t.Errorf("%s: no %s in %s", name, c.want, text)
		}
	}
}

func TestMarksAndStatuses(t *testing.T) {
	for _, replaces := range []bool{false, true} {
		d := open(t, Options{MetaReplaces: replaces})
		id, status := d.order(), d.AddStatus("In production", "IN", false)
		for _, body := range []string{`[{"key":"a","value":"1"}]`, `{"integration_meta_keys":[{"key":"b","value":"2"}]}`} {
			if code, text := d.call("POST", "/update-integration-meta?_id="+id+"&type=proformas", body); code != 200 {
				t.Error(code, text)
			}
		}
		if n := len(d.list("/proforma?integration_meta.a=1")); n != 1 {
			t.Error(n)
		}
		d.call("PUT", "/proforma/"+id, `{"custom_status":"`+status+`","integration_meta":{"c":"3"}}`)
		if o, _ := d.Order(id); o.CustomStatus != status || o.Meta["c"] != "3" || (o.Meta["a"] == "") != replaces {
			t.Errorf("%+v", o)
		}
		for path, body := range map[string]string{"/proforma/" + id: `{"custom_status":"nobody"}`, "/proforma/none": `{}`} {
			if code, _ := d.call("PUT", path, body); code < 400 {
				t.Error(path, code)
			}
		}
	}
}
