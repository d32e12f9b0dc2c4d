package mes

import "time"

// AddProduct makes a product, with operations of these codes, as a planner would.
func (s *Server) AddProduct(code, name string, operations ...string) int {
	s.lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, o := range operations {
		list = append(list, map[string]any{"code": o, "name": o})
	}
	return s.addEntity(entityKind{name: serviceProducts, byCode: true}, map[string]any{"code": code, "name": name, "operations": list}).id
}

// AddPunch makes an event of a punch clock, as a worker at the clock would.
func (s *Server) AddPunch(worker int, in bool, at time.Time) int {
	s.lock()
	defer s.mu.Unlock()
	kind := 0
	if in {
		kind = 1
	}
	e := s.addEntity(entityKind{name: servicePunchClocks}, map[string]any{"date": s.listTime(at, s.config.Zone), "worker": map[string]any{"number": worker}, "type": kind})
	return e.id
}

// Bind lets other things depend on an entity, so that it can not be deleted. It is
// false if there is no such entity.
func (s *Server) Bind(service, key string) bool {
	s.lock()
	defer s.mu.Unlock()
	for _, k := range entityKinds() {
		if k.name == service {
			if e := s.findEntity(k, key); e != nil {
				e.bound = true
				return true
			}
		}
	}
	return false
}
