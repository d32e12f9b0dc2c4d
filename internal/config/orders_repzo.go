package config

import (
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/repzo"
)

func repzoObject() *object {
	return &object{name: "repzo", fields: []*field{
		{key: "url", kind: kindText, def: "https://sv.api.repzo.me", doc: "address of the company's server"},
		{key: "key", kind: kindSecret, required: true, doc: "it is a reference to the API key of the company, made in the dashboard"},
		{key: "hook_secret", kind: kindSecret, doc: "reference to the secret (whsec_...) of the company's webhooks; they are taken at the address of prodsmart.follow.webhook, at the path /orders/NAME with the name of the source, and bring the next read forward"},
		{key: "codes", kind: kindTexts, doc: "where the code of an article stands, the first that has one counts: variant.sku, variant.name, variant.barcode, product.sku, product.name, product.barcode, integration_meta.KEY; without it variant.sku, product.sku, variant.name"},
		{key: "families", kind: kindText, allowed: []string{"category", "groups"}, doc: "what families are, for groups and lead_times; without it there are none"},
		{key: "states", kind: kindNames, doc: "open, held, closed or cancelled by the word in status, where a word means something else than usual (pending is held, approved and processing are open, rejected is cancelled)"},
		{key: "cancel_statuses", kind: kindTexts, doc: "custom statuses (id, code or name) that mean that nobody wants the order any more"},
		{key: "ignore_converted", kind: kindBool, def: "false", doc: "go on with orders that were converted to an invoice; otherwise they are closed"},
		{key: "separate_versions", kind: kindBool, def: "false", doc: "each version of an order is a document of its own"},
		{key: "stable_lines", kind: kindBool, def: "false", doc: "the ids of an order's lines stay the same when somebody edits the order"},
		{key: "client_codes", kind: kindBool, def: "false", doc: "customers have their client_code in Prodsmart; otherwise it is the id, unless orders name the code"},
		{key: "money_divisor", kind: kindInt, def: "1000", min: "1", max: "1000000", doc: "units of the service's money in one of the currency"},
		{key: "updated_unit", kind: kindText, def: "ms", allowed: []string{"ms", "s"}, doc: "what the time counts from which changes are asked for"},
		{key: "overlap", kind: kindDuration, def: "10m", min: "1m", max: "24h", doc: "how far before the last read each read of changes begins"},
		{key: "shows_disabled", kind: kindBool, def: "false", doc: "lists show disabled orders without being asked"},
		{key: "per_page", kind: kindInt, def: "200", min: "1", max: "5000", doc: "records of a page"},
		{key: "page_numbers", kind: kindBool, def: "false", doc: "ask for pages by their number instead of going on after the last record"},
		{key: "full_days", kind: kindInt, def: "0", min: "0", max: "3650", doc: "read only open orders that were made in so many days, so that none that is missing is taken for gone; 0 is all"},
		{key: "warehouses", kind: kindTexts, doc: "warehouses (id, code or name) whose stock counts; without it all of type main"},
		{key: "masters_for", kind: kindDuration, def: "30m", min: "1m", max: "24h", doc: "how long products, units, warehouses and statuses are remembered"},
		{key: "per_day", kind: kindInt, def: "10000", min: "1", max: "1000000", doc: "calls that this gateway may make in a day"},
		{key: "per_minute", kind: kindInt, def: "40", min: "1", max: "10000", doc: "calls in a minute, of the 100 that all integrations of the company share"},
		{key: "reserve", kind: kindInt, def: "200", min: "1", max: "100000", doc: "calls of the day that are kept for what is written back"},
		{key: "timeout", kind: kindDuration, def: "180s", min: "5s", max: "15m", doc: "how long a call may take"},
		{key: "most_mb", kind: kindInt, def: "32", min: "1", max: "1024", doc: "largest answer in megabytes"},
		{key: "meta_prefix", kind: kindText, def: "prodsmart_", doc: "what the keys of marks begin with, for write: meta"},
		{key: "status", kind: kindNames, doc: "code of a custom status by what happened (started, completed), for write: status; the office makes the statuses"},
		{key: "replace", kind: kindTexts, doc: "codes of custom statuses that may be replaced, besides none, the default one and those of status"},
		{key: "warehouse", kind: kindText, doc: "warehouse (id, code or name) that gets finished goods, for write: produced"},
		{key: "reason", kind: kindText, doc: "reason (id or name) of stock corrections; without it none is sent"},
		{key: "task_client", kind: kindText, doc: "id of the client that jobs are for, for write: task: the plant itself"},
		{key: "task_location", kind: kindText, doc: "id of that client's location"},
		{key: "task_category", kind: kindText, doc: "id of the jobs' category"},
		{key: "task_calendar", kind: kindText, doc: "id of the jobs' calendar"},
	}}
}

// readRepzo reads the settings of a Repzo company.
func (l *loader) readRepzo(s *OrderSource, v *view) {
	s.key, s.hook = l.secret(v, "key"), l.secret(v, "hook_secret")
	c := &repzo.Config{
		Address: v.text("url"), Codes: l.texts(v.child("codes")), Families: v.text("families"), States: map[string]erp.State{}, CancelStatuses: l.texts(v.child("cancel_statuses")),
		IgnoreConverted: v.truth("ignore_converted"), SeparateVersions: v.truth("separate_versions"), StableLines: v.truth("stable_lines"), ClientCodes: v.truth("client_codes"), MoneyDivisor: v.whole("money_divisor"),
		UpdatedUnit: v.text("updated_unit"), Overlap: v.duration("overlap"), ShowsDisabled: v.truth("shows_disabled"), PerPage: v.whole("per_page"), PageNumbers: v.truth("page_numbers"),
		FullDays: v.whole("full_days"), Warehouses: l.texts(v.child("warehouses")), MastersFor: v.duration("masters_for"), PerDay: v.whole("per_day"), PerMinute: v.whole("per_minute"),
		Reserve: v.whole("reserve"), Timeout: v.duration("timeout"), MostMB: v.whole("most_mb"),
		Write: repzo.WriteConfig{
			Kinds: kindsOn(s), MetaPrefix: v.text("meta_prefix"), Status: l.stageStatuses(s, v), Replace: l.texts(v.child("replace")), Warehouse: v.text("warehouse"), Reason: v.text("reason"),
			TaskClient: v.text("task_client"), TaskLocation: v.text("task_location"), TaskCategory: v.text("task_category"), TaskCalendar: v.text("task_calendar"),
		},
	}
	l.readStates(v, "states", c.States)
	s.repzo = c
}
