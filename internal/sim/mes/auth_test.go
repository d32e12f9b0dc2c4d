package mes

import (
	"encoding/json"
	"testing"
	"time"
)

func (b *bench) token(want int) string {
	b.Helper()
	status, text, h, err := b.do("POST", "/api/authorization", "basic", `{"scopes":["productions_write"]}`)
	if err != nil || status != want {
		b.Fatalf("authorization: %d %q %v", status, text, err)
	}
	var out struct {
		Token  string
		Scopes []string
		Links  map[string]map[string]string `json:"_links"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		b.Fatal(err)
	}
	if out.Token == "" || len(out.Scopes) != 1 || out.Links["self"]["href"] != "/api/authorizations" || h.Get("Link") == "" {
		b.Errorf("authorization: %s %v", text, h)
	}
	return out.Token
}

func (b *bench) status(method, path, auth, body string) int {
	b.Helper()
	status, _, _, err := b.do(method, path, auth, body)
	if err != nil {
		b.Fatal(err)
	}
	return status
}

const counterPath = "/api/machines/M1/counter"

func TestTokens(t *testing.T) {
	b := start(t, Options{})
	if got := b.status("GET", "/api/authorization", "basic", ""); got != 404 {
		t.Errorf("no token yet: %d", got)
	}
	first := b.token(201)
	if got := b.status("GET", "/api/authorization/", "basic", ""); got != 200 {
		t.Errorf("existing token: %d", got)
	}
	if got := b.status("POST", counterPath, first, `{"count":1}`); got != 200 {
		t.Errorf("with token: %d", got)
	}
	second := b.token(201)
	if second == first {
		t.Error("same token")
	}
	if got := b.status("POST", counterPath, first, `{"count":2}`); got != 200 {
		t.Errorf("first token beside the second: %d", got)
	}
	b.clock.Move(2*time.Hour - time.Second)
	if got := b.status("POST", counterPath, second, `{"count":3}`); got != 200 {
		t.Errorf("just before its end: %d", got)
	}
	b.clock.Move(time.Second)
	if got := b.status("POST", counterPath, second, `{"count":4}`); got != 401 {
		t.Errorf("expired: %d", got)
	}
	third := b.token(201)
	b.s.ExpireTokens()
	if got := b.status("POST", counterPath, third, `{"count":4}`); got != 401 {
		t.Errorf("forced expiry: %d", got)
	}
	b.token(201)
	if got := b.status("DELETE", "/api/authorization", "basic", ""); got != 204 {
		t.Errorf("delete: %d", got)
	}
	if got := b.status("GET", "/api/authorization", "basic", ""); got != 404 {
		t.Errorf("deleted: %d", got)
	}
	for body, want := range map[string]int{"": 201, "{": 400, `{"scopes":["other"]}`: 400} {
		if got := b.status("POST", "/api/authorization", "basic", body); got != want {
			t.Errorf("body %q: %d, want %d", body, got, want)
		}
	}
	if got := b.status("POST", "/api/authorization", third, ""); got != 401 {
		t.Errorf("token for a token: %d", got)
	}
	if got := b.status("PUT", "/api/authorization", "basic", ""); got != 405 {
		t.Errorf("PUT: %d", got)
	}
}

func TestTokenOptions(t *testing.T) {
	b := start(t, Options{NewToken: NewTokenRotate, TokenLife: time.Minute, BadToken: "403"})
	first := b.token(201)
	b.token(201)
	if got := b.status("POST", counterPath, first, `{"count":1}`); got != 403 {
		t.Errorf("rotated: %d", got)
	}
	b = start(t, Options{NewToken: NewTokenSame, TokenLife: time.Minute})
	first = b.token(201)
	if again := b.token(201); again != first {
		t.Error("not the same")
	}
	b.clock.Move(time.Minute)
	if again := b.token(201); again == first {
		t.Error("the same after its end")
	}
}

func TestCredentials(t *testing.T) {
	for o, want := range map[NoCredentials]int{NoCredentials401: 401, NoCredentials403: 403, NoCredentials400: 400} {
		b := start(t, Options{NoCredentials: o})
		if got := b.status("POST", counterPath, "", `{"count":1}`); got != want {
			t.Errorf("%s: %d", o, got)
		}
	}
	for o, want := range map[BothCredentials]int{BothBasicWins: 200, BothTokenWins: 401, BothMustAgree: 401} {
		b := start(t, Options{BothCredentials: o})
		if got := b.status("POST", counterPath+"?access_token=bad", "basic", `{"count":1}`); got != want {
			t.Errorf("%s: %d, want %d", o, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	count := func(b *bench, n int) (ok, limited int, retry string) {
		for i := range n {
			status, _, h, err := b.do("POST", "/api/nothing", "basic", "")
			if err != nil {
				b.Fatal(err)
			}
			if status == 429 {
				limited++
				retry = h.Get("Retry-After")
			} else {
				ok++
			}
			if i%10 == 9 {
				b.clock.Move(time.Second)
			}
		}
		return
	}
	t.Run("sliding", func(t *testing.T) {
		b := start(t, Options{})
		b.clock.Move(30 * time.Second)
		// 10 requests a second: 120 in 12 s, then the first ones are 48 s young.
		ok, limited, retry := count(b, 130)
		if ok != 120 || limited != 10 || retry != "48" {
			t.Errorf("ok %d, limited %d, retry %s", ok, limited, retry)
		}
		b.clock.Move(46 * time.Second)
		if ok, limited, _ = count(b, 5); ok != 0 || limited != 5 {
			t.Errorf("just before the oldest leave: ok %d, limited %d", ok, limited)
		}
		b.clock.Move(time.Second)
		if ok, limited, _ = count(b, 9); ok != 9 || limited != 0 {
			t.Errorf("as the oldest leave: ok %d, limited %d", ok, limited)
		}
		if got := b.s.Busiest(); got != 135 {
			t.Errorf("busiest minute %d, want 135", got)
		}
		if got := len(b.s.Violations()); got != 15 {
			t.Errorf("%d violations, want 15", got)
		}
	})
	t.Run("fixed", func(t *testing.T) {
		b := start(t, Options{Window: WindowFixed})
		b.clock.Move(30 * time.Second)
		ok, limited, retry := count(b, 130)
		if ok != 120 || limited != 10 || retry != "18" {
			t.Errorf("ok %d, limited %d, retry %s", ok, limited, retry)
		}
		b.clock.Move(17 * time.Second)
		if ok, limited, _ = count(b, 100); ok != 100 || limited != 0 {
			t.Errorf("next minute: ok %d, limited %d", ok, limited)
		}
	})
	t.Run("refused calls count", func(t *testing.T) {
		b := start(t, Options{RefusedCalls: RefusedCallsCounted, Limit: 5})
		count(b, 6)
		b.clock.Move(59 * time.Second)
		count(b, 1)
		b.clock.Move(2 * time.Second)
		if ok, _, _ := count(b, 5); ok != 4 {
			t.Errorf("ok %d, want 4: one refused call is less than a minute old", ok)
		}
	})
	t.Run("none", func(t *testing.T) {
		b := start(t, Options{Limit: -1})
		if _, limited, _ := count(b, 200); limited != 0 {
			t.Error(limited)
		}
	})
}
