package repzo

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filters are the fields that lists of a path can be filtered by, besides _id,
// sync_id, times and integration_meta. A parameter that is not known is not looked at.
func filters(path string) []string {
	return map[string][]string{
		"/proforma":         {"client_id", "status", "custom_status", "latest", "disabled", "serial_number.formatted"},
		"/product":          {"category", "active", "disabled", "sku", "barcode"},
		"/variant":          {"product", "sku", "barcode", "disabled"},
		"/warehouse":        {"code", "type", "name", "disabled"},
		"/inventory":        {"warehouse_id", "variant_id"},
		"/adjust-inventory": {"status", "to", "reason", "serial_number.formatted"},
		"/custom-status":    {"model", "code", "disabled"},
		"/client":           {"client_code", "disabled"},
	}[path]
}

// list answers the records of a path that a query asks for, one page of them.
func (s *Server) list(path string, all []record, q url.Values) reply {
	var kept []record
	for _, r := range all {
		if s.matches(path, r, q) {
			kept = append(kept, r)
		}
	}
	if s.config.Options.NoKeyset {
		slices.Reverse(kept)
	} else {
		s.sort(kept, q.Get("sortBy"))
	}
	page, size := max(number(q.Get("page"), 1), 1), min(max(number(q.Get("per_page"), 25), 1), s.config.Options.MostPerPage)
	pages := (len(kept) + size - 1) / size
	from := min((page-1)*size, len(kept))
	data := []any{}
	for _, r := range kept[from:min(from+size, len(kept))] {
		data = append(data, s.shaped(path, r))
	}
	if s.config.Options.Documentation {
		return reply{200, documented(path, data, len(kept), page, size, pages)}
	}
	at := func(n int) any {
		if n < 1 || n > pages {
			return nil
		}
		return fmt.Sprintf("https://sv.api.repzo.me%s?page=%d", path, n)
	}
	return reply{200, record{
		"data": data, "total_result": len(kept), "current_count": len(data), "total_pages": pages, "current_page": page, "per_page": size, "path": path,
		"first_page_url": at(1), "last_page_url": at(pages), "next_page_url": at(page + 1), "prev_page_url": at(page - 1),
	}}
}

// documented is the envelope that the documentation has for a path.
func documented(path string, data []any, total, page, size, pages int) record {
	switch path {
	case "/proforma", "/inventory", "/adjust-inventory", "/inventory-adjustment-reason", "/custom-status", "/workorder":
		return record{"data": data, "meta": record{}}
	}
	return record{"success": true, "data": data, "paging": record{"total": total, "page": page, "per_page": size, "pages": pages}}
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

// sort orders records by the one field that is asked for; otherwise by creation.
func (s *Server) sort(list []record, asked string) {
	var by []struct{ Field, Type string }
	if json.Unmarshal([]byte(asked), &by) != nil || len(by) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b record) int {
		n := strings.Compare(fmt.Sprint(member(a, by[0].Field)), fmt.Sprint(member(b, by[0].Field)))
		if strings.HasPrefix(by[0].Type, "d") {
			return -n
		}
		return n
	})
}

// member is the value at a path such as serial_number.formatted.
func member(r record, path string) any {
	if v, ok := r[path]; ok {
		return v
	}
	name, rest, nested := strings.Cut(path, ".")
	inner, ok := r[name].(record)
	if !nested || !ok {
		return nil
	}
	return member(inner, rest)
}

func (s *Server) matches(path string, r record, q url.Values) bool {
	o := s.config.Options
	if o.HideDisabled && q.Get("disabled") == "" && r["disabled"] == true || path == "/proforma" && (o.HideOld && q.Get("latest") == "" && r["latest"] == false) {
		return false
	}
	known := append([]string{"_id", "sync_id"}, filters(path)...)
	for name, values := range q {
		switch {
		case name == "from__id":
			if !o.NoKeyset && fmt.Sprint(r["_id"]) <= values[0] {
				return false
			}
		case name == "conversion_status":
			if values[0] == "converted" && r["converted_at"] == nil || values[0] == "not_converted" && r["converted_at"] != nil {
				return false
			}
		case strings.HasPrefix(name, "from_") || strings.HasPrefix(name, "to_"):
			side, field, _ := strings.Cut(name, "_")
			if !s.within(side, field, r, values[0]) {
				return false
			}
		case slices.Contains(known, name) || strings.HasPrefix(name, "integration_meta."):
			if !equals(member(r, name), values[0]) {
				return false
			}
		}
	}
	return true
}

// within compares a moment with one in the unit of this company.
func (s *Server) within(side, field string, r record, value string) bool {
	text, ok := r[field].(string)
	if !ok {
		return true
	}
	if field == "issue_date" {
		return side == "from" && text >= value || side == "to" && text <= value
	}
	at, err := time.Parse(timeForm, text)
	n, wrong := strconv.ParseInt(value, 10, 64)
	if err != nil || wrong != nil || s.config.Options.UpdatedUnit == "none" {
		return true
	}
	bound := time.UnixMilli(n)
	if s.config.Options.UpdatedUnit == "s" {
		bound = time.Unix(n, 0)
	}
	return side == "from" && !at.Before(bound) || side == "to" && !at.After(bound)
}

// equals compares a field with a parameter: a text, or a list in JSON of which any
// may fit.
func equals(field any, value string) bool {
	var list []any
	if json.Unmarshal([]byte(value), &list) != nil {
		return fmt.Sprint(field) == value
	}
	return slices.ContainsFunc(list, func(one any) bool { return fmt.Sprint(one) == fmt.Sprint(field) })
}

// timeForm is how times are written.
const timeForm = "2006-01-02T15:04:05.000Z"
