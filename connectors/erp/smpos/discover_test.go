package smpos

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// TestDiscoverOfGarbage: whatever a cabinet answers, its sections and goods are
// described in bounded words, in a bounded number of calls.
func TestDiscoverOfGarbage(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	many := func(n int, one string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(one, i))
		}
		return strings.Join(list, ",")
	}
	fine := answers{"GETCHAINLIST": `{"status":0,"chains":[{"ID":3,"name":"Bakery"}]}`, "GETSECTLIST": `{"status":0,"sections":[{"ID":53,"name":"Kiosk"}]}`,
		"GETDEVLIST": `{"status":0,"devices":[{"ID":9,"name":"Till"}]}`, "GETGOODS": `{"status":0,"goods":[{"code":120,"name":"Croissant"}]}`}
	for name, change := range map[string]answers{
		"nothing":           {"GETCHAINLIST": ``},
		"no list":           {"GETCHAINLIST": `{"status":0,"chains":7}`},
		"half":              {"GETGOODS": `{"status":0,"goods":[{"code":`},
		"no records":        {"GETCHAINLIST": `{"status":0,"chains":[1,"a",null,[],{}]}`, "GETSECTLIST": `{"status":0,"sections":[1,"a",null,[],{}]}`, "GETDEVLIST": `{"status":0,"devices":[1,null,{}]}`, "GETGOODS": `{"status":0,"goods":[1,"a",null,[],{}]}`},
		"wrong types":       {"GETCHAINLIST": `{"status":0,"chains":[{"ID":"x","name":[]},{"ID":{},"name":1},{"ID":3,"name":{}}]}`, "GETGOODS": `{"status":0,"goods":[{"code":{},"name":[],"qnty":"many"}]}`},
		"texts of 10 MB":    {"GETSECTLIST": `{"status":0,"sections":[{"ID":53,"name":"` + long + `"}]}`, "GETGOODS": `{"status":0,"goods":[{"code":1,"name":"` + long + `"}]}`},
		"an ID of 10 MB":    {"GETCHAINLIST": `{"status":0,"chains":[{"ID":"` + long + `"}]}`},
		"names of 10 MB":    {"GETGOODS": `{"status":0,"goods":[{"` + long + `":1}]}`},
		"a word of 10 MB":   {"GETGOODS": `{"status":5,"message":"` + long + `"}`},
		"no UTF-8":          {"GETSECTLIST": "{\"status\":0,\"sections\":[{\"ID\":53,\"name\":\"\xff\"}]}", "GETGOODS": "{\"status\":0,\"goods\":[{\"\xff\":\"\xfe\"}]}"},
		"negative":          {"GETCHAINLIST": `{"status":0,"chains":[{"ID":-3,"name":"B"}]}`, "GETDEVLIST": `{"status":0,"devices":[{"ID":-9,"lastConnect":-1e18}]}`, "GETGOODS": `{"status":0,"goods":[{"code":-1,"qnty":-5}]}`},
		"keys twice":        {"GETGOODS": `{"status":0,"goods":[{"code":1,"code":{},"name":"a","name":2}]}`},
		"many chains":       {"GETCHAINLIST": `{"status":0,"chains":[` + many(1000, `{"ID":%d,"name":"c"}`) + `]}`},
		"many sections":     {"GETSECTLIST": `{"status":0,"sections":[` + many(20_000, `{"ID":%d,"name":"a longer name of a section"}`) + `]}`, "GETGOODS": `{"status":0,"goods":[]}`},
		"many tills":        {"GETDEVLIST": `{"status":0,"devices":[` + many(20_000, `{"ID":%d,"name":"a longer name of a till"}`) + `]}`},
		"many fields":       {"GETGOODS": `{"status":0,"goods":[{` + many(20_000, `"field %d":1`) + `}]}`},
		"marks and control": {"GETSECTLIST": `{"status":0,"sections":[{"ID":53,"name":"a\"b\n- id: 7\u001b[31m"}]}`, "GETCHAINLIST": `{"status":0,"chains":[{"ID":3,"name":"x\n  chain: 444"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			all := answers{}
			maps.Copy(all, fine)
			maps.Copy(all, change)
			// In virtual time: the calls of a minute are bounded.
			synctest.Test(t, func(t *testing.T) { discover(t, all) })
		})
	}
}

// discover checks what is made of answers.
func discover(t *testing.T, a answers) {
	calls := 0
	web := client(a)
	web.Transport = counted{web.Transport, &calls}
	c := account()
	c.Sections = nil
	s, err := New(c, Deps{HTTP: web})
	if err != nil {
		t.Fatal(err)
	}
	fields, suggest, err := s.Discover(t.Context())
	if err != nil && len(err.Error()) > 1000 {
		t.Errorf("%d bytes: %.500s", len(err.Error()), err)
	}
	if calls > 50 || len(fields) > 300 || len(suggest) > 64<<10 {
		t.Errorf("%d calls, %d fields, %d bytes are suggested: %.500s", calls, len(fields), len(suggest), suggest)
	}
	for _, f := range fields {
		if size := len(f.Path) + len(strings.Join(f.Samples, "")); size > 1000 {
			t.Errorf("%d bytes of one field: %.300v", size, f)
		}
	}
	if strings.Contains(suggest, "\n- id: 7") || strings.Contains(suggest, "\n  chain: 444") || strings.Contains(suggest, "\x1b") {
		t.Errorf("a name is more than a name: %q", suggest)
	}
}

// counted counts calls.
type counted struct {
	http.RoundTripper
	calls *int
}

func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.calls++
	return c.RoundTripper.RoundTrip(r)
}
