package orders

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Bounds of what is taken over of an order, in bytes. Keys, codes and units name
// things in the book, in the journal and in Prodsmart: what is longer is garbage. Of
// texts that only tell something the beginning is enough.
const (
	longestKey  = 200
	longestName = 300
	longestNote = 4000
	mostGroups  = 50
)

// fit leaves out the orders and lines that can not be told from others by a key of
// bearable length, with a problem for each, and shortens texts. What the source gave
// is not changed.
func fit(read erp.OrderRead) erp.OrderRead {
	var out []erp.Order
	problems := slices.Clone(read.Problems)
	for _, o := range read.Orders {
		where := "order " + oneLine(cmp.Or(o.Number, o.ID), 60)
		if key, n := tooLong("id", o.ID, "company", o.Company); n > 0 {
			problems = append(problems, erp.Problem{Where: where, Order: documentKey(o.Company, o.ID), Lost: true,
				What: fmt.Sprintf("its %s has %d bytes, %d are the most: the order is left out", key, n, longestKey)})
			continue
		}
		o.Aliases = slices.DeleteFunc(slices.Clone(o.Aliases), func(a string) bool { return len(a) > longestKey })
		for _, t := range []*string{&o.Number, &o.Revision, &o.Word, &o.Customer.Code, &o.Customer.Name, &o.Currency, &o.Location} {
			*t = begin(*t, longestName)
		}
		o.Note = begin(o.Note, longestNote)
		o.Info = fitting(o.Info)
		lines := make([]erp.Line, 0, len(o.Lines))
		for _, l := range o.Lines {
			if key, n := tooLong("key", l.ID, "article", l.Product, "unit", l.Unit); n > 0 {
				o.Partial = true
				problems = append(problems, erp.Problem{Where: where + ", line " + oneLine(l.ID, 60), Order: documentKey(o.Company, o.ID), Line: l.ID, Lost: true,
					What: fmt.Sprintf("its %s has %d bytes, %d are the most: the line is left out", key, n, longestKey)})
				continue
			}
			l.ProductName, l.Note = begin(l.ProductName, longestName), begin(l.Note, longestNote)
			l.Groups = slices.Clone(l.Groups[:min(len(l.Groups), mostGroups)])
			for i := range l.Groups {
				l.Groups[i] = begin(l.Groups[i], longestKey)
			}
			lines = append(lines, l)
		}
		o.Lines = lines
		out = append(out, o)
	}
	read.Orders, read.Problems = out, problems
	return read
}

// tooLong is the first of named keys that is longer than a key may be, and how long;
// 0 if none is.
func tooLong(pairs ...string) (name string, length int) {
	for i := 0; i < len(pairs); i += 2 {
		if n := len(pairs[i+1]); n > longestKey {
			return pairs[i], n
		}
	}
	return "", 0
}

// begin is the beginning of a text, in whole letters. It keeps nothing of the rest in
// memory.
func begin(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return strings.Clone(text[:most])
}

// fitting are facts by their names, with texts that are short enough.
func fitting(info map[string]string) map[string]string {
	if info == nil {
		return nil
	}
	out := map[string]string{}
	for name, text := range info {
		if len(name) <= longestKey {
			out[name] = begin(text, longestName)
		}
	}
	return out
}
