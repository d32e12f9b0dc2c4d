package mes

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orderShape is all that there is to know of an order. The answers of the
// services, the channels and the webhooks each leave something out.
func (s *Server) orderShape(o *Order) map[string]any {
	made := s.made(o)
	status, running := s.standing(o, made)
	lines, machines, workers, custom := []any{}, []any{}, []any{}, []any{}
	for i, l := range o.Lines {
		lines = append(lines, map[string]any{"product": l.Product, "quantity-ordered": l.Ordered,
			"observations": l.Observations, "quantity-produced": made[i]})
	}
	for _, code := range o.Machines {
		machines = append(machines, map[string]any{"code": code})
	}
	for _, n := range o.Workers {
		workers = append(workers, worker(n))
	}
	for _, f := range o.Custom {
		custom = append(custom, map[string]any{f.Name: f.Value})
	}
	location := map[string]any{}
	if o.Location != "" {
		location = map[string]any{"id": strconv.Itoa(s.codeID("location", o.Location)), "code": o.Location, "name": o.Location}
	}
	shape := map[string]any{
		"id": o.ID, "code": o.Code, "description": o.Description, "notes": o.Notes,
		"start-date": instant(o.Start), "due-date": instant(o.Due), "products": lines, "machines": machines,
		"shipping": o.Shipping, "serial-number": o.SerialNumber, "workers-assigned": workers, "custom-fields": custom,
		"pieces-by-box": o.PiecesByBox, "location": location, "ended": o.Ended || running == "closed",
		"active": o.Active, "is-active": o.Active, "material-staging-complete": o.Staged,
		"status": status, "running-status": running,
	}
	for k, v := range o.Extra {
		if _, has := shape[k]; !has {
			shape[k] = v
		}
	}
	return shape
}

// without is a shape less some of its fields.
func without(shape map[string]any, keys ...string) map[string]any {
	shape = maps.Clone(shape)
	maps.DeleteFunc(shape, func(k string, _ any) bool { return slices.Contains(keys, k) })
	return shape
}

// oneOrder is the shape of GET and PUT of one order.
func oneOrder(shape map[string]any, workers bool) map[string]any {
	shape = withWorkers(without(shape, "active", "serial-number"), workers)
	shape["shipping"] = codeOnly(shape["shipping"])
	return shape
}

// listedOrder is the shape of POST and of the list.
func listedOrder(shape map[string]any, workers bool) map[string]any {
	return withWorkers(without(shape, "is-active", "custom-fields", "material-staging-complete"), workers)
}

// fedOrder is the shape of the change channel.
func (s *Server) fedOrder(shape map[string]any, workers, deleted bool) map[string]any {
	shape = withWorkers(without(shape, "active", "serial-number", "custom-fields", "pieces-by-box", "location"), workers)
	shape["shipping"] = codeOnly(shape["shipping"])
	for _, key := range []string{"start-date", "due-date"} {
		if t, err := s.date(shape[key].(string)); err == nil {
			shape[key] = s.listTime(t, s.config.Zone)
		}
	}
	lines := []any{}
	for _, l := range shape["products"].([]any) {
		line := maps.Clone(l.(map[string]any))
		for _, key := range []string{"quantity-ordered", "quantity-produced"} {
			line[key] = decimal(line[key].(float64))
		}
		lines = append(lines, line)
	}
	shape["products"] = lines
	return s.markOrder(shape, deleted)
}

// hookedOrder is the shape of webhooks.
func (s *Server) hookedOrder(shape map[string]any, deleted bool) map[string]any {
	shape = without(shape, "active", "is-active", "custom-fields", "location", "material-staging-complete")
	shape["shipping"] = codeOnly(shape["shipping"])
	return s.markOrder(shape, deleted)
}

// markOrder marks a deleted order in the way that the option says.
func (s *Server) markOrder(shape map[string]any, deleted bool) map[string]any {
	if deleted && s.options.OrderDeletion == DeletionAbsent {
		delete(shape, "running-status")
	}
	return shape
}

func withWorkers(shape map[string]any, workers bool) map[string]any {
	if !workers {
		delete(shape, "workers-assigned")
	}
	return shape
}

// codeOnly is a reference as an object, which is empty if there is none.
func codeOnly(code any) map[string]any {
	if code == "" {
		return map[string]any{}
	}
	return map[string]any{"code": code}
}

// instant is a time as most reads write it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// decimal is a number that always shows a fraction, as the channels write it.
func decimal(f float64) json.RawMessage {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.RawMessage(text)
}
