package rest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestDiscoverOfGarbage: the fields of any answer are described in bounded words, or an
// error says what it is.
func TestDiscoverOfGarbage(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	many := func(n int, one string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(one, i))
		}
		return strings.Join(list, ",")
	}
	for name, body := range map[string]string{
		"no JSON":              "<html>sign in</html>",
		"half":                 `[{"id":1,"items":[`,
		"a text":               `"orders"`,
		"a long text":          `"` + long + `"`,
		"an error of 10 MB":    `{"error":"` + long + `"}`,
		"deep":                 strings.Repeat("[", 100_000),
		"deep records":         `[` + strings.Repeat(`{"a":`, 50) + `1` + strings.Repeat(`}`, 50) + `]`,
		"no records":           `[1,"a",null,[2],[[{}]],true]`,
		"empty records":        `[{},{},{"items":[]},{"items":{}},{"items":7},{"items":[1,null,{}]}]`,
		"texts of 10 MB":       `[{"id":"` + long + `","items":[{"product":"` + long + `"}]}]`,
		"names of 10 MB":       `[{"` + long + `":1,"items":[{"` + long + `":2}]}]`,
		"keys twice":           `[{"id":1,"id":{},"id":[{"a":1}],"items":[{"qty":1,"qty":"x"}]}]`,
		"no UTF-8":             "[{\"id\":\"\xff\",\"\xfe\":1,\"items\":[{\"\xff\":\"\xff\"}]}]",
		"wrong types":          `[{"id":{"a":[1]},"status":[],"items":[{"qty":{},"sku":["a"]}]},{"id":true,"status":{},"items":[{"qty":false}]}]`,
		"negative, and huge":   `[{"id":-1,"items":[{"qty":-5},{"qty":1e999999999}]}]`,
		"ten thousand names":   `[{` + many(10_000, `"field %d":1`) + `,"items":[{` + many(10_000, `"field %d":"v"`) + `}]}]`,
		"ten thousand records": `[` + many(10_000, `{"field %d":1,"items":[{"other %[1]d":1}]}`) + `]`,
		"names with marks":     `[{"a.b*c?d|e#f@g\\h":1,"items":[{"#":1,"@this":2,"..":3,"":4}]}]`,
		"control characters":   `[{"id":"\u001b[31m\n","items":[{"a\u0000b":"\u0007"}]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, lines := range []string{"", "items"} {
				c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
				c.Lines, c.MaxBytes = lines, 64<<20
				fields, suggest, err := source(t, c).Discover(t.Context())
				if err != nil && (len(err.Error()) > 1000 || !strings.Contains(err.Error(), "page 1")) {
					t.Errorf("%d bytes: %.500s", len(err.Error()), err)
				}
				if len(fields) > 2*mostFields || len(suggest) > 256<<10 {
					t.Errorf("%d fields, %d bytes are suggested: %.500s", len(fields), len(suggest), suggest)
				}
				for _, f := range fields {
					if size := len(f.Path) + len(strings.Join(f.Samples, "")); size > 1200 || strings.ContainsAny(strings.Join(f.Samples, ""), "\x1b\x07\n") {
						t.Errorf("%d bytes of one field: %.300v", size, f)
					}
				}
				if strings.ContainsAny(strings.ReplaceAll(suggest, "\n", ""), "\x1b\x07\x00") {
					t.Errorf("control characters are suggested: %q", suggest)
				}
			}
		})
	}
}
