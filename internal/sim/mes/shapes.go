package mes

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// downtimeShape is an entry of the downtimes list.
func (s *Server) downtimeShape(m *Machine, d *Downtime) map[string]any {
	shape := map[string]any{
		"id":               d.ID,
		"start-time":       s.listTime(d.Start, time.UTC),
		"started-by":       worker(d.StartedBy),
		"closed-by":        worker(d.ClosedBy),
		"workers":          []any{},
		"machines":         []any{map[string]any{"code": m.Code, "name": m.Name}},
		"product":          d.Product,
		"production-order": d.Order,
		"checked-out":      !d.Open(),
		"downtime-type":    d.Type,
		"time-spent":       s.spent(s.endOr(d.End).Sub(d.Start)),
	}
	if d.StartedBy != 0 {
		shape["workers"] = []any{worker(d.StartedBy)}
	}
	s.putEnd(shape, d.End, time.UTC)
	return shape
}

// productionShape is an entry of the productions list.
func (s *Server) productionShape(m *Machine, p *Production, named bool) map[string]any {
	waste := []any{}
	for _, code := range slices.Sorted(maps.Keys(p.Waste)) {
		waste = append(waste, map[string]any{"quantity": s.quantity(p.Waste[code]), "waste": map[string]any{
			"id": s.codeID("waste", code), "code": code, "description": code, "flaw": "Flaw",
			"recoverable": false, "billable": false}})
	}
	parameters := []any{}
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		if s.options.ListParameters == ListParametersNameValue {
			parameters = append(parameters, map[string]any{"name": name, "value": p.Parameters[name]})
			continue
		}
		parameters = append(parameters, map[string]any{name: p.Parameters[name]})
	}
	by := worker(p.Worker)
	if named {
		by["name"] = fmt.Sprintf("Worker %d", p.Worker)
	}
	order := map[string]any{}
	if p.Order != "" {
		order = map[string]any{"code": p.Order, "id": p.orderID}
	}
	shape := map[string]any{
		"id":               p.ID,
		"production-order": order,
		"operation":        map[string]any{"code": p.Operation, "product": p.Product},
		"worker":           by,
		"machine":          map[string]any{"code": m.Code},
		"produced-waste":   waste,
		"parameters":       parameters,
		"quantity":         s.quantity(p.Quantity),
		"checked-out":      !p.Open(),
		"work-time":        s.spent(s.worked(m, p)),
		"start-time":       s.listTime(p.Start, s.config.Zone),
	}
	s.putEnd(shape, p.End, s.config.Zone)
	return shape
}

// worked is how long a production has been running, without the downtimes.
func (s *Server) worked(m *Machine, p *Production) time.Duration {
	end := s.endOr(p.End)
	total, from := end.Sub(p.Start), p.Start
	downtimes := slices.SortedFunc(slices.Values(m.Downtimes), func(a, b Downtime) int { return a.Start.Compare(b.Start) })
	for _, d := range downtimes {
		until := s.endOr(d.End)
		if until.After(end) {
			until = end
		}
		if d.Start.After(from) {
			from = d.Start
		}
		if until.After(from) {
			total -= until.Sub(from)
			from = until
		}
	}
	return max(0, total)
}

// endOr is the end of a record, and now while it is open.
func (s *Server) endOr(end time.Time) time.Time {
	if end.IsZero() {
		return s.now()
	}
	return end
}

// worker refers to a worker; 0 is nobody.
func worker(number int) map[string]any {
	if number == 0 {
		return map[string]any{}
	}
	return map[string]any{"number": number}
}

// putEnd writes the end of a record, and what stands there while it is open.
func (s *Server) putEnd(shape map[string]any, end time.Time, zone *time.Location) {
	const key = "end-time"
	switch {
	case !end.IsZero():
		shape[key] = s.listTime(end, zone)
	case s.options.OpenEnd == OpenEndFarFuture:
		shape[key] = s.listTime(time.Date(2099, 12, 31, 0, 0, 0, 0, zone), zone)
	case s.options.OpenEnd == OpenEndNull:
		shape[key] = nil
	}
}

func (s *Server) listTime(t time.Time, zone *time.Location) string {
	switch {
	case s.options.ListTimes == ListTimesSeconds:
		return t.UTC().Format("2006-01-02T15:04:05Z")
	case zone == time.UTC:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.In(zone).Format("2006-01-02T15:04:05.000-07:00")
}

func (s *Server) quantity(v float64) any {
	if s.options.ListNumbers == ListNumbersString {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return v
}

// spent writes a duration in whole seconds.
func (s *Server) spent(d time.Duration) string {
	n := int(d / time.Second)
	form := "%02dH%02dm%02ds"
	if s.options.TimeSpent == TimeSpentClock {
		form = "%02d:%02d:%02d"
	}
	return fmt.Sprintf(form, n/3600, n/60%60, n%60)
}
