package config

func ordersObject() *object {
	return &object{name: "orders", fields: []*field{
		{key: "mode", kind: kindText, def: "shadow", allowed: []string{"shadow", "live"}, doc: "shadow decides and notes what would change, and changes nothing anywhere"},
		{key: "products_every", kind: kindDuration, def: "15m", min: "1m", max: "24h", doc: "time between two readings of the products of Prodsmart"},
		{key: "per_minute", kind: kindInt, def: "30", min: "1", max: "100", doc: "most requests about orders, clients, products and stocks in any minute; machines come first whatever this is"},
		{key: "stocks_per_minute", kind: kindInt, def: "20", min: "1", max: "100", doc: "most of them that set a stock"},
		{key: "sources", kind: kindMap, named: "source names", sub: sourceObject(), doc: "the business systems, by a name of your choice that must not change: it is part of the marker that every order carries"},
	}}
}

// sourceObject are the rules of one source, and its system.
func sourceObject() *object {
	return &object{name: "source", fields: []*field{
		{key: "smartup", kind: kindObject, sub: smartupObject(), doc: "the distribution ERP of that name"},
		{key: "repzo", kind: kindObject, sub: repzoObject(), doc: "the field sales system of that name"},
		{key: "csmart", kind: kindObject, sub: csmartObject(), doc: "the system for small firms of that name"},
		{key: "smpos", kind: kindObject, sub: smposObject(), doc: "the cash registers of that name; their stock is what is decided on, so the target is replenish"},
		{key: "file", kind: kindObject, sub: fileObject(), doc: "a folder into which files with orders are dropped"},
		{key: "sql", kind: kindObject, sub: sqlObject(), doc: "a view of a database"},
		{key: "rest", kind: kindObject, sub: restObject(), doc: "a service that answers GET with JSON"},
		{key: "mode", kind: kindText, allowed: []string{"shadow", "live"}, doc: "shadow or live for this source alone; without it that of orders"},
		{key: "target", kind: kindText, def: "production-order", allowed: []string{"production-order", "client-order", "both", "aggregate", "replenish"}, doc: "what becomes of the orders: a production order for each line, a client order, both, one production order for the lines of a product that are due together, or orders from stock below a minimum"},
		{key: "every", kind: kindDuration, def: "5m", min: "5s", max: "24h", doc: "time between two reads of the orders; where nothing is said, of file 15s, of repzo 1m and of smartup 10m"},
		{key: "full_every", kind: kindDuration, def: "24h", min: "1m", max: "30d", doc: "time between two reads of all that is open, where reads in between are of changes"},
		{key: "stock_every", kind: kindDuration, def: "30m", min: "30s", max: "24h", doc: "time between two reads of the stock, where it is needed; where nothing is said, of smpos 2m and of repzo 5m"},
		{key: "prefix", kind: kindText, doc: "what the codes of its orders begin with, different for each source; without it SU-, RZ-, CS-, SM-, FI-, SQ- or RE- in the order of the systems above"},
		{key: "code", kind: kindText, doc: "how codes are made, from {prefix}, {number}, {id}, {company} and {line}; without it {prefix}{number}-{line}"},
		{key: "longest_code", kind: kindInt, def: "40", min: "10", max: "200", doc: "most characters of a code"},
		{key: "day_end", kind: kindText, def: "17:00", doc: "when the day ends that something is due on, in timezone"},
		{key: "default_lead", kind: kindDuration, def: "3d", min: "0", max: "365d", doc: "days between an order's date and its due date, where none is given"},
		{key: "lead_time", kind: kindDuration, def: "24h", min: "0", max: "365d", doc: "time between start and due date"},
		{key: "lead_times", kind: kindNames, doc: "other times between start and due date, by product code or product group"},
		{key: "customer", kind: kindText, def: "auto", allowed: []string{"auto", "name", "code", "none"}, doc: "what is told of the customer; auto is the name of companies and the code of persons"},
		{key: "products", kind: kindNames, doc: "product codes of Prodsmart by the article codes of the source, where they differ, or by the names of articles that have none"},
		{key: "create_products", kind: kindBool, def: "false", doc: "make a product in Prodsmart, without operations, for an article that is made here and that Prodsmart does not have; products that are there are never changed"},
		{key: "include", kind: kindTexts, doc: "article codes, * for any letters, that are made here"},
		{key: "exclude", kind: kindTexts, doc: "article codes, * for any letters, that are not made here"},
		{key: "groups", kind: kindTexts, doc: "article groups that are made here, where the source has groups; others are not"},
		{key: "free_lines", kind: kindBool, def: "true", doc: "whether gifts and the free part of promotions are made"},
		{key: "units", kind: kindNames, doc: "how many of the product's own units one unit is, by the unit's name, where the source does not know"},
		{key: "fields", kind: kindNames, doc: "custom fields of Prodsmart by the name of the fact in the source; without it none is sent"},
		{key: "locations", kind: kindNames, doc: "sites of Prodsmart by the source's places"},
		{key: "on_cancel", kind: kindText, def: "delete", allowed: []string{"delete", "deactivate"}, doc: "what happens to a cancelled order that was not started; one that was is never deleted"},
		{key: "on_hold", kind: kindText, def: "nothing", allowed: []string{"nothing", "deactivate"}, doc: "what happens to an order that is not started while it is held in the source"},
		{key: "on_less", kind: kindText, def: "ask", allowed: []string{"ask", "apply"}, doc: "what happens when less is wanted of an order that was started"},
		{key: "reopen", kind: kindBool, def: "false", doc: "order the difference anew when more is wanted of an order that is closed"},
		{key: "grace", kind: kindDuration, def: "24h", min: "0", max: "90d", doc: "how long an order may be closed in the source and open in Prodsmart before somebody is told"},
		{key: "most_cancelled", kind: kindInt, def: "10", min: "1", max: "10000", doc: "cancellations of one read that are believed; more hold the source until an operator releases it"},
		{key: "most_shrunk", kind: kindInt, def: "30", min: "1", max: "99", doc: "percent by which the open orders may shrink from one read to the next for an absence to count"},
		{key: "bucket", kind: kindText, def: "day", allowed: []string{"day", "week"}, doc: "with target aggregate, what is due together"},
		{key: "stock", kind: kindText, def: "none", allowed: []string{"none", "erp", "prodsmart"}, doc: "which side's stock is the true one; with erp it is set in Prodsmart"},
		{key: "stock_of", kind: kindNames, doc: "none, erp or prodsmart for single article codes"},
		{key: "replenish", kind: kindObject, sub: replenishObject(), doc: "with target replenish, what is kept in stock"},
		{key: "write", kind: kindObject, sub: writesObject(), doc: "what is written back to the source; nothing that is not here"},
	}}
}

