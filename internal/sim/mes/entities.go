package mes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The services of business entities.
const (
	serviceSuppliers      = "suppliers"
	serviceClients        = "clients"
	serviceSalesOrders    = "client-order"
	servicePurchaseOrders = "purchase-orders"
	serviceProducts       = "products"
	serviceFamilies       = "product-families"
	serviceMovements      = "inventory-movements"
	servicePunchClocks    = "punchclocks"
	serviceStock          = "stock"
	serviceBOM            = "bom"
	serviceLaborTime      = "worker-labor-time"
)

// entity is a thing of the business side, kept as it was sent, with its number.
type entity struct {
	id     int
	fields map[string]any
	// bound says that other things depend on it, so that it can not be deleted.
	bound bool
}

// entityKind describes how one kind of entities is served.
type entityKind struct {
	name string
	// byCode says that paths have codes, not numbers.
	byCode bool
	// remove is what paths for deleting begin with, if not with name.
	remove string
	// The statuses of success.
	created, listed, got, updated int
	// required are the fields that must say something, products says that there must be
	// some, with quantities above 0.
	required []string
	products bool
	// merge says that a PUT changes what it names, and does not replace all.
	merge bool
	// keyless says that PUT has no key in its path.
	keyless bool
	// deleted and refused are the texts about deleting, conflict the status of the
	// second.
	deleted, refused string
	conflict         int
	// filters are the names of filters, each with the fields that it looks at.
	filters map[string]string
}

func entityKinds() []entityKind {
	partner := func(name, one string) entityKind {
		return entityKind{name: name, created: 201, listed: 200, got: 201, updated: 201, required: []string{"code", "name"},
			deleted: one + " was deleted", conflict: http.StatusPreconditionFailed,
			refused: "It's not possible to delete this " + strings.ToLower(one) + ". It has dependent entities.",
			filters: map[string]string{"id": "id", "code": "code"}}
	}
	return []entityKind{
		partner(serviceSuppliers, "Supplier"), partner(serviceClients, "Client"),
		{name: serviceSalesOrders, created: 201, listed: 200, got: 201, updated: 201, required: []string{"code"}, products: true, keyless: true,
			deleted: "Client order was deleted", conflict: http.StatusConflict,
			refused: "Client order already has production orders created or other entities associated, cannot be removed.",
			filters: map[string]string{"client": "client", "duedatebefore": "", "duedateafter": ""}},
		{name: servicePurchaseOrders, created: 201, listed: 200, got: 201, updated: 201, required: []string{"code"}, products: true,
			deleted: "Purchase order was deleted", conflict: http.StatusConflict,
			refused: "Purchase order already has production orders created or other entities associated, cannot be removed.",
			filters: map[string]string{"id": "id", "code": "code", "supplier": "supplier", "duedatebefore": "", "duedateafter": ""}},
		{name: serviceProducts, byCode: true, created: 201, listed: 200, got: 200, updated: 201, required: []string{"code", "name"},
			conflict: http.StatusBadRequest, refused: "The product is in use", filters: map[string]string{"productfamilycode": ""}},
		{name: serviceFamilies, byCode: true, remove: "product-family", created: 201, listed: 201, required: []string{"code", "name"},
			deleted: "Product Family was deleted", conflict: http.StatusBadRequest, refused: "The family is in use"},
		{name: serviceMovements, remove: "inventory-movement", created: 200, listed: 200, got: 200, updated: 200, merge: true,
			required: []string{"product-code", "quantity", "type"}, conflict: http.StatusBadRequest,
			refused: "It's not possible to delete this inventory-movement.", filters: map[string]string{"productcode": "product-code", "type": "type"}},
		{name: servicePunchClocks, listed: 200, filters: map[string]string{"datebefore": "", "dateafter": "", "worker": ""}},
	}
}

// entityRoute finds an entity service in a path. key is what follows the name.
func (o Options) entityRoute(method string, u *url.URL) (service, key string) {
	rest, ok := o.rest(u)
	if !ok {
		return "", ""
	}
	strict := o.StrictPaths == PathsStrict
	name, key, has := strings.Cut(rest, "/")
	switch name {
	case serviceBOM:
		return name, key
	case serviceStock:
		key, err := url.PathUnescape(key)
		if err != nil {
			return "", ""
		}
		return name, key
	case "reports":
		if key == serviceLaborTime {
			return key, ""
		}
		return "", ""
	}
	for _, k := range entityKinds() {
		if name != k.name && name != k.remove {
			continue
		}
		key, err := url.PathUnescape(key)
		if err != nil || strict && !documentedPath(k, method, name, has, key) {
			return "", ""
		}
		return k.name, key
	}
	return "", ""
}

