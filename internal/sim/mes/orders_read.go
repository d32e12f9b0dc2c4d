package mes

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields is a body as it came, field by field.
type fields map[string]json.RawMessage

// readFields decodes a body that must be one object. A field that is null
// counts as absent.
func readFields(body []byte) (fields, error) {
	f := fields{}
	if err := strictJSON(body, &f); err != nil {
		return nil, errors.New("Invalid JSON")
	}
	maps.DeleteFunc(f, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	return f, nil
}

// orderRead takes the fields of a body into an order, and remembers the first
// thing that does not fit.
type orderRead struct {
	s   *Server
	in  fields
	err error
}

// readOrder changes an order by the fields of a body; those that it does not
// name stay.
func (s *Server) readOrder(o *Order, in fields) error {
	r := &orderRead{s: s, in: in}
	r.text("code", &o.Code)
	r.text("description", &o.Description)
	r.text("notes", &o.Notes)
	r.text("serial-number", &o.SerialNumber)
	r.date("start-date", &o.Start)
	r.date("due-date", &o.Due)
	r.number("pieces-by-box", &o.PiecesByBox)
	r.flag("ended", &o.Ended)
	r.flag("active", &o.Active)
	r.flag("is-active", &o.Active)
	r.flag("material-staging-complete", &o.Staged)
	r.reference("shipping", &o.Shipping, true)
	r.reference("location", &o.Location, s.options.LocationForm == LocationFormAccept)
	take(r, "products", func(raw json.RawMessage) (err error) { o.Lines, err = s.readLines(raw, o.Lines); return err })
	take(r, "machines", func(raw json.RawMessage) (err error) { o.Machines, err = codes(raw); return err })
	r.workers(o)
	for _, key := range []string{"parameters", "custom-fields"} {
		take(r, key, func(raw json.RawMessage) (err error) { o.Custom, err = customFields(raw); return err })
	}
	r.extra(o)
	if r.err != nil {
		return r.err
	}
	return s.checkOrder(o)
}

// take has a field read if it is there.
func take(r *orderRead, key string, read func(json.RawMessage) error) {
	raw, has := r.in[key]
	if !has || r.err != nil {
		return
	}
	if err := read(raw); err != nil {
		r.err = fmt.Errorf("The field %s is not valid: %w", key, err)
	}
}

func (r *orderRead) text(key string, into *string) {
	take(r, key, func(raw json.RawMessage) error { return json.Unmarshal(raw, into) })
}

func (r *orderRead) flag(key string, into *bool) {
	take(r, key, func(raw json.RawMessage) error { return json.Unmarshal(raw, into) })
}

func (r *orderRead) number(key string, into *float64) {
	take(r, key, func(raw json.RawMessage) (err error) { *into, err = flexible(raw); return err })
}

func (r *orderRead) date(key string, into *time.Time) {
	take(r, key, func(raw json.RawMessage) error {
		var text string
		err := json.Unmarshal(raw, &text)
		if err == nil {
			*into, err = r.s.date(text)
		}
		return err
	})
}

// reference reads a code, alone or (if objects are allowed) in an object.
func (r *orderRead) reference(key string, into *string, objects bool) {
	take(r, key, func(raw json.RawMessage) error {
		if !objects {
			return json.Unmarshal(raw, into)
		}
		code, err := code(raw)
		*into = code
		return err
	})
}

// workers reads the workers and the groups, which add to them.
func (r *orderRead) workers(o *Order) {
	take(r, "workers-assigned", func(raw json.RawMessage) error {
		var list []struct{ Number json.RawMessage }
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		o.Workers = nil
		for _, w := range list {
			n, err := flexible(w.Number)
			if err != nil || n != math.Trunc(n) {
				return fmt.Errorf("%s is not the number of a worker", w.Number)
			}
			o.Workers = append(o.Workers, int(n))
		}
		return nil
	})
	take(r, "worker-groups", func(raw json.RawMessage) error {
		var groups []struct{ Name string }
		if err := json.Unmarshal(raw, &groups); err != nil {
			return err
		}
		for _, g := range groups {
			for _, w := range r.s.config.Workers {
				in := g.Name == allWorkers || slices.Contains(w.Groups, g.Name)
				if in && !slices.Contains(o.Workers, w.Number) {
					o.Workers = append(o.Workers, w.Number)
				}
			}
		}
		return nil
	})
}

// extra keeps what the documentation does not know.
func (r *orderRead) extra(o *Order) {
	known := []string{"id", "code", "start-date", "due-date", "products", "description", "shipping", "serial-number",
		"workers-assigned", "worker-groups", "machines", "parameters", "custom-fields", "pieces-by-box", "notes",
		"location", "ended", "active", "is-active", "material-staging-complete", "status", "running-status"}
	for key, raw := range r.in {
		if slices.Contains(known, key) {
			continue
		}
		if o.Extra == nil {
			o.Extra = map[string]json.RawMessage{}
		}
		o.Extra[key] = raw
	}
}

// readLines reads the products of an order. What was booked on a product
// besides the records stays with it.
func (s *Server) readLines(raw json.RawMessage, before []OrderLine) ([]OrderLine, error) {
	var list []struct {
		Product      string          `json:"product"`
		Ordered      json.RawMessage `json:"quantity-ordered"`
		Observations string          `json:"observations"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var lines []OrderLine
	for _, in := range list {
		ordered, err := flexible(in.Ordered)
		if err != nil {
			return nil, fmt.Errorf("quantity-ordered of %s: %w", in.Product, err)
		}
		l := OrderLine{Product: in.Product, Ordered: ordered, Observations: in.Observations}
		if i := slices.IndexFunc(before, func(b OrderLine) bool { return b.Product == l.Product }); i >= 0 {
			l.Booked = before[i].Booked
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// checkOrder says what an order lacks.
func (s *Server) checkOrder(o *Order) error {
	switch {
	case o.Code == "":
		return errors.New("The field code is required")
	case o.Start.IsZero():
		return errors.New("The field start-date is required")
	case o.Due.IsZero():
		return errors.New("The field due-date is required")
	case len(o.Lines) == 0:
		return errors.New("The field products is required")
	}
	seen := map[string]bool{}
	for _, l := range o.Lines {
		switch {
		case l.Product == "":
			return errors.New("A product of the order has no code")
		case seen[l.Product]:
			return fmt.Errorf("Product %s is in the order twice", l.Product)
		case l.Ordered <= 0:
			return fmt.Errorf("The quantity ordered of %s must be greater than 0", l.Product)
		}
		seen[l.Product] = true
	}
	if s.options.OrderCode == OrderCodeUnique {
		for _, other := range s.orders {
			if other.ID != o.ID && other.Code == o.Code {
				return fmt.Errorf("There is a production order with the code %s already", o.Code)
			}
		}
	}
	if s.options.OrderReferences == OrderReferencesAccept {
		return nil
	}
	return s.checkReferences(o)
}

// checkReferences says what an order refers to that does not exist. A company
// without workers or without products has any of them.
func (s *Server) checkReferences(o *Order) error {
	for _, l := range o.Lines {
		if len(s.entities[serviceProducts]) > 0 && s.product(l.Product) == nil {
			return fmt.Errorf("Product %s does not exist", l.Product)
		}
	}
	for _, code := range o.Machines {
		if s.machines[code] == nil {
			return fmt.Errorf("Machine %s does not exist", code)
		}
	}
	for _, n := range o.Workers {
		is := func(w WorkerSetup) bool { return w.Number == n }
		if len(s.config.Workers) > 0 && !slices.ContainsFunc(s.config.Workers, is) {
			return fmt.Errorf("Worker %d does not exist", n)
		}
	}
	return nil
}

// flexible reads a number, written as a number or as a text.
func flexible(raw json.RawMessage) (float64, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e12 {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// code reads a reference: a text, or an object with a code, or an empty one.
func code(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var object struct{ Code string }
	err := json.Unmarshal(raw, &object)
	return object.Code, err
}

// codes reads a list of references.
func codes(raw json.RawMessage) ([]string, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range list {
		c, err := code(entry)
		if err != nil || c == "" {
			return nil, fmt.Errorf("%s has no code", entry)
		}
		found = append(found, c)
	}
	return found, nil
}

// customFields reads fields as names and values, or as objects of one field.
func customFields(raw json.RawMessage) ([]CustomField, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var found []CustomField
	for _, entry := range list {
		var name string
		if json.Unmarshal(entry["name"], &name) == nil && name != "" && len(entry) <= 2 {
			value := entry["value"]
			if value == nil {
				value = json.RawMessage("null")
			}
			found = append(found, CustomField{name, value})
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(entry)) {
			found = append(found, CustomField{key, entry[key]})
		}
	}
	return found, nil
}
