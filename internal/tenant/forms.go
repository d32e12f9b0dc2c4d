package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// silent notes what is answered to parameters, starts and stops that are taken.
func (s *session) silent(a prodsmart.Answer) {
	const name = "silent_answer"
	switch {
	case s.answers[name] != "":
	case a.Status == 204:
		s.found(name, "no_content")
	case strings.TrimSpace(a.Text) == "":
		s.found(name, "empty")
	case strings.HasPrefix(strings.TrimSpace(a.Text), "{"):
		s.found(name, "object")
	default:
		s.leave("the answer was: "+a.Text, name)
	}
}

// listForms looks at how the lists write what is in them. Nothing is booked by it.
func (s *session) listForms(ctx context.Context) error {
	if s.config.API == nil {
		return nil
	}
	open, err := s.raw(ctx, "productions.list", url.Values{"checked-out": {"false"}})
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(r map[string]json.RawMessage) bool { return string(r["checked-out"]) != "false" })
	all, err := s.raw(ctx, "productions.list", nil)
	if err != nil {
		return err
	}
	all = append(open, all...)
	stops, err := s.raw(ctx, "downtimes.list", nil)
	if err != nil {
		return err
	}
	s.form(all, "list_numbers", "quantity", map[string]func(string) bool{"number": isNumber, "string": isText})
	s.form(all, "list_parameters", "parameters", map[string]func(string) bool{
		"map":        func(v string) bool { return strings.HasPrefix(v, "[{") && !strings.Contains(v, `"value":`) },
		"name_value": func(v string) bool { return strings.HasPrefix(v, "[{") && strings.Contains(v, `"value":`) },
	})
	s.form(append(slices.Clone(stops), all...), "list_times", "start-time", map[string]func(string) bool{
		"documented": func(v string) bool { return strings.Contains(v, ".") },
		"seconds":    func(v string) bool { return isText(v) && !strings.Contains(v, ".") },
	})
	s.form(stops, "time_spent", "time-spent", map[string]func(string) bool{
		"documented": func(v string) bool { return strings.ContainsAny(v, "Hh") },
		"clock":      func(v string) bool { return isText(v) && strings.Contains(v, ":") },
	})
	s.form(open, "open_end", "end-time", map[string]func(string) bool{
		"absent": func(v string) bool { return v == "" }, "null": func(v string) bool { return v == "null" }, "far_future": s.far,
	})
	return s.filters(ctx)
}

func isNumber(v string) bool { return v != "" && strings.Contains("-0123456789", v[:1]) }

func isText(v string) bool { return strings.HasPrefix(v, `"`) && len(v) > 2 }

// far says that a time stands for none.
func (s *session) far(v string) bool {
	t, err := time.Parse(`"2006"`, v[:min(len(v), 5)]+`"`)
	return err == nil && t.Year() > s.began.Year()+1
}

// form looks at a field of each record, until one has one of the forms.
func (s *session) form(records []map[string]json.RawMessage, name, field string, forms map[string]func(string) bool) {
	for _, r := range records {
		for answer, has := range forms {
			if has(string(r[field])) {
				s.found(name, answer)
				return
			}
		}
	}
	s.leave("no record in the lists shows it", name)
}

// raw reads the first page of a list as it is written; nothing if it can not be read.
func (s *session) raw(ctx context.Context, operation string, filters url.Values) ([]map[string]json.RawMessage, error) {
	status, body, err := s.call(ctx, operation, "", filters, nil)
	var records []map[string]json.RawMessage
	if err != nil || status < 200 || status > 299 || json.Unmarshal(body, &records) != nil {
		return nil, err
	}
	return records, nil
}

// filters asks what is said of a filter that nobody knows, and what the machine filter
// of downtimes takes.
func (s *session) filters(ctx context.Context) error {
	status, _, err := s.call(ctx, "downtimes.list", "", url.Values{stranger + "filter": {"1"}}, nil)
	switch {
	case err != nil:
		return err
	case status >= 200 && status < 300:
		s.found("unknown_filter", "ignore")
	case status == 400:
		s.found("unknown_filter", "reject_400")
	}
	const name = "machine_filter"
	if s.answers["known_filter"] != "apply" {
		s.leave("the lists do not filter", name)
		return nil
	}
	ours, err := s.downtimes(ctx)
	if err != nil || len(ours) == 0 {
		s.leave("there are no downtimes of the machine to list", name)
		return err
	}
	status, body, err := s.call(ctx, "downtimes.list", "", url.Values{"machine": {s.config.Machine}}, nil)
	var listed []struct{ Machines []struct{ Code string } }
	switch {
	case err != nil:
		return err
	case status == 400:
		s.found(name, "id")
		return nil
	case status != 200 || json.Unmarshal(body, &listed) != nil:
		s.leave(fmt.Sprintf("the answer was unclear: %.200s", body), name)
		return nil
	}
	for _, d := range listed {
		if len(d.Machines) == 0 || d.Machines[0].Code != s.config.Machine {
			s.found(name, "none")
			return nil
		}
	}
	if len(listed) == 0 {
		s.found(name, "id")
	} else {
		s.found(name, "code")
	}
	return nil
}
