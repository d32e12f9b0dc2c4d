package csmart

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	lookedAt   = 200 // records of a list, and lines of each
	samples    = 3
	mostFields = 300
)

// section is a kind of record that is looked at.
type section struct {
	// prefix is that of its keys in Config.Fields; path that of its fields.
	prefix, path string
	records      []web.Value
}

// Discover reads the orders, products, customers and tasks of a domain, and describes
// the fields that they really have: the manual names none. What may name a person is
// masked. suggest names the fields that are used, the words of the status that are not
// known, and what is missing.
func (s *Source) Discover(ctx context.Context) (fields []erp.Field, suggest string, err error) {
	list, _, err := s.list(ctx, "read orders", orders)
	if err != nil {
		return nil, "", err
	}
	var lines []web.Value
	for _, v := range list[:min(len(list), lookedAt)] {
		more, _ := records(v.Get(s.fields["lines"]...))
		lines = append(lines, more[:min(len(more), lookedAt)]...)
	}
	sections := []section{{"", orders, list}, {"line.", orders + ", lines", lines}}
	var b strings.Builder
	fmt.Fprintf(&b, "# %d orders with %d lines were looked at.\n", min(len(list), lookedAt), len(lines))
	for _, m := range []struct{ module, prefix string }{{"Products", "product."}, {"Accounts", "customer."}, {tasks, "task."}} {
		all, _, err := s.list(ctx, "read "+m.module, m.module)
		if err != nil {
			fmt.Fprintf(&b, "# %s can not be read: %s\n", m.module, web.Shorten(err.Error(), 200))
			continue
		}
		sections = append(sections, section{m.prefix, m.module, all})
	}
	b.WriteString("csmart:\n  fields:\n")
	for _, x := range sections {
		fields = append(fields, s.survey(x, &b)...)
	}
	s.suggestStates(list, &b)
	return fields, b.String(), nil
}

// survey describes the fields of a kind of record, and writes down those that are used.
func (s *Source) survey(x section, b *strings.Builder) []erp.Field {
	x.records = x.records[:min(len(x.records), lookedAt*lookedAt)]
	index := map[string]int{}
	var fields []erp.Field
	for _, r := range x.records {
		for _, key := range r.Keys() {
			i, known := index[key]
			if !known && len(fields) < mostFields {
				i, index[key], known = len(fields), len(fields), true
				fields = append(fields, erp.Field{Path: x.path + "." + web.Shorten(key, 60), Of: len(x.records)})
			}
			if known {
				look(&fields[i], key, r.Get(key))
			}
		}
	}
	for _, c := range candidates() {
		rest, mine := strings.CutPrefix(c.key, x.prefix)
		if !mine || x.prefix == "" && strings.Contains(rest, ".") {
			continue
		}
		used := slices.IndexFunc(s.fields[c.key], func(name string) bool { i, ok := index[name]; return ok && fields[i].Seen > 0 })
		if used < 0 {
			if len(x.records) > 0 {
				fmt.Fprintf(b, "    # %s: no field was found\n", c.key)
			}
			continue
		}
		name := s.fields[c.key][used]
		f := &fields[index[name]]
		f.Means = strings.TrimPrefix(f.Means+", "+c.key, ", ")
		fmt.Fprintf(b, "    %s: %s # %d of %d\n", c.key, strconv.Quote(name), f.Seen, f.Of)
	}
	return fields
}

// look takes one value of a field into account.
func look(f *erp.Field, key string, v web.Value) {
	if v.Missing() {
		return
	}
	f.Seen++
	kind, text := "list", ""
	if !v.IsList() && !v.IsObject() {
		var err error
		if text, err = v.Text(); err != nil {
			text = ""
		}
		kind = "text"
		if _, err := number(v); err == nil {
			kind = "number"
		} else if !parse(text, time.UTC).IsZero() {
			kind = "date"
		}
	}
	if f.Type == "" {
		f.Type = kind
	} else if f.Type != kind {
		f.Type = "text"
	}
	text = web.Shorten(text, 40)
	if personal(key, text) {
		text = masked(text)
	}
	if text != "" && len(f.Samples) < samples && !slices.Contains(f.Samples, text) {
		f.Samples = append(f.Samples, text)
	}
}

// personal says that a value may name somebody, or tell how to reach them.
func personal(key, text string) bool {
	key = strings.ToLower(key)
	if strings.Contains(text, "@") {
		return true
	}
	for _, part := range []string{"account", "client", "klient", "kontrahent", "nip", "pesel", "regon", "mail", "phone", "tel", "fax", "address", "adres", "street", "ulica", "city", "miasto", "postal", "kod_poczt", "person", "osoba", "contact", "user", "assigned",
		"opiekun", "bank", "iban", "facebook", "twitter", "www", "name", "nazw", "imie", "description", "uwagi", "note"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// masked keeps the form of a text.
func masked(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '9'
		case unicode.IsLetter(r):
			return 'x'
		}
		return r
	}, text)
}

// suggestStates writes down the words of the status that are not known.
func (s *Source) suggestStates(list []web.Value, b *strings.Builder) {
	counts := map[string]int{}
	var words []string
	for _, v := range list {
		word, err := v.Get(s.fields["state"]...).Text()
		if err != nil || word == "" || s.words[erp.FoldWord(word)] != erp.Unknown {
			continue
		}
		word = web.Shorten(word, 40)
		if counts[word]++; counts[word] == 1 {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return
	}
	slices.Sort(words)
	b.WriteString("  # Words of the status that mean nothing yet; put each under the one that it means:\n")
	for _, w := range words[:min(len(words), 30)] {
		fmt.Fprintf(b, "  #   %s (%d orders)\n", strconv.Quote(w), counts[w])
	}
	b.WriteString("  # open: []\n  # held: []\n  # closed: []\n  # cancelled: []\n")
}
