package config

import (
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/file"
)

func fileObject() *object {
	return &object{name: "file", short: "folder", fields: append([]*field{
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
	}, stateFields("the column state")...)}
}

// readFileSource reads the settings of a drop folder.
func (l *loader) readFileSource(v *view, c *Config) *file.Config {
	f := &file.Config{
		Folder: l.beside(v.text("folder")), Names: l.texts(v.child("names")), Ready: file.Ready(v.text("ready")), Settle: v.duration("settle"),
		Keep: v.duration("keep"), KeepErrors: v.duration("keep_errors"), Content: file.Content(v.text("content")), WholeOrders: v.truth("whole_orders"), Strict: v.truth("strict"),
		Encoding: v.text("encoding"), CodePage: v.text("code_page"), Delimiter: v.text("delimiter"), Decimal: v.text("decimal"), Dates: l.texts(v.child("dates")), Zone: c.Location,
		NoHeader: !v.truth("header"), Info: l.texts(v.child("info")), Ignore: l.texts(v.child("ignore")), Sheet: v.text("sheet"),
		Count: file.Count(v.text("count")), TrailerWord: v.text("trailer"), NoState: v.text("no_state"), States: l.stateWords(v), Columns: map[string][]string{},
	}
	for key, to := range map[string]*string{"work": &f.Work, "archive": &f.Archive, "errors": &f.Errors, "out": &f.Out} {
		if v.has(key) {
			*to = l.beside(v.text(key))
		}
	}
	for name, column := range l.names(v, "columns") {
		f.Columns[name] = []string{column}
	}
	return f
}
