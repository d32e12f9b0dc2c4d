package csmart

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// customersFor is how long customers are remembered, unless a new one orders.
const customersFor = 24 * time.Hour

// goods are the products as they were last read, by id and by code; nil before that.
type goods struct {
	by, coded map[string]erp.Product
	// sought are the ids of lines that the last list did not have.
	sought map[string]bool
	// at is when it was asked for last, doubt why the list could not be read then.
	at    time.Time
	doubt []erp.Problem
}

// customer is what an order may lack of its customer.
type customer struct {
	name, tax string
	person    erp.Answer
}

type customers struct {
	by map[string]customer
	// at and doubt are those of goods.
	at    time.Time
	doubt []erp.Problem
}

// refer reads the lists that the records refer to, where they need them and the last
// ones are old. A list that the user may not see is a problem, not an error: it would
// be so at each read.
func (s *Source) refer(ctx context.Context, list []web.Value) (doubts []erp.Problem, err error) {
	n := s.needs(list)
	now := time.Now()
	if n.goods && (now.Sub(s.goods.at) >= s.ProductsFor || n.unknown) {
		if err := s.referGoods(ctx, n, now); err != nil {
			return nil, err
		}
	}
	if age := now.Sub(s.customers.at); n.people && (age >= customersFor || n.stranger && age >= s.ProductsFor) {
		err := s.readCustomers(ctx)
		if s.customers.doubt, err = tolerate(err, s.customers.by != nil, false, "Accounts", "customers are known by what the orders say of them"); err != nil {
			return nil, err
		}
		s.customers.at = now
	}
	return slices.Concat(s.goods.doubt, s.customers.doubt), nil
}

// referGoods reads the products that orders need. An article that an order names and
// the new list lacks stays as it was known: a list can be empty by mistake, and a line
// with another article would be another line.
func (s *Source) referGoods(ctx context.Context, n needs, now time.Time) error {
	before := s.goods
	_, err := s.readGoods(ctx)
	passing := err != nil && !final(err)
	doubt, err := tolerate(err, before.by != nil, n.codes, "Products", "lines that have no code of their own wait, and so do those whose unit is not under units")
	if err != nil {
		return err
	}
	s.goods.doubt, s.goods.sought = doubt, map[string]bool{}
	if s.goods.at = now; passing {
		s.goods.at = before.at // it is asked for at the next read
		return nil
	}
	for id := range n.ids {
		if _, listed := s.goods.by[id]; listed {
			continue
		}
		if p, known := before.by[id]; known {
			s.goods.by[id] = p
		} else {
			s.goods.sought[id] = true
		}
	}
	for code := range n.named {
		if p, known := before.coded[code]; known && s.goods.coded[code].Code == "" {
			s.goods.coded[code] = p
		}
	}
	return nil
}

// needs is what records need of other lists.
type needs struct {
	// goods says that products are wanted, for the units of lines, or needed, for
	// their codes; the latter is codes too. unknown says that one was not looked for.
	goods, codes, unknown bool
	// ids and named are the products of the lines, by id and by code.
	ids, named map[string]bool
	// people says that there are customers that the orders do not describe; stranger
	// that one of these is new.
	people, stranger bool
}

func (s *Source) needs(list []web.Value) needs {
	n := needs{ids: map[string]bool{}, named: map[string]bool{}}
	for _, v := range list {
		if account := s.key(v, "customer_id"); account != "" && (v.Get(s.fields["customer_name"]...).Missing() || v.Get(s.fields["tax_number"]...).Missing()) {
			_, known := s.customers.by[account]
			n.people, n.stranger = true, n.stranger || !known
		}
		lines, _ := records(v.Get(s.fields["lines"]...))
		for _, l := range lines {
			n.goods = n.goods || !l.Get(s.fields["line.unit"]...).Missing()
			id := s.key(l, "line.product_id")
			if code := s.key(l, "line.product"); code != "" {
				n.named[code] = true
			} else if id != "" {
				_, listed := s.goods.by[id]
				n.goods, n.codes, n.unknown = true, true, n.unknown || !listed && !s.goods.sought[id]
			}
			if id != "" {
				n.ids[id] = true
			}
		}
	}
	return n
}

