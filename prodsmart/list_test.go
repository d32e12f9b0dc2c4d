package prodsmart

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// shelf is a Prodsmart with a token and lists. Its fields are set before it
// serves; asked is read afterwards.
type shelf struct {
	page   func(w http.ResponseWriter, r *http.Request)
	mu     sync.Mutex
	asked  []*url.URL
	tokens int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/api/authorization" {
		s.tokens++
		_, _ = io.WriteString(w, `{"token":"tok&1"}`)
		return
	}
	s.asked = append(s.asked, r.URL)
	if _, _, basic := r.BasicAuth(); basic || r.Method != http.MethodGet || r.URL.Query().Get("access_token") != "tok&1" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.page(w, r)
}

// pageOf writes a page of the records numbered from 1 to n.
func pageOf(w io.Writer, r *http.Request, n int) {
	page := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
	var records []string
	for id := (page-1)*PageSize + 1; id <= min(page*PageSize, n); id++ {
		records = append(records, fmt.Sprintf(`{"id":%d,"quantity":"%d.5","machines":[{"code":"M%d"}]}`, id, id, id%2))
	}
	_, _ = io.WriteString(w, "["+strings.Join(records, ",")+"]")
}

func TestFiltersThatAreSent(t *testing.T) {
	s := &shelf{page: func(w http.ResponseWriter, r *http.Request) { pageOf(w, r, 30) }}
	c := newClient(t, answering(t, s.ServeHTTP))
	zone := time.FixedZone("", 3600)
	span := Span{StartAfter: time.Date(2026, 1, 10, 9, 0, 0, 500, zone), EndBefore: time.Date(2026, 1, 10, 10, 0, 0, 500, zone)}
	productions, err := c.Productions(t.Context(), ProductionQuery{Span: span, Page: 2, Checked: CheckedOut, Order: "WO 7+7&x=1", Machine: "A"})
	if err != nil || len(productions) != 5 || productions[0].ID != 26 || productions[0].Quantity.String() != "26.5" {
		t.Fatalf("%+v, %v", productions, err)
	}
	if downtimes, err := c.Downtimes(t.Context(), DowntimeQuery{Machine: "A"}); err != nil || len(downtimes) != PageSize {
		t.Fatalf("%+v, %v", downtimes, err)
	}
	want := []string{
		"/api/productions?access_token=tok%261&checked-out=true&end-time-before=2026-01-10T09%3A00%3A02Z&page=2&production-order-code=WO%207%2B7%26x%3D1&start-time-after=2026-01-10T07%3A59%3A59Z",
		"/api/downtimes?access_token=tok%261&page=1",
	}
	for i, got := range s.asked {
		if got.String() != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	if s.tokens != 1 {
		t.Errorf("%d tokens were fetched", s.tokens)
	}
}

func TestFitsLocally(t *testing.T) {
	at := hour(8)
	for name, row := range map[string]struct {
		span       Span
		start, end time.Time
		open, want bool
	}{
		"all":            {Span{}, at, at, false, true},
		"nothing known":  {Span{StartAfter: at, EndBefore: at}, time.Time{}, time.Time{}, false, true},
		"on the bounds":  {Span{at, at, at, at}, at, at, false, true},
		"starts early":   {Span{StartAfter: at}, at.Add(-1), at, false, false},
		"starts late":    {Span{StartBefore: at}, at.Add(1), at, false, false},
		"ends early":     {Span{EndAfter: at}, at, at.Add(-1), false, false},
		"ends late":      {Span{EndBefore: at}, at, at.Add(1), false, false},
		"open":           {Span{EndAfter: at}, at, time.Time{}, true, true},
		"open with end":  {Span{EndAfter: at}, at, at.Add(-1), true, true},
		"open, bounded":  {Span{EndBefore: at}, at, time.Time{}, true, false},
		"open and early": {Span{StartAfter: at}, at.Add(-1), time.Time{}, true, false},
	} {
		d := Downtime{Start: row.start, End: row.end, Open: row.open, Machines: []Reference{{Code: "A"}, {Code: "B"}}}
		p := Production{Start: row.start, End: row.end, Open: row.open, Machine: Reference{Code: "B"}, Order: Reference{Code: "W"}}
		if (DowntimeQuery{Span: row.span, Machine: "B"}).Fits(d) != row.want || (DowntimeQuery{Span: row.span, Machine: "C"}).Fits(d) {
			t.Errorf("%s: downtime", name)
		}
		checked := CheckedOut
		if row.open {
			checked = CheckedIn
		}
		if (ProductionQuery{Span: row.span, Machine: "B", Order: "W", Checked: checked}).Fits(p) != row.want {
			t.Errorf("%s: production", name)
		}
		for _, q := range []ProductionQuery{{Machine: "A"}, {Order: "V"}, {Checked: CheckedIn + CheckedOut - checked}} {
			if q.Fits(p) {
				t.Errorf("%s: %+v fits", name, q)
			}
		}
	}
}

// What is no page comes back as an error with the answer's verdict, so that a
// 429 holds the others back and nothing is taken for an empty list.
func TestListsThatFail(t *testing.T) {
	for name, row := range map[string]struct {
		page func(w http.ResponseWriter, r *http.Request)
		want Verdict
		text string
	}{
		"limited": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, Limited, "429 Too Many Requests"},
		"no right":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, Unauthorized, "403 Forbidden"},
		"bad filter":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "unknown filter", 400) }, Refused, "unknown filter"},
		"portal":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, loginPage) }, Ambiguous, "HOST answered with a web page"},
		"redirect":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://portal.test/x", 302) }, Unsent, "HOST redirects to https://portal.test/x"},
		"empty":       {func(http.ResponseWriter, *http.Request) {}, Ambiguous, "the answer is no list; it begins with:"},
		"other":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }, Ambiguous, `the answer is an object that is no record; it begins with: {"ok":true}`},
		"half":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[{"id":1},`) }, Ambiguous, "the answer is no valid JSON after 1 records; it begins with: [{"},
		"broken off":  {halfAPage, Ambiguous, "the answer broke off after 10 bytes"},
		"too large":   {func(w http.ResponseWriter, _ *http.Request) { bomb(w) }, Ambiguous, "the answer is larger than 8 MiB, which no page of 25 records is"},
		"packed bomb": {packedBomb, Ambiguous, "the answer is larger than 8 MiB, which no page of 25 records is"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{page: row.page}
			c := newClient(t, answering(t, s.ServeHTTP))
			list, err := c.Downtimes(t.Context(), DowntimeQuery{})
			var failed *Error
			if !errors.As(err, &failed) || list != nil {
				t.Fatalf("%d records, %v", len(list), err)
			}
			if want := strings.ReplaceAll(row.text, "HOST", c.host); failed.Answer.Verdict != row.want || !strings.HasPrefix(failed.Answer.Text, want) ||
				failed.Endpoint != DowntimesEndpoint || strings.Contains(err.Error(), "tok") {
				t.Errorf("%v, want %s: %s", err, row.want, want)
			}
			if row.want == Limited && failed.Answer.RetryAfter != 7*time.Second {
				t.Error(failed.Answer.RetryAfter)
			}
		})
	}
}

func halfAPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `[{"id":1},`)
}

// bomb writes more than is ever read, until nobody takes it any more.
func bomb(w io.Writer) {
	blanks := []byte(strings.Repeat(" ", 1<<20))
	for range 64 {
		if _, err := w.Write(blanks); err != nil {
			return
		}
	}
}

func packedBomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	bomb(z)
	_ = z.Close()
}

func TestNoTokenForAList(t *testing.T) {
	c := newClient(t, saying(t, 401, "", "who are you"))
	_, err := c.Productions(t.Context(), ProductionQuery{})
	var failed *Error
	if !errors.As(err, &failed) || failed.Endpoint != AuthorizationEndpoint || failed.Answer.Verdict != Unauthorized ||
		!strings.HasPrefix(failed.Answer.Text, "no access token: who are you") {
		t.Error(err)
	}
	c = newClient(t, answering(t, (&shelf{page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }}).ServeHTTP))
	if list, err := c.Productions(t.Context(), ProductionQuery{}); err != nil || len(list) != 0 {
		t.Errorf("no content: %v, %v", list, err)
	}
}

// pageCase is a list as its pages show it: their records by number.
type pageCase struct {
	pages           func(int) []int
	records, wanted int
	err             error
}

func pageCases() map[string]pageCase {
	// upTo gives pages of the records from 1 to n, in a list of which some page
	// is given again for those after the last one.
	upTo := func(n, last int) func(int) []int {
		return func(page int) []int {
			page = min(page, last)
			var ids []int
			for id := (page-1)*PageSize + 1; id <= min(page*PageSize, n); id++ {
				ids = append(ids, id)
			}
			return ids
		}
	}
	shifting := func(page int) []int { // two records come in before each page but the first
		first := (page-1)*PageSize + 1 - 2*(page-1)
		var ids []int
		for id := first; id < first+PageSize && id <= 60; id++ {
			ids = append(ids, id)
		}
		return ids
	}
	sized := func(sizes ...int) func(int) []int { // pages of those sizes, then empty ones
		return func(page int) []int {
			var ids []int
			for i := range append(sizes, make([]int, page)...)[page-1] {
				ids = append(ids, 100*page+i)
			}
			return ids
		}
	}
	return map[string]pageCase{
		"none":           {upTo(0, 9), 0, 1, nil},
		"part of one":    {upTo(24, 9), 24, 2, nil},
		"one":            {upTo(25, 9), 25, 2, nil},
		"two and a part": {upTo(51, 9), 51, 4, nil},
		"page unknown":   {upTo(25, 1), 25, 2, nil},
		"last repeated":  {upTo(50, 2), 50, 3, nil},
		"shifting":       {shifting, 60, 4, nil},
		"too many":       {upTo(1000, 99), 100, 4, ErrMorePages},
		"part repeated":  {upTo(24, 1), 24, 2, nil},
		"smaller pages":  {sized(10, 10, 4), 24, 4, nil},
		"shrinking":      {sized(25, 0, 25), 25, 2, nil},
		"a short one":    {sized(25, 23, 25), 73, 4, nil},
		"a short end":    {sized(25, 23, 25, 24), 97, 4, nil},
		"larger pages":   {func(int) []int { return slices.Repeat([]int{1, 2, 3}, 10) }, 3, 2, nil},
	}
}

func TestPages(t *testing.T) {
	for name, row := range pageCases() {
		for _, numbered := range []bool{true, false} {
			records, asked := 0, 0
			var last error
			for d, err := range Pages(4, func(d Downtime) bool { return d.Type != "odd" }, func(page int) ([]Downtime, error) {
				if asked++; page != asked {
					t.Errorf("page %d", page)
				}
				var list []Downtime
				for _, id := range row.pages(page) {
					d := Downtime{ID: int64(id), Product: fmt.Sprint(id)}
					if !numbered {
						d.ID = 0
					}
					list = append(list, d)
				}
				return list, nil
			}) {
				if last = err; err == nil {
					records++
				} else if d.Product != "" {
					t.Errorf("%+v beside %v", d, err)
				}
			}
			if records != row.records || asked != row.wanted || !errors.Is(last, row.err) {
				t.Errorf("%s: %d records of %d pages, %v", name, records, asked, last)
			}
		}
	}
}

func TestPagesEnd(t *testing.T) {
	s := &shelf{page: func(w http.ResponseWriter, r *http.Request) { pageOf(w, r, 60) }}
	c := newClient(t, answering(t, s.ServeHTTP))
	q := DowntimeQuery{Machine: "M1"}
	fetch := func(page int) ([]Downtime, error) {
		q.Page = page
		return c.Downtimes(t.Context(), q)
	}
	got := 0
	for d, err := range Pages(9, q.Fits, fetch) {
		if err != nil || d.Machines[0].Code != "M1" {
			t.Fatal(d, err)
		}
		got++
	}
	if got != 30 || len(s.asked) != 4 {
		t.Errorf("%d downtimes of %d pages", got, len(s.asked))
	}
	s.asked = nil
	for range Pages(9, q.Fits, fetch) {
		break
	}
	if len(s.asked) != 1 {
		t.Errorf("%d pages for one record", len(s.asked))
	}
	beyond := func(full bool, status int, page bool) func(int) ([]Production, error) {
		return func(n int) ([]Production, error) {
			if n > 1 {
				return nil, &Error{Answer: Answer{Verdict: Refused, Status: status, Page: page}}
			}
			list := make([]Production, 1, PageSize)
			if full {
				list = list[:PageSize]
			}
			return list, nil
		}
	}
	for _, c := range []struct {
		full   bool
		status int
		page   bool // of the web
		ends   bool
	}{{false, 400, false, true}, {false, 404, false, true}, {true, 404, false, true}, {true, 404, true, false}, {true, 400, false, false}} {
		var last error
		for _, err := range Pages(9, func(Production) bool { return true }, beyond(c.full, c.status, c.page)) {
			last = err
		}
		if (last == nil) != c.ends {
			t.Errorf("no second page, %+v: %v", c, last)
		}
	}
	failure := errors.New("no slot")
	for p, err := range Pages(9, func(Production) bool { return true }, func(int) ([]Production, error) { return nil, failure }) {
		if !errors.Is(err, failure) || p.ID != 0 {
			t.Error(p, err)
		}
	}
}
