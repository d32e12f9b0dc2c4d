package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// TestRecorder: what comes is kept whether it is signed or not, within bounds.
func TestRecorder(t *testing.T) {
	c := webhook.NewRecorder("/hook", []prodsmart.Secret{prodsmart.NewSecret("secret")})
	send := func(method, path, body string, header map[string]string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		for name, value := range header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Code
	}
	mac := hmac.New(sha1.New, []byte("secret"))
	mac.Write([]byte(`{"code":"A"}`))
	right := hex.EncodeToString(mac.Sum(nil))
	for _, s := range []struct {
		method, path, body string
		header             map[string]string
		status             int
	}{
		{"POST", "/other", `{"code":"A"}`, nil, 404},
		{"GET", "/hook", ``, nil, 404},
		{"POST", "/hook", strings.Repeat("A", 2<<20), nil, 400},
		{"POST", "/hook", `{"code":"B"}`, nil, 200},
		{"POST", "/hook", `{"code":"A"}`, map[string]string{"x-prodsmart-topic": "productionOrder/create", "x-prodsmart-webhook-uuid": "u"}, 200},
		{"POST", "/hook", `{"code":"A"}`, map[string]string{"x-prodsmart-hmac-sha256": "00"}, 200},
		{"POST", "/hook", `{"code":"A"}`, map[string]string{"x-prodsmart-hmac-sha256": right, "x-prodsmart-hmac-sha1": strings.ToUpper(right)}, 200},
	} {
		if got := send(s.method, s.path, s.body, s.header); got != s.status {
			t.Errorf("%s %s: %d, want %d", s.method, s.path, got, s.status)
		}
	}
	body := []byte(`{"code":"A"}`)
	want := []webhook.Heard{
		{Topic: "productionOrder/create", UUID: "u", Body: body},
		{Signed: true, Body: body},
		{Signed: true, Body: body, Matches: []webhook.Match{{Signature: webhook.SHA1Hex, Header: "x-prodsmart-hmac-sha256"}, {Signature: webhook.SHA1Hex, Header: "x-prodsmart-hmac-sha1"}}},
	}
	if got := c.About(`"A"`); !reflect.DeepEqual(got, want) {
		t.Errorf("heard %+v", got)
	}
	select {
	case <-c.News():
	default:
		t.Error("nothing is news")
	}
	for range 300 {
		send("POST", "/hook", `{"code":"C"}`, nil)
	}
	if got := len(c.About("code")); got != 200 {
		t.Errorf("%d messages are remembered", got)
	}
}
