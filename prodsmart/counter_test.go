package prodsmart

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestCounterIn(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	for body, want := range map[string]*int64{
		"500": number(500), " 500\r\n": number(500), "\uFEFF500": number(500), "500.0": number(500), "5e2": number(500),
		"5E+2": number(500), "50000e-2": number(500), "-3": number(-3), "0": number(0), "0.0": number(0), "-0": number(0),
		"9223372036854775807": number(1<<63 - 1), "9223372036854775808": nil, "1e999999999": nil, "1e18": number(1e18),
		`"500"`: number(500), `"500.0"`: number(500), `" 500 "`: number(500), "null": nil, "true": nil, `""`: nil, "": nil, " ": nil,
		`{"count":500}`: number(500), `{"Count": "500"}`: number(500), `{"counter":500.0}`: number(500), `{"count":500.5}`: nil,
		`{"machine":{"code":"A32","counter":500}}`: number(500), `{"id":7,"count":500,"total":9}`: number(500), `{"id":7}`: nil,
		`{"a":{"count":1},"b":{"count":2}}`: nil, `[500]`: number(500), `[{"count":500}]`: number(500), `[1,2]`: nil, `[]`: nil,
		`{"machine-counter":500}`: number(500), `{"count":null,"value":500}`: number(500),
		`{"a":{"a":{"a":{"a":{"a":{"count":1}}}}}}`: nil,
		"New counter value: 500":                    number(500), "The counter of A32 is 500.": number(500), "counter=500": number(500),
		"1 machine, 500 pieces": nil, "1,000": nil, "at 10:15": nil, "2026-11-22": nil, "v1.2.3": nil, "ok": nil, "500 500": nil,
		"+500": number(500), "0x1F4": nil, "1_000": nil, ".": nil, ".5": nil, "5.": number(5), "1e": nil, "--5": nil, "NaN": nil, "Infinity": nil,
		`{"count":500} {"count":501}`: nil, "000500": number(500),
	} {
		got := counterIn([]byte(body))
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: got %s, want %s", body, text(got), text(want))
		}
	}
}

func text(n *int64) string {
	if n == nil {
		return "none"
	}
	return strconv.FormatInt(*n, 10)
}

// FuzzAnswer puts bodies of the outside through all that reads them.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		"500", `{"count":"500.0"}`, `[{"counter":1e3}]`, "New value 7", "<html><title>Login</title>", "Invalid JSON", `{"token":"x"}`,
		"\uFEFF-9223372036854775808", "1e-64", `{"a":{"b":{"c":{"count":1}}}}`, "\xff\x00", "0.000",
	} {
		f.Add(body, 200, "text/plain")
	}
	f.Add("<TITLE\n>&amp;</title>", 503, "text/html; charset=x")
	f.Add("/else", 302, "")
	f.Add("0", 0, "0")
	c := newClient(f, "http://127.0.0.1:1")
	f.Fuzz(func(t *testing.T, body string, status int, contentType string) {
		header := http.Header{"Content-Type": {contentType}, "Location": {body}, "Retry-After": {body}}
		r := reply{status: status, header: header, body: []byte(body), left: true}
		a := c.judge(r)
		if (a.Verdict == Accepted || a.Verdict == Refused && status < 400) && (status < 200 || status > 299) {
			t.Fatalf("status %d is %s", status, a.Verdict)
		}
		if a.Verdict == Limited && (a.RetryAfter < minPause || a.RetryAfter > maxPause) {
			t.Fatalf("pause %s", a.RetryAfter)
		}
		if n := counterIn([]byte(body)); n != nil {
			if again := counterIn([]byte(strconv.FormatInt(*n, 10))); again == nil || *again != *n {
				t.Fatalf("%d does not survive", *n)
			}
		}
		_ = tokenIn(r)
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 7 ": 7 * time.Second, "0": minPause, "600": maxPause, "601": maxPause, "99999999999999999999999": maxPause,
		"1.5": 1500 * time.Millisecond, "Sun, 22 Nov 2026 10:00:42 GMT": 42 * time.Second, "Sun, 22 Nov 2026 09:00:00 GMT": minPause,
		"Sunday, 22-Nov-26 10:00:42 GMT": 42 * time.Second, "Mon, 22 Nov 2027 10:00:00 GMT": maxPause,
		"": 0, "-5": 0, "soon": 0, "5 s": 0, "NaN": 0, "Inf": 0, "0x10": 0,
	} {
		got, stated := retryAfter(http.Header{"Retry-After": {text}}, now)
		if got != want || stated != (want != 0) {
			t.Errorf("%q: got %s (%v), want %s", text, got, stated, want)
		}
	}
	skewed := http.Header{"Retry-After": {"Sun, 22 Nov 2026 12:00:42 GMT"}, "Date": {"Sun, 22 Nov 2026 12:00:00 GMT"}}
	if got, _ := retryAfter(skewed, now); got != 42*time.Second {
		t.Errorf("with the server's clock two hours ahead: %s", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7", "")
	f.Add("1e300", "x")
	f.Add("Sun, 22 Nov 2026 10:00:42 GMT", "Sun, 22 Nov 9999 10:00:42 GMT")
	f.Fuzz(func(t *testing.T, text, date string) {
		pause, stated := retryAfter(http.Header{"Retry-After": {text}, "Date": {date}}, time.Now())
		if stated && (pause < minPause || pause > maxPause) || !stated && pause != 0 {
			t.Fatalf("%q gives %s", text, pause)
		}
	})
}
