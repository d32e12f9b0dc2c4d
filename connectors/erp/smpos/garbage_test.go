package smpos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// answers is a cabinet without a socket, by command, and by section or stamp where
// one is named ("GETSALES 54", "GETGOODS 5"): the fuzzer is many times as fast.
type answers map[string]string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	var ask struct {
		Req              string
		SectionID, ObjDT int64
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &ask)
	}
	text := a[ask.Req]
	for _, n := range []int64{ask.SectionID, ask.ObjDT} {
		if more, named := a[fmt.Sprint(ask.Req, " ", n)]; named {
			text = more
		}
	}
	status := 200
	if rest, broken := strings.CutPrefix(text, "500 "); broken {
		status, text = 500, rest
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, err
}

func client(a answers) *http.Client { return &http.Client{Transport: a} }

func TestGarbageCostsOnlyItself(t *testing.T) {
	const goods, quantity = `{"code":120,"name":"Croissant"}`, `{"code":120,"qnty":38000}`
	long := strings.Repeat("x", 10<<20)
	for name, c := range map[string]struct{ goods, quantities, sales, where string }{
		"no code":           {`{"name":"x"}`, ``, ``, "section kiosk1, goods[0]"},
		"code out of range": {`{"code":1000000,"name":"x"}`, ``, ``, "section kiosk1, goods[0]"},
		"a number":          {`7`, ``, ``, "section kiosk1, goods[0]"},
		"a long name":       {`{"code":5,"name":"` + long + `"}`, `{"code":5,"qnty":1}`, ``, "section kiosk1, goods 5"},
		"a list for a name": {`{"code":5,"name":[]}`, `{"code":5,"qnty":1}`, ``, "section kiosk1, goods 5"},
		"a strange folder":  {`{"code":5,"name":"x","isFolder":"perhaps"}`, `{"code":5,"qnty":1}`, ``, "section kiosk1, goods 5"},
		"twice":             {`{"code":5,"name":"x"},{"code":5,"name":"y"}`, `{"code":5,"qnty":1}`, ``, "section kiosk1, goods 5"},
		"not UTF-8":         {"{\"code\":5,\"name\":\"\xff\"}", `{"code":5,"qnty":1}`, ``, "section kiosk1, GETGOODS, goods[0].name"},
		"no quantity":       {`{"code":5,"name":"x"}`, `{"code":5}`, ``, "section kiosk1, goods 5"},
		"null":              {`{"code":5,"name":"x"}`, `{"code":5,"qnty":null}`, ``, "section kiosk1, goods 5"},
		"words":             {`{"code":5,"name":"x"}`, `{"code":5,"qnty":"many"}`, ``, "section kiosk1, goods 5"},
		"a fraction":        {`{"code":5,"name":"x"}`, `{"code":5,"qnty":1.5}`, ``, "section kiosk1, goods 5"},
		"far too many":      {`{"code":5,"name":"x"}`, `{"code":5,"qnty":1e999999}`, ``, "section kiosk1, goods 5"},
		"too many":          {`{"code":5,"name":"x"}`, `{"code":5,"qnty":9000000000000000}`, ``, "section kiosk1, goods 5"},
		"two names differ":  {`{"code":5,"name":"x"}`, `{"code":5,"qnty":1,"qty":2}`, ``, "section kiosk1, goods 5"},
		"two quantities":    {`{"code":5,"name":"x"}`, `{"code":5,"qnty":1},{"code":5,"qnty":2}`, ``, "section kiosk1, goods 5"},
		"a key twice":       {`{"code":5,"code":5,"name":"x"}`, `{"code":5,"qnty":0}`, ``, "section kiosk1, GETGOODS, goods[0].code"},
		"missing quantity":  {`{"code":5,"name":"x"}`, ``, ``, "section kiosk1, goods 5"},
		"wrong sales":       {`{"code":5,"name":"x"}`, `{"code":5,"qnty":1}`, `{"code":5,"qnty":{}}`, "section kiosk1, goods 5"},
	} {
		t.Run(name, func(t *testing.T) {
			list := func(parts ...string) string {
				return "[" + strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ",") + "]"
			}
			r, err := answered(t, map[string]string{
				"GETGOODS":     `{"status":0,"objDT":1,"goods":` + list(c.goods, goods) + `}`,
				"GETGOODSQNTY": `{"status":0,"objDT":1,"qntyArr":` + list(c.quantities, quantity) + `}`,
				"GETSALES":     `{"status":0,"objDT":1,"sales":` + list(c.sales, `{"code":120,"qnty":23000}`) + `}`,
			})
			if err != nil || r.Skipped != "" || !slices.ContainsFunc(r.Stock, func(s erp.Stock) bool { return s.Product == "120" && s.Quantity.String() == "15" }) {
				t.Fatalf("%+v, %v", r, err)
			}
			if !slices.ContainsFunc(r.Problems, func(p erp.Problem) bool { return p.Where == c.where && p.What != "" && len(p.What) < 500 }) {
				t.Errorf("%+v", r.Problems)
			}
			usable := name == "not UTF-8" || name == "a key twice"
			if got := slices.ContainsFunc(r.Stock, func(s erp.Stock) bool { return s.Product == "5" }); got != usable {
				t.Errorf("%+v", r.Stock)
			}
		})
	}
}

