package smartup

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// plan is what Prepare found, and what is to be there afterwards.
type plan struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Prepare reads what has to be known before: the note, the status or the balance.
func (s *Source) Prepare(ctx context.Context, w erp.Write) (erp.Write, error) {
	p, err := s.plan(ctx, w)
	if err != nil {
		return w, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return w, &erp.Error{Fault: erp.Refused, Doing: doing(w), Err: err}
	}
	w.Plan = string(text)
	return w, nil
}

// doing names a write.
func doing(w erp.Write) string {
	if w.Kind == erp.Note || w.Kind == erp.Status {
		return fmt.Sprintf("write the %s of order %s", w.Kind, w.Order)
	}
	return fmt.Sprintf("write the document %s of %s", w.ID, w.Product)
}

func refused(w erp.Write, what string, args ...any) error {
	return &erp.Error{Fault: erp.Refused, Doing: doing(w), What: fmt.Sprintf(what, args...)}
}

// externalID is what the narrowest installations store.
func externalID(id string) bool {
	return id != "" && len(id) <= 20 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func (s *Source) plan(ctx context.Context, w erp.Write) (plan, error) {
	if !slices.Contains(s.Config.Write.Kinds, w.Kind) {
		return plan{}, refused(w, "this kind of write-back is not switched on")
	}
	if w.Kind == erp.Produced || w.Kind == erp.Consumed {
		return s.planDocument(ctx, w)
	}
	r, _, err := s.deal(ctx, doing(w), w.Company, w.Order)
	if err != nil {
		return plan{}, err
	}
	field := map[erp.Kind]string{erp.Note: "note", erp.Status: "status"}[w.Kind]
	before, err := r.Get(field).Text()
	if err != nil {
		return plan{}, refused(w, "the present %s can not be read: %v", field, err)
	}
	if w.Kind == erp.Status {
		return s.planStatus(w, before)
	}
	old, _ := splitNote(before)
	after := strings.TrimSpace(old + " " + s.mark(w))
	if s.Config.Write.NoteAppends {
		after = strings.TrimSpace(before + " " + s.mark(w))
		if strings.HasSuffix(before, s.mark(w)) {
			after = before
		}
	}
	if len(after) > s.Config.Write.NoteBytes {
		return plan{}, refused(w, "the note would have %d bytes with %q, %d are the most; shorten the note in Smartup", len(after), s.mark(w), s.Config.Write.NoteBytes)
	}
	return plan{before, after}, nil
}

// mark is our part of a note.
func (s *Source) mark(w erp.Write) string {
	return fmt.Sprintf("PS %s/%s %s", w.Produced, w.Ordered, w.At.In(s.Zone).Format("02.01"))
}

// splitNote takes our part, "PS 480/500 22.11", out of a note.
func splitNote(note string) (theirs, ours string) {
	ours = regexp.MustCompile(`(^|\s)PS -?[0-9.]+/[0-9.]+ [0-9]{2}\.[0-9]{2}($|\s)`).FindString(note)
	if ours == "" {
		return note, ""
	}
	before, after, _ := strings.Cut(note, ours)
	return strings.TrimSpace(strings.TrimSpace(before) + " " + strings.TrimSpace(after)), strings.TrimSpace(ours)
}

// planStatus allows only the configured ways.
func (s *Source) planStatus(w erp.Write, before string) (plan, error) {
	to := s.Config.Write.Status[w.Stage]
	switch {
	case to == "":
		return plan{}, refused(w, "no status is configured for the stage %s", w.Stage)
	case before != to && !slices.Contains(s.Config.Write.From[to], before):
		return plan{}, refused(w, "its status is %q, from which %s is not set", before, to)
	}
	return plan{before, to}, nil
}

// Write makes one attempt. A note or status is planned anew on what is there at
// that moment, so that a late attempt never takes a person's change back.
func (s *Source) Write(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	var p plan
	var err error
	if w.Kind == erp.Note || w.Kind == erp.Status {
		p, err = s.plan(ctx, w)
	} else if json.Unmarshal([]byte(w.Plan), &p) != nil || p.After == "" {
		err = refused(w, "it was not prepared")
	}
	if err != nil {
		return erp.Receipt{}, err
	}
	if (w.Kind == erp.Note || w.Kind == erp.Status) && p.Before == p.After {
		return erp.Receipt{Key: w.Order, Says: p.After}, nil
	}
	class, path, body := frequent, attachPath, map[string]any(nil)
	switch w.Kind {
	case erp.Note:
		sent := p.After
		if s.Config.Write.NoteAppends {
			sent = s.mark(w)
		}
		body = map[string]any{"order": []any{map[string]any{"deal_id": w.Order, "note": sent}}}
	case erp.Status:
		path = statusPath
		body = map[string]any{"order": []any{map[string]any{"deal_id": w.Order, "status": p.After}}}
	default:
		// An earlier attempt may have come through, also one that a person sends again;
		// what a second document with the same id does is not known.
		if r, err := s.find(ctx, w, &p); err != nil || r != nil {
			return receiptOf(r), err
		}
		var of bought
		if s.object(w) == receipt {
			if of, err = s.purchased(ctx, w, p); err != nil {
				return erp.Receipt{}, err
			}
		}
		class, path = rare, depotPath+s.object(w)+"$import"
		body = map[string]any{s.object(w): []any{s.document(w, p, of)}}
	}
	v, _, err := s.call(ctx, doing(w), class, path, body, true)
	if err != nil {
		return erp.Receipt{}, err
	}
	r, err := s.settled(w, p, v)
	return r, s.spent(err, class, web.Answer{})
}

// settled judges the answer of a write by its lists: the status is 200 for refusals
// too.
func (s *Source) settled(w erp.Write, p plan, v web.Value) (erp.Receipt, error) {
	for _, e := range v.Get("errors").Each() {
		code, _ := e.Get("code").Text()
		message, _ := e.Get("message").Text()
		return erp.Receipt{}, &erp.Error{Fault: erp.Refused, Doing: doing(w), What: web.Shorten("Smartup refused it: "+code+" "+message, 300), Next: advice(code)}
	}
	done := v.Get("successes")
	if !done.IsList() {
		return erp.Receipt{}, &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: "the answer does not say whether it was done"}
	}
	if len(done.Each()) == 0 {
		return erp.Receipt{}, refused(w, "Smartup accepted nothing and gave no reason")
	}
	key, _ := done.Each()[0].Get("code").Text()
	return erp.Receipt{Key: key, Says: p.After, Draft: w.Kind == erp.Produced}, nil
}

// Look finds a document by its external id, and a note or status by its value.
func (s *Source) Look(ctx context.Context, w erp.Write) (erp.Receipt, bool, error) {
	if w.Kind == erp.Note || w.Kind == erp.Status {
		r, _, err := s.deal(ctx, "look whether to "+doing(w), w.Company, w.Order)
		if err != nil {
			return erp.Receipt{}, false, err
		}
		field, want := "status", s.Config.Write.Status[w.Stage]
		if w.Kind == erp.Note {
			field, want = "note", s.mark(w)
		}
		now, err := r.Get(field).Text()
		if err != nil {
			return erp.Receipt{}, false, &erp.Error{Fault: erp.Garbled, Doing: doing(w), What: "the present " + err.Error(), Err: err}
		}
		return erp.Receipt{Key: w.Order, Says: now}, want != "" && (now == want || w.Kind == erp.Note && strings.Contains(now, want)), nil
	}
	r, err := s.find(ctx, w, nil)
	return receiptOf(r), r != nil, err
}

func receiptOf(r *erp.Receipt) erp.Receipt {
	if r == nil {
		return erp.Receipt{}
	}
	return *r
}
