package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// show prints an answer as it is, indented if it is JSON.
func (a *api) show(status int, body []byte) error {
	var b bytes.Buffer
	if json.Indent(&b, bytes.TrimSpace(body), "", "  ") != nil {
		b.Reset()
		b.WriteString(visible(string(body)))
	}
	if status != 0 && b.Len() == 0 {
		return printed(a.err, "Accepted (status %d), without an answer.\n", status)
	}
	return printed(a.out, "%s\n", b.String())
}

// masked hides the token in the answer of the authorization service.
func masked(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	hidden := false
	for _, name := range []string{"token", "access_token"} {
		if fields[name] != nil {
			fields[name], hidden = json.RawMessage(`"[hidden]"`), true
		}
	}
	if !hidden {
		return body
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}

// table shows records in columns: those that were asked for, or the plain fields of
// the records, the telling ones first.
func (a *api) table(all []json.RawMessage) error {
	var rows []map[string]any
	names := map[string]bool{}
	for _, raw := range all {
		row := map[string]any{}
		_ = json.Unmarshal(raw, &row) // what is no object is an empty row
		flat := map[string]any{}
		for name, value := range row {
			if text, ok := plainText(value); ok && text != "" {
				flat[name], names[name] = text, true
			}
		}
		rows = append(rows, flat)
	}
	columns := a.columns
	if len(columns) == 0 {
		columns = telling(names)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	for _, row := range rows {
		var cells []string
		for _, name := range columns {
			text, _ := row[name].(string)
			cells = append(cells, visible(text))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// mostColumns bounds a table that nobody chose columns for.
const mostColumns = 8

// telling chooses columns.
func telling(names map[string]bool) []string {
	var columns []string
	for _, name := range []string{"id", "code", "product-code", "name", "machines", "machine", "worker", "downtime-type", "status", "running-status", "products",
		"start-date", "due-date", "start-time", "end-time", "quantity", "checked-out", "type", "date"} {
		if names[name] {
			columns = append(columns, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	return columns[:min(len(columns), mostColumns)]
}

// plainText is a value in one cell: a code or number stands for an object that has
// one; other objects have no text.
func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case map[string]any:
		for _, name := range []string{"code", "product", "number", "name", "product-code"} {
			if inner, there := v[name]; there {
				return plainText(inner)
			}
		}
		return "", false
	case []any:
		var list []string
		for _, item := range v {
			if text, ok := plainText(item); ok {
				list = append(list, text)
			}
		}
		return strings.Join(list, ","), len(list) > 0
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return fmt.Sprint(v), true
}
