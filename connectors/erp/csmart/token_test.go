package csmart

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
)

// scripted answers by the module and how often it was called; what is not in it is an
// empty list.
type scripted struct {
	answer func(module string, n int) (status int, text string)
	calls  map[string]int
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	module := r.URL.Query().Get("module") + r.URL.Query().Get("action")
	s.calls[module]++
	status, text := s.answer(module, s.calls[module])
	switch {
	case status == 0 && module == "Login":
		status, text = 200, fmt.Sprintf(`{"error":"","data":{"token":"token-%d"}}`, s.calls[module])
	case status == 0:
		status, text = 200, `{"error":"","data":[]}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func scriptedSource(t *testing.T, answer func(module string, n int) (int, string)) (*Source, *scripted) {
	t.Helper()
	service := &scripted{answer, map[string]int{}}
	s, err := New(Config{Domain: "meble", Email: "x@y", Password: password, Tasks: TaskConfig{Kinds: []erp.Kind{erp.Task}}}, Deps{HTTP: &http.Client{Transport: service}})
	if err != nil {
		t.Fatal(err)
	}
	return s, service
}

// TestNoTokenInErrors: the answer to a login has the token in it, whatever stands before
// or is missing behind.
func TestNoTokenInErrors(t *testing.T) {
	for name, text := range map[string]string{
		"half":      `{"error":"","data":{"token":"very-private"`,
		"a warning": `<br /><b>Notice</b>: x<br />{"error":"","data":{"token":"very-private"}}`,
		"print_r":   "Array ( [error] => [data] => Array ( [token] => very-private ) )",
		"a list":    `["very-private"]`,
		"no data":   `{"token":"very-private"}`,
	} {
		s, _ := scriptedSource(t, func(module string, _ int) (int, string) {
			if module == "Login" {
				return 200, text
			}
			return 0, ""
		})
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Garbled) || strings.Contains(err.Error(), "very") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An answer that repeats what it was sent.
	for _, text := range []string{"<b>Warning</b>: token=token-1", "token-1 is no JSON", `{"error":"of token-1"}`} {
		s, _ := scriptedSource(t, func(module string, _ int) (int, string) {
			if module == "SalesOrdersList" {
				return 200, text
			}
			return 0, ""
		})
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); err == nil || !strings.Contains(err.Error(), "***") || strings.Contains(err.Error(), "token-1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestTokensThatEndWithAStatus: nobody says how a token ends.
func TestTokensThatEndWithAStatus(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		text   string
	}{"401": {401, ""}, "403": {403, "Forbidden"}, "400 with a text": {400, `{"error":"Nieprawidłowy token","data":null}`}} {
		s, service := scriptedSource(t, func(module string, n int) (int, string) {
			if module == "SalesOrdersList" && n == 1 {
				return c.status, c.text
			}
			return 0, ""
		})
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); err != nil || service.calls["Login"] != 2 {
			t.Errorf("%s: %d logins, %v", name, service.calls["Login"], err)
		}
	}
	s, service := scriptedSource(t, func(module string, _ int) (int, string) {
		if module == "SalesOrdersList" {
			return 401, "no"
		}
		return 0, ""
	})
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || service.calls["Login"] != 2 || strings.Count(err.Error(), "read orders") != 1 {
		t.Errorf("%d logins, %v", service.calls["Login"], err)
	}
}

// TestOtherWordsForAToken: the next read asks for a token whatever the words were.
func TestOtherWordsForAToken(t *testing.T) {
	s, service := scriptedSource(t, func(module string, n int) (int, string) {
		if module == "SalesOrdersList" && n == 1 {
			return 200, `{"error":"Odmowa dostępu","data":null}`
		}
		return 0, ""
	})
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Refused) {
		t.Error(err)
	}
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); err != nil || service.calls["Login"] != 2 {
		t.Errorf("%d logins, %v", service.calls["Login"], err)
	}
}

// TestWordsThatAreNotAboutTheToken: a catalogue is no login.
func TestWordsThatAreNotAboutTheToken(t *testing.T) {
	s, service := scriptedSource(t, func(module string, _ int) (int, string) {
		if module == "EventsSave" {
			return 200, `{"error":"Nieznany numer katalogowy","data":null}`
		}
		return 0, ""
	})
	w, err := s.Prepare(t.Context(), erp.Write{Kind: erp.Task, Code: "CS-1", Order: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), w); !erp.Is(err, erp.Refused) || service.calls["EventsSave"] != 1 {
		t.Errorf("%d calls, %v", service.calls["EventsSave"], err)
	}
}

// TestNewTasksAreNotSentTwice: what is said of a token may be said after the task was
// saved.
func TestNewTasksAreNotSentTwice(t *testing.T) {
	s, service := scriptedSource(t, func(module string, _ int) (int, string) {
		if module == "EventsSave" {
			return 200, `{"error":"Błąd zapisu sesji","data":null}`
		}
		return 0, ""
	})
	w, err := s.Prepare(t.Context(), erp.Write{Kind: erp.Task, Code: "CS-1", Order: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), w); !erp.Is(err, erp.Unclear) || service.calls["EventsSave"] != 1 {
		t.Errorf("%d calls, %v", service.calls["EventsSave"], err)
	}
}

// TestTokenEndsBeforeATaskIsChanged: changing one twice changes nothing more.
func TestTokenEndsBeforeATaskIsChanged(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := b.task(erp.Late, "12", "late")
		w.Earlier = b.deliver(w)
		w.Stage, w.Text = erp.Completed, "done"
		w = b.prepared(w)
		b.sim.Revoke()
		if _, err := b.s.Write(t.Context(), w); err != nil || len(b.sim.Tasks()) != 1 || b.sim.Tasks()[0].Description != "done" || b.sim.Count("Login", "", time.Now()) != 2 {
			t.Errorf("%v, %+v", err, b.sim.Tasks())
		}
	})
}
