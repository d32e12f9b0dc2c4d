package smartup

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// desk is a server with a clock that a test sets, and who calls it.
type desk struct {
	*testing.T
	*Server
	at  time.Time
	url string
}

func open(t *testing.T, o Options) *desk {
	d := &desk{T: t, at: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)}
	d.Server = New(Config{User: "a@b", Password: "p", Options: o, Now: func() time.Time { return d.at }})
	web := httptest.NewServer(d.Server)
	t.Cleanup(web.Close)
	d.url = web.URL
	return d
}

// call gives the status and the text of an answer; 0 is none.
func (d *desk) call(path, body string) (int, string) {
	r, err := http.NewRequest(http.MethodPost, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.SetBasicAuth("a@b", "p")
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

const (
	orders = "/b/trade/txs/tdeal/order$export"
	attach = "/b/trade/txs/tdeal/order$attach_data"
	status = "/b/trade/txs/tdeal/order$change_status"
	moves  = "/b/anor/mxsx/mkw/movement"
)

func (d *desk) deals(body string) []map[string]any {
	_, text := d.call(orders, body)
	var in struct {
		Order []map[string]any `json:"order"`
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		d.Fatal(err, text)
	}
	return in.Order
}

func TestModifiedIsOfDaysThere(t *testing.T) {
	d := open(t, Options{})
	d.at = time.Date(2026, 11, 21, 19, 30, 0, 0, time.UTC) // 00:30 of the 22nd there
	d.Create(Order{})
	for day, want := range map[string]int{"21.11.2026": 0, "22.11.2026": 1} {
		if n := len(d.deals(`{"begin_modified_on":"` + day + `","end_modified_on":"` + day + `"}`)); n != want {
			t.Errorf("%s: %d", day, n)
		}
	}
	if code, text := d.call(orders, `{"begin_modified_on":"01.11.2026","end_modified_on":"22.11.2026"}`); code != 400 || !strings.Contains(text, "error_code") {
		t.Errorf("%d %s", code, text)
	}
}

func TestOptionsMatter(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"strings": {Options{}, `"order_quant":"5"`}, "numbers": {Options{PlainNumbers: true}, `"order_quant":5`}, "limits": {Options{}, `"limits":{`}, "limits list": {Options{LimitsAsList: true}, `"limits":[`},
		"gifts": {Options{}, `"order_gifts"`},
	} {
		d := open(t, c.o)
		d.Create(Order{Lines: []Line{{Quantity: "5"}}})
		if _, text := d.call(orders, "{}"); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	d := open(t, Options{NoGifts: true, Renumber: true, StatusUnmodified: true, WindowOnID: true, NoteAppends: true})
	id := d.Create(Order{Note: "a", Gifts: []Line{{Quantity: "1"}}, Lines: []Line{{Quantity: "5"}}})
	before := d.Orders()[0]
	if _, text := d.call(orders, "{}"); strings.Contains(text, "order_gifts") {
		t.Error("gifts are shown")
	}
	d.at = d.at.Add(time.Hour)
	d.call(status, `{"order":[{"deal_id":"`+id+`","status":"B#E"}]}`)
	if got := d.Orders()[0]; got.Status != "B#E" || !got.Modified.Equal(before.Modified) {
		t.Errorf("%+v", got)
	}
	d.call(attach, `{"order":[{"deal_id":"`+id+`","note":"b"}]}`)
	if err := d.Edit(id, func(o *Order) { o.Lines[0].Quantity = "6" }); err != nil {
		t.Fatal(err)
	}
	if got := d.Orders()[0]; got.Note != "a b" || got.Lines[0].UnitID == before.Lines[0].UnitID {
		t.Errorf("%+v", got)
	}
	d.at = d.at.AddDate(0, 0, 9)
	if n := len(d.deals(`{"deal_id":"` + id + `"}`)); n != 0 {
		t.Errorf("%d outside of the window", n)
	}
}

func TestLimitsOfADay(t *testing.T) {
	for word, want := range map[string]int{"": 429, "text": 200, "json": 200} {
		d := open(t, Options{Exhausted: word, PerDay: map[string]int{Frequent: 1}})
		d.call(orders, "{}")
		if code, text := d.call(orders, "{}"); code != want || strings.Contains(text, `"order"`) {
			t.Errorf("%q: %d %s", word, code, text)
		}
		d.at = d.at.Add(13 * time.Hour)
		if code, text := d.call(orders, "{}"); code != 200 || !strings.Contains(text, `"left_limit_quant":"0"`) {
			t.Errorf("the next day: %d %s", code, text)
		}
	}
}

func TestImportsAndFaults(t *testing.T) {
	d := open(t, Options{})
	body := `{"movement":[{"external_id":"PS1","from_movement_date":"22.11.2026","to_movement_date":"22.11.2026","from_warehouse_code":"a","to_warehouse_code":"b","movement_items":[{}]}]}`
	for fault, want := range map[FaultKind]struct{ code, documents int }{Status500: {500, 0}, DropBefore: {0, 0}} {
		d.AddFault(Fault{Kind: fault})
		if code, _ := d.call(moves+"$import", body); code != want.code || len(d.Documents("movement")) != want.documents {
			t.Errorf("%s: %d", fault, code)
		}
	}
	for _, fault := range []FaultKind{Commit500, DropAfter, ""} {
		if fault != "" {
			d.AddFault(Fault{Kind: fault})
		}
		d.call(moves+"$import", body)
		if n := len(d.Documents("movement")); n != 1 {
			t.Errorf("%q: %d documents", fault, n)
		}
	}
	if _, text := d.call(moves+"$export", `{"external_id":"PS1"}`); !strings.Contains(text, "PS1") {
		t.Error(text)
	}
	if _, text := d.call(moves+"$import", `{"movement":[{"external_id":"PS2"}]}`); !strings.Contains(text, "is required") {
		t.Error(text)
	}
}

func TestOffice(t *testing.T) {
	d := open(t, Options{})
	id := d.Create(Order{Lines: []Line{{Quantity: "5"}, {Quantity: "7"}}})
	other, err := d.Split(id)
	all := d.Orders()
	if err != nil || other == "" || len(all) != 2 || len(all[0].Lines) != 1 || all[1].Lines[0].Quantity != "7" {
		t.Fatalf("%+v, %v", all, err)
	}
	d.Delete(id)
	if n := len(d.deals(`{"deal_id":"` + id + `"}`)); n != 0 {
		t.Error("a deleted order is shown")
	}
	if code, _ := d.call("/b/trade/txs/tdeal/order$nothing", "{}"); code != 404 {
		t.Error(code)
	}
}
