package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// pretender is a business system that has orders and garbage.
type pretender interface {
	// settings is what stands below the name of the source in the configuration.
	settings() string
	// good adds an order, or for cash registers a need, and gives the code that it
	// has in Prodsmart.
	good(t *testing.T, n int) string
	// spoil adds garbage, and gives what people have to be shown of it; nothing where
	// garbage of this kind can not be.
	spoil(t *testing.T, kind string, n int) []string
	// heal ends what keeps the system from answering at all.
	heal(t *testing.T)
}

// desk is a service that has a list of records.
type desk struct {
	mu      sync.Mutex
	records []string
	// cut says that answers end in their middle.
	cut bool
	url string
}

func (d *desk) add(record string) (index int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = append(d.records, record)
	return len(d.records) - 1
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.records)
}

func (d *desk) breaks(is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = is
}

func (d *desk) heal(*testing.T) { d.breaks(false) }

// say answers with the list between two texts.
func (d *desk) say(w io.Writer, before, after string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := before + "[" + strings.Join(d.records, ",") + "]" + after
	if d.cut {
		text = text[:len(text)/2]
	}
	_, _ = io.WriteString(w, text)
}

func (d *desk) serve(t *testing.T, answer http.HandlerFunc) {
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	d.url = web.URL
}

// members is a record of names and values; those without a value are left out.
func members(pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, fmt.Sprintf("%q:%s", pairs[i], pairs[i+1]))
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}

// clerk is a desk whose records are orders of one line.
type clerk struct {
	*desk
	source string
	// order is a record with a key, and a line of a code, quantity and name; place
	// names a field of it as messages do, path by the record's place in the answer.
	order func(key, code, quantity, name string) string
	place func(n int, field string) string
	path  func(index int, field string) string
	// code, quantity and name are how messages, or the record, call these fields;
	// inside is the quantity's name in the record. keyless names a record without a
	// key, by its index.
	code, quantity, name, inside string
	keyless                      func(index int) string
	// made is the code in Prodsmart.
	made string
}

func (c *clerk) settings() string { return fmt.Sprintf(c.source, c.url) }

func (c *clerk) good(_ *testing.T, n int) string {
	c.add(c.order(fmt.Sprint(n), `"P-100"`, `5`, `"Bracket"`))
	return fmt.Sprintf(c.made, n)
}

func (c *clerk) spoil(_ *testing.T, kind string, n int) []string {
	key := fmt.Sprint(n)
	switch kind {
	case wrongType:
		c.add(c.order(key, `"P-100"`, `{"a":[1]}`, `"Bracket"`))
		return []string{c.place(n, c.quantity)}
	case missing:
		c.add(c.order(key, `"P-100"`, ``, `"Bracket"`))
		return []string{c.place(n, c.quantity)}
	case tenMegabytes:
		c.add(c.order(key, `"`+long+`"`, `5`, `"Bracket"`))
		return []string{c.place(n, c.code)}
	case longKey:
		return []string{c.keyless(c.add(c.order(long, `"P-100"`, `5`, `"Bracket"`)))}
	case sixtyKilobytes:
		c.add(c.order(key, `"`+wide+`"`, `5`, `"`+wide+`"`))
		return []string{fmt.Sprint("order ", n), "line"}
	case notUTF8:
		return []string{c.path(c.add(c.order(key, `"P-100"`, `5`, "\"\xff\"")), c.name), "UTF-8"}
	case negative:
		c.add(c.order(key, `"P-100"`, `-5`, `"Bracket"`))
		return []string{fmt.Sprint(n), "the quantity is -5"}
	case twice:
		return []string{c.path(c.add(c.order(key, `"P-100"`, `1,"`+c.inside+`":2`, `"Bracket"`)), c.inside), "twice"}
	case halfAnAnswer:
		c.breaks(true)
		return []string{"read of orders", "the answer is no JSON: byte "}
	}
	return nil
}

// nextWeek is a day on which orders can be due, in a form.
func nextWeek(form string) string { return time.Now().AddDate(0, 0, 9).Format(form) }

