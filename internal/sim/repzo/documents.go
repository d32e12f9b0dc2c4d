package repzo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// Document is a stock correction or a work order that was written.
type Document struct {
	ID, SyncID, Number, Status string
	// Body is what was sent.
	Body map[string]any
}

// Documents gives those of a path: /adjust-inventory or /workorder.
func (s *Server) Documents(path string) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Document
	for _, r := range s.documents[path] {
		d := Document{ID: text(r["_id"]), SyncID: text(r["sync_id"]), Status: text(r["status"]), Body: r}
		d.Number = text(member(r, "serial_number.formatted"))
		out = append(out, d)
	}
	return out
}

// Process lets a stock correction that waits for approval happen, or rejects it.
func (s *Server) Process(id string, approved bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.documents["/adjust-inventory"] {
		if r["_id"] == id && r["status"] == "pending" {
			r["status"], r["updatedAt"] = "rejected", s.now().Format(timeForm)
			if approved {
				s.move(r)
			}
			return nil
		}
	}
	return fmt.Errorf("no stock correction %s waits", id)
}

// needs are the fields without which a document is refused.
func needs(path string) []string {
	return map[string][]string{
		"/adjust-inventory": {"sync_id", "time", "to", "variants"},
		"/workorder":        {"name", "client", "client_location", "workorder_categories", "calendars", "sync_id"},
	}[path]
}

// write creates a document.
func (s *Server) write(path string, body []byte) reply {
	var r record
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&r) != nil || r == nil {
		return refusal(400, "Unexpected token in JSON")
	}
	for _, field := range needs(path) {
		if v, there := r[field]; !there || v == nil || v == "" {
			return refusal(422, field+" is required")
		}
	}
	for _, known := range s.documents[path] {
		if known["sync_id"] != r["sync_id"] {
			continue
		}
		switch s.config.Options.DuplicateSync {
		case "first":
			return reply{200, s.shaped(path, known)}
		case "again":
		default:
			return refusal(409, "sync_id must be unique")
		}
	}
	if path == "/adjust-inventory" {
		if why := s.checkCorrection(r); why != "" {
			return refusal(422, why)
		}
	}
	kind := map[string]string{"/adjust-inventory": "ADJ", "/workorder": "WO"}[path]
	number, now := s.serial(kind), s.now().Format(timeForm)
	r["_id"], r["createdAt"], r["updatedAt"], r["__v"] = s.id(), now, now, 0
	r["serial_number"] = record{"identifier": "1032", "formatted": number, "count": s.serials[kind]}
	r["creator"] = record{"type": "admin", "name": "API"}
	s.documents[path] = append(s.documents[path], r)
	switch {
	case path == "/workorder" && r["status"] == nil:
		r["status"] = "open"
	case path == "/adjust-inventory" && s.config.Options.Approval:
		r["status"], r["transaction_processed"] = "pending", false
	case path == "/adjust-inventory":
		s.move(r)
	}
	return reply{200, s.shaped(path, r)}
}

// putJob changes fields of a job.
func (s *Server) putJob(id string, body []byte) reply {
	var in record
	if json.Unmarshal(body, &in) != nil {
		return refusal(400, "body is not JSON")
	}
	for _, r := range s.documents["/workorder"] {
		if r["_id"] != id {
			continue
		}
		if status := text(in["status"]); status != "" && !slices.Contains([]string{"open", "done", "cancelled", "inprogress", "onhold"}, status) {
			return refusal(422, "status is not valid")
		}
		for name, v := range in {
			r[name] = v
		}
		return reply{200, s.shaped("/workorder", r)}
	}
	return refusal(404, "workorder not found")
}

// checkCorrection says why a stock correction can not be; empty if it can.
func (s *Server) checkCorrection(r record) string {
	if s.master("/warehouse", text(r["to"])) == nil {
		return "to is not a warehouse"
	}
	if reason := text(r["reason"]); reason != "" && s.master("/inventory-adjustment-reason", reason) == nil {
		return "reason is not valid"
	}
	list, _ := r["variants"].([]any)
	for i, v := range list {
		one, _ := v.(record)
		if s.master("/variant", text(one["variant"])) == nil {
			return fmt.Sprintf("variants[%d].variant is not valid", i)
		}
		if _, err := decimal.NewFromString(text(one["qty"])); err != nil {
			return fmt.Sprintf("variants[%d].qty must be a number", i)
		}
	}
	if len(list) == 0 {
		return "variants is required"
	}
	return ""
}

// move adds a stock correction's differences to the stock.
func (s *Server) move(r record) {
	for _, v := range r["variants"].([]any) {
		one := v.(record)
		row := s.row(text(r["to"]), text(one["variant"]))
		delta, err := decimal.NewFromString(text(one["qty"]))
		if err == nil { // checked when it came
			row.Quantity, row.updated = row.Quantity.Add(delta), s.now().Format(timeForm)
		}
	}
	r["status"], r["transaction_processed"] = "processed", true
}
