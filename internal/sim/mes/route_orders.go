package mes

import (
	"net/http"
	"net/url"
	"strings"
)

// orderRoute finds the service of orders, production records or change channels
// in a path, with the number or name in it and the verb behind; the service is
// empty if it is none of these.
func (o Options) orderRoute(u *url.URL) (service, id, verb string) {
	rest, ok := o.rest(u)
	if !ok {
		return "", "", ""
	}
	part := strings.Split(rest, "/")
	if o.StrictPaths == PathsStrict {
		switch rest {
		case serviceOrders:
			return "", "", "" // documented with a slash
		case serviceOrders + "/":
			part = part[:1]
		}
	}
	if len(part) > 1 {
		var err error
		if id, err = url.PathUnescape(part[1]); err != nil || id == "" {
			return "", "", ""
		}
	}
	switch {
	case part[0] == serviceOrders && len(part) == 3 && (part[2] == "notify" || part[2] == "activate"):
		return serviceOrders, id, part[2]
	case part[0] == serviceOrders && len(part) <= 2, part[0] == serviceProductions && len(part) <= 2,
		part[0] == serviceChanges && len(part) == 2:
		return part[0], id, ""
	}
	return "", "", ""
}

// orderCall answers a call of orderRoute.
func (s *Server) orderCall(r *http.Request, c *Call) (answer, bool) {
	service, id, verb := s.options.orderRoute(r.URL)
	switch {
	case service == serviceChanges:
		return s.changesService(r, id)
	case service == serviceProductions && id == "":
		return s.list(r, service), false
	case service == serviceProductions:
		return s.productionService(r, id, []byte(c.Body))
	case verb != "":
		return s.orderVerb(r, id, verb, []byte(c.Body))
	case id != "":
		return s.orderService(r, id, []byte(c.Body))
	}
	return s.ordersService(r, []byte(c.Body))
}
