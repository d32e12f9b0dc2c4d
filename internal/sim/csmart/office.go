package csmart

import (
	"maps"
	"net/url"
	"strconv"
	"time"
)

// Order is a sales order.
type Order struct {
	// ID is given by the service.
	ID, Number, Status string
	// Date and Delivery are days: 2026-11-20; empty and 0000-00-00 are none.
	Date, Delivery       string
	Account, AccountName string
	TaxNo                string
	Description          string
	Items                []Item

	modified time.Time
}

// Item is a line.
type Item struct {
	// ID is given by the service where it is empty.
	ID string
	// Product is the product's id; empty for something that is only named.
	Product, Code, Name string
	// Quantity and Price are decimals with a point.
	Quantity, Unit, Price string
}

// Product is an article.
type Product struct{ Code, Name, Unit string }

// Account is a customer.
type Account struct{ Name, TaxNo, Type string }

// Task is an event of the office's calendar.
type Task struct{ ID, Name, Type, Status, TaxNo, Description, Description2, Start, End string }

// AddProduct adds an article and gives its id.
func (s *Server) AddProduct(p Product) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := record{"id": s.id(), "code": p.Code, "name": p.Name, "unit": p.Unit, "active": "1"}
	s.products = append(s.products, r)
	return r["id"]
}

// AddAccount adds a customer and gives its id.
func (s *Server) AddAccount(a Account) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := record{"id": s.id(), "name": a.Name, "nip": a.TaxNo, "type": a.Type}
	s.accounts = append(s.accounts, r)
	return r["id"]
}

// Create takes an order in and gives its id.
func (s *Server) Create(o Order) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.ID = s.id()
	s.number(&o)
	o.modified = s.config.Now()
	o.Items = append([]Item(nil), o.Items...)
	s.orders = append(s.orders, &o)
	return o.ID
}

// number gives new lines their ids.
func (s *Server) number(o *Order) {
	for i := range o.Items {
		if o.Items[i].ID == "" {
			o.Items[i].ID = s.id()
		}
	}
}

// Edit changes an order; ok is false if there is none.
func (s *Server) Edit(id string, change func(o *Order)) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.ID != id {
			continue
		}
		o.Items = append([]Item(nil), o.Items...)
		change(o)
		o.ID, o.modified = id, s.config.Now()
		s.number(o)
		return true
	}
	return false
}

// Delete takes an order away.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.orders {
		if o.ID == id {
			s.orders = append(s.orders[:i:i], s.orders[i+1:]...)
			return
		}
	}
}

// Orders gives copies of all orders, the oldest first.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Order, 0, len(s.orders))
	for _, o := range s.orders {
		c := *o
		c.Items = append([]Item(nil), o.Items...)
		out = append(out, c)
	}
	return out
}

// Tasks gives all tasks, the oldest first.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Task
	for _, v := range s.events {
		out = append(out, Task{v["id"], v["name"], v["type"], v["status"], v["nip"], v["description"], v["description2"], v["date_start"] + " " + v["time_start"], v["date_end"] + " " + v["time_end"]})
	}
	return out
}

// SetTask gives a task another status and name, as people do.
func (s *Server) SetTask(id, status, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.events {
		if r["id"] == id {
			r["status"], r["name"] = status, name
		}
	}
}

// DeleteTask takes a task away.
func (s *Server) DeleteTask(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.events {
		if r["id"] == id {
			s.events = append(s.events[:i:i], s.events[i+1:]...)
			return
		}
	}
}

// list gives a module's records; known is false for a module that there is not.
func (s *Server) list(module string) (list []map[string]any, known bool) {
	switch module {
	case "SalesOrders":
		for _, o := range s.orders {
			list = append(list, s.spellOrder(o))
		}
		return list, true
	case "Products":
		return spellAll(s.products), true
	case "Accounts":
		return spellAll(s.accounts), true
	case "Events":
		return spellAll(s.events), true
	case "Opportunities", "Quotes", "Invoices":
		return spellAll(s.others[module]), true
	}
	return nil, false
}

