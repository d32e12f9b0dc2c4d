package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"time"
)

// orders asks what becomes of production orders, and what is told of them.
func (s *session) orders(ctx context.Context) (err error) {
	names := append([]string{"order_code", "order_put", "unknown_order", "order_references"}, orderFilters()...)
	told := []string{"signature_mode", "webhook_uuid", "order_deletion"}
	if s.config.API == nil || s.config.Product == "" {
		s.leave("it needs a product that an order may be made for", append(names, told...)...)
		return s.channels(ctx, "")
	}
	agreed, err := s.agree(ctx, Part{
		Title: "Production orders",
		Does:  fmt.Sprintf("Up to three inactive orders for 1 of %s, due in a month, whose code begins with %sorder; one is changed, and all are deleted.", s.config.Product, stranger),
		Books: "Nothing that stays, if deleting works.",
	}, append(names, told...)...)
	if err != nil {
		return err
	}
	if !agreed {
		return s.channels(ctx, "")
	}
	b := batch{session: s, code: fmt.Sprintf("%sorder-%d", stranger, s.began.Unix()), due: s.began.AddDate(0, 1, 0).UTC().Truncate(time.Second)}
	defer func() {
		if bad := b.sweep(context.WithoutCancel(ctx)); err == nil {
			err = bad
		}
	}()
	made, err := b.all(ctx, names)
	if err != nil || !made {
		s.leave("no order was made", told...)
		return err
	}
	if err := s.messages(ctx, b.code); err != nil {
		return err
	}
	return s.channels(ctx, b.code)
}

// batch is the orders of one run.
type batch struct {
	*session
	code string
	due  time.Time
	// unclear says that the answer to a request that makes or deletes one was, so that
	// there may be orders that nobody has the number of.
	unclear bool
}

// all asks the questions. It is false if no order could be made.
func (b *batch) all(ctx context.Context, names []string) (made bool, err error) {
	id, status, text, err := b.create(ctx, b.code, "")
	if err != nil || id == "" {
		b.leave(fmt.Sprintf("no order could be made (status %d): %s", status, text), names...)
		return false, err
	}
	defer func() {
		if bad := b.delete(context.WithoutCancel(ctx), id); err == nil {
			err = bad
		}
	}()
	if err := b.again(ctx); err != nil {
		return true, err
	}
	if err := b.strange(ctx); err != nil {
		return true, err
	}
	if err := b.filters(ctx, id); err != nil {
		return true, err
	}
	return true, b.partialPut(ctx, id)
}

// orderFilters are the filters of the list of production orders, by their questions.
func orderFilters() []string {
	return []string{"filter_active", "filter_due_date", "filter_running_status", "filter_product", "filter_machine"}
}

// filters asks for the order in ways that must not give it.
func (b *batch) filters(ctx context.Context, id string) error {
	after := func(d time.Duration) []string { return []string{b.due.Add(d).Format(time.RFC3339)} }
	near := url.Values{"due-date-after": after(-time.Hour), "due-date-before": after(time.Hour)}
	listed, told, err := b.lists(ctx, id, near)
	if err != nil {
		return err
	}
	if !told || !listed {
		b.leave("the list is too long to tell it, or could not be read", orderFilters()...)
		return nil
	}
	for i, other := range []url.Values{
		{"active": {"true"}}, {"due-date-after": after(24 * time.Hour), "due-date-before": after(48 * time.Hour)}, {"running-status": {"started"}},
		{"product": {stranger + "product"}}, {"machine": {stranger + "machine"}},
	} {
		filters := maps.Clone(near)
		maps.Copy(filters, other)
		listed, told, err := b.lists(ctx, id, filters)
		switch {
		case err != nil:
			return err
		case !told:
			b.leave("the list could not be read", orderFilters()[i])
		case listed:
			b.found(orderFilters()[i], "ignore")
		default:
			b.found(orderFilters()[i], "apply")
		}
	}
	return nil
}

// lists says whether the first page of a list has an order; told is false if the list
// could not be read.
func (b *batch) lists(ctx context.Context, id string, filters url.Values) (listed, told bool, err error) {
	status, body, err := b.call(ctx, "production-orders.list", "", filters, nil)
	var list []struct {
		ID json.Number `json:"id"`
	}
	if err != nil || status < 200 || status > 299 || json.Unmarshal(body, &list) != nil {
		return false, false, err
	}
	for _, o := range list {
		listed = listed || o.ID.String() == id
	}
	return listed, true, nil
}

// again makes a second order with the code of the first.
func (b *batch) again(ctx context.Context) error {
	id, status, text, err := b.create(ctx, b.code, "")
	switch {
	case err != nil:
		return err
	case id == "" && status >= 400 && status < 500:
		b.found("order_code", "unique_400")
		b.leave("it needs an order that was deleted, and a second one was refused", "unknown_order")
		return nil
	case id == "":
		b.leave("the answer was unclear: "+text, "order_code", "unknown_order")
		return nil
	}
	b.found("order_code", "duplicates")
	if err := b.delete(ctx, id); err != nil {
		return err
	}
	status, _, err = b.call(ctx, "production-orders.get", id, nil, nil)
	if status == 404 || status == 400 {
		b.found("unknown_order", fmt.Sprint(status))
	}
	return err
}

