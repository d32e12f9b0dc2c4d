package mes

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestEntities is each documented answer about business entities that is no success,
// and the shapes that reads differ in.
func TestEntities(t *testing.T) {
	for name, c := range map[string]struct {
		calls []string // method path body
		want  string   // the last answer begins so
	}{
		"no JSON":               {[]string{"POST /api/suppliers {"}, "400 Invalid JSON"},
		"a field is missing":    {[]string{`POST /api/suppliers {"code":"A"}`}, "400 The field name is required"},
		"a code twice":          {[]string{`POST /api/clients {"code":"A","name":"x"}`, `POST /api/clients {"code":"A","name":"y"}`}, "400 The code A is taken"},
		"an unknown partner":    {[]string{"GET /api/suppliers/77"}, "400 There is nothing with the key 77"},
		"odd dates":             {[]string{`POST /api/suppliers {"code":"A","name":"x","expiration-date":"2027-02-01T00:00:00Z"}`}, `201 {"code":"A","expiration-date":"01/02/2027"`},
		"an order for nothing":  {[]string{`POST /api/client-order/ {"code":"A","products":[]}`}, "400 At least one product is required"},
		"a product twice":       {[]string{`POST /api/client-order/ {"code":"A","products":[{"code":"P","quantity":1},{"code":"P","quantity":1}]}`}, "400 Each product needs a code, once"},
		"a quantity of nothing": {[]string{`POST /api/purchase-orders/ {"code":"A","products":[{"code":"P","quantity":"0"}]}`}, "400 The quantity of product P must be above 0"},
		"no number in the answer to a purchase order": {[]string{`POST /api/purchase-orders/ {"code":"A","products":[{"code":"P","quantity":"3"}]}`},
			`201 {"code":"A","products":[{"code":"P","name":"P","quantity":"3"}]}`},
		"an unknown order":        {[]string{`PUT /api/client-order/ {"code":"Z","products":[{"code":"P","quantity":1}]}`}, "400 There is nothing"},
		"an unknown product":      {[]string{"GET /api/products/Z"}, "404 Product not found"},
		"a product is replaced":   {[]string{`POST /api/products {"code":"P","name":"x","color":"#ffffff"}`, `POST /api/products {"code":"P","name":"y"}`}, `201 {"code":"P","id":`},
		"parts of nothing":        {[]string{`POST /api/bom {"product-code":"Z","bom":[]}`}, "404 Main product not found"},
		"stock of nothing":        {[]string{`POST /api/stock {"product-code":"Z","stock":1}`}, "404 Product not found"},
		"no stock of nothing":     {[]string{"GET /api/stock/Z"}, "400 Product Z does not exist"},
		"stock":                   {[]string{`POST /api/products {"code":"P","name":"x"}`, `POST /api/stock {"product-code":"P","stock":"2.5"}`}, "201 Request successful"},
		"families are bare":       {[]string{`POST /api/product-families {"product-families":[{"code":"F","name":"x"}]}`}, `201 [{"code":"F","name":"x"}]`},
		"families are listed 201": {[]string{"GET /api/product-families"}, "201 []"},
		"a movement in texts":     {[]string{`POST /api/inventory-movements/ {"product-code":"P","type":"in","quantity":5,"location":"S"}`}, `200 {"id":`},
		"a movement of nothing":   {[]string{`POST /api/inventory-movements/ {"product-code":"P","type":"in","quantity":"many"}`}, "400 The quantity must be a number"},
		"a report without a time": {[]string{"GET /api/reports/worker-labor-time"}, "400 start-time and end-time are required"},
		"a method that is not":    {[]string{"DELETE /api/punchclocks"}, "405 "},
		"a page that is not":      {[]string{"GET /api/suppliers?page=x"}, `400 The value "x" of page`},
	} {
		t.Run(name, func(t *testing.T) {
			b := company(t, Options{})
			var got string
			for _, call := range c.calls {
				part := append(strings.SplitN(call, " ", 3), "")
				path, query, _ := strings.Cut(part[1], "?")
				status, text, _, err := b.do(part[0], path+"?access_token="+b.token(201)+"&"+query, "", part[2])
				if err != nil {
					t.Fatal(err)
				}
				got = fmt.Sprint(status, " ", text)
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// FuzzEntities: whatever is sent, the answer is no 5xx, and JSON is valid.
func FuzzEntities(f *testing.F) {
	f.Add("/api/suppliers", `{"code":"A","name":"x","contacts":[{}],"expiration-date":"2027"}`)
	f.Add("/api/client-order/", `{"code":"A","products":[{"code":"P","quantity":1e400}]}`)
	f.Add("/api/bom", `{"product-code":"P","bom":[null,{},{"product-code":"x","quantity":"-1"}]}`)
	f.Add("/api/inventory-movements/", `{"product-code":"P","type":"in","quantity":{}}`)
	f.Add("/api/product-families", `{"product-families":[{"code":[],"name":{}}]}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		s, err := New(Config{Key: "k", Secret: "s", Profile: Profile{Options: Options{Limit: -1}}})
		if err != nil {
			t.Fatal(err)
		}
		service, _ := s.options.entityRoute("POST", &url.URL{Path: path})
		if service == "" || service == serviceLaborTime {
			return
		}
		for range 2 {
			var a answer
			switch service {
			case serviceBOM, serviceStock:
				continue
			}
			for _, k := range entityKinds() {
				if k.name == service && k.created != 0 {
					a, _ = s.createEntity(k, []byte(body))
					_ = s.entityList(k, nil)
				}
			}
			if a.status >= 500 || a.kind == "application/json" && !json.Valid([]byte(a.body)) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	})
}
