package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// sheet is one page.
type sheet struct {
	records []gjson.Result
	body    gjson.Result
	header  http.Header
	notes   []erp.Problem
}

// walk reads page after page; take is called with each. ended says that the
// service has no more.
func (s *Source) walk(ctx context.Context, first url.URL, take func(n int, p sheet) (more bool)) (ended bool, err error) {
	at, count, before := first, 0, ""
	seen := map[string]bool{}
	for n := range s.MaxPages {
		if n == 0 {
			at = s.step(first, n, count, "")
		}
		if key := at.String(); seen[key] {
			return false, s.garbled(n, "the service leads back to a page that was read: its paging goes round in a circle")
		} else {
			seen[key] = true
		}
		p, err := s.page(ctx, at, n)
		if err != nil {
			return false, err
		}
		raw := p.body.Raw
		if n > 0 && len(p.records) > 0 && raw == before {
			return false, s.garbled(n, "the same page came twice: the service does not know the parameter "+strconv.Quote(s.Param))
		}
		before, count = raw, count+len(p.records)
		if !take(n, p) {
			return false, nil
		}
		next, more, err := s.after(first, at, p, n+1, count)
		if err != nil || !more {
			return err == nil, err
		}
		at = next
	}
	return false, nil
}

func (s *Source) garbled(n int, what string) error {
	return &erp.Error{Fault: erp.Garbled, Doing: fmt.Sprintf("read page %d of the orders", n+1), What: what, Next: "check paging, param and next"}
}

// step is the address of a page by its number.
func (s *Source) step(first url.URL, n, count int, cursor string) url.URL {
	q := first.Query()
	if s.Size > 0 {
		q.Set(s.SizeParam, strconv.Itoa(s.Size))
	}
	switch {
	case s.Paging == Page:
		q.Set(s.Param, strconv.Itoa(*s.First+n))
	case s.Paging == Offset:
		q.Set(s.Param, strconv.Itoa(count))
	case s.Paging == Cursor && cursor != "":
		q.Set(s.Param, cursor)
	}
	first.RawQuery = q.Encode()
	return first
}

// after is the address of the page after p. Pages by number end with an empty
// one: a page that is not full may only show the service's own bound.
func (s *Source) after(first, at url.URL, p sheet, n, count int) (next url.URL, more bool, err error) {
	switch s.Paging {
	case Page, Offset:
		return s.step(first, n, count, ""), len(p.records) > 0, nil
	case Cursor:
		cursor := p.body.Get(s.Next)
		if text := cursor.String(); text != "" && cursor.Type != gjson.False {
			return s.step(first, n, count, text), true, nil
		}
		return next, false, nil
	case Next:
		return s.follow(at, p.body.Get(s.Next).String(), n)
	case Link:
		link := ""
		for _, h := range p.header.Values("Link") {
			if found := regexp.MustCompile(`<([^>]*)>[^,<]*;\s*rel\s*=\s*"?next"?`).FindStringSubmatch(h); found != nil && link == "" {
				link = found[1]
			}
		}
		return s.follow(at, link, n)
	}
	return next, false, nil
}

// follow goes to an address of an answer, on the same computer only: the key is
// sent along.
func (s *Source) follow(at url.URL, link string, n int) (url.URL, bool, error) {
	if link == "" {
		return at, false, nil
	}
	next, err := at.Parse(link)
	if err != nil {
		return at, false, s.garbled(n, "the address of the next page is none")
	}
	if next.Scheme != at.Scheme || next.Host != at.Host || next.User != nil {
		return at, false, s.garbled(n, "the next page is on another computer ("+web.Shorten(next.Scheme+"://"+next.Host, 100)+"), where the key is not sent")
	}
	next.Fragment = ""
	return *next, true, nil
}

