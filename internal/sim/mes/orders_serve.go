package mes

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// longestMessage is how many characters the short message of notify may have.
const longestMessage = 140

// ordersService serves the list and POST of production orders.
func (s *Server) ordersService(r *http.Request, body []byte) (answer, bool) {
	if a, ok := s.admitReader(r); !ok {
		return a, false
	}
	switch r.Method {
	case http.MethodGet:
		return s.orderList(r.URL.Query()), false
	case http.MethodPost:
		in, err := readFields(body)
		if err != nil {
			return s.refuse("%v", err), false
		}
		o := &Order{Active: true}
		if err := s.readOrder(o, in); err != nil {
			return s.refuse("%v", err), false
		}
		s.addOrder(o)
		return asJSON(http.StatusCreated, listedOrder(s.orderShape(o), wantsWorkers(r))), true
	}
	return text(http.StatusMethodNotAllowed, "Method not allowed"), false
}

// orderService serves GET, PUT and DELETE of one order.
func (s *Server) orderService(r *http.Request, id string, body []byte) (answer, bool) {
	o, a := s.orderAsked(r, id)
	if o == nil {
		return a, false
	}
	switch r.Method {
	case http.MethodGet:
		return asJSON(http.StatusOK, oneOrder(s.orderShape(o), wantsWorkers(r))), false
	case http.MethodPut:
		if err := s.putOrder(o, body); err != nil {
			return s.refuse("%v", err), false
		}
		return asJSON(http.StatusOK, oneOrder(s.orderShape(o), wantsWorkers(r))), true
	case http.MethodDelete:
		_, running := s.standing(o, s.made(o))
		if running == "started" && s.options.DeleteOrder == DeleteOrderRefused {
			return text(http.StatusConflict, "Production Order was started and cannot be deleted"), false
		}
		s.removeOrder(o)
		return s.noContent("Production Order was deleted"), true
	}
	return text(http.StatusMethodNotAllowed, "Method not allowed"), false
}

// orderAsked finds the order of a call, or says why there is no answer.
func (s *Server) orderAsked(r *http.Request, id string) (*Order, answer) {
	if a, ok := s.admitReader(r); !ok {
		return nil, a
	}
	if n, err := strconv.Atoi(id); err == nil && s.orders[n] != nil {
		return s.orders[n], answer{}
	}
	if s.options.UnknownOrder == UnknownOrder400 {
		return nil, s.refuse("Production Order %s does not exist", id)
	}
	return nil, text(http.StatusNotFound, "Production Order not found")
}

// putOrder changes an order as PUT does: all of it, or what is named.
func (s *Server) putOrder(o *Order, body []byte) error {
	in, err := readFields(body)
	if err != nil {
		return err
	}
	next := o.copy()
	if s.options.OrderPut == PutReplace {
		next = Order{ID: o.ID, Active: true, Archived: o.Archived, Lines: o.Lines, Messages: o.Messages}
		if in["products"] == nil {
			next.Lines = nil
		}
	}
	if err := s.readOrder(&next, in); err != nil {
		return err
	}
	*o = next
	s.orderChanged(o)
	return nil
}

// orderVerb serves notify and activate.
func (s *Server) orderVerb(r *http.Request, id, verb string, body []byte) (answer, bool) {
	o, a := s.orderAsked(r, id)
	switch {
	case o == nil:
		return a, false
	case r.Method != http.MethodPost:
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	case verb == "activate":
		return s.activate(o)
	}
	in, err := readNotice(body)
	if err != nil {
		return s.refuse("%v", err), false
	}
	o.Messages = append(o.Messages, in.Short)
	if in.Message != "" {
		if o.Notes != "" {
			o.Notes += "\n"
		}
		o.Notes += in.Message
		s.orderChanged(o)
	}
	return answer{status: http.StatusOK}, true
}

func (s *Server) activate(o *Order) (answer, bool) {
	switch _, running := s.standing(o, s.made(o)); {
	case running == "closed" || running == "archived":
		return text(http.StatusMethodNotAllowed, "Production Order was closed or archived and cannot be activated"), false
	case o.Active:
		return s.noContent("Production Order was already active"), true
	}
	o.Active = true
	s.orderChanged(o)
	return answer{status: http.StatusOK}, true
}

