package smartup

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

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

// planDocument checks a document; for a stocktaking it reads the balance.
func (s *Source) planDocument(ctx context.Context, w erp.Write) (plan, error) {
	switch {
	case !externalID(w.ID):
		return plan{}, refused(w, "the external id %.30q does not fit Smartup", w.ID)
	case w.Product == "":
		return plan{}, refused(w, "it names no product")
	case w.Delta.Sign() <= 0:
		return plan{}, refused(w, "Smartup takes no document of %s pieces; correct the stock there by hand", w.Delta)
	case s.object(w) != Stocktaking:
		return plan{After: w.Delta.String()}, nil
	}
	place := s.place(w)
	read, err := s.balance(ctx, doing(w), s.within(w.Company, map[string]any{"product_conditions": physical()}), []string{place}, nil, false)
	if err != nil {
		return plan{}, err
	}
	for _, p := range read.Problems {
		if p.Lost {
			return plan{}, refused(w, "the balance of warehouse %s can not be read: %s: %s", place, p.Where, p.What)
		}
	}
	before := decimal.Zero
	for _, row := range read.Stock {
		if row.Product == w.Product {
			before = row.Quantity
		}
	}
	return plan{before.String(), before.Add(w.Unposted).Add(w.Delta).String()}, nil
}

// object is the kind of document of a write.
func (s *Source) object(w erp.Write) string {
	if w.Kind == erp.Consumed {
		return "writeoff"
	}
	return s.Config.Write.Goods
}

func (s *Source) place(w erp.Write) string {
	if w.Place != "" {
		return w.Place
	}
	return s.Config.Write.FinishedWarehouse
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
		class, path = rare, depotPath+s.object(w)+"$import"
		body = map[string]any{s.object(w): []any{s.document(w, p)}}
	}
	v, _, err := s.call(ctx, doing(w), class, path, body, true)
	if err != nil {
		return erp.Receipt{}, err
	}
	r, err := s.settled(w, p, v)
	return r, s.spent(err, class, web.Answer{})
}

// documentNote is the note of a document: the production order.
func documentNote(w erp.Write) string { return strings.Trim(web.Shorten(w.Code, 37), ".") }

// document is a draft, dated as of now: some companies close older days.
func (s *Source) document(w erp.Write, p plan) map[string]any {
	c, object, now := s.Config.Write, s.object(w), time.Now().In(s.Zone).Format(dateForm)
	kind := s.Kinds[0]
	doc := s.within(w.Company, map[string]any{"external_id": w.ID, "status": "D", "note": documentNote(w)})
	switch object {
	case Movement:
		doc["status"], doc["from_movement_date"], doc["to_movement_date"] = c.DocumentStatus, now, now
		doc["from_warehouse_code"], doc["to_warehouse_code"] = c.ProductionWarehouse, s.place(w)
	case Stocktaking:
		doc["stocktaking_date"], doc["warehouse_code"], doc["currency_code"] = now, s.place(w), c.Currency
	default:
		kind = "M"
		doc["writeoff_date"], doc["warehouse_code"], doc["currency_code"] = now, c.MaterialWarehouse, c.Currency
	}
	item := map[string]any{"external_id": w.ID, "product_code": w.Product, "inventory_kind": kind, "quantity": p.After}
	if object == Stocktaking {
		item["balance_quantity"] = p.Before
	}
	doc[object+"_items"] = []any{item}
	return doc
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

// unposted says that a document has not moved the stock yet: a count is posted with P,
// or cancelled with C; a movement is completed with C.
func unposted(object, status string) bool {
	if object == Stocktaking {
		return status != "P" && status != "C"
	}
	return object == Movement && status != "C"
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

// find looks for the document of a write by its external id; nil if there is none. One
// of another product, or that people cancelled, is refused. So is one that differs from
// a plan that was not sent yet: numbers of another gateway, or of a store that was lost,
// begin anew. Later people may have corrected it.
func (s *Source) find(ctx context.Context, w erp.Write, unsent *plan) (*erp.Receipt, error) {
	object, looking := s.object(w), "look whether to "+doing(w)
	records, _, err := s.read(ctx, looking, rare, depotPath+object+"$export", object, s.within(w.Company, map[string]any{"external_id": w.ID}), false)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if id, _ := r.Get("external_id").Text(); id != w.ID {
			continue
		}
		key, _ := r.Get(object + "_id").Text()
		status, _ := r.Get("status").Text()
		what := otherDocument(r, object, w, unsent)
		if what == "" && object == Stocktaking && status == "C" {
			what = "people cancelled it, the stock does not move"
		}
		if what != "" {
			return nil, &erp.Error{Fault: erp.Refused, Renew: true, Doing: looking, What: "the document " + key + " with this id: " + what}
		}
		return &erp.Receipt{Key: key, Says: "the document is there", Draft: unposted(object, status)}, nil
	}
	return nil, nil
}

// otherDocument says in what a document differs from a write; empty if it does not, or
// does not show it.
func otherDocument(r web.Value, object string, w erp.Write, unsent *plan) string {
	for _, item := range r.Get(object + "_items").Each() {
		product, _ := item.Get("product_code").Text()
		if product != "" && product != w.Product {
			return "it is of product " + web.Shorten(product, 40)
		}
		quantity, err := number(item.Get("quantity"))
		if unsent != nil && object != Stocktaking && err == nil && quantity.String() != unsent.After { // a count is planned anew
			return fmt.Sprintf("it is another one, of %s pieces", quantity)
		}
	}
	if note, _ := r.Get("note").Text(); unsent != nil && note != "" && note != documentNote(w) {
		return fmt.Sprintf("it is another one, its note is %q", web.Shorten(note, 40))
	}
	return ""
}
