package orders_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// worked is one worked example: what the plant configured, what its system says, and
// the production order that leaves.
type worked struct {
	name      string
	at        time.Time
	products  []string
	configure func(s *rules.Settings)
	every     time.Duration
	order     erp.Order
	stock     []erp.Stock
	want      string
}

func examples() []worked {
	hours := func(h int) *time.Location { return time.FixedZone("", h*3600) }
	one := dec("1")
	return []worked{
		{
			name: "smartup", at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), products: []string{"P-100"},
			configure: func(s *rules.Settings) {
				s.Source, s.Prefix, s.Template, s.LeadTime, s.DayEnd, s.Zone = "su1", "SU-", "{prefix}{id}-{line}", 48*time.Hour, 18*time.Hour, hours(5)
			},
			order: erp.Order{
				ID: "642", State: erp.Open, Word: "B#N", Due: erp.DayOf(2026, 11, 25), Customer: erp.Customer{Name: "Bahor Savdo"},
				Lines: []erp.Line{
					{ID: "9001", Product: "P-100", Quantity: dec("480"), Factor: one, Manufactured: erp.Yes},
					{ID: "9002", Product: "G-7", Quantity: dec("10"), Factor: one, Manufactured: erp.No},
				},
			},
			want: `{ "code": "SU-642-1", "start-date": "2026-11-23T13:00:00Z", "due-date": "2026-11-25T13:00:00Z",
				"products": [ { "product": "P-100", "quantity-ordered": 480, "observations": "" } ],
				"description": "Order 642, Bahor Savdo [src:su1:642:9001]", "notes": "", "active": true }`,
		},
		{
			name: "repzo", at: time.Date(2022, 12, 17, 8, 0, 0, 0, time.UTC), products: []string{"010-UNI-UN0058"},
			configure: func(s *rules.Settings) {
				s.Template = "{prefix}{number}-{line}"
				s.Source, s.Prefix, s.LeadTime, s.DefaultLead, s.DayEnd, s.Zone, s.CustomerText = "rz1", "RZ-", 24*time.Hour, 72*time.Hour, 17*time.Hour, hours(3), "none"
			},
			order: erp.Order{
				ID: "639dc3af162ee0872ff7356c", Number: "PRO-1032-1602", State: erp.Open, Ordered: erp.DayOf(2022, 12, 17),
				Lines: []erp.Line{{ID: "639dc3af162ee0872ff7356f", Product: "010-UNI-UN0058", Quantity: dec("50"), Unit: "CRTN", Factor: dec("24")}},
			},
			want: `{ "code": "RZ-PRO-1032-1602-1", "start-date": "2022-12-19T14:00:00Z", "due-date": "2022-12-20T14:00:00Z",
				"products": [ { "product": "010-UNI-UN0058", "quantity-ordered": 1200, "observations": "" } ],
				"description": "PRO-1032-1602, assumed due date [src:rz1:639dc3af162ee0872ff7356c:639dc3af162ee0872ff7356f]", "notes": "", "active": true }`,
		},
		{
			name: "csmart", at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), products: []string{"STOL-120"},
			configure: func(s *rules.Settings) {
				s.Template = "{prefix}{number}-{line}"
				s.Source, s.Prefix, s.LeadTime, s.DayEnd, s.Zone = "cs1", "CS-", 72*time.Hour, 16*time.Hour, hours(1)
			},
			order: erp.Order{
				ID: "1245", Number: "ZS/45/2026", State: erp.Open, Due: erp.DayOf(2026, 12, 4), Customer: erp.Customer{Name: "Meble Nowak"},
				Lines: []erp.Line{{ID: "9001", Product: "STOL-120", Quantity: dec("20"), Factor: one, Note: "Stol 120"}},
			},
			want: `{ "code": "CS-ZS-45-2026-1", "start-date": "2026-12-01T15:00:00Z", "due-date": "2026-12-04T15:00:00Z",
				"products": [ { "product": "STOL-120", "quantity-ordered": 20, "observations": "Stol 120" } ],
				"description": "ZS/45/2026, Meble Nowak [src:cs1:1245:9001]", "notes": "", "active": true }`,
		},
		{
			name: "smpos", at: time.Date(2026, 11, 22, 11, 50, 0, 0, time.UTC), products: []string{"120"}, every: 2 * time.Minute,
			configure: func(s *rules.Settings) {
				s.Source, s.Prefix, s.Target, s.LeadTime = "sm1", "SM-", rules.Replenish, 3*time.Hour
				s.Replenishment.Needs = []rules.Need{{Article: "120", Pool: "kiosk1", Places: []string{"kiosk1"}, Min: dec("20"), Max: dec("100"), Lot: dec("24"), Lead: 3 * time.Hour}}
			},
			stock: []erp.Stock{{Product: "120", Name: "Croissant", Place: "kiosk1", Quantity: dec("15")}},
			want: `{ "code": "SM-kiosk1-120-0001", "start-date": "2026-11-22T12:00:00Z", "due-date": "2026-11-22T15:00:00Z",
				"products": [ { "product": "120", "quantity-ordered": 96, "observations": "kiosk1 96" } ],
				"description": "Replenishment, stock 15, min 20, max 100 [src:sm1:kiosk1/120:0001]", "notes": "", "active": true }`,
		},
	}
}

// TestWorkedExamples: what leaves for Prodsmart is literally the example of each
// system.
func TestWorkedExamples(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { x.run(t) })
		})
	}
}

func (x worked) run(t *testing.T) {
	time.Sleep(time.Until(x.at))
	r := newRig(t, func(c *orders.Config) { x.configure(&c.Settings); c.StockEvery = x.every })
	for _, code := range x.products {
		r.product(code)
	}
	if x.order.ID != "" {
		r.office.put(x.order)
	}
	r.office.stock = x.stock
	if x.every > 0 {
		r.wait(11 * time.Minute) // nothing is decided in the first ten
	} else {
		r.wait(time.Minute)
	}
	r.down()
	var bodies []string
	for _, c := range r.server.Calls(0) {
		if c.Method == "POST" && c.Service == "production-orders" {
			bodies = append(bodies, c.Body)
		}
	}
	if len(bodies) != 1 {
		t.Fatalf("%d orders left: %q\n%s", len(bodies), bodies, r.journal())
	}
	var got, want map[string]any
	if err := json.Unmarshal([]byte(bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(x.want), &want); err != nil {
		t.Fatal(err)
	}
	// What is empty need not be said.
	product := got["products"].([]any)[0].(map[string]any)
	for _, m := range []map[string]any{got, product} {
		name := map[bool]string{true: "observations", false: "notes"}[m["product"] != nil]
		if _, said := m[name]; !said {
			m[name] = ""
		}
	}
	if x.every > 0 { // the seconds of the read are not the example's
		for _, field := range []string{"start-date", "due-date"} {
			got[field] = got[field].(string)[:len("2026-11-22T12:00")] + ":00Z"
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("left:\n%s\nwanted:\n%s", bodies[0], strings.Join(strings.Fields(x.want), " "))
	}
}
