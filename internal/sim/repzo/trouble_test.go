package repzo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
)

func TestLimits(t *testing.T) {
	d := open(t, Options{PerMinute: 3, PerDay: 5, RetryAfter: true})
	for i, want := range []int{200, 200, 200, 429} {
		if code, text := d.call("GET", "/proforma", ""); code != want {
			t.Errorf("call %d: %d %s", i, code, text)
		}
	}
	d.at = d.at.Add(time.Minute)
	d.Spend(1)
	for i, want := range []int{200, 429} {
		if code, _ := d.call("GET", "/warehouse", ""); code != want {
			t.Errorf("later call %d: %d", i, code)
		}
	}
	if got := d.Used(d.at); got["/proforma"] != 3 || got["/warehouse"] != 1 || got["others"] != 1 {
		t.Error(got)
	}
	d.at = d.at.Add(24 * time.Hour)
	if code, _ := d.call("GET", "/proforma", ""); code != 200 || len(d.Calls()) != 7 {
		t.Error("the next day", code, len(d.Calls()))
	}
}

func (d *desk) correction(sync string, quantity string) (int, string) {
	return d.call("POST", "/adjust-inventory", `{"sync_id":"`+sync+`","time":1763800000000,"to":"`+d.main+`","variants":[{"variant":"`+d.variants[0]+`","qty":`+quantity+`}]}`)
}

func (d *desk) lies() string {
	for _, r := range d.Stock() {
		return r.Quantity.String()
	}
	return ""
}

func TestCorrectionsAreDifferences(t *testing.T) {
	for word, want := range map[string]struct {
		code int
		lies string
	}{"": {409, "503"}, "first": {200, "503"}, "again": {200, "983"}} {
		d := open(t, Options{DuplicateSync: word})
		d.SetStock(d.main, d.variants[0], decimal.NewFromInt(35))
		if code, text := d.correction("a", "480"); code != 200 || !strings.Contains(text, `"status":"processed"`) {
			t.Fatal(code, text)
		}
		d.correction("b", "-12")
		if code, _ := d.correction("a", "480"); code != want.code || d.lies() != want.lies {
			t.Errorf("%q: %d, %s", word, code, d.lies())
		}
		if n := len(d.list("/adjust-inventory?sync_id=b")); n != 1 {
			t.Error(n)
		}
		for _, bad := range []string{`{`, `{"sync_id":"c"}`, `{"sync_id":"c","time":1,"to":"x","variants":[]}`, `{"sync_id":"c","time":1,"to":"` + d.main + `","variants":[{"variant":"x","qty":1}]}`,
			`{"sync_id":"c","time":1,"to":"` + d.main + `","variants":[]}`, `{"sync_id":"c","time":1,"reason":"x","to":"` + d.main + `","variants":[]}`} {
			if code, text := d.call("POST", "/adjust-inventory", bad); code < 400 || code >= 500 {
				t.Error(bad, code, text)
			}
		}
	}
}

func TestCorrectionsThatWaitForApproval(t *testing.T) {
	d := open(t, Options{Approval: true})
	d.correction("a", "480")
	d.correction("b", "7")
	if d.lies() != "" {
		t.Error("moved before", d.lies())
	}
	all := d.Documents("/adjust-inventory")
	if err := d.Process(all[0].ID, true); err != nil || d.lies() != "480" {
		t.Error(err, d.lies())
	}
	if err := d.Process(all[1].ID, false); err != nil || d.lies() != "480" || d.Documents("/adjust-inventory")[1].Status != "rejected" {
		t.Error(err, d.lies())
	}
	if err := d.Process(all[0].ID, true); err == nil {
		t.Error("processed twice")
	}
}

func TestFaultsBeforeAndAfterTheCommit(t *testing.T) {
	for kind, want := range map[FaultKind]struct {
		code    int
		written bool
	}{Status500: {500, false}, DropBefore: {0, false}, TooMany: {429, false}, Unsuccessful: {200, false}, Commit500: {500, true}, DropAfter: {0, true}, Page: {200, true}, HalfAnswer: {200, true}, Empty: {200, true}} {
		d := open(t, Options{})
		d.AddFault(Fault{Kind: kind, Path: "/adjust-inventory", Method: "POST", After: 1})
		d.correction("first", "1")
		if code, _ := d.correction("a", "2"); code != want.code {
			t.Errorf("%s: %d", kind, code)
		}
		if n := len(d.Documents("/adjust-inventory")); n != 1 && !want.written || n != 2 && want.written {
			t.Errorf("%s: %d documents", kind, n)
		}
		if code, _ := d.correction("after", "3"); code != 200 {
			t.Errorf("%s strikes twice", kind)
		}
	}
}

func TestFaultsOfLists(t *testing.T) {
	d := open(t, Options{})
	d.order()
	for kind, want := range map[FaultKind]string{NoList: `"total_result":1`, WrongTypes: `"qty":{"value":50}`, Text: "upstream", Page: "<!DOCTYPE", Raw: "anything"} {
		d.AddFault(Fault{Kind: kind, Text: "anything"})
		if _, text := d.call("GET", "/proforma", ""); !strings.Contains(text, want) || kind == NoList && strings.Contains(text, `"data"`) {
			t.Errorf("%s: %s", kind, text)
		}
	}
	d.AddFault(Fault{Kind: Status500, Times: 9})
	d.ClearFaults()
	if code, _ := d.call("GET", "/proforma", ""); code != 200 {
		t.Error(code)
	}
}

func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Key: "k"})
		s.AddFault(Fault{Kind: Slow, Delay: time.Minute, Times: 2})
		r := httptest.NewRequest("GET", "/proforma", nil)
		r.Header.Set("api-key", "k")
		began, w := time.Now(), httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 || time.Since(began) != time.Minute {
			t.Error(w.Code, time.Since(began))
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		w = httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(ctx))
		if w.Body.Len() > 0 || time.Since(began) != time.Minute+time.Second {
			t.Error("whoever is gone was answered", w.Body)
		}
	})
}

// receiver is who gets webhooks; it refuses the first ones.
type receiver struct {
	mu     sync.Mutex
	refuse int
	got    []*http.Request
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, req)
	code := 204
	if r.refuse > 0 {
		r.refuse, code = r.refuse-1, 500
	}
	return &http.Response{StatusCode: code, Body: http.NoBody}, nil
}

func TestWebhooksAreSignedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Key: "k"})
		to := &receiver{refuse: 2}
		if err := s.Subscribe("http://gateway/hook", "whsec_aHVzaC1odXNoLWh1c2g=", &http.Client{Transport: to}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { s.Deliver(ctx) })
		id := s.Create(Order{})
		time.Sleep(time.Hour)
		if err := s.Approve(id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		all.Wait()
		list := s.Deliveries()
		if len(list) != 4 || list[0].Status != 500 || list[1].At.Sub(list[0].At) != 5*time.Second || list[2].At.Sub(list[1].At) != 5*time.Minute || list[2].Status != 204 || list[3].Event != "salesorder.approve" {
			t.Errorf("%+v", list)
		}
		for _, r := range to.got {
			if !strings.HasPrefix(r.Header.Get("svix-signature"), "v1,") || r.Header.Get("svix-id") == "" || r.Header.Get("svix-timestamp") == "" {
				t.Error(r.Header)
			}
		}
	})
	if err := New(Config{}).Subscribe("x", "whsec_", nil); err == nil {
		t.Error("no secret is a secret")
	}
}
