package csmart

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// left is a task that is there.
type left struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Status      string `json:"status,omitempty"`
}

// found is what the list of tasks has of a plan.
type found struct {
	// marked are those with its marker; there says that the one it changes is in the
	// list, marked or not.
	marked []left
	there  bool
	// all are those that have an id.
	all []left
	// cut says that the list may have been cut off.
	cut bool
}

// done gives the task that the plan wanted: a new one by its marker, one that was
// changed by its text too.
func (f found) done(p plan) (erp.Receipt, bool) {
	for _, t := range f.marked {
		if p.ID == "" || erp.FoldWord(t.Name) == erp.FoldWord(p.Name) && erp.FoldWord(t.Description) == erp.FoldWord(p.Description) {
			return erp.Receipt{Key: t.ID, Says: t.Name}, true
		}
	}
	return erp.Receipt{}, false
}

// find looks for a plan's task: its marker may be in any field. A list that had tasks
// and is empty at once is believed when it is so again.
func (s *Source) find(ctx context.Context, w erp.Write, p plan) (f found, err error) {
	what := "look for a task about " + w.Code
	list, _, err := s.list(ctx, what, tasks)
	if err != nil {
		return f, later(err)
	}
	before := s.tasks
	if s.tasks = len(list); before > 0 && len(list) == 0 {
		return f, &erp.Error{Fault: erp.Garbled, Doing: what, What: fmt.Sprintf("the list of tasks is empty, and had %d before", before), Next: "it is looked at again"}
	}
	f.cut = rounded(len(list))
	for _, v := range list {
		marked := false
		for _, key := range v.Keys() {
			text, err := v.Get(key).Text()
			marked = marked || err == nil && strings.Contains(text, p.Marker)
		}
		id, err := v.Get(s.fields["task.id"]...).Text()
		f.there = f.there || err == nil && id != "" && id == p.ID
		// A text that can not be read is not the one that was to be written.
		name, _ := v.Get("name").Text()
		description, _ := v.Get("description").Text()
		status, _ := v.Get("status").Text()
		task := left{id, name, description, status}
		if err == nil && id != "" {
			f.all = append(f.all, task)
		}
		if !marked {
			continue
		}
		if err != nil || id == "" || len(id) > longest {
			return f, &erp.Error{Fault: erp.Garbled, Doing: what, What: "the task " + p.Marker + " is there, and has no id", Next: "name its field under fields: task.id (orders discover lists them)"}
		}
		f.marked = append(f.marked, task)
	}
	return f, nil
}

// Look looks for the task that was sent.
func (s *Source) Look(ctx context.Context, w erp.Write) (erp.Receipt, bool, error) {
	var p plan
	if err := json.Unmarshal([]byte(w.Plan), &p); err != nil || p.Marker == "" {
		return erp.Receipt{}, false, nil // never sent
	}
	f, err := s.find(ctx, w, p)
	if err != nil {
		return erp.Receipt{}, false, err
	}
	r, done := f.done(p)
	if !done && f.cut && p.ID == "" {
		return r, false, &erp.Error{Fault: erp.Garbled, Doing: "look for a task about " + w.Code, What: fmt.Sprintf("the list has exactly %d tasks and may be cut off there, so the task may be in CSMART and not in the list", s.tasks),
			Next: "it is looked for again; leave a task there by hand, or delete old ones, to change the number"}
	}
	return r, done, nil
}