// key is a reference to a record of another list; 0 is none.
func (s *Source) key(v web.Value, field string) string {
	key, err := v.Get(s.fields[field]...).Text()
	if err != nil || key == "0" {
		return ""
	}
	return key
}

// final says that a list will be refused at the next read too.
func final(err error) bool {
	return erp.Is(err, erp.Refused) || erp.Is(err, erp.Denied) || erp.Is(err, erp.Gone)
}

// tolerate decides whether orders can be read without another list: not if they would
// look like other orders for the moment. What was read of it before goes on to count.
func tolerate(err error, had, needed bool, module, effect string) ([]erp.Problem, error) {
	var e *erp.Error
	if err == nil || !errors.As(err, &e) {
		return nil, err
	}
	if needed && !final(err) && !had {
		return nil, err
	}
	if had {
		effect = "those of the last read count"
	}
	return []erp.Problem{{Where: module, What: "the list can not be read: " + e.What + "; " + effect}}, nil
}

// readGoods reads the products and remembers them.
func (s *Source) readGoods(ctx context.Context) (erp.ProductRead, error) {
	list, told, err := s.list(ctx, "read products", "Products")
	if err != nil {
		return erp.ProductRead{}, err
	}
	out, found := erp.ProductRead{Complete: true}, notes{list: told}
	next := goods{by: map[string]erp.Product{}, coded: map[string]erp.Product{}, at: time.Now()}
	for _, v := range list {
		r := reader{source: s, record: v, where: "Products, " + v.Path(), notes: &found}
		p := erp.Product{Code: r.text("product.code"), Name: r.text("product.name"), Unit: r.text("product.unit"), Active: active(r.text("product.active"))}
		if code := r.text("product.barcode"); code != "" && code != "0" {
			p.Barcodes = []string{code}
		}
		if !v.IsObject() || p.Code == "" && p.Name == "" {
			r.bad("", "the record has neither code nor name", true)
			out.Complete = false
			continue
		}
		if id := r.text("product.id"); id != "" {
			next.by[id] = p
		}
		if p.Code == "" {
			continue // a service, or something that is sold by its name
		}
		if before, twice := next.coded[p.Code]; twice {
			r.bad("product.code", "the code "+web.Shorten(p.Code, 40)+" stands twice: "+web.Shorten(before.Name, 60)+" counts, "+web.Shorten(p.Name, 60)+" does not", false)
			continue
		}
		next.coded[p.Code] = p
		out.Products = append(out.Products, p)
	}
	s.goods, out.Problems = next, found.end("Products")
	return out, nil
}

// active reads whether a product is sold; a word that is neither says nothing.
func active(word string) erp.Answer {
	switch erp.FoldWord(word) {
	case "1", "true", "tak", "t", "yes", "aktywny", "aktywna", "aktywne", "active":
		return erp.Yes
	case "0", "false", "nie", "n", "no", "nieaktywny", "nieaktywna", "nieaktywne", "inactive", "wycofany", "wycofane":
		return erp.No
	}
	return erp.Unsaid
}

// ReadProducts reads all products.
func (s *Source) ReadProducts(ctx context.Context, _ erp.Ask) (erp.ProductRead, error) {
	return s.readGoods(ctx)
}

// readCustomers reads the customers and remembers them.
func (s *Source) readCustomers(ctx context.Context) error {
	list, _, err := s.list(ctx, "read customers", "Accounts")
	if err != nil {
		return err
	}
	next := map[string]customer{}
	for _, v := range list {
		// A customer that can not be read is known by what the order says.
		r := reader{source: s, record: v, notes: &notes{}}
		c := customer{name: r.text("customer.name"), tax: r.text("customer.tax_number")}
		switch kind := strings.ToLower(r.text("customer.type")); {
		case strings.HasPrefix(kind, "osob"), kind == "person":
			c.person = erp.Yes
		case strings.HasPrefix(kind, "firm"), kind == "company":
			c.person = erp.No
		}
		if id := r.text("customer.id"); id != "" {
			next[id] = c
		}
	}
	s.customers.by = next
	return nil
}
