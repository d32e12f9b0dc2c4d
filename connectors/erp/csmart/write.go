package csmart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	tasks = "Events"
	// lasts is how long a task is in the calendar.
	lasts = 15 * time.Minute
)

// plan is the task as it is to be.
type plan struct {
	// ID is the task's that is changed; empty for a new one.
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// Marker tells the task from all others.
	Marker string `json:"marker"`
	TaxNo  string `json:"nip,omitempty"`
	// Resolved is the task about a delay that is over with this one; nil if there is none.
	Resolved *left `json:"resolved,omitempty"`
}

// subject is what a task is about: what was made, a delay, a cancellation that came too
// late, or a machine that stands. Each has a task of its own, because each is done with at another time.
func subject(s erp.Stage) string {
	switch s {
	case erp.Late:
		return "delay"
	case erp.Conflict:
		return "cancelled"
	case erp.Stopped, erp.Runs:
		return "stopped"
	}
	return "produced"
}

// doing names a write.
func doing(w erp.Write) string { return "leave a task about " + w.Code }

func refused(w erp.Write, what string, args ...any) error {
	return &erp.Error{Fault: erp.Refused, Doing: doing(w), What: fmt.Sprintf(what, args...)}
}

// Prepare plans the task: the one that was left about the same subject before, or one
// that has its marker, is changed; there is one for each production order, line and
// subject. A task about a delay is closed by the next one about what was made.
func (s *Source) Prepare(ctx context.Context, w erp.Write) (erp.Write, error) {
	if !slices.Contains(s.Tasks.Kinds, w.Kind) {
		return w, refused(w, "this kind of write-back is not switched on")
	}
	if s.taxes == nil && !s.Tasks.NoCustomer {
		if _, err := s.ReadOrders(ctx, erp.Ask{}); err != nil {
			return w, later(err)
		}
	}
	p := plan{ID: w.Earlier, Name: title(w), Description: w.Text, Marker: marker(w, w.Stage)}
	over := ""
	if w.Before != "" && subject(w.Before) != subject(w.Stage) {
		p.ID = ""
		if w.Before == erp.Late && subject(w.Stage) == "produced" {
			over = w.Earlier
		}
	}
	if !s.Tasks.NoCustomer {
		p.TaxNo = s.taxes[w.Order]
	}
	if p.ID == "" {
		found, err := s.find(ctx, w, p)
		if err != nil {
			return w, err
		}
		if len(found.marked) > 0 {
			p.ID = found.marked[0].ID
		}
		if i := slices.IndexFunc(found.all, func(t left) bool { return t.ID == over && over != "" && t.Status != s.Tasks.Closed }); i >= 0 {
			p.Resolved = &found.all[i]
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return w, &erp.Error{Fault: erp.Refused, Doing: doing(w), Err: err}
	}
	w.Plan = string(text)
	return w, nil
}

// later is the error of a list that was asked for before, or after, a write: that it
// is refused says nothing about the write.
func later(err error) error {
	var e *erp.Error
	if !errors.As(err, &e) || e.Fault != erp.Refused && e.Fault != erp.Gone {
		return err
	}
	return &erp.Error{Fault: erp.Unavailable, Doing: e.Doing, What: e.What, Next: "check that the user may see tasks and orders; it is tried again", Err: err}
}

// plainMarks are the characters of a marker that come back as they were sent.
const plainMarks = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/~#-"

// marker is what a task is found by. It has the order's and line's keys too: several
// may share a production order. A hash stands for keys that are long, or have other
// characters than plain ones: a service may change those.
func marker(w erp.Write, stage erp.Stage) string {
	parts := []string{"PS", w.Code}
	for _, key := range []string{w.Order, w.Line, subject(stage)} {
		if key != "" {
			parts = append(parts, key)
		}
	}
	text := strings.Join(parts, "-")
	if len(text) > 90 || strings.Trim(text, plainMarks) != "" {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
		text = "PS-" + hex.EncodeToString(sum[:16])
	}
	return "[" + text + "]"
}

// title is the task in a few words.
func title(w erp.Write) string {
	if subject(w.Stage) == "stopped" {
		return web.Shorten(w.Text, 120)
	}
	number := w.Number
	if number == "" {
		number = w.Code
	}
	what := map[erp.Stage]string{erp.Started: "in production", erp.Completed: "produced", erp.Late: "late", erp.Conflict: "cancelled, but produced"}[w.Stage]
	if what == "" {
		what = "produced"
	}
	return web.Shorten(fmt.Sprintf("%s %s %s/%s %s", number, what, w.Produced, w.Ordered, w.Product), 120)
}

// Write saves the task. Where that is refused, and the task is not there all the same,
// it is saved without the customer, whose tax number CSMART may not know, and then as a
// new one, if that which was left before is gone.
func (s *Source) Write(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	var p plan
	if err := json.Unmarshal([]byte(w.Plan), &p); err != nil || p.Marker == "" {
		return erp.Receipt{}, refused(w, "it was not prepared")
	}
	form := s.form(w, p)
	id, err := s.save(ctx, w, form)
	for _, field := range []string{"nip", "id"} {
		if !erp.Is(err, erp.Refused) || form.Get(field) == "" {
			continue
		}
		found, lookErr := s.find(ctx, w, p)
		if lookErr != nil {
			return erp.Receipt{}, &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: whatOf(err) + "; whether the task is there all the same was not found out", Err: lookErr}
		}
		if r, done := found.done(p); done {
			return r, nil
		}
		if field == "id" && found.there {
			break // it is the change that is refused
		}
		if form.Del(field); field == "id" && len(found.marked) > 0 {
			form.Set("id", found.marked[0].ID)
		}
		id, err = s.save(ctx, w, form)
	}
	if err != nil {
		return erp.Receipt{}, err
	}
	if sent := form.Get("id"); sent != "" {
		id = sent // it was changed; what some services answer then is a number of rows
	}
	if id == "" {
		return erp.Receipt{}, &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: "the answer does not name the task"}
	}
	return s.resolve(ctx, w, p, erp.Receipt{Key: id, Says: p.Name}), nil
}

