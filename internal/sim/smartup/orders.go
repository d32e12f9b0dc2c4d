package smartup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Order is a deal. Texts are as the API gives them.
type Order struct {
	DealID, ExternalID, FilialCode string
	DealTime, DeliveryDate         time.Time
	// NoDelivery leaves the delivery date empty.
	NoDelivery                                bool
	DeliveryNumber, InvoiceNumber, Status     string
	PersonCode, PersonName, RoomCode, Manager string
	Note, DealNote, Currency                  string
	Lines, Gifts, Actions                     []Line
	Modified                                  time.Time
}

// Line is one line of a deal, gift or promotion.
type Line struct {
	UnitID, ProductCode, LocalCode, Barcode, Name string
	Quantity, Kind, Price, Warehouse, Measure     string
}

func (o Order) clone() Order {
	o.Lines, o.Gifts, o.Actions = slices.Clone(o.Lines), slices.Clone(o.Gifts), slices.Clone(o.Actions)
	return o
}

// request is the body of any call; what a call does not know is not looked at.
type request struct {
	FilialCode    string           `json:"filial_code,omitempty"`
	Statuses      []string         `json:"statuses,omitempty"`
	ExternalID    string           `json:"external_id,omitempty"`
	DealID        string           `json:"deal_id,omitempty"`
	Code          string           `json:"code,omitempty"`
	DeliveryDate  string           `json:"delivery_date,omitempty"`
	BeginModified string           `json:"begin_modified_on,omitempty"`
	EndModified   string           `json:"end_modified_on,omitempty"`
	BeginDate     string           `json:"begin_date,omitempty"`
	EndDate       string           `json:"end_date,omitempty"`
	Conditions    []string         `json:"product_conditions,omitempty"`
	Warehouses    []warehouse      `json:"warehouse_codes,omitempty"`
	Order         []orderChange    `json:"order,omitempty"`
	Stocktaking   []map[string]any `json:"stocktaking,omitempty"`
	Movement      []map[string]any `json:"movement,omitempty"`
	Writeoff      []map[string]any `json:"writeoff,omitempty"`
	Input         []map[string]any `json:"input,omitempty"`
	Purchase      []map[string]any `json:"purchase,omitempty"`
}

type warehouse struct {
	Code string `json:"warehouse_code"`
}

type orderChange struct {
	DealID string  `json:"deal_id"`
	Status string  `json:"status"`
	Note   *string `json:"note"`
}

const (
	dateForm = "02.01.2006"
	timeForm = "02.01.2006 15:04:05"
)

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(dateForm)
}

// span reads the window of a filter; the refusal is not nil if it is too wide.
func (s *Server) span(in request) (from, to time.Time, set bool, refused *reply) {
	if in.BeginModified == "" && in.EndModified == "" {
		return from, to, false, nil
	}
	from, err := time.ParseInLocation(dateForm, in.BeginModified, s.zone)
	if err != nil {
		r := refusal(400, "A00-00-001", "begin_modified_on: a date dd.mm.yyyy is expected")
		return from, to, false, &r
	}
	to, err = time.ParseInLocation(dateForm, in.EndModified, s.zone)
	if err != nil {
		r := refusal(400, "A00-00-001", "end_modified_on: a date dd.mm.yyyy is expected")
		return from, to, false, &r
	}
	y, m, d := s.now().Date()
	oldest := time.Date(y, m, d-s.config.Options.DayRange, 0, 0, 0, 0, s.zone)
	if from.Before(oldest) {
		r := refusal(400, "A00-00-002", fmt.Sprintf("the range of days is limited to %d", s.config.Options.DayRange))
		return from, to, false, &r
	}
	return from, to.AddDate(0, 0, 1), true, nil
}

func (s *Server) exportOrders(in request) reply {
	from, to, bounded, refused := s.span(in)
	if refused != nil {
		return *refused
	}
	if in.DealID != "" && s.config.Options.WindowOnID {
		y, m, d := s.now().Date()
		from, to, bounded = time.Date(y, m, d-s.config.Options.DayRange, 0, 0, 0, 0, s.zone), s.now().AddDate(0, 0, 1), true
	}
	list := []any{}
	for _, id := range s.ids() {
		o := s.orders[id]
		switch {
		case in.DealID != "" && in.DealID != o.DealID, in.ExternalID != "" && in.ExternalID != o.ExternalID,
			in.FilialCode != "" && in.FilialCode != o.FilialCode, len(in.Statuses) > 0 && !slices.Contains(in.Statuses, o.Status),
			in.DeliveryDate != "" && in.DeliveryDate != day(o.DeliveryDate),
			bounded && (o.Modified.Before(from) || !o.Modified.Before(to)):
			continue
		}
		list = append(list, s.spell(o))
	}
	return reply{200, map[string]any{"order": list}}
}

