package mes

import (
	"fmt"
	"strings"
)

// attempt makes a call with a token and gives what a client sees of the answer.
func (b *bench) attempt(method, path, body string) string {
	b.Helper()
	status, text, h, err := b.do(method, path+"?access_token="+b.token(201)+"&workers=true", "", body)
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprint(status, " ", text, h.Get("X-Literal"), "; ")
}

// orderRows are the options about orders, records, channels and webhooks.
func orderRows() []row {
	deleted := func(b *bench) string {
		b.s.AddChannel(ChannelSetup{"c", kindOrder})
		b.call("DELETE", b.order("A", ""), "", 204)
		return b.attempt("GET", "/api/changes/c", "")
	}
	hooked := func(b *bench) string {
		r := b.receiver()
		b.order("A", "")
		b.order("B", "")
		got := r.wait(2)
		return fmt.Sprint(got[0].signature(), got[0].header.Get("X-Prodsmart-Webhook-Uuid") == got[1].header.Get("X-Prodsmart-Webhook-Uuid"))
	}
	started := func(b *bench) string {
		one := b.order("A", "")
		b.s.FinishProductions("M1")
		b.s.StartProduction("M1", Work{Order: "A"})
		b.try(`counter {"count":5}`)
		return b.attempt("DELETE", one, "")
	}
	completed := func(b *bench) string {
		b.order("A", "")
		b.s.FinishProductions("M1")
		b.s.StartProduction("M1", Work{Order: "A"})
		b.try(`counter {"count":10}`)
		return standings(b)
	}
	record := func(b *bench) string {
		id := b.m1().Productions[0].ID
		return b.attempt("PUT", fmt.Sprint("/api/productions/", id), `{"lot-number":"L"}`)
	}
	return []row{
		{"order_put", "", func(b *bench) string {
			return b.attempt("PUT", b.order("A", `,"notes":"n","workers-assigned":[{"number":3}]`), plan("A", ""))
		}},
		{"production_put", "", record},
		{"order_code", "", func(b *bench) string {
			b.order("A", "")
			return strings.Fields(b.attempt("POST", ordersPath, plan("A", "")))[0]
		}},
		{"product_list", "", func(b *bench) string {
			b.attempt("POST", "/api/products", `{"code":"P","name":"P"}`)
			return b.attempt("GET", "/api/products", "")[:5]
		}},
		{"unknown_order", "", func(b *bench) string { return b.attempt("GET", ordersPath+"7777", "") }},
		{"delete_order", "", started},
		{"order_completion", "", completed},
		{"order_deletion", "", deleted},
		{"order_references", "", func(b *bench) string { return b.attempt("POST", ordersPath, plan("A", `,"machines":[{"code":"M9"}]`)) }},
		{"location_form", "", func(b *bench) string { return b.attempt("POST", ordersPath, plan("A", `,"location":{"code":"S"}`)) }},
		{"signature_mode", "", hooked},
		{"webhook_uuid", "", hooked},
		{"literal_header", "", func(b *bench) string { return b.attempt("POST", b.order("A", "")+"/activate", "{}") }},
	}
}

// signature is what a webhook is signed with.
func (g got) signature() string {
	return fmt.Sprint("sha256 ", g.header.Get("X-Prodsmart-Hmac-Sha256"), " sha1 ", g.header.Get("X-Prodsmart-Hmac-Sha1"))
}
