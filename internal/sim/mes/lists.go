package mes

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pageSize is how many records a list gives at a time.
const pageSize = 25

// record is a downtime or a production with what the filters look at.
type record struct {
	id         int
	machine    *Machine
	start, end time.Time // end is zero while the record is open
	shape      func(workerName bool) map[string]any
	production *Production // nil for a downtime
}

// list serves GET of the downtimes and of the productions.
func (s *Server) list(r *http.Request, service string) answer {
	if r.Method != http.MethodGet {
		return text(http.StatusMethodNotAllowed, "Method not allowed")
	}
	if a, ok := s.admitReader(r); !ok {
		return a
	}
	q, a := s.readQuery(service, r.URL.Query())
	if a.status != 0 {
		return a
	}
	records := s.downtimeRecords
	if service == serviceProductions {
		records = s.productionRecords
	}
	found := slices.DeleteFunc(records(), func(r record) bool { return !q.fits(r) })
	slices.SortFunc(found, func(a, b record) int {
		if s.options.ListOrder == ListNewestFirst {
			a, b = b, a
		}
		return cmp.Compare(a.id, b.id)
	})
	shapes := []map[string]any{}
	for _, r := range onPage(s.options, found, q.page) {
		shapes = append(shapes, r.shape(q.workerName))
	}
	return asJSON(http.StatusOK, shapes)
}

// onPage gives the records of one page, which counts from 1.
func onPage[T any](o Options, found []T, page int) []T {
	// A number of a page may be as large as numbers are.
	first := min(page-1, len(found)) * pageSize
	if first >= len(found) && o.PageBeyond == PageBeyondRepeat {
		first = max(0, len(found)-1) / pageSize * pageSize
	}
	first = min(first, len(found))
	return found[first:min(len(found), first+pageSize)]
}

// admitReader checks the credentials of a call that is not to a machine. Only
// a token is documented for it.
func (s *Server) admitReader(r *http.Request) (answer, bool) {
	if s.options.ListCredentials == ListCredentialsEither {
		return s.admit(r)
	}
	token := r.URL.Query().Get("access_token")
	switch {
	case token == "":
		return status(string(s.options.NoCredentials)), false
	case !s.valid(token):
		return status(string(s.options.BadToken)), false
	}
	return answer{}, true
}

func (s *Server) downtimeRecords() []record {
	var list []record
	for _, m := range s.machines {
		for i := range m.Downtimes {
			d := &m.Downtimes[i]
			list = append(list, record{id: d.ID, machine: m, start: d.Start, end: d.End,
				shape: func(bool) map[string]any { return s.downtimeShape(m, d) }})
		}
	}
	return list
}

func (s *Server) productionRecords() []record {
	var list []record
	for _, m := range s.machines {
		for i := range m.Productions {
			p := &m.Productions[i]
			list = append(list, record{id: p.ID, machine: m, start: p.Start, end: p.End, production: p,
				shape: func(named bool) map[string]any { return s.productionShape(m, p, named) }})
		}
	}
	return list
}

// fits says whether a record passes all filters. A record that is open ends
// after any time and before none.
func (q query) fits(r record) bool {
	open := r.end.IsZero()
	switch {
	case !q.startBefore.IsZero() && !r.start.Before(q.startBefore),
		!q.startAfter.IsZero() && !r.start.After(q.startAfter),
		!q.endBefore.IsZero() && (open || !r.end.Before(q.endBefore)),
		!q.endAfter.IsZero() && !open && !r.end.After(q.endAfter),
		!q.runningAfter.IsZero() && !open && !r.end.After(q.runningAfter),
		q.machineID != 0 && r.machine.ID != q.machineID && r.machine.Code != q.machine,
		q.machineID == 0 && q.machine != "" && r.machine.Code != q.machine:
		return false
	}
	if r.production == nil {
		return true
	}
	p := r.production
	return (q.orderID == 0 || q.orderID == p.orderID) &&
		(len(q.orders) == 0 || slices.Contains(q.orders, p.Order)) &&
		(q.worker == nil || *q.worker == p.Worker) &&
		(q.checkedOut == nil || *q.checkedOut == !open)
}

// codeID numbers something that this Prodsmart knows only by its code.
func (s *Server) codeID(kind, code string) int {
	key := kind + " " + code
	if s.codeIDs[key] == 0 {
		s.codeIDs[key] = s.newID()
	}
	return s.codeIDs[key]
}

// plain is a name without what its spellings differ in: start-time-before,
// start_time_before and startTimeBefore are one.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}