func replenishObject() *object {
	return &object{name: "replenish", fields: []*field{
		{key: "needs", kind: kindObjects, required: true, sub: needObject(), doc: "the articles that are kept in stock"},
		{key: "max_age", kind: kindDuration, def: "15m", min: "1m", max: "24h", doc: "stock that is older is not decided on"},
		{key: "arrival_lag", kind: kindDuration, def: "4h", min: "0", max: "30d", doc: "how long what a closed order made counts as on its way, where nothing is written back"},
		{key: "recover", kind: kindText, def: "leave", allowed: []string{"leave", "shrink", "delete"}, doc: "what happens to an order that is not started when the stock is there again"},
		{key: "hysteresis", kind: kindInt, def: "20", min: "0", max: "100", doc: "percent of max - min by which the stock must be above min for that"},
		{key: "per_day", kind: kindInt, def: "50", min: "1", max: "10000", doc: "most orders in a day"},
		{key: "quiet", kind: kindDuration, def: "10m", min: "0", max: "24h", doc: "how long nothing is decided after the source was away, or the stock of an article was not known"},
		{key: "waves", kind: kindTexts, doc: "times of day, such as 05:30, at which deliveries leave; the next one after the lead time is the due date"},
	}}
}

func needObject() *object {
	return &object{name: "needs", fields: []*field{
		{key: "article", kind: kindText, required: true, doc: "it is the article code in the source"},
		{key: "pool", kind: kindText, required: true, doc: "it is a name for the places whose stock counts together; it is part of the order's code and must not change"},
		{key: "places", kind: kindTexts, doc: "warehouses or shops of the pool, as the source names them; without it all"},
		{key: "min", kind: kindNumber, min: "0", required: true, doc: "it is the stock below which more is made"},
		{key: "max", kind: kindNumber, min: "0", required: true, doc: "it is the stock up to which it is made"},
		{key: "lot", kind: kindNumber, def: "1", min: "0", doc: "quantities are whole lots of this"},
		{key: "most", kind: kindNumber, min: "0", doc: "most in one order; without it no bound"},
		{key: "lead_time", kind: kindDuration, def: "3h", min: "0", max: "365d", doc: "time between the decision and the due date"},
	}}
}

func writesObject() *object {
	doc := map[string]string{
		"note": "how far it is, as a note on the order", "status": "the order's status", "meta": "marks on the order that people do not see",
		"task": "jobs for the office: produced, late, cancelled though started, and machines that stand for long", "produced": "what was produced, as goods",
	}
	o := &object{name: "write"}
	for _, kind := range []string{"note", "status", "meta", "task", "produced"} {
		o.fields = append(o.fields, &field{key: kind, kind: kindObject, sub: writeObject(kind), doc: doc[kind] + "; possible where the system can take it"})
	}
	return o
}

func writeObject(name string) *object {
	fields := []*field{
		{key: "on", kind: kindText, def: "on_close", allowed: []string{"on_close", "on_step", "manual"}, doc: "when it is written: when the production order is closed, at each step too, or when an operator says so"},
		{key: "step", kind: kindNumber, min: "0", doc: "pieces after which it is written with on_step"},
		{key: "every", kind: kindDuration, min: "1m", max: "24h", doc: "time after which it is written with on_step, if anything was made"},
		{key: "negative", kind: kindBool, def: "false", doc: "of produced: a correction in Prodsmart is written as a negative document; otherwise a person is asked"},
	}
	if name == "task" {
		fields = append(fields, &field{key: "down", kind: kindDuration, min: "1m", max: "30d", doc: "how long a machine stands before a job tells of it, which is closed when it runs again; without it none does"})
	}
	return &object{name: name, short: "on", fields: fields}
}
