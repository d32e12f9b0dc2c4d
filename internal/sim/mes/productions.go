package mes

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// productionService serves PUT and DELETE of one production record.
func (s *Server) productionService(r *http.Request, id string, body []byte) (answer, bool) {
	if a, ok := s.admitReader(r); !ok {
		return a, false
	}
	if r.Method != http.MethodPut && r.Method != http.MethodDelete {
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	n, err := strconv.Atoi(id)
	m, i := s.findProduction(n)
	if err != nil || m == nil {
		return s.refuse("Production %s does not exist", id), false
	}
	p := &m.Productions[i]
	if r.Method == http.MethodDelete {
		shape := s.productionAnswer(m, p)
		s.dropProduction(m, i)
		return asJSON(http.StatusCreated, shape), true
	}
	if err := s.putProduction(m, p, body); err != nil {
		return s.refuse("%v", err), false
	}
	return asJSON(http.StatusOK, s.productionAnswer(m, p)), true
}

// replaceProduction puts another record in place of one, which may be for
// another order.
func (s *Server) replaceProduction(m *Machine, p *Production, next Production) {
	before := p.orderID
	*p = next
	s.quantityChanged(m, p)
	if o := s.orders[before]; o != nil && before != p.orderID {
		s.orderChanged(o)
	}
}

// dropProduction removes a production of a machine.
func (s *Server) dropProduction(m *Machine, i int) {
	gone := m.Productions[i]
	m.Productions = slices.Delete(m.Productions, i, i+1)
	s.productionRemoved(m, gone)
}

// productionAnswer is a production as PUT and DELETE give it.
func (s *Server) productionAnswer(m *Machine, p *Production) map[string]any {
	shape := s.productionShape(m, p, true)
	shape["operation"] = map[string]any{"code": p.Operation, "product-code": p.Product, "id": s.codeID("operation", p.Product+"/"+p.Operation)}
	by := shape["worker"].(map[string]any)
	by["id"] = s.codeID("worker", strconv.Itoa(p.Worker))
	parameters := []any{}
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		parameters = append(parameters, map[string]any{"name": name, "value": p.Parameters[name]})
	}
	shape["parameters"] = parameters
	shape["shipping"] = codeOnly(p.Shipping)
	if p.Shipping != "" {
		shape["shipping"] = map[string]any{"code": p.Shipping, "id": s.codeID("shipping", p.Shipping)}
	}
	shape["lot-number"], shape["finished"] = p.Lot, !p.Open()
	delete(shape, "checked-out")
	shape["start-time"] = s.listTime(p.Start, time.UTC)
	s.putEnd(shape, p.End, time.UTC)
	return shape
}

// putProduction changes a production as PUT does: all of it, or what is named.
func (s *Server) putProduction(m *Machine, p *Production, body []byte) error {
	in, err := readFields(body)
	if err != nil {
		return err
	}
	next := *p
	next.Parameters = maps.Clone(p.Parameters)
	if s.options.ProductionPut == PutReplace {
		for _, key := range []string{"operation", "worker", "quantity", "start-time"} {
			if in[key] == nil {
				return fmt.Errorf("The field %s is required", key)
			}
		}
		next.Shipping, next.Lot, next.Order, next.orderID = "", "", "", 0
		next.Parameters = map[string]json.RawMessage{}
	}
	if err := s.readProduction(&next, in); err != nil {
		return err
	}
	if !next.Open() && next.End.Before(next.Start) {
		return errors.New("The end-time is before the start-time")
	}
	s.replaceProduction(m, p, next)
	return nil
}

// readProduction changes a production by the fields of a body.
func (s *Server) readProduction(p *Production, in fields) error {
	r := &orderRead{s: s, in: in}
	r.reference("shipping", &p.Shipping, true)
	r.number("quantity", &p.Quantity)
	r.date("start-time", &p.Start)
	r.text("lot-number", &p.Lot)
	take(r, "production-order", func(raw json.RawMessage) error { return s.readOrderOf(p, raw) })
	take(r, "operation", func(raw json.RawMessage) error {
		var of struct {
			Code    *string
			Product *string `json:"product-code"`
		}
		err := json.Unmarshal(raw, &of)
		put(&p.Operation, of.Code)
		put(&p.Product, of.Product)
		return err
	})
	take(r, "worker", func(raw json.RawMessage) error {
		var by struct{ Number json.RawMessage }
		if err := json.Unmarshal(raw, &by); err != nil {
			return err
		}
		n, err := flexible(by.Number)
		if err == nil && (n != math.Trunc(n) || n < 0) {
			err = fmt.Errorf("%v is not the number of a worker", n)
		}
		p.Worker = int(n)
		return err
	})
	take(r, "parameters", func(raw json.RawMessage) error {
		list, err := customFields(raw)
		p.Parameters = map[string]json.RawMessage{}
		for _, f := range list {
			p.Parameters[f.Name] = f.Value
		}
		return err
	})
	s.readEnd(r, p)
	if r.err == nil && p.Quantity < 0 {
		return errors.New("The quantity can not be negative")
	}
	return r.err
}

// readEnd reads what finishes a production, or opens it again.
func (s *Server) readEnd(r *orderRead, p *Production) {
	end, finished := p.End, !p.Open() || r.in["end-time"] != nil
	r.date("end-time", &end)
	r.flag("finished", &finished)
	switch {
	case !finished:
		p.End = time.Time{}
	case end.IsZero():
		p.End = s.now()
	default:
		p.End = end
	}
}

// readOrderOf reads which order a production is for.
func (s *Server) readOrderOf(p *Production, raw json.RawMessage) error {
	var of struct {
		Code string
		ID   int
	}
	if err := json.Unmarshal(raw, &of); err != nil {
		return err
	}
	p.Order, p.orderID = of.Code, s.orderID(of.Code)
	if o := s.orders[of.ID]; o != nil {
		p.Order, p.orderID = o.Code, o.ID
	}
	if of.Code != "" && s.orders[p.orderID] == nil && s.options.OrderReferences == OrderReferencesReject && len(s.orders) > 0 {
		return fmt.Errorf("production order %s does not exist", of.Code)
	}
	return nil
}
