package config

func ordersObject() *object {
	return &object{name: "orders", fields: []*field{
		{key: "mode", kind: kindText, def: "shadow", allowed: []string{"shadow", "live"}, doc: "shadow decides and notes what would change, and changes nothing anywhere"},
		{key: "products_every", kind: kindDuration, def: "15m", min: "1m", max: "24h", doc: "time between two readings of the products of Prodsmart"},
		{key: "sources", kind: kindMap, named: "source names", sub: sourceObject(), doc: "the business systems, by a name of your choice that must not change: it is part of the marker that every order carries"},
	}}
}

// systems are the keys of a source that name its system.
func systems() []string {
	return []string{"smartup", "repzo", "csmart", "smpos", "file", "sql", "rest"}
}

// sourceObject are the rules of one source, and its system.
func sourceObject() *object {
	return &object{name: "source", fields: []*field{
		{key: "smartup", kind: kindAny, doc: "the distribution ERP of that name; checked in outline only"},
		{key: "repzo", kind: kindAny, doc: "the field sales system of that name; checked in outline only"},
		{key: "csmart", kind: kindAny, doc: "the system for small firms of that name; checked in outline only"},
		{key: "smpos", kind: kindAny, doc: "the cash registers of that name; checked in outline only"},
		{key: "file", kind: kindObject, sub: fileObject(), doc: "a folder into which files with orders are dropped"},
		{key: "sql", kind: kindAny, doc: "a view of a database; checked in outline only"},
		{key: "rest", kind: kindAny, doc: "a service that answers GET with JSON; checked in outline only"},
		{key: "mode", kind: kindText, allowed: []string{"shadow", "live"}, doc: "shadow or live for this source alone; without it that of orders"},
		{key: "target", kind: kindText, def: "production-order", allowed: []string{"production-order", "client-order", "both", "aggregate", "replenish"}, doc: "what becomes of the orders: a production order for each line, a client order, both, one production order for the lines of a product that are due together, or orders from stock below a minimum"},
		{key: "every", kind: kindDuration, def: "5m", min: "5s", max: "24h", doc: "time between two reads of the orders"},
		{key: "full_every", kind: kindDuration, def: "24h", min: "1m", max: "30d", doc: "time between two reads of all that is open, where reads in between are of changes"},
		{key: "stock_every", kind: kindDuration, def: "30m", min: "30s", max: "24h", doc: "time between two reads of the stock, where it is needed"},
		{key: "prefix", kind: kindText, doc: "what the codes of its orders begin with, different for each source; without it the first letters of the system and -"},
		{key: "code", kind: kindText, doc: "how codes are made, from {prefix}, {number}, {id}, {company} and {line}; without it {prefix}{number}-{line}"},
		{key: "longest_code", kind: kindInt, def: "40", min: "10", max: "200", doc: "most characters of a code"},
		{key: "day_end", kind: kindText, def: "17:00", doc: "when the day ends that something is due on, in timezone"},
		{key: "default_lead", kind: kindDuration, def: "3d", min: "0", max: "365d", doc: "days between an order's date and its due date, where none is given"},
		{key: "lead_time", kind: kindDuration, def: "24h", min: "0", max: "365d", doc: "time between start and due date"},
		{key: "lead_times", kind: kindNames, doc: "other times between start and due date, by product code or product group"},
		{key: "customer", kind: kindText, def: "auto", allowed: []string{"auto", "name", "code", "none"}, doc: "what is told of the customer; auto is the name of companies and the code of persons"},
		{key: "products", kind: kindNames, doc: "product codes of Prodsmart by the article codes of the source, where they differ"},
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
		{key: "quiet", kind: kindDuration, def: "10m", min: "0", max: "24h", doc: "how long nothing is decided after the source was away"},
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
		"task": "jobs for the office: produced, late, cancelled though started", "produced": "what was produced, as goods",
	}
	o := &object{name: "write"}
	for _, kind := range []string{"note", "status", "meta", "task", "produced"} {
		o.fields = append(o.fields, &field{key: kind, kind: kindObject, sub: writeObject(kind), doc: doc[kind] + "; possible where the system can take it"})
	}
	return o
}

func writeObject(name string) *object {
	return &object{name: name, short: "on", fields: []*field{
		{key: "on", kind: kindText, def: "on_close", allowed: []string{"on_close", "on_step", "manual"}, doc: "when it is written: when the production order is closed, at each step too, or when an operator says so"},
		{key: "step", kind: kindNumber, min: "0", doc: "pieces after which it is written with on_step"},
		{key: "every", kind: kindDuration, min: "1m", max: "24h", doc: "time after which it is written with on_step, if anything was made"},
		{key: "negative", kind: kindBool, def: "false", doc: "of produced: a correction in Prodsmart is written as a negative document; otherwise a person is asked"},
	}}
}

func fileObject() *object {
	return &object{name: "file", short: "folder", fields: []*field{
		{key: "folder", kind: kindText, required: true, doc: "it is the folder into which files are dropped"},
		{key: "work", kind: kindText, doc: "folder of files that are being read, on the same disk; without it work in folder"},
		{key: "archive", kind: kindText, doc: "folder of files that were read; without it archive in folder"},
		{key: "errors", kind: kindText, doc: "folder of files that could not be read, each with a file that says why; without it error in folder"},
		{key: "out", kind: kindText, doc: "folder for files with what was produced, for write: produced"},
		{key: "names", kind: kindTexts, doc: "names of the files that are taken, * for any letters; without it *.csv, *.txt, *.tsv, *.xlsx, *.xlsm and *.xml"},
		{key: "ready", kind: kindText, def: "stable", allowed: []string{"stable", "marker", "renamed"}, doc: "how a file shows that it is finished: it does not change any more, a file with .done behind its name is there, or it was renamed"},
		{key: "settle", kind: kindDuration, def: "5s", min: "1s", max: "1h", doc: "with stable, how long a file must not change"},
		{key: "keep", kind: kindDuration, def: "30d", min: "1d", max: "3650d", doc: "age at which files leave the archive"},
		{key: "keep_errors", kind: kindDuration, def: "90d", min: "1d", max: "3650d", doc: "age at which files leave the error folder"},
		{key: "content", kind: kindText, def: "changes", allowed: []string{"changes", "snapshot"}, doc: "snapshot if each file has everything that is open, so that an order that is missing is gone"},
		{key: "whole_orders", kind: kindBool, def: "false", doc: "each file has all lines of the orders in it, so that a line that is missing is gone"},
		{key: "strict", kind: kindBool, def: "false", doc: "refuse a whole file because of one bad row"},
		{key: "encoding", kind: kindText, def: "auto", doc: "code page of text without a byte order mark, such as utf-8, windows-1252, windows-1251; auto is UTF-8 if it is valid, else code_page"},
		{key: "code_page", kind: kindText, def: "windows-1252", doc: "code page of text that is not UTF-8"},
		{key: "delimiter", kind: kindText, doc: "one of ; , | or tab; without it, it is found out"},
		{key: "decimal", kind: kindText, def: "auto", allowed: []string{"auto", "comma", "point"}, doc: "mark of fractions; with auto a number such as 1.234 is refused, since it could be thousands"},
		{key: "dates", kind: kindTexts, doc: "how dates are written, such as dd.mm.yyyy or yyyy-mm-dd hh:mi; without it the usual ways"},
		{key: "columns", kind: kindNames, doc: "names of the columns by what they are, such as order, line, product, quantity, unit, due, state; #3 is the third column; without it the usual names"},
		{key: "header", kind: kindBool, def: "true", doc: "whether the first row has the names of the columns"},
		{key: "info", kind: kindTexts, doc: "columns that are kept as facts, for fields"},
		{key: "ignore", kind: kindTexts, doc: "columns that nobody needs to be told about"},
		{key: "sheet", kind: kindText, doc: "sheet of a workbook; without it the first one"},
		{key: "count", kind: kindText, def: "none", allowed: []string{"none", "trailer", "file"}, doc: "where the number of rows stands that a file must have: in the last row, or in a file with .count behind its name"},
		{key: "trailer", kind: kindText, def: "TRAILER", doc: "first word of the last row, with count: trailer"},
		{key: "open", kind: kindTexts, doc: "words of the column state that mean that an order may be made"},
		{key: "held", kind: kindTexts, doc: "words that mean that it has to wait"},
		{key: "closed", kind: kindTexts, doc: "words that mean that it is over"},
		{key: "cancelled", kind: kindTexts, doc: "words that mean that nobody wants it any more"},
		{key: "no_state", kind: kindText, def: "open", allowed: []string{"open", "held"}, doc: "what an order without a state is"},
	}}
}
