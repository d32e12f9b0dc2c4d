package config

import (
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smartup"
)

func smartupObject() *object {
	return &object{name: "smartup", fields: []*field{
		{key: "url", kind: kindText, def: "https://smartup.online", doc: "address of the company's server"},
		{key: "user", kind: kindUser, required: true, doc: "it is the account, in the form name@company"},
		{key: "password", kind: kindSecret, required: true, doc: "it is a reference to the account's password"},
		{key: "project_code", kind: kindText, def: "trade", doc: "header of that name; none sends no such header"},
		{key: "filial_id", kind: kindText, doc: "header of that name, a number; without it no such header is sent"},
		{key: "send_empty_filial_id", kind: kindBool, def: "false", doc: "send the header filial_id without a value, as some installations want it"},
		{key: "filial_code", kind: kindText, doc: "code of the one organisation whose orders are read; without it all that the account sees"},
		{key: "several", kind: kindBool, def: "false", doc: "several organisations are read: the organisation is part of an order's key"},
		{key: "timezone", kind: kindText, def: "Asia/Tashkent", doc: "zone of the company's days and times"},
		{key: "window", kind: kindInt, def: "7", min: "1", max: "366", doc: "days back, today included, for which changes can be asked for, until the system has said another number"},
		{key: "lookup_in_window", kind: kindBool, def: "false", doc: "a single order can only be asked for while it lies in the window"},
		{key: "states", kind: kindNames, doc: "open, held, closed or cancelled by status code, where a code means something else than usual"},
		{key: "kinds", kind: kindTexts, doc: "inventory kinds that the plant makes itself; without it P"},
		{key: "stable_lines", kind: kindBool, def: "false", doc: "the ids of an order's lines stay the same when somebody edits the order"},
		{key: "number", kind: kindText, def: "deal_id", allowed: []string{"deal_id", "invoice_number", "delivery_number"}, doc: "what people call an order"},
		{key: "location", kind: kindText, allowed: []string{"filial", "warehouse"}, doc: "what is the order's place, for locations; without it none"},
		{key: "family_type", kind: kindText, doc: "type code of the product groups that are families, for groups and lead_times"},
		{key: "warehouses", kind: kindTexts, doc: "codes of the warehouses whose stock counts; without it all"},
		{key: "exclude_warehouses", kind: kindTexts, doc: "codes of warehouses whose stock does not count"},
		{key: "conditions", kind: kindTexts, doc: "conditions of stock that count, of F (free), B (booked) and T (in transit); without it F for replenish, and F and B for what is set in Prodsmart"},
		{key: "frequent", kind: kindInt, def: "500", min: "1", max: "1000000", doc: "calls that this gateway may make in a day for orders and stock"},
		{key: "rare", kind: kindInt, def: "300", min: "1", max: "1000000", doc: "calls that it may make in a day for documents"},
		{key: "reference", kind: kindInt, def: "100", min: "1", max: "1000000", doc: "calls that it may make in a day for articles and the like"},
		{key: "reserve", kind: kindInt, def: "20", min: "1", max: "100000", doc: "frequent calls that are kept for what is written back"},
		{key: "exhausted_words", kind: kindTexts, doc: "parts of refusals that mean that the calls of the day are used up; without it the usual ones"},
		{key: "timeout", kind: kindDuration, def: "180s", min: "5s", max: "15m", doc: "how long a call may take"},
		{key: "most_mb", kind: kindInt, def: "64", min: "1", max: "1024", doc: "largest answer in megabytes"},
		{key: "note_bytes", kind: kindInt, def: "40", min: "20", max: "2000", doc: "longest note on an order, for write: note"},
		{key: "note_appends", kind: kindBool, def: "false", doc: "a note is appended to the one before and does not replace it"},
		{key: "status", kind: kindNames, doc: "status by what happened (started, completed), for write: status; without it B#E and B#W"},
		{key: "status_from", kind: kindNames, doc: "the statuses, apart by spaces, in which each status may be set; without it B#E: B#N and B#W: B#N B#E"},
		{key: "goods", kind: kindText, allowed: []string{smartup.Movement, smartup.Stocktaking, smartup.Purchase}, doc: "document for write: produced: a movement from production to finished goods, a count of the finished goods, or a purchase from the own production with its receipt; ask the accountants"},
		{key: "document_status", kind: kindText, def: "D", allowed: []string{"D", "N"}, doc: "status of a movement: draft, or D's next one"},
		{key: "production_warehouse", kind: kindText, doc: "code of the warehouse that movements are from"},
		{key: "finished_warehouse", kind: kindText, doc: "code of the warehouse of finished goods"},
		{key: "supplier", kind: kindText, doc: "with goods: purchase, code of the supplier who stands for the own production"},
		{key: "purchase_status", kind: kindText, doc: "with goods: purchase, the company's status code of a new purchase"},
		{key: "purchase_price", kind: kindText, doc: "with goods: purchase, price of a piece; without it none is sent"},
		{key: "purchase_posted", kind: kindBool, def: "false", doc: "with goods: purchase, the purchase is posted, where a receipt needs that; the receipt is a draft"},
		{key: "currency", kind: kindText, def: "860", doc: "currency code of documents"},
	}}
}