func newSmartup(t *testing.T) *clerk {
	c := &clerk{
		desk: &desk{}, source: `{smartup: {url: "%s", user: "u", password: "${env:SMARTUP}", filial_id: 1}}`, made: "SU-%d-1",
		order: func(key, code, quantity, name string) string {
			return fmt.Sprintf(`{"deal_id":"%s","status":"B#N","delivery_date":"%s","order_products":[%s]}`, key, nextWeek("02.01.2006"),
				members("product_unit_id", `"9"`, "inventory_kind", `"P"`, "product_code", code, "order_quant", quantity, "product_name", name))
		},
		place: func(n int, field string) string { return fmt.Sprintf("order %d, line 9, %s", n, field) },
		path:  func(i int, field string) string { return fmt.Sprintf("order[%d].order_products[0].%s", i, field) },
		code:  "product_code", quantity: "order_quant", name: "product_name", inside: "order_quant",
		keyless: func(i int) string { return fmt.Sprintf("order[%d], deal_id", i) },
	}
	c.serve(t, func(w http.ResponseWriter, _ *http.Request) { c.say(w, `{"order":`, `,"inventory":[]}`) })
	return c
}

func newRepzo(t *testing.T) *clerk {
	c := &clerk{
		desk: &desk{}, source: `{repzo: {url: "%s", key: "${env:REPZO}", per_minute: 10000}}`, made: "RZ-%d-1",
		place: func(n int, field string) string { return fmt.Sprintf("order %d, line 9, %s", n, field) },
		path:  func(i int, field string) string { return fmt.Sprintf("data[%d].items[0].%s", i, field) },
		code:  "variant", quantity: "qty", name: "variant.product_name", inside: "qty",
		keyless: func(i int) string { return fmt.Sprintf("data[%d], _id", i) },
	}
	c.order = func(key, code, quantity, name string) string {
		id := fmt.Sprintf("%024x", c.count()+1) // lists are in their order
		if key == long {
			id = long
		}
		return fmt.Sprintf(`{"_id":"%s","serial_number":{"formatted":"%s"},"status":"approved","latest":true,"delivery_date":"%s","items":[%s]}`, id, key, nextWeek(time.DateOnly),
			members("_id", `"9"`, "qty", quantity, "measureunit", `{"_id":"u","name":"PCS","factor":1}`, "variant", members("variant_id", `"v"`, "variant_sku", code, "product_name", name)))
	}
	c.serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/proforma" || r.URL.Query().Has("from_updatedAt") {
			_, _ = io.WriteString(w, `{"data":[]}`)
			return
		}
		c.say(w, `{"data":`, `,"current_page":1,"total_pages":1}`)
	})
	return c
}

func newCSMART(t *testing.T) *clerk {
	c := &clerk{
		desk: &desk{}, source: `{csmart: {url: "%s", domain: d, email: "a@b", password: "${env:CSMART}"}}`, made: "CS-%d-1",
		order: func(key, code, quantity, name string) string {
			return fmt.Sprintf(`{"id":"%s","status":"nowe","delivery_date":"%s","items":[%s]}`, key, nextWeek(time.DateOnly), members("id", `"9"`, "code", code, "quantity", quantity, "name", name))
		},
		place: func(n int, field string) string { return fmt.Sprintf("order %d, line 1, %s", n, field) },
		path:  func(i int, field string) string { return fmt.Sprintf("SalesOrders, data[%d].items[0].%s", i, field) },
		code:  "line.product", quantity: "line.quantity", name: "name", inside: "quantity",
		keyless: func(i int) string { return fmt.Sprintf("SalesOrders, data[%d], id", i) },
	}
	c.serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("module") {
		case "Login":
			_, _ = io.WriteString(w, `{"error":"","data":{"token":"tok"}}`)
		case "SalesOrders":
			c.say(w, `{"error":"","data":`, `}`)
		default:
			_, _ = io.WriteString(w, `{"error":"","data":[]}`)
		}
	})
	return c
}

func newREST(t *testing.T) *clerk {
	c := &clerk{
		desk: &desk{}, source: `{rest: {url: "%s", list: orders, lines: items}}`, made: "RE-%d-1",
		order: func(key, code, quantity, name string) string {
			return fmt.Sprintf(`{"order_id":"%s","due":"%s","items":[%s]}`, key, nextWeek(time.DateOnly), members("line_id", `9`, "product", code, "quantity", quantity, "product_name", name))
		},
		place: func(n int, field string) string { return fmt.Sprintf("order %d, line 1, %s", n, field) },
		path:  func(i int, field string) string { return fmt.Sprintf("page 1, orders[%d].items[0].%s", i, field) },
		code:  "product", quantity: "quantity", name: "product_name", inside: "quantity",
		keyless: func(i int) string { return fmt.Sprintf("page 1, record %d, order_id", i+1) },
	}
	c.serve(t, func(w http.ResponseWriter, _ *http.Request) { c.say(w, `{"orders":`, `}`) })
	return c
}
