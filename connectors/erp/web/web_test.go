package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		write  bool
		want   string
	}{
		{200, "{}", false, ""}, {204, "", true, ""}, {200, "<!DOCTYPE html><p>Login", false, "garbled"}, {200, "<html>", true, "unclear"},
		{400, "bad", true, "refused"}, {401, "", false, "denied"}, {403, "", true, "denied"}, {404, "", false, "gone"}, {409, "", true, "refused"},
		{429, "", true, "unavailable"}, {500, "", false, "unavailable"}, {500, "", true, "unclear"}, {502, "", true, "unclear"}, {302, "", false, "misconfigured"},
	} {
		t.Run(fmt.Sprint(c.status, c.write), func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.status == 302 {
					w.Header().Set("Location", "https://elsewhere.invalid/")
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			r, _ := http.NewRequest(http.MethodGet, s.URL+"/x?key=hush-hush", nil)
			var caller Caller
			a, err := caller.Do(t.Context(), r, "read x", c.write)
			if err != nil {
				t.Fatal(err)
			}
			err = caller.Check(a, "read x", c.write)
			got := ""
			if e, ok := err.(*erp.Error); ok {
				got = e.Fault.String()
			}
			if got != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestLostAnswers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }))
	address := s.URL
	for _, write := range []bool{false, true} {
		r, _ := http.NewRequest(http.MethodPost, address+"/x?password=hush-hush", nil)
		_, err := Caller{}.Do(t.Context(), r, "write", write)
		if erp.Is(err, erp.Unclear) != write || strings.Contains(err.Error(), "hush") {
			t.Errorf("write %v: %v", write, err)
		}
	}
	s.Close()
	r, _ := http.NewRequest(http.MethodPost, address+"/x?password=hush-hush", nil)
	if _, err := (Caller{}).Do(t.Context(), r, "write", true); !erp.Is(err, erp.Unavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestBoundsAndSecrets(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		fmt.Fprint(w, "you sent hush-hush\x1b[31m\n", strings.Repeat("x", 1000))
	}))
	defer s.Close()
	caller := Caller{Most: 2000, Secrets: []string{"hush-hush"}}
	r, _ := http.NewRequest(http.MethodGet, s.URL, nil)
	a, err := caller.Do(t.Context(), r, "read", false)
	if err != nil {
		t.Fatal(err)
	}
	if text := caller.Check(a, "read", false).Error(); strings.ContainsAny(text, "\x1b\n") || strings.Contains(text, "hush") || len(text) > 400 {
		t.Errorf("%q", text)
	}
	caller.Most = 500
	r, _ = http.NewRequest(http.MethodGet, s.URL, nil)
	if _, err := caller.Do(t.Context(), r, "read", false); !erp.Is(err, erp.Garbled) {
		t.Errorf("too large: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "30": 30 * time.Second, "99999999": 24 * time.Hour, "soon": 0} {
		h := http.Header{"Retry-After": {text}}
		got := retryAfter(h)
		if want == 0 != got.IsZero() || want > 0 && time.Until(got).Round(time.Second) != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestLooseJSON(t *testing.T) {
	v, notes, err := Parse([]byte("\ufeff" + `{"a":[{"q":"1 200.5","n":7,"s":null,"e":"","b":"Y","l":[1],"q":"1,5"}],"o":{"x":1},"bad":"` + "\xff" + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 2 || notes[0].Where != "a[0].q" || notes[1].Where != "bad" || !strings.Contains(notes[1].What, "UTF-8") {
		t.Errorf("%+v", notes)
	}
	row := v.Get("a").Each()[0]
	if d, err := row.Get("q").Decimal(erp.Comma); err != nil || d.String() != "1.5" {
		t.Errorf("%v %v", d, err)
	}
	if n, err := row.Get("n").Int(); n != 7 || err != nil {
		t.Errorf("%v %v", n, err)
	}
	if b, err := row.Get("b").Bool(); b != erp.Yes || err != nil {
		t.Errorf("%v %v", b, err)
	}
	if text, _ := row.Get("s", "e", "n").Text(); text != "7" {
		t.Errorf("the first that is there is %q", text)
	}
	if _, err := row.Get("l").Text(); err == nil || err.Error() != "a[0].l: a text is expected, not a list" {
		t.Errorf("%v", err)
	}
	if _, err := row.Get("none").Decimal(erp.Point); err == nil || !strings.HasPrefix(err.Error(), "a[0].none: ") {
		t.Errorf("%v", err)
	}
	if len(v.Get("o").Each()) != 1 || len(v.Get("none").Each()) != 0 {
		t.Error("a record is not a list of one")
	}
	for _, bad := range []string{"", "<html>", "{", `{"a":1} x`, strings.Repeat("[", 100)} {
		if _, _, err := Parse([]byte(bad)); !erp.Is(err, erp.Garbled) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestTextsThatAreNoUTF8: each is named, the first ones of many.
func TestTextsThatAreNoUTF8(t *testing.T) {
	v, notes, err := Parse([]byte("\ufeff[ \"\xff\" , {\"k\xff\" : 1, \"\u00fc\": \"\u0151\"},\"ok\"" + strings.Repeat(",\"\xfe\xfd\"", 100) + "]"))
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, n := range notes {
		places = append(places, n.Where)
	}
	if got := strings.Join(places, " "); got != "[0] [1].k\ufffd [3] [4] [5]" || !strings.Contains(notes[4].What, "More of the answer") {
		t.Errorf("%q, %+v", got, notes)
	}
	if text, _ := v.Each()[0].Text(); text != "\ufffd" {
		t.Errorf("%q", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,"2",null,{"b":true}],"a":1e999}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, _, err := Parse(body)
		if err != nil {
			return
		}
		var walk func(Value)
		walk = func(v Value) {
			_, _ = v.Text()
			_, _ = v.Decimal(erp.Either)
			_, _ = v.Int()
			_, _ = v.Bool()
			if v.IsObject() {
				for _, k := range v.Keys() {
					walk(v.Get(k))
				}
				return
			}
			for _, e := range v.Each() {
				walk(e)
			}
		}
		walk(v)
	})
}