// readSmartup reads the settings of a Smartup company.
func (l *loader) readSmartup(s *OrderSource, v *view) {
	s.user, s.password = l.secret(v, "user"), l.secret(v, "password")
	c := &smartup.Config{
		Address: v.text("url"), ProjectCode: v.text("project_code"), FilialID: v.text("filial_id"), SendEmptyFilialID: v.truth("send_empty_filial_id"),
		FilialCode: v.text("filial_code"), Several: v.truth("several"), Window: v.whole("window"), LookupInWindow: v.truth("lookup_in_window"),
		States: map[string]erp.State{}, Kinds: l.texts(v.child("kinds")), StableLines: v.truth("stable_lines"), Number: v.text("number"), Location: v.text("location"),
		FamilyType: v.text("family_type"), Warehouses: l.texts(v.child("warehouses")), ExcludeWarehouses: l.texts(v.child("exclude_warehouses")), Conditions: l.texts(v.child("conditions")),
		Frequent: v.whole("frequent"), Rare: v.whole("rare"), Reference: v.whole("reference"), Reserve: v.whole("reserve"), ExhaustedWords: l.texts(v.child("exhausted_words")),
		Timeout: v.duration("timeout"), MostMB: v.whole("most_mb"), Zone: l.zoneOf(v),
		Write: smartup.WriteConfig{
			Kinds: kindsOn(s), NoteBytes: v.whole("note_bytes"), NoteAppends: v.truth("note_appends"), Goods: v.text("goods"), DocumentStatus: v.text("document_status"),
			ProductionWarehouse: v.text("production_warehouse"), FinishedWarehouse: v.text("finished_warehouse"),
			Supplier: v.text("supplier"), PurchaseStatus: v.text("purchase_status"), PurchasePrice: v.text("purchase_price"), PurchasePosted: v.truth("purchase_posted"), Currency: v.text("currency"),
		},
	}
	if c.ProjectCode == "none" {
		c.ProjectCode = ""
	}
	l.readStates(v, "states", c.States)
	c.Write.Status = l.stageStatuses(s, v)
	for status, from := range l.names(v, "status_from") {
		if c.Write.From == nil {
			c.Write.From = map[string][]string{}
		}
		c.Write.From[status] = strings.Fields(from)
	}
	s.smartup = c
	if !c.LookupInWindow {
		s.Unseen = max(c.Window-1, 1)
	}
}

// stageStatuses reads the key status: the system's status by what happened; nil if
// nothing is said. The source writes no status at other stages then.
func (l *loader) stageStatuses(s *OrderSource, v *view) map[erp.Stage]string {
	var out map[erp.Stage]string
	defer func() {
		if rule, on := s.Rules.Writes[erp.Status]; on {
			rule.Stages = sortedKeys(out)
			s.Rules.Writes[erp.Status] = rule
		}
	}()
	for stage, n := range l.named(v, "status") {
		if stage != string(erp.Started) && stage != string(erp.Completed) {
			l.bad(n, quote(stage)+" is nothing that a status is set at; allowed are started, completed")
			continue
		}
		if out == nil {
			out = map[erp.Stage]string{}
		}
		out[erp.Stage(stage)] = n.text
	}
	return out
}

// kindsOn are the kinds of write-back that are on, of those that the system takes.
func kindsOn(s *OrderSource) []erp.Kind {
	return slices.DeleteFunc(sortedKeys(s.Rules.Writes), func(k erp.Kind) bool { return !slices.Contains(writable(s.System), k) })
}

// readStates reads meanings of a system's own words or codes.
func (l *loader) readStates(v *view, key string, into map[string]erp.State) {
	means := map[string]erp.State{"open": erp.Open, "held": erp.Held, "closed": erp.Closed, "cancelled": erp.Cancelled}
	for word, n := range l.named(v, key) {
		state, ok := means[n.text]
		if !ok {
			l.bad(n, quote(n.text)+" is not possible; allowed are "+oneOf(sortedKeys(means)))
			continue
		}
		into[word] = state
	}
}