func (s *Server) ids() []string {
	var ids []string
	for id := range s.orders {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return ids
}

// spell gives an order as the API does.
func (s *Server) spell(o *Order) map[string]any {
	out := map[string]any{
		"deal_id": o.DealID, "external_id": o.ExternalID, "filial_code": o.FilialCode, "subfilial_code": "", "deal_time": o.DealTime.In(s.zone).Format(timeForm),
		"delivery_date": day(o.DeliveryDate), "booked_date": "", "delivery_number": o.DeliveryNumber, "invoice_number": o.InvoiceNumber, "status": o.Status,
		"person_id": "77" + o.DealID, "person_code": o.PersonCode, "person_name": o.PersonName, "room_code": o.RoomCode, "sales_manager_name": o.Manager,
		"currency_code": o.Currency, "note": o.Note, "deal_note": o.DealNote, "total_amount": "0", "self_shipment": "N",
		"order_products": lines(o.Lines, false),
	}
	if o.NoDelivery {
		out["delivery_date"] = ""
	}
	if !s.config.Options.NoGifts {
		out["order_gifts"], out["order_actions"] = lines(o.Gifts, true), lines(o.Actions, true)
	}
	return out
}

func lines(list []Line, promotion bool) []any {
	out := []any{}
	for _, l := range list {
		one := map[string]any{
			"external_id": "", "product_unit_id": l.UnitID, "product_code": l.ProductCode, "product_local_code": l.LocalCode, "product_name": l.Name,
			"product_barcode": l.Barcode, "measure_code": l.Measure, "order_quant": l.Quantity, "sold_quant": "0", "return_quant": "0", "inventory_kind": l.Kind,
			"warehouse_code": l.Warehouse, "product_price": l.Price, "expiry_date": "", "batch_number": "", "details": []any{},
		}
		if promotion {
			delete(one, "product_unit_id")
			one["bonus_id"] = "5"
		}
		out = append(out, one)
	}
	return out
}

// changed notes a modification.
func (s *Server) changed(o *Order) {
	o.Modified = s.now()
	if s.config.Options.Renumber {
		for i := range o.Lines {
			s.next++
			o.Lines[i].UnitID = strconv.Itoa(9000 + s.next)
		}
	}
}

func (s *Server) changeStatus(in request) reply {
	return s.each(in, func(o *Order, c orderChange) string {
		if !slices.Contains([]string{"D", "B#N", "B#E", "B#W", "B#S", "B#V", "A", "C"}, c.Status) {
			return "unknown status " + c.Status
		}
		if o.Status == "A" || o.Status == "C" {
			return "the deal is closed"
		}
		o.Status = c.Status
		if !s.config.Options.StatusUnmodified {
			o.Modified = s.now()
		}
		return ""
	})
}

func (s *Server) attachData(in request) reply {
	return s.each(in, func(o *Order, c orderChange) string {
		if c.Note == nil {
			return ""
		}
		if len(*c.Note) > 40 {
			return "ORA-06502: PL/SQL: numeric or value error: character string buffer too small"
		}
		if s.config.Options.NoteAppends && o.Note != "" {
			o.Note += " " + *c.Note
		} else {
			o.Note = *c.Note
		}
		o.Modified = s.now()
		return ""
	})
}

// each applies changes of orders one by one: some may be refused.
func (s *Server) each(in request, do func(o *Order, c orderChange) string) reply {
	good, bad := []any{}, []any{}
	for _, c := range in.Order {
		o := s.orders[c.DealID]
		why := "deal is not found"
		if o != nil {
			why = do(o, c)
		}
		if why == "" {
			good = append(good, map[string]any{"code": c.DealID})
		} else {
			bad = append(bad, map[string]any{"code": c.DealID, "message": why})
		}
	}
	return reply{200, map[string]any{"successes": good, "errors": bad}}
}

// Create is what the office does: it gives an order a number, lines their ids, and
// returns the number.
func (s *Server) Create(o Order) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	o = o.clone()
	if o.DealID == "" {
		o.DealID = strconv.Itoa(s.next)
	}
	if o.Status == "" {
		o.Status = "B#N"
	}
	if o.DealTime.IsZero() {
		o.DealTime = s.now()
	}
	for i := range o.Lines {
		if o.Lines[i].UnitID == "" {
			s.next++
			o.Lines[i].UnitID = strconv.Itoa(9000 + s.next)
		}
	}
	o.Modified = s.now()
	s.orders[o.DealID] = &o
	return o.DealID
}

// Edit lets the office change an order.
func (s *Server) Edit(id string, change func(o *Order)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil {
		return fmt.Errorf("there is no deal %s", id)
	}
	change(o)
	for i := range o.Lines {
		if o.Lines[i].UnitID == "" {
			s.next++
			o.Lines[i].UnitID = strconv.Itoa(9000 + s.next)
		}
	}
	s.changed(o)
	return nil
}

// SetStatus lets the office change the status of an order.
func (s *Server) SetStatus(id, status string) error {
	return s.Edit(id, func(o *Order) { o.Status = status })
}

// Split moves the last line of an order to another one, whose number it returns.
func (s *Server) Split(id string) (string, error) {
	var moved Order
	err := s.Edit(id, func(o *Order) {
		if len(o.Lines) < 2 {
			return
		}
		moved = o.clone()
		moved.DealID, moved.Note = "", ""
		moved.Lines = []Line{o.Lines[len(o.Lines)-1]}
		moved.Lines[0].UnitID = ""
		moved.Gifts, moved.Actions = nil, nil
		o.Lines = o.Lines[:len(o.Lines)-1]
	})
	if err != nil || len(moved.Lines) == 0 {
		return "", err
	}
	return s.Create(moved), nil
}

// Delete removes an order as if it had never been.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, id)
}

// Orders gives all orders by number.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Order
	for _, id := range s.ids() {
		out = append(out, s.orders[id].clone())
	}
	return out
}

// Spoil replaces the answer's order list of the next export by any JSON: for tests of
// garbage. It is a fault of its own because it is read, not broken.
func (s *Server) Spoil(raw string) { s.AddFault(Fault{Kind: FaultKind("raw:" + raw), Object: "order"}) }

// rawFault gives the text of a raw fault.
func rawFault(f FaultKind) (json.RawMessage, bool) {
	text, ok := strings.CutPrefix(string(f), "raw:")
	return json.RawMessage(text), ok
}