func spellAll(records []record) []map[string]any {
	var out []map[string]any
	for _, r := range records {
		m := map[string]any{}
		for k, v := range r {
			m[k] = v
		}
		out = append(out, m)
	}
	return out
}

// spellOrder is an order as the list has it: all scalars are texts.
func (s *Server) spellOrder(o *Order) map[string]any {
	opt := s.config.Options
	m := map[string]any{
		"id": o.ID, "number": o.Number, "name": o.Number, "status": o.Status, "date": opt.day(o.Date), "delivery_date": opt.day(o.Delivery), "account_id": o.Account,
		"account_name": o.AccountName, "nip": o.TaxNo, "currency": "PLN", "description": o.Description,
	}
	if !opt.NoModified {
		m["modified"] = o.modified.In(s.config.Zone).Format(time.DateTime)
	}
	if opt.NoItems {
		return m
	}
	var items []map[string]any
	for i, item := range o.Items {
		l := map[string]any{"id": item.ID, "product_id": item.Product, "code": item.Code, "name": item.Name, "quantity": opt.number(item.Quantity), "unit": item.Unit, "price": opt.number(item.Price), "vat": "23"}
		if opt.NoCode {
			delete(l, "code")
		}
		if opt.NoLineID {
			delete(l, "id")
			l["lp"] = strconv.Itoa(i + 1)
		}
		items = append(items, l)
	}
	m["items"] = opt.spell(items)
	return m
}

// save creates or changes a record of the modules that can be saved.
func (s *Server) save(module string, form url.Values) (data any, said string) {
	var list *[]record
	fields := map[string]string{"name": "", "nip": "", "type": "", "status": "", "description": "", "description1": "", "description2": ""}
	now := s.config.Now().In(s.config.Zone)
	switch module {
	case "Events":
		list = &s.events
		for k, v := range map[string]string{"type": "zadanie", "status": "nowe", "date_start": now.Format(time.DateOnly), "time_start": now.Format("15:04"), "date_end": now.Format(time.DateOnly), "time_end": "09:00", "allDay": "0"} {
			fields[k] = v
		}
		if nip := form.Get("nip"); nip != "" && !s.knows(nip) {
			return nil, "Nie znaleziono kontrahenta o podanym nip"
		}
	case "Accounts":
		list = &s.accounts
		for _, k := range []string{"category", "source", "gr", "client_no", "au", "email", "www", "phone_office", "phone_mobile", "phone_fax", "address", "city", "postal_code", "state", "country"} {
			fields[k] = ""
		}
	case "Opportunities":
		records := s.others[module]
		list = &records
		defer func() { s.others[module] = records }()
		for _, k := range []string{"account_id", "account_name", "source", "final_date", "total", "assigned", "process", "sale_from"} {
			fields[k] = ""
		}
	default:
		return nil, "Nieznany moduł"
	}
	id := form.Get("id")
	if id == "" {
		if form.Get("name") == "" {
			return nil, "Pole name jest wymagane"
		}
		r := record{"id": s.id()}
		maps.Copy(r, fields)
		*list = append(*list, r)
		put(r, fields, form)
		return r["id"], ""
	}
	for _, r := range *list {
		if r["id"] == id {
			put(r, fields, form)
			return id, ""
		}
	}
	return nil, "Nie znaleziono rekordu"
}

// put sets the known fields that were sent.
func put(r record, fields map[string]string, form url.Values) {
	for k := range form {
		if _, known := fields[k]; known {
			r[k] = form.Get(k)
		}
	}
}

// knows says that there is a customer with the tax number.
func (s *Server) knows(nip string) bool {
	for _, a := range s.accounts {
		if a["nip"] == nip {
			return true
		}
	}
	return false
}