// strange makes an order for a machine that does not exist.
func (b *batch) strange(ctx context.Context) error {
	const name = "order_references"
	id, status, text, err := b.create(ctx, b.code+"-2", stranger+"machine")
	switch {
	case err != nil:
		return err
	case id != "":
		b.found(name, "accept")
		return b.delete(ctx, id)
	case status >= 400 && status < 500:
		b.found(name, "reject_400")
	default:
		b.leave("the answer was unclear: "+text, name)
	}
	return nil
}

// create makes an order, for a machine if one is named, and gives its number; none and
// the status if it was not made, or not for sure.
func (b *batch) create(ctx context.Context, code, machine string) (id string, status int, text string, err error) {
	order := map[string]any{"code": code, "start-date": b.due.Add(-24 * time.Hour).Format(time.RFC3339), "due-date": b.due.Format(time.RFC3339), "active": false,
		"description": "for a test", "notes": "for a test", "products": []any{map[string]any{"product": b.config.Product, "quantity-ordered": 1}}}
	if machine != "" {
		order["machines"] = []any{map[string]any{"code": machine}}
	}
	body, err := json.Marshal(order)
	if err != nil {
		return "", 0, "", err
	}
	status, answer, err := b.call(ctx, "production-orders.create", "", nil, body)
	var made struct {
		ID json.Number `json:"id"`
	}
	if err == nil && status >= 200 && status < 300 && json.Unmarshal(answer, &made) == nil && made.ID != "" {
		return made.ID.String(), status, "", nil
	}
	b.unclear = b.unclear || status < 400
	return "", status, string(answer), err
}

// delete deletes an order.
func (b *batch) delete(ctx context.Context, id string) error {
	status, _, err := b.call(ctx, "production-orders.delete", id, nil, nil)
	b.unclear = b.unclear || status == 0
	return err
}

// sweep looks for orders that may have been left behind, and deletes them, until there
// are none for sure.
func (b *batch) sweep(ctx context.Context) error {
	for range attempts {
		if !b.unclear {
			return nil
		}
		b.unclear = false
		if err := b.sweepOnce(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("orders whose code begins with %s may be left in Prodsmart: look for them there, and delete them", b.code)
}

func (b *batch) sweepOnce(ctx context.Context) error {
	filters := url.Values{"due-date-after": {b.due.Add(-time.Hour).Format(time.RFC3339)}, "due-date-before": {b.due.Add(time.Hour).Format(time.RFC3339)}}
	seen := map[string]bool{} // a list may repeat its last page
	for page := 1; page <= mostPages; page++ {
		filters.Set("page", fmt.Sprint(page))
		status, body, err := b.call(ctx, "production-orders.list", "", filters, nil)
		if err != nil {
			return err
		}
		var list []struct {
			ID   json.Number `json:"id"`
			Code string      `json:"code"`
		}
		if status < 200 || status > 299 || json.Unmarshal(body, &list) != nil {
			b.unclear = true
			return nil
		}
		fresh := false
		for _, o := range list {
			fresh = fresh || !seen[o.ID.String()]
			seen[o.ID.String()] = true
			if o.Code == b.code || o.Code == b.code+"-2" {
				if err := b.delete(ctx, o.ID.String()); err != nil {
					return err
				}
				b.unclear = true // the next reading shows whether it is gone
			}
		}
		if !fresh {
			return nil
		}
	}
	return nil
}

// partialPut writes an order without two of its fields.
func (s *session) partialPut(ctx context.Context, id string) error {
	const name = "order_put"
	workers := url.Values{"workers": {"true"}}
	_, answer, err := s.call(ctx, "production-orders.get", id, workers, nil)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(answer, &fields) != nil {
		s.leave("the order could not be read", name)
		return err
	}
	for _, left := range []string{"notes", "description", "status", "running-status", "location", "shipping"} {
		delete(fields, left)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	status, answer, err := s.call(ctx, "production-orders.update", id, workers, body)
	if err != nil || status < 200 || status > 299 {
		s.leave(fmt.Sprintf("the order could not be written: %.200s", answer), name)
		return err
	}
	_, answer, err = s.call(ctx, "production-orders.get", id, workers, nil)
	var now struct{ Notes, Description string }
	switch {
	case err != nil || json.Unmarshal(answer, &now) != nil:
		s.leave("the order could not be read", name)
		return err
	case now.Notes == "" && now.Description == "":
		s.found(name, "replace")
	case now.Notes != "" && now.Description != "":
		s.found(name, "merge")
	}
	return nil
}