// notice is the body of notify.
type notice struct {
	Short   string `json:"short-message"`
	Message string `json:"message"`
}

func readNotice(body []byte) (notice, error) {
	var in notice
	switch err := strictJSON(body, &in); {
	case err != nil:
		return in, errors.New("Invalid JSON")
	case in.Short == "":
		return in, errors.New("The field short-message is required")
	case utf8.RuneCountInString(in.Short) > longestMessage:
		return in, fmt.Errorf("The field short-message has more than %d characters", longestMessage)
	}
	return in, nil
}

// wantsWorkers says whether a call asks for the workers of orders.
func wantsWorkers(r *http.Request) bool {
	for name, v := range r.URL.Query() {
		if plain(name) == "workers" {
			is, err := strconv.ParseBool(v[0])
			return is && err == nil
		}
	}
	return false
}

// orderQuery is what the list of orders is asked for.
type orderQuery struct {
	page                                         int
	startBefore, startAfter, dueBefore, dueAfter time.Time
	running, product, machine                    string
	active                                       *bool
	workers                                      bool
}

// readFilter takes one filter in; false if there is none of that name.
func (q *orderQuery) readFilter(s *Server, name, v string) (bool, error) {
	var err error
	switch name {
	case "page":
		q.page, err = readPage(v)
	case "startdatebefore":
		q.startBefore, err = s.date(v)
	case "startdateafter":
		q.startAfter, err = s.date(v)
	case "duedatebefore":
		q.dueBefore, err = s.date(v)
	case "duedateafter":
		q.dueAfter, err = s.date(v)
	case "runningstatus":
		q.running = plain(v)
		if !slices.Contains([]string{"notstarted", "started", "closed", "archived"}, q.running) {
			err = errors.New("there is no such running status")
		}
	case "active", "isactive":
		var is bool
		is, err = strconv.ParseBool(v)
		q.active = &is
	case "product", "productcode":
		q.product = v
	case "machine", "machinecode":
		q.machine = v
	case "workers":
		q.workers, err = strconv.ParseBool(v)
	default:
		return false, nil
	}
	return true, err
}

func (s *Server) orderList(values url.Values) answer {
	q := orderQuery{page: 1}
	a := s.eachFilter(values, func(name, v string) (bool, error) { return q.readFilter(s, name, v) })
	if a.status != 0 {
		return a
	}
	if s.options.KnownFilter == KnownFilterIgnore {
		q = orderQuery{page: q.page, workers: q.workers}
	}
	records := s.byOrder()
	found := slices.DeleteFunc(s.sortedOrders(), func(o *Order) bool { return !s.fitsOrder(q, o, records[o.ID]) })
	if s.options.ListOrder == ListNewestFirst {
		slices.Reverse(found)
	}
	shapes := []map[string]any{}
	for _, o := range onPage(s.options, found, q.page) {
		shapes = append(shapes, listedOrder(s.orderShape(o), q.workers))
	}
	return asJSON(http.StatusOK, shapes)
}

// fitsOrder says whether an order passes all filters.
func (s *Server) fitsOrder(q orderQuery, o *Order, records []*Production) bool {
	switch {
	case !q.startBefore.IsZero() && !o.Start.Before(q.startBefore),
		!q.startAfter.IsZero() && !o.Start.After(q.startAfter),
		!q.dueBefore.IsZero() && !o.Due.Before(q.dueBefore),
		!q.dueAfter.IsZero() && !o.Due.After(q.dueAfter),
		q.active != nil && *q.active != o.Active,
		q.machine != "" && !slices.Contains(o.Machines, q.machine),
		q.product != "" && !slices.ContainsFunc(o.Lines, func(l OrderLine) bool { return l.Product == q.product }):
		return false
	case q.running == "":
		return true
	}
	_, running := s.standing(o, s.madeOf(o, records))
	return running == q.running
}
