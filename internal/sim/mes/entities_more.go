package mes

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entityList serves a page of a list.
func (s *Server) entityList(k entityKind, q url.Values) answer {
	page := 1
	keep := []func(*entity) bool{}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		value := q.Get(name)
		switch field, known := k.filters[plain(name)]; {
		case name == "access_token":
		case name == "page":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return s.refuse("The value %q of page is not valid", value)
			}
			page = n
		case !known && s.options.UnknownFilter == UnknownFilterReject:
			return s.refuse("Parameter %s is not known", name)
		case !known || s.options.KnownFilter == KnownFilterIgnore:
		default:
			fits, err := s.entityFilter(plain(name), field, value)
			if err != nil {
				return s.refuse("The value %q of %s is not valid: %v", value, name, err)
			}
			keep = append(keep, fits)
		}
	}
	found := slices.DeleteFunc(slices.Clone(s.entities[k.name]), func(e *entity) bool {
		return slices.ContainsFunc(keep, func(fits func(*entity) bool) bool { return !fits(e) })
	})
	if s.options.ListOrder == ListNewestFirst {
		slices.Reverse(found)
	}
	first := min(page-1, len(found)) * pageSize
	if first >= len(found) && s.options.PageBeyond == PageBeyondRepeat {
		first = max(0, len(found)-1) / pageSize * pageSize
	}
	shapes := []map[string]any{}
	for i := first; i < min(len(found), first+pageSize); i++ {
		shapes = append(shapes, s.entityShape(k, found[i]))
	}
	if k.name == serviceProducts && len(shapes) == 1 && s.options.ProductList == ProductListObject {
		return asJSON(k.listed, shapes[0])
	}
	return asJSON(k.listed, shapes)
}

// entityFilter makes a filter by a field, by dates or by something within.
func (s *Server) entityFilter(name, field, value string) (func(*entity) bool, error) {
	switch {
	case field == "id":
		return func(e *entity) bool { return strconv.Itoa(e.id) == value }, nil
	case field != "":
		return func(e *entity) bool { return fmt.Sprint(e.fields[field]) == value }, nil
	case name == "worker":
		return func(e *entity) bool {
			worker, _ := e.fields["worker"].(map[string]any)
			return fmt.Sprint(worker["number"]) == value
		}, nil
	case name == "productfamilycode":
		return func(e *entity) bool {
			families, _ := e.fields["families"].([]any)
			return slices.ContainsFunc(families, func(f any) bool {
				family, _ := f.(map[string]any)
				return family["code"] == value
			})
		}, nil
	}
	bound, err := s.date(value)
	if err != nil {
		return nil, err
	}
	before := strings.HasSuffix(name, "before")
	return func(e *entity) bool {
		return slices.ContainsFunc(s.datesOf(e), func(t time.Time) bool { return t.Before(bound) == before && !t.Equal(bound) })
	}, nil
}

// datesOf are the dates that filters look at: those of the products, or its own.
func (s *Server) datesOf(e *entity) []time.Time {
	texts := []any{e.fields["date"]}
	products, _ := e.fields["products"].([]any)
	for _, item := range products {
		if p, ok := item.(map[string]any); ok {
			texts = append(texts, p["due-date"])
		}
	}
	var list []time.Time
	for _, text := range texts {
		if t, err := s.date(fmt.Sprint(text)); err == nil {
			list = append(list, t)
		}
	}
	return list
}

// product finds a product by its code.
func (s *Server) product(code any) *entity {
	text, _ := code.(string)
	return s.findEntity(entityKind{name: serviceProducts, byCode: true}, text)
}

// bom serves POST of a bill of materials, which replaces the one before.
func (s *Server) bom(r *http.Request, body []byte) (answer, bool) {
	if r.Method != http.MethodPost {
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	var in map[string]any
	if strictJSON(body, &in) != nil {
		return s.refuse("Invalid JSON"), false
	}
	p := s.product(in["product-code"])
	if p == nil {
		return text(http.StatusNotFound, "Main product not found"), false
	}
	list, _ := in["bom"].([]any)
	components := []any{}
	for _, item := range list {
		c, _ := item.(map[string]any)
		quantity, ok := looseNumber(c["quantity"])
		if c["product-code"] == nil || !ok || quantity <= 0 {
			return s.refuse("A component needs a product-code and a quantity above 0"), false
		}
		components = append(components, map[string]any{"code": c["product-code"], "name": c["product-code"], "quantity": quantity, "operation": c["operation-code"]})
	}
	p.fields["components"] = components
	s.changed(kindProduct, p.id, s.entityShape(entityKind{name: serviceProducts}, p), false)
	return asJSON(http.StatusCreated, in), true
}

// stock serves POST of a stock, and GET of one.
func (s *Server) stock(r *http.Request, code string, body []byte) (answer, bool) {
	switch {
	case r.Method == http.MethodGet && code != "":
		if s.product(code) == nil {
			return s.refuse("Product %s does not exist", code), false
		}
		return asJSON(http.StatusOK, s.stockShape(code)), false
	case r.Method != http.MethodPost || code != "":
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	var in map[string]any
	if strictJSON(body, &in) != nil {
		return s.refuse("Invalid JSON"), false
	}
	p := s.product(in["product-code"])
	amount, ok := looseNumber(in["stock"])
	switch {
	case p == nil:
		return text(http.StatusNotFound, "Product not found"), false
	case !ok:
		return s.refuse("The stock must be a number"), false
	}
	if at, there := in["date"].(string); there {
		if _, err := s.date(at); err != nil {
			return s.refuse("The date %q is not valid", at), false
		}
	}
	code, _ = in["product-code"].(string)
	s.stocks[code] = amount
	s.changed(kindStock, p.id, s.stockShape(code), false)
	return text(http.StatusCreated, "Request successful"), true
}

func (s *Server) stockShape(code string) map[string]any {
	return map[string]any{"product-code": code, "stock": s.stocks[code], "lot": []any{map[string]any{"code": "A", "stock": s.stocks[code]}}}
}

// laborTime serves the report of working times: who has production records in it.
func (s *Server) laborTime(r *http.Request) (answer, bool) {
	if r.Method != http.MethodGet {
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	q := r.URL.Query()
	from, err := s.date(q.Get("start-time"))
	to, err2 := s.date(q.Get("end-time"))
	if err != nil || err2 != nil || to.Before(from) {
		return s.refuse("start-time and end-time are required"), false
	}
	if s.now().Before(s.reporting) {
		return text(http.StatusTooManyRequests, "Another request is in progress for this endpoint"), false
	}
	s.reporting = s.now().Add(s.options.ReportTime)
	worked := map[int]time.Duration{}
	for _, rec := range s.productionRecords() {
		end := s.endOr(rec.end)
		if !end.Before(from) && !rec.start.After(to) {
			worked[rec.production.Worker] += s.worked(rec.machine, rec.production)
		}
	}
	out := []any{}
	for _, number := range slices.Sorted(maps.Keys(worked)) {
		if want := q.Get("worker-number"); want != "" && want != strconv.Itoa(number) {
			continue
		}
		out = append(out, map[string]any{"worker": map[string]any{"number": strconv.Itoa(number), "name": fmt.Sprintf("Worker %d", number)},
			"presence-time": fmt.Sprintf("%02dH00", int(worked[number].Hours())+1), "work-time": s.spent(worked[number]), "percentage": "50%", "calendar-downtimes": "00H00m00s"})
	}
	if page, err := strconv.Atoi(q.Get("page")); err == nil && page > 1 {
		out = []any{}
	}
	return asJSON(http.StatusOK, out), false
}
