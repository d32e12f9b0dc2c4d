package repzo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	correctionsPath = "/adjust-inventory"
	jobsPath        = "/workorder"
)

// plan is what is to be sent, and to which version of the order.
type plan struct {
	// Order is the _id of the latest version.
	Order string `json:"order,omitempty"`
	// Marks are keys of ours and their values, Status the id of a custom status.
	Marks  map[string]string `json:"marks,omitempty"`
	Status string            `json:"status,omitempty"`
	// Variant and Warehouse are ids, Reason too if there is one.
	Variant   string `json:"variant,omitempty"`
	Warehouse string `json:"warehouse,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// doing names a write.
func doing(w erp.Write) string {
	if w.Kind == erp.Meta || w.Kind == erp.Status {
		return fmt.Sprintf("write the %s of order %s", map[erp.Kind]string{erp.Meta: "marks", erp.Status: "status"}[w.Kind], w.Order)
	}
	if w.Kind == erp.Task {
		return fmt.Sprintf("leave the job %s about %s", w.ID, w.Code)
	}
	return fmt.Sprintf("write the document %s of %s", w.ID, w.Product)
}

func refused(doing, what string, args ...any) error {
	return &erp.Error{Fault: erp.Refused, Doing: doing, What: fmt.Sprintf(what, args...)}
}

// Prepare finds out what a write refers to: the latest version of the order and its
// marks, the status, the variant and the warehouse.
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

func (s *Source) plan(ctx context.Context, w erp.Write) (plan, error) {
	switch {
	case !slices.Contains(s.Config.Write.Kinds, w.Kind):
		return plan{}, refused(doing(w), "this kind of write-back is not switched on")
	case w.Kind == erp.Task:
		return plan{}, nil
	case w.Kind == erp.Produced:
		return s.planCorrection(ctx, w)
	case w.Order == "":
		return plan{}, refused(doing(w), "it belongs to no single order")
	}
	r, err := s.current(ctx, doing(w), w.Order)
	if err != nil {
		return plan{}, err
	}
	key, err := id(r)
	if err != nil {
		return plan{}, refused(doing(w), "the order's _id can not be read: %v", err)
	}
	p := plan{Order: key}
	if w.Kind == erp.Meta {
		p.Marks = s.marks(r, w)
		return p, nil
	}
	p.Status, err = s.planStatus(ctx, r, w)
	return p, err
}

// current is the latest version of an order.
func (s *Source) current(ctx context.Context, doing, key string) (web.Value, error) {
	versions, err := s.versions(ctx, doing, key)
	if err != nil {
		return web.Value{}, err
	}
	var best *deed
	for _, v := range versions {
		d := &deed{source: s, record: v}
		if !d.identify() || d.superseded && !s.SeparateVersions {
			continue
		}
		if best == nil || d.version > best.version {
			best = d
		}
	}
	if best == nil {
		return web.Value{}, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the order was found, but can not be read"}
	}
	return best.record, nil
}

// marks are the values of our keys: one for each production order of the document, in
// the same order in all keys, with ", " between them.
func (s *Source) marks(r web.Value, w erp.Write) map[string]string {
	prefix, meta := s.Config.Write.MetaPrefix, r.Get("integration_meta")
	codes := parts(meta, prefix+"order")
	at := slices.Index(codes, w.Code)
	if at < 0 {
		at = len(codes)
		codes = append(codes, w.Code)
	}
	out := map[string]string{prefix + "order": strings.Join(codes, ", ")}
	for name, value := range map[string]string{"produced": w.Produced.String(), "state": string(w.Stage)} {
		values := parts(meta, prefix+name)
		for len(values) < len(codes) {
			values = append(values, "")
		}
		values = values[:len(codes)]
		values[at] = value
		out[prefix+name] = strings.Join(values, ", ")
	}
	return out
}

// parts are the values of a key of ours.
func parts(meta web.Value, key string) []string {
	if text := field(meta, key); text != "" {
		return strings.Split(text, ", ")
	}
	return nil
}

// planStatus is the id of the custom status for the stage, if it may be set.
func (s *Source) planStatus(ctx context.Context, r web.Value, w erp.Write) (string, error) {
	code := s.Config.Write.Status[w.Stage]
	if code == "" {
		return "", refused(doing(w), "no custom status is configured for the stage %s", w.Stage)
	}
	to, err := s.one(ctx, doing(w), "/custom-status", "custom status", code)
	if err != nil {
		return "", err
	}
	d := &deed{source: s, record: r}
	if state, word := d.state(); state == erp.Cancelled || state == erp.Closed {
		return "", refused(doing(w), "the order is %s", word)
	}
	present, err := id(r.Get("custom_status"))
	if err != nil {
		return "", refused(doing(w), "the present custom status can not be read: %v", err)
	}
	now, _ := byID(s.lists["/custom-status"].list, present)
	allowed := present == "" || present == to.id || now.standard || slices.ContainsFunc(s.Config.Write.Replace, now.is)
	for _, own := range s.Config.Write.Status {
		allowed = allowed || now.is(own)
	}
	if !allowed {
		return "", refused(doing(w), "it has the custom status %q, which is not replaced unless it is configured", web.Shorten(now.called(), 60))
	}
	return to.id, nil
}

// planCorrection finds the variant and the warehouse of finished goods.
func (s *Source) planCorrection(ctx context.Context, w erp.Write) (plan, error) {
	if w.ID == "" || w.Product == "" || w.Delta.Sign() == 0 {
		return plan{}, refused(doing(w), "it names no external id, no product or no quantity")
	}
	text := w.Place
	if text == "" {
		text = s.Config.Write.Warehouse
	}
	place, err := s.one(ctx, doing(w), "/warehouse", "warehouse", text)
	if err != nil {
		return plan{}, err
	}
	p := plan{Warehouse: place.id}
	if s.Config.Write.Reason != "" {
		reason, err := s.one(ctx, doing(w), "/inventory-adjustment-reason", "reason of stock corrections", s.Config.Write.Reason)
		if err != nil {
			return plan{}, err
		}
		p.Reason = reason.id
	}
	if err := s.freshen(ctx, s.MastersFor); err != nil {
		return plan{}, err
	}
	if s.goods.variant(w.Product) == "" {
		if err := s.freshen(ctx, strangerAge); err != nil {
			return plan{}, err
		}
	}
	if p.Variant = s.goods.variant(w.Product); p.Variant == "" {
		return plan{}, refused(doing(w), "no single variant of Repzo has the code %q", w.Product)
	}
	return p, nil
}

// variant is the id of the only variant with a code; empty if there is none, or more.
func (c *catalogue) variant(code string) string {
	found := ""
	for _, a := range c.variants {
		if a.code == code && found != "" {
			return ""
		}
		if a.code == code {
			found = a.variant
		}
	}
	return found
}

// syncID is the document's key that is derived from the external id: a UUID, the same
// at each attempt.
func syncID(external string) string {
	h := sha256.Sum256([]byte("prodsmart-gateway/repzo/" + external))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, made by the application
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Write makes one attempt. Marks and statuses are planned anew on what is there at that
// moment, so that a late attempt never takes a person's change back.
func (s *Source) Write(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	if w.Stage == erp.Runs && w.Kind == erp.Task {
		return s.closeJob(ctx, w)
	}
	if w.Kind == erp.Produced || w.Kind == erp.Task {
		return s.writeDocument(ctx, w)
	}
	p, err := s.plan(ctx, w)
	if err != nil {
		return erp.Receipt{}, err
	}
	if w.Kind == erp.Status {
		if _, _, err := s.call(ctx, doing(w), http.MethodPut, ordersPath+"/"+url.PathEscape(p.Order), nil, map[string]string{"custom_status": p.Status}); err != nil {
			return erp.Receipt{}, err
		}
		return erp.Receipt{Key: p.Order, Says: s.Config.Write.Status[w.Stage]}, nil
	}
	var keys []map[string]string
	for _, name := range []string{"order", "produced", "state"} {
		key := s.Config.Write.MetaPrefix + name
		keys = append(keys, map[string]string{"key": key, "value": p.Marks[key]})
	}
	if _, _, err := s.call(ctx, doing(w), http.MethodPost, "/update-integration-meta", url.Values{"_id": {p.Order}, "type": {"proformas"}}, keys); err != nil {
		return erp.Receipt{}, err
	}
	return erp.Receipt{Key: p.Order, Says: p.Marks[s.Config.Write.MetaPrefix+"produced"]}, nil
}

// writeDocument creates a stock correction or a job. One whose key is there already was
// created by an earlier attempt.
func (s *Source) writeDocument(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	var p plan
	if json.Unmarshal([]byte(w.Plan), &p) != nil || w.Kind == erp.Produced && (p.Variant == "" || p.Warehouse == "") {
		return erp.Receipt{}, refused(doing(w), "it was not prepared")
	}
	// An earlier attempt, also one that a person sends again, may have come through: what
	// becomes of a second document with the same key is not known.
	if r, done, err := s.Look(ctx, w); err != nil || done {
		return r, err
	}
	path, body := correctionsPath, map[string]any{"sync_id": syncID(w.ID), "time": time.Now().UnixMilli(), "to": p.Warehouse,
		"variants": []any{map[string]any{"variant": p.Variant, "qty": json.Number(w.Delta.String())}}}
	if p.Reason != "" {
		body["reason"] = p.Reason
	}
	if c := s.Config.Write; w.Kind == erp.Task {
		path, body = jobsPath, map[string]any{"sync_id": syncID(w.ID), "name": jobName(w), "description": w.Text, "client": c.TaskClient,
			"client_location": c.TaskLocation, "workorder_categories": []string{c.TaskCategory}, "calendars": []string{c.TaskCalendar}, "status": "open"}
	}
	v, _, err := s.call(ctx, doing(w), http.MethodPost, path, nil, body)
	if erp.Is(err, erp.Refused) {
		if r, done, wrong := s.Look(ctx, w); wrong == nil && done {
			return r, nil
		}
	}
	if err != nil {
		return erp.Receipt{}, err
	}
	r, err := receipt(doing(w), w.Kind, single(v))
	if err != nil {
		return erp.Receipt{}, err
	}
	if r.Key == "" {
		return erp.Receipt{}, &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: "the answer does not say whether it was done"}
	}
	return r, nil
}

// standsInTheWay is the refusal because of a document that is there with the same key.
func standsInTheWay(doing, what string) error {
	return &erp.Error{Fault: erp.Refused, Doing: doing, What: what, Renew: true}
}

func jobName(w erp.Write) string {
	if w.Stage == erp.Stopped {
		return web.Shorten(w.Text, 100)
	}
	return web.Shorten(w.Code+" "+string(w.Stage), 100)
}

// closeJob closes the job about a machine that runs again. One that people deleted is
// closed.
func (s *Source) closeJob(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	_, _, err := s.call(ctx, doing(w), http.MethodPut, jobsPath+"/"+url.PathEscape(w.Earlier), nil, map[string]string{"status": jobDone, "description": w.Text})
	if err != nil && !erp.Is(err, erp.Gone) {
		return erp.Receipt{}, err
	}
	return erp.Receipt{Key: w.Earlier, Says: w.Text}, nil
}

// jobDone is the status of a job that nobody has to do any more.
const jobDone = "done"

// receipt says what became of a document. A stock correction that somebody rejected is
// refused.
func receipt(doing string, kind erp.Kind, v web.Value) (erp.Receipt, error) {
	key, _ := id(v)
	status := strings.ToLower(field(v, "status"))
	says := strings.TrimSpace(numberOf(v) + " " + status)
	moved, err := v.Get("transaction_processed").Bool()
	if kind == erp.Task {
		return erp.Receipt{Key: key, Says: says}, nil
	}
	switch status {
	case "pending", "approved", "processing":
		if err != nil || moved != erp.Yes {
			return erp.Receipt{Key: key, Draft: true, Says: says + "; the stock moves when it is processed"}, nil
		}
	case "rejected", "cancelled":
		return erp.Receipt{}, standsInTheWay(doing, says+": somebody refused it, the stock does not move")
	}
	return erp.Receipt{Key: key, Says: says}, nil
}

// other says in what a document that has the key of a stock correction differs from it:
// numbers of another gateway, or of a store that was lost, begin anew. Empty if it is
// the same, or does not say.
func other(v web.Value, w erp.Write) string {
	var p plan
	if w.Kind != erp.Produced || json.Unmarshal([]byte(w.Plan), &p) != nil {
		return ""
	}
	for _, one := range v.Get("variants").Each() {
		variant, _ := id(one.Get("variant", "variant_id"))
		quantity, err := one.Get("qty").Decimal(erp.Point)
		if variant != "" && variant != p.Variant || err == nil && !quantity.Equal(w.Delta) {
			return fmt.Sprintf("%s pieces of %s", quantity, variant)
		}
	}
	return ""
}

// Look finds a document by its sync_id, and marks and a status by their values.
func (s *Source) Look(ctx context.Context, w erp.Write) (erp.Receipt, bool, error) {
	looking := "look whether to " + doing(w)
	if w.Stage == erp.Runs && w.Kind == erp.Task {
		return s.lookJob(ctx, looking, w)
	}
	if w.Kind == erp.Produced || w.Kind == erp.Task {
		return s.lookDocument(ctx, looking, w)
	}
	r, err := s.current(ctx, looking, w.Order)
	if err != nil {
		return erp.Receipt{}, false, err
	}
	key, _ := id(r)
	if w.Kind == erp.Status {
		to, err := s.one(ctx, looking, "/custom-status", "custom status", s.Config.Write.Status[w.Stage])
		if err != nil {
			return erp.Receipt{}, false, err
		}
		now, err := id(r.Get("custom_status"))
		return erp.Receipt{Key: key, Says: to.called()}, err == nil && now == to.id, nil
	}
	for name, value := range s.marks(r, w) {
		if field(r.Get("integration_meta"), name) != value {
			return erp.Receipt{}, false, nil
		}
	}
	return erp.Receipt{Key: key, Says: w.Produced.String()}, true, nil
}

// lookJob finds out whether a job is closed.
func (s *Source) lookJob(ctx context.Context, doing string, w erp.Write) (erp.Receipt, bool, error) {
	v, _, err := s.get(ctx, doing, jobsPath+"/"+url.PathEscape(w.Earlier), nil)
	if erp.Is(err, erp.Gone) {
		return erp.Receipt{Key: w.Earlier, Says: "people deleted the job"}, true, nil
	}
	if err != nil {
		return erp.Receipt{}, false, err
	}
	return erp.Receipt{Key: w.Earlier, Says: w.Text}, field(single(v), "status") == jobDone, nil
}

func (s *Source) lookDocument(ctx context.Context, doing string, w erp.Write) (erp.Receipt, bool, error) {
	path, sync := correctionsPath, syncID(w.ID)
	if w.Kind == erp.Task {
		path = jobsPath
	}
	got, err := s.list(ctx, doing, path, url.Values{"sync_id": {sync}})
	if err != nil {
		return erp.Receipt{}, false, err
	}
	for _, r := range got.records {
		if field(r, "sync_id") != sync {
			continue
		}
		if what := other(r, w); what != "" {
			return erp.Receipt{}, false, standsInTheWay(doing, "a document with its key is there, and is another one: "+what)
		}
		found, err := receipt(doing, w.Kind, r)
		return found, err == nil, err
	}
	if got.torn {
		return erp.Receipt{}, false, &erp.Error{Fault: erp.Unavailable, Doing: doing, What: "the list changed while it was read"}
	}
	return erp.Receipt{}, false, nil
}