// page reads one page.
func (s *Source) page(ctx context.Context, at url.URL, n int) (sheet, error) {
	doing := fmt.Sprintf("read page %d of the orders", n+1)
	r, err := http.NewRequest(http.MethodGet, at.String(), nil)
	if err != nil {
		return sheet{}, &erp.Error{Fault: erp.Misconfigured, Doing: doing, What: "the address can not be used", Next: "check url"}
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "prodsmart-gateway")
	if err := s.sign(ctx, r); err != nil {
		return sheet{}, err
	}
	a, err := s.caller.Do(ctx, r, doing, false)
	if err != nil {
		return sheet{}, err
	}
	if err := s.caller.Check(a, doing, false); err != nil {
		if a.Status == http.StatusUnauthorized {
			s.token = nil // the next read asks for another
		}
		var e *erp.Error
		if errors.As(err, &e) && e.Fault == erp.Gone {
			e.Fault, e.Next = erp.Misconfigured, "check url and query: the service has no such thing"
		}
		return sheet{}, err
	}
	return s.parse(a, doing, n)
}

// parse reads an answer. The paths are read by another parser than the one that
// judges the document, which tells keys that stand twice and bytes that are none.
func (s *Source) parse(a web.Answer, doing string, n int) (sheet, error) {
	_, notes, err := web.Parse(a.Body)
	if err != nil {
		var e *erp.Error
		if errors.As(err, &e) {
			e.Doing = doing
		}
		return sheet{}, err
	}
	for i := range notes {
		notes[i].Where = fmt.Sprintf("page %d, %s", n+1, notes[i].Where)
		if strings.Contains(notes[i].What, "twice") {
			notes[i].What = "the key stands twice in its record; the first one counts"
		}
	}
	body := gjson.Parse(strings.TrimPrefix(strings.ToValidUTF8(string(a.Body), "\ufffd"), "\ufeff"))
	list := body
	if s.List != "" {
		list = body.Get(s.List)
	}
	p := sheet{body: body, header: a.Header, notes: notes}
	switch {
	case list.IsArray():
		p.records = list.Array()
	case !list.Exists() || list.Type == gjson.Null:
		if s.List == "" || n == 0 {
			return p, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the answer has no list at " + strconv.Quote(s.List), Next: "check list: orders discover shows what there is"}
		}
	default:
		return p, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "what is at " + strconv.Quote(s.List) + " is no list", Next: "write the path of the list of orders under list"}
	}
	return p, nil
}

// sign adds what lets us in.
func (s *Source) sign(ctx context.Context, r *http.Request) error {
	switch {
	case s.User != "":
		r.SetBasicAuth(s.User, s.Password)
	case s.Header != "":
		r.Header.Set(s.Header, s.Key)
	case s.TokenURL != "":
		if !s.token.Valid() {
			if err := s.fetch(ctx); err != nil {
				return err
			}
		}
		s.token.SetAuthHeader(r)
	}
	return nil
}

// fetch gets a token for client credentials.
func (s *Source) fetch(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, s.Timeout)
	defer stop()
	// The secret goes to the address that is configured, and no further.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	o := clientcredentials.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret, TokenURL: s.TokenURL, Scopes: s.Scopes}
	token, err := o.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err == nil {
		s.token = token
		s.caller.Secrets = append(s.secrets(), token.AccessToken)
		return nil
	}
	e := &erp.Error{Fault: erp.Unavailable, Doing: "get a token", What: "the token server can not be reached, or its answer is no token", Next: "check token_url"}
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response != nil {
		e.What = strings.TrimSpace(fmt.Sprintf("the token server answered %d %s", said.Response.StatusCode, s.hide(web.Shorten(said.ErrorCode, 60))))
		if code := said.Response.StatusCode; code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout {
			e.Fault, e.Next = erp.Denied, "check client_id, client_secret, scopes and token_url"
		}
	}
	return e
}

// secrets are what must not be seen.
func (s *Source) secrets() (out []string) {
	for _, t := range []string{s.Password, s.Key, strings.TrimPrefix(s.Key, "Bearer "), s.ClientSecret} {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}

func (s *Source) hide(text string) string {
	for _, t := range s.secrets() {
		text = strings.ReplaceAll(text, t, "***")
	}
	return text
}