// resolve closes the task about a delay that is over. If that fails people have to: it
// is no reason to leave a second task about what was made.
func (s *Source) resolve(ctx context.Context, w erp.Write, p plan, r erp.Receipt) erp.Receipt {
	if p.Resolved == nil {
		return r
	}
	form := s.form(w, plan{ID: p.Resolved.ID, Name: p.Resolved.Name, Description: p.Resolved.Description, Marker: marker(w, erp.Late), TaxNo: p.TaxNo})
	form.Set("status", s.Tasks.Closed)
	if _, err := s.save(ctx, w, form); err != nil {
		r.Doubt = fmt.Sprintf("the task %s about the delay could not be closed (%s); close it in CSMART", p.Resolved.ID, whatOf(err))
	}
	return r
}

// form is the task as it is sent: all its dates and times, since the defaults that the
// manual names contradict each other.
func (s *Source) form(w erp.Write, p plan) url.Values {
	begin := w.At.In(s.Zone)
	end := begin.Add(lasts)
	form := url.Values{
		"name": {p.Name}, "type": {s.Tasks.Type}, "status": {s.Tasks.Status}, "description": {p.Description}, "description2": {p.Marker}, "allDay": {"0"},
		"date_start": {begin.Format(time.DateOnly)}, "time_start": {begin.Format("15:04")}, "date_end": {end.Format(time.DateOnly)}, "time_end": {end.Format("15:04")},
	}
	if w.Stage == erp.Runs {
		form.Set("status", s.Tasks.Closed)
	}
	if p.ID != "" {
		form.Set("id", p.ID)
	}
	if p.TaxNo != "" {
		form.Set("nip", p.TaxNo)
	}
	return form
}

// save sends a task, and gives the id that CSMART names.
func (s *Source) save(ctx context.Context, w erp.Write, form url.Values) (string, error) {
	r, err := s.call(ctx, doing(w), tasks, "Save", form, true)
	if err != nil {
		return "", err
	}
	v := r.data
	if v.IsObject() {
		v = v.Get("id")
	}
	id, err := v.Text()
	if err != nil || len(id) > longest {
		return "", &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: "the answer does not name the task", Err: err}
	}
	return id, nil
}
