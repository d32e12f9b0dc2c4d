package mes

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is what a list is asked for. Zero values filter nothing.
type query struct {
	page                                                       int
	startBefore, startAfter, endBefore, endAfter, runningAfter time.Time

	machine    string
	machineID  int
	orderID    int
	orders     []string
	worker     *int
	checkedOut *bool
	workerName bool
}

// readQuery reads the filters of a list, in the documented spelling or in one
// of its relatives.
func (s *Server) readQuery(service string, values url.Values) (query, answer) {
	q := query{page: 1}
	a := s.eachFilter(values, func(name, v string) (bool, error) { return s.readFilter(&q, service, name, v) })
	if a.status != 0 {
		return q, a
	}
	if s.options.KnownFilter == KnownFilterIgnore {
		q = query{page: q.page, workerName: q.workerName}
	}
	return q, answer{}
}

// eachFilter hands each filter over by its plain name, and refuses those that
// read does not know (if the option says so) or can not read.
func (s *Server) eachFilter(values url.Values, read func(name, v string) (bool, error)) answer {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "access_token" {
			continue
		}
		for _, v := range values[name] {
			known, err := read(plain(name), v)
			if err != nil {
				return s.refuse("The value %q of %s is not valid: %v", v, name, err)
			}
			if !known && s.options.UnknownFilter == UnknownFilterReject {
				return s.refuse("Parameter %s is not known", name)
			}
		}
	}
	return answer{}
}

// readPage reads the number of a page.
func readPage(v string) (int, error) {
	page, err := strconv.Atoi(v)
	if err == nil && page < 1 {
		err = errors.New("pages count from 1")
	}
	return page, err
}

// readFilter takes one filter in; false if the service has none of that name.
func (s *Server) readFilter(q *query, service, name, v string) (bool, error) {
	var err error
	switch name {
	case "page":
		q.page, err = readPage(v)
	case "starttimebefore":
		q.startBefore, err = s.date(v)
	case "starttimeafter":
		q.startAfter, err = s.date(v)
	case "endtimebefore":
		q.endBefore, err = s.date(v)
	case "endtimeafter":
		q.endAfter, err = s.date(v)
	case "machine":
		if service != serviceDowntimes {
			return false, nil
		}
		err = s.readMachine(q, v)
	default:
		if service != serviceProductions {
			return false, nil
		}
		return s.readProductionFilter(q, name, v)
	}
	return true, err
}

func (s *Server) readProductionFilter(q *query, name, v string) (bool, error) {
	var err error
	switch name {
	case "starttime":
		q.runningAfter, err = s.date(v)
	case "productionorderid":
		q.orderID, err = strconv.Atoi(v)
	case "productionordercode":
		// Several codes are possible; what stands between them is not documented.
		q.orders = append(q.orders, strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' })...)
	case "worker":
		var n int
		n, err = strconv.Atoi(v)
		q.worker = &n
	case "checkedout":
		var b bool
		b, err = strconv.ParseBool(v)
		q.checkedOut = &b
	case "workername":
		q.workerName, err = strconv.ParseBool(v)
	default:
		return false, nil
	}
	return true, err
}

// readMachine reads the machine filter, which the documentation types as a
// number although machines are known by their code everywhere else.
func (s *Server) readMachine(q *query, v string) error {
	n, err := strconv.Atoi(v)
	switch s.options.MachineFilter {
	case MachineFilterID:
		if err != nil {
			return err
		}
		q.machineID = n
	case MachineFilterCode:
		q.machine = v
	default:
		q.machine, q.machineID = v, n // n is 0 if v is no number
	}
	return nil
}

// date reads a time as documented: ISO 8601 with T, and without a designator
// in the company's time zone.
func (s *Server) date(v string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	return time.ParseInLocation("2006-01-02T15:04:05", v, s.config.Zone)
}