func TestSalesWithoutACodeCanBeOfAnything(t *testing.T) {
	r, err := answered(t, map[string]string{
		"GETGOODS": `{"status":0,"objDT":1,"goods":[{"code":120,"name":"Croissant"}]}`, "GETGOODSQNTY": `{"status":0,"objDT":1,"qntyArr":[{"code":120,"qnty":38000}]}`,
		"GETSALES": `{"status":0,"objDT":1,"sales":[{"code":"?","qnty":23000}]}`,
	})
	if err != nil || r.Skipped == "" || len(r.Stock) > 0 || len(r.Problems) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestGarbageOfOneSection: sums over sections would be too low without it.
func TestGarbageOfOneSection(t *testing.T) {
	a := answers{
		"GETGOODS": `{"status":0,"objDT":1,"goods":[{"code":120,"name":"Croissant"},{"code":121,"name":"Eclair"}]}`, "GETSALES": `{"status":0,"objDT":1,"sales":[]}`,
		"GETGOODSQNTY": `{"status":0,"objDT":1,"qntyArr":[{"code":120,"qnty":38000},{"code":121,"qnty":5000}]}`, "GETGOODSQNTY 54": `{"status":0,"objDT":1,"qntyArr":[{"code":120,"qnty":"?"},{"code":121,"qnty":4000}]}`,
	}
	c := account(Section{ID: 53, Name: "kiosk1"}, Section{ID: 54, Name: "kiosk2"})
	c.Write = WriteConfig{Kinds: []erp.Kind{erp.Produced}, DeliverTo: "kiosk2"}
	s, err := New(c, Deps{HTTP: client(a)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.ReadStock(t.Context(), erp.Ask{})
	if err != nil || len(r.Stock) != 2 || r.Stock[0].Product != "121" || r.Stock[1].Product != "121" || len(r.Problems) != 1 || r.Problems[0].Where != "section kiosk2, goods 120" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Prepare(t.Context(), produced("94")); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "section kiosk2, goods 120") {
		t.Errorf("nothing is added to what can not be read: %v", err)
	}
}

func TestStatuses(t *testing.T) {
	for body, want := range map[string]erp.Fault{
		`{"status":1,"message":"x"}`: erp.Unavailable, `{"status":"2"}`: erp.Refused, `{"status":3}`: erp.Refused, `{"status":4}`: erp.Garbled, `{"status":5}`: erp.Denied, `{"status ":6}`: erp.Unavailable, `{"Status":7}`: erp.Unavailable,
		`{"status":8}`: erp.Gone, `{"status":9}`: erp.Unavailable, `{"status":10}`: erp.Unavailable, `{"status":11}`: erp.Refused, `{"status":99}`: erp.Garbled, `{"status":[]}`: erp.Garbled, `[]`: erp.Garbled, `0`: erp.Garbled,
		`{"status":5,"message":"you sent hush\"hush"}`: erp.Denied, `{"status":0,"sales":"none"}`: erp.Garbled,
		`500 {"status":0,"sales":[]}`: erp.Unavailable, `500 {"status":4}`: erp.Unavailable, `500 {"status":5}`: erp.Denied, `500 oops`: erp.Unavailable,
	} {
		_, err := answered(t, map[string]string{"GETSALES": body})
		if !erp.Is(err, want) || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "GETSALES of section kiosk1") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// FuzzAnswers: whatever a cabinet answers, there is stock of known articles or an
// error, and a write never is done without a receipt that names the planned quantity.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"status":0,"objDT":1,"goods":[{"code":120,"name":"C","barCode":1,"folderCode":5},{"code":5,"isFolder":1,"folderCode":5}]}`), []byte(`{"status":0,"objDT":"1","qntyArr":[{"code":120,"qty":38000}]}`), []byte(`{"status":0,"sales":[{"code":120,"qnty":-5}]}`))
	f.Add([]byte(`{"status":4}`), []byte(`[]`), []byte("\xff"))
	f.Add([]byte(`{"status":0,"goods":{"code":1}}`), []byte(`{"status":0,"qntyArr":[{"code ":1,"QNTY":"7"}]}`), []byte(`{"status":0,"sales":[]}`))
	f.Fuzz(func(t *testing.T, goods, quantities, sales []byte) {
		c := account(Section{ID: 53, Name: "kiosk1"}, Section{ID: 54, Name: "kiosk2"})
		c.Write = WriteConfig{Kinds: []erp.Kind{erp.Produced}, DeliverTo: "kiosk1"}
		if bytes.ContainsAny(goods, "\x00") {
			c.Folders = []int64{5}
		}
		same := answers{"GETGOODS": string(goods), "GETGOODSQNTY": string(quantities), "GETSALES": string(sales), "UPDGOODS": `{"status":0}`, "GETCHAINLIST": string(sales), "GETSECTLIST": string(goods), "GETDEVLIST": string(quantities)}
		s, err := New(c, Deps{HTTP: client(same)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.ReadStock(t.Context(), erp.Ask{})
		for _, row := range r.Stock {
			if err != nil || r.Skipped != "" || row.Product == "" || row.Place == "" || row.AsOf.IsZero() {
				t.Errorf("%+v, %v", r, err)
			}
		}
		_, _ = s.ReadProducts(t.Context(), erp.Ask{})
		_, _, _ = s.Discover(t.Context())
		w, err := s.Prepare(t.Context(), erp.Write{Kind: erp.Produced, Product: "120", Delta: decimal.NewFromInt(94)})
		if err != nil {
			return
		}
		// The quantity never moves here: no write may be taken for done.
		for range 3 {
			if got, err := s.Write(t.Context(), w); err == nil {
				t.Errorf("%s: %+v", w.Plan, got)
			}
		}
		if _, done, _ := s.Look(t.Context(), w); done {
			t.Errorf("%s was not done", w.Plan)
		}
	})
}
