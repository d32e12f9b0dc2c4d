package csmart

import (
	"fmt"
	"strings"
	"testing"
)

// TestDiscoverOfGarbage: whatever a domain answers, its fields are described in bounded
// words, or an error says what it is.
func TestDiscoverOfGarbage(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	many := func(n int, one string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(one, i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	for name, data := range map[string]string{
		"a number":         `7`,
		"a text of 10 MB":  `"` + long + `"`,
		"half":             `[{"id":`,
		"deep":             strings.Repeat("[", 1000),
		"no records":       `[1,"a",null,[],{}]`,
		"texts of 10 MB":   `[{"id":"` + long + `","status":"` + long + `","items":[{"code":"` + long + `"}]}]`,
		"names of 10 MB":   `[{"` + long + `":1,"items":[{"` + long + `":1}]}]`,
		"no UTF-8":         "[{\"id\":\"\xff\",\"\xff\":\"\xfe\"}]",
		"wrong types":      `[{"id":{},"status":[],"items":{"a":1}}]`,
		"keys twice":       `[{"id":1,"id":[],"items":[{"qty":1,"qty":{}}]}]`,
		"negative":         `[{"id":-1,"items":[{"quantity":-5}]}]`,
		"many fields":      `[{` + strings.Trim(many(20_000, `"field %d":1`), "[]") + `}]`,
		"many words":       many(20_000, `{"id":1,"status":"word %d"}`),
		"marks in a word":  `[{"id":1,"status":"a\n  open: [x]\u001b[31m","\u001b":1}]`,
		"a list of orders": many(20_000, `{"id":%d}`),
	} {
		t.Run(name, func(t *testing.T) {
			for _, module := range []string{orders, "Products", "Accounts", tasks} {
				a := answers{orders: "[]", "Products": "[]", "Accounts": "[]", tasks: "[]"}
				a[module] = data
				s, _, _ := answered(t, a)
				fields, suggest, err := s.Discover(t.Context())
				if err != nil && (len(err.Error()) > 1000 || !strings.Contains(err.Error(), "read orders")) {
					t.Errorf("%s: %d bytes: %.500s", module, len(err.Error()), err)
				}
				if len(fields) > 5*mostFields || len(suggest) > 64<<10 || strings.Contains(suggest, "\x1b") || strings.Contains(suggest, "\n  open: [x]") {
					t.Errorf("%s: %d fields, %d bytes are suggested: %.500q", module, len(fields), len(suggest), suggest)
				}
				for _, f := range fields {
					if size := len(f.Path) + len(strings.Join(f.Samples, "")); size > 1000 {
						t.Errorf("%s: %d bytes of one field: %.300v", module, size, f)
					}
				}
			}
		})
	}
}
