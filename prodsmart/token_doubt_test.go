package prodsmart

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A tenant that gives no second token, only the one there is: its 400 is about
// the post.
func TestRefusalStaysOneIfTheTokenIsTheOneThereIs(t *testing.T) {
	var asked, posts atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/api/authorization":
			posts.Add(1)
			http.Error(w, "unknown waste code", http.StatusBadRequest)
		case asked.Add(1) > 1 && r.Method == http.MethodPost:
			http.Error(w, "there is a token", http.StatusBadRequest)
		default:
			_, _ = w.Write([]byte(`{"token":"only"}`))
		}
	}))
	defer s.Close()
	c, err := New(Config{URL: s.URL, Key: NewSecret("k"), Secret: NewSecret("s"), Auth: AuthToken, Insecure: true, Proxy: ProxyDirect})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	now := time.Now()
	c.now = func() time.Time { return now }
	if err := c.Authorize(context.Background()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * doubtPause)
	for range 2 {
		a := c.Send(context.Background(), Post{Machine: "M", Service: CounterService, Body: CounterBody(1, nil, nil)})
		if a.Verdict != Refused || a.Status != http.StatusBadRequest {
			t.Fatalf("got %v, %d, %q; want the refusal", a.Verdict, a.Status, a.Text)
		}
	}
	if asked.Load() != 3 || posts.Load() != 2 {
		t.Errorf("%d requests for a token and %d posts, want 3 and 2: the token is not doubted again at once", asked.Load(), posts.Load())
	}
}
