package orders_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// shelf is an office that has a list of its articles.
type shelf struct {
	*office
	list  []erp.Product
	reads int
}

func (s *shelf) ReadProducts(context.Context, erp.Ask) (erp.ProductRead, error) {
	s.reads++
	return erp.ProductRead{Products: s.list, Complete: true}, nil
}

// fresh is an order for an article that Prodsmart does not have.
func fresh(id, article, name string, groups ...string) erp.Order {
	o := sale(id, "10")
	o.Lines[0].Product, o.Lines[0].ProductName, o.Lines[0].Groups, o.Lines[0].Manufactured = article, name, groups, erp.Yes
	return o
}

// An article that is made here and is not in Prodsmart is made there, once, with its
// families; one of another code, one that may be trading goods, and one that is retired
// are not, and nothing that is there is written.
func TestProductsAreMade(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Products, c.Settings.Products = true, map[string]string{"OLD": "MAPPED"}
	}, func(r *rig) {
		s := &shelf{office: r.office, list: []erp.Product{{Code: "N-1", Name: "Named in the list"}, {Code: "R-1", Name: "Retired", Active: erp.No}}}
		s.caps.Products = true
		r.config.Open = func(string, func(string) error) (erp.Source, error) { return s, nil }
		maybe := fresh("5", "T-1", "Trading?")
		maybe.Lines[0].Manufactured = erp.Unsaid
		r.office.put(fresh("1", "B-7", "Bracket", "METAL"), fresh("2", "B-7", "Bracket"), fresh("3", "N-1", ""), fresh("4", "OLD", "Old one"), maybe, fresh("6", "R-1", ""))
		r.wait(time.Hour)
		r.want("SU-1-1 10xB-7 notstarted made 0", "SU-2-1 10xB-7 notstarted made 0", "SU-3-1 10xN-1 notstarted made 0")
		created := map[string]int{}
		for _, c := range r.server.Calls(0) {
			if c.Method == "POST" && c.Path == "/api/products" && !strings.Contains(c.Body, "operations") { // of ours
				created[c.Body]++
			}
		}
		if want := map[string]int{`{"code":"B-7","families":[{"code":"METAL"}],"name":"Bracket"}`: 1, `{"code":"N-1","name":"Named in the list"}`: 1}; !maps.Equal(created, want) || s.reads != 1 {
			r.Errorf("created: %v, the articles read %d times", created, s.reads)
		}
		book, err := r.mirror.Book(r.Context(), "su1")
		if err != nil {
			r.Fatal(err)
		}
		waiting := 0
		for _, e := range book.Entries {
			if e.Status == rules.Waiting && strings.HasPrefix(e.Reason, "the product is not in Prodsmart") {
				waiting++
			}
		}
		if waiting != 3 {
			r.Errorf("%d lines wait", waiting)
		}
	})
}

// A product that people make meanwhile keeps its operations, also on a bad line.
func TestProductsThatAreThere(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Products = true }, func(r *rig) {
		r.office.put(sale("642", "10"))
		r.wait(time.Hour) // the products were read
		r.server.AddProduct("B-7", "Bracket", "OP10")
		r.fault(mes.Fault{Kind: mes.FaultDropAfter, Path: "/api/products/B-", Times: 3})
		r.office.put(fresh("1", "B-7", "Another name"), fresh("2", "B-8", "Other bracket"))
		r.wait(2 * time.Hour)
		r.want("SU-642-1 10xP-100 notstarted made 0", "SU-1-1 10xB-7 notstarted made 0", "SU-2-1 10xB-8 notstarted made 0")
		for _, c := range r.server.Calls(0) {
			if c.Method == "POST" && c.Path == "/api/products" && strings.Contains(c.Body, "B-7") {
				r.Errorf("it was written: %s", c.Body)
			}
		}
	})
}