// documentedPath says whether a path is spelled as the documentation does: with its
// slash at the end, and in the singular where it is.
func documentedPath(k entityKind, method, name string, slash bool, key string) bool {
	if key != "" {
		if k.remove != "" && method == http.MethodDelete {
			return name == k.remove
		}
		return name == k.name
	}
	switch k.name {
	case serviceSalesOrders, serviceMovements:
		return slash
	case servicePurchaseOrders:
		return slash == (method == http.MethodPost)
	}
	return !slash && name == k.name
}

// isEntity says whether a service is one of entityCall's.
func (s *Server) isEntity(service string) bool {
	switch service {
	case serviceBOM, serviceStock, serviceLaborTime:
		return true
	}
	return slices.ContainsFunc(entityKinds(), func(k entityKind) bool { return k.name == service })
}

// entityCall serves all business entities. The caller holds the lock.
func (s *Server) entityCall(r *http.Request, c *Call) (answer, bool) {
	if a, ok := s.admitReader(r); !ok {
		return a, false
	}
	_, key := s.options.entityRoute(r.Method, r.URL)
	switch c.Service {
	case serviceBOM:
		return s.bom(r, []byte(c.Body))
	case serviceStock:
		return s.stock(r, key, []byte(c.Body))
	case serviceLaborTime:
		return s.laborTime(r)
	}
	i := slices.IndexFunc(entityKinds(), func(k entityKind) bool { return k.name == c.Service })
	k := entityKinds()[i]
	switch {
	case r.Method == http.MethodGet && key == "" && k.listed != 0:
		return s.entityList(k, r.URL.Query()), false
	case r.Method == http.MethodPost && key == "" && k.created != 0:
		return s.createEntity(k, []byte(c.Body))
	case r.Method == http.MethodPut && k.updated != 0 && (key != "" || k.keyless):
		return s.updateEntity(k, key, []byte(c.Body))
	case key == "" || k.got == 0 && r.Method == http.MethodGet:
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	e := s.findEntity(k, key)
	switch {
	case e == nil:
		return s.noEntity(k, key), false
	case r.Method == http.MethodGet:
		return asJSON(k.got, s.entityAnswer(k, e)), false
	case r.Method == http.MethodDelete && e.bound:
		return text(k.conflict, k.refused), false
	case r.Method == http.MethodDelete && k.conflict != 0:
		s.entities[k.name] = slices.DeleteFunc(s.entities[k.name], func(x *entity) bool { return x == e })
		s.entityChanged(k, e, true)
		return s.noContent(k.deleted), true
	}
	return text(http.StatusMethodNotAllowed, "Method not allowed"), false
}

func (s *Server) findEntity(k entityKind, key string) *entity {
	for _, e := range s.entities[k.name] {
		if k.byCode && e.fields["code"] == key || !k.byCode && strconv.Itoa(e.id) == key {
			return e
		}
	}
	return nil
}

// noEntity is the answer to a call for something that is not there. Documented is
// 404 for products, and 400 for all others.
func (s *Server) noEntity(k entityKind, key string) answer {
	if k.name == serviceProducts {
		return text(http.StatusNotFound, "Product not found")
	}
	return s.refuse("There is nothing with the key %s", key)
}

// entityFields reads and checks a body. partial lets fields be missing.
func (s *Server) entityFields(k entityKind, body []byte, partial bool) (map[string]any, error) {
	var in map[string]any
	if err := strictJSON(body, &in); err != nil {
		return nil, fmt.Errorf("Invalid JSON")
	}
	for _, name := range k.required {
		if v := in[name]; (v == nil || v == "") && !partial {
			return nil, fmt.Errorf("The field %s is required", name)
		}
	}
	if _, object := in["section"].(map[string]any); object && k.name == serviceProducts {
		return nil, fmt.Errorf("The section must be a text")
	}
	if q, there := in["quantity"]; there {
		if _, ok := looseNumber(q); !ok {
			return nil, fmt.Errorf("The quantity must be a number")
		}
	}
	if k.products {
		return in, checkProducts(in)
	}
	return in, nil
}

func checkProducts(in map[string]any) error {
	list, _ := in["products"].([]any)
	if len(list) == 0 {
		return fmt.Errorf("At least one product is required")
	}
	seen := map[any]bool{}
	for _, item := range list {
		p, _ := item.(map[string]any)
		code, _ := p["code"].(string)
		quantity, ok := looseNumber(p["quantity"])
		switch {
		case code == "" || seen[code]:
			return fmt.Errorf("Each product needs a code, once")
		case !ok || quantity <= 0:
			return fmt.Errorf("The quantity of product %s must be above 0", code)
		}
		seen[code] = true
	}
	return nil
}

// looseNumber is a number, or a text that is one.
func looseNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func (s *Server) createEntity(k entityKind, body []byte) (answer, bool) {
	if k.name == serviceFamilies {
		return s.createFamilies(k, body)
	}
	in, err := s.entityFields(k, body, false)
	if err != nil {
		return s.refuse("%v", err), false
	}
	for _, e := range s.entities[k.name] {
		if e.fields["code"] != in["code"] || in["code"] == nil {
			continue
		}
		if k.name == serviceProducts { // create or replace
			e.fields = in
			s.entityChanged(k, e, false)
			return asJSON(k.created, s.entityAnswer(k, e)), true
		}
		if k.name == serviceSuppliers || k.name == serviceClients {
			return s.refuse("The code %v is taken", in["code"]), false
		}
	}
	e := s.addEntity(k, in)
	shape := s.entityAnswer(k, e)
	if k.name == servicePurchaseOrders {
		delete(shape, "id") // as documented
	}
	return asJSON(k.created, shape), true
}

func (s *Server) addEntity(k entityKind, in map[string]any) *entity {
	delete(in, "id")
	e := &entity{id: s.newID(), fields: in}
	s.entities[k.name] = append(s.entities[k.name], e)
	s.entityChanged(k, e, false)
	return e
}

func (s *Server) createFamilies(k entityKind, body []byte) (answer, bool) {
	var in struct {
		Families []map[string]any `json:"product-families"`
	}
	if strictJSON(body, &in) != nil || len(in.Families) == 0 {
		return s.refuse("Invalid JSON"), false
	}
	for _, f := range in.Families {
		if f["code"] == nil || f["name"] == nil {
			return s.refuse("A family needs a code and a name"), false
		}
	}
	out := []any{}
	for _, f := range in.Families {
		out = append(out, map[string]any{"code": f["code"], "name": f["name"]})
		s.addEntity(k, f)
	}
	return asJSON(k.created, out), true
}

func (s *Server) updateEntity(k entityKind, key string, body []byte) (answer, bool) {
	in, err := s.entityFields(k, body, k.merge)
	if err != nil {
		return s.refuse("%v", err), false
	}
	e := s.findEntity(k, key)
	if k.keyless && key == "" { // by number, else by code
		for _, x := range s.entities[k.name] {
			if id, ok := looseNumber(in["id"]); ok && int(id) == x.id || !ok && in["code"] != nil && x.fields["code"] == in["code"] {
				e = x
			}
		}
	}
	if e == nil {
		return s.noEntity(k, key), false
	}
	delete(in, "id")
	if k.merge {
		for name, v := range in {
			e.fields[name] = v
		}
	} else {
		e.fields = in
	}
	s.entityChanged(k, e, false)
	shape := s.entityAnswer(k, e)
	if k.name == serviceSuppliers || k.name == serviceClients {
		delete(shape, "id") // as documented
	}
	return asJSON(k.updated, shape), true
}

// entityChanged feeds the channels of products; stock feeds its own.
func (s *Server) entityChanged(k entityKind, e *entity, deleted bool) {
	switch k.name {
	case serviceProducts:
		s.changed(kindProduct, e.id, s.entityShape(k, e), deleted)
	case serviceMovements:
		s.changed(kindMovement, e.id, s.entityShape(k, e), deleted)
	case servicePunchClocks:
		s.changed(kindPunchClock, e.id, s.entityShape(k, e), deleted)
	}
}

// entityAnswer is how an entity is shown by itself: lists show more of products.
func (s *Server) entityAnswer(k entityKind, e *entity) map[string]any {
	shape := s.entityShape(k, e)
	if k.name == serviceProducts {
		for _, name := range []string{"unit-cost", "unit-price", "components", "notification", "shipping-package-types", "external-stock", "stock-max",
			"min-quantity-reorder", "quantity-multiple", "scrap-allowance", "shelf-life"} {
			delete(shape, name)
		}
	}
	return shape
}

// entityShape is how lists show an entity, with the documented differences from how
// it is written.
func (s *Server) entityShape(k entityKind, e *entity) map[string]any {
	shape := map[string]any{}
	raw, err := json.Marshal(e.fields)
	if err == nil {
		err = json.Unmarshal(raw, &shape)
	}
	if err != nil {
		return shape // what came as JSON is JSON
	}
	if k.name != serviceFamilies {
		shape["id"] = e.id
	}
	switch k.name {
	case serviceSuppliers, serviceClients:
		if text, _ := shape["expiration-date"].(string); text != "" {
			if t, err := s.date(text); err == nil {
				shape["expiration-date"] = t.Format("02/01/2006")
			}
		}
	case serviceMovements:
		for _, name := range []string{"quantity", "total-cost"} {
			if f, ok := looseNumber(shape[name]); ok {
				shape[name] = strconv.FormatFloat(f, 'f', -1, 64)
			}
		}
		for _, name := range []string{"location"} {
			if code, ok := shape[name].(string); ok {
				shape[name] = map[string]any{"id": "1", "code": code, "name": code}
			}
		}
	case serviceSalesOrders, servicePurchaseOrders:
		list, _ := shape["products"].([]any)
		for _, item := range list {
			if p, ok := item.(map[string]any); ok {
				p["name"] = p["code"]
			}
		}
	}
	return shape
}
