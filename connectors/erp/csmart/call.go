package csmart

import (
	"context"
	"crypto/sha1" // what the service asks for
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	// slow and large are answers after which the source asks to be read half as often.
	slow  = 10 * time.Second
	large = 5 << 20
)

// Source is one domain. It implements erp.Source, erp.Metered, erp.OrderReader,
// erp.ProductReader, erp.Discoverer and erp.Writer. One goroutine calls it at a time.
type Source struct {
	Config
	caller web.Caller
	// hash stands for the password; token is empty before the first login.
	hash, token string
	// heavy says that the last list of orders was slow, or large.
	heavy  bool
	words  map[string]erp.State
	fields dictionary
	// goods and customers are the lists that orders refer to.
	goods     goods
	customers customers
	// taxes are the customers' tax numbers by the key of the order, as the last read
	// of orders had them; nil before the first one.
	taxes map[string]string
	// counted is how many orders the last list had.
	counted int
	// tasks is how many tasks the last list had.
	tasks int
}

// New checks the settings. It makes no call.
func New(c Config, d Deps) (*Source, error) {
	c = c.defaults()
	words, err := erp.StateWords(c.States)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read the settings of CSMART", What: err.Error(), Err: err}
	}
	sum := sha1.Sum([]byte(c.Password)) // what the service asks for
	s := &Source{Config: c, words: words, fields: c.dictionary(), hash: hex.EncodeToString(sum[:])}
	s.caller = web.Caller{HTTP: d.HTTP, Most: int64(c.MostMB) << 20, Timeout: c.Timeout, Secrets: []string{c.Password, s.hash}}
	return s, nil
}

// Capabilities are those of CSMART, and the kinds of write-back that are on.
func (s *Source) Capabilities() erp.Capabilities {
	return erp.Capabilities{Orders: true, Incremental: erp.Never, Products: true, Writes: s.Tasks.Kinds}
}

// Close has nothing to let go of: the client belongs to who gave it.
func (s *Source) Close() error { return nil }

// Stretch is 2 while answers are slow or large: each is of everything.
func (s *Source) Stretch() int {
	if s.heavy {
		return 2
	}
	return 1
}

// Left is nothing: the vendor names no limits.
func (s *Source) Left() []erp.Left { return nil }

// call asks for an action of a module. It logs in before the first one, and once more
// if the token is not valid any more. The error is an *erp.Error.
func (s *Source) call(ctx context.Context, doing, module, action string, with url.Values, write bool) (reply, error) {
	for try := 0; ; try++ {
		if s.token == "" {
			if err := s.login(ctx); err != nil {
				return reply{}, err
			}
		}
		form := url.Values{"domain": {s.Domain}, "token": {s.token}}
		for k, values := range with {
			form[k] = values
		}
		r, err := s.exchange(ctx, doing, url.Values{"module": {module}, "action": {action}}, form, write)
		if module == orders && r.size > 0 {
			s.heavy = r.took > slow || r.size > large
		}
		if !r.stale {
			if r.said != "" && !write {
				s.token = "" // nobody knows all words for a token that is over: the next call asks for one
			}
			return r, err
		}
		s.token = ""
		switch {
		case write && with.Get("id") == "":
			// The words may mean something else, and what makes a record is not sent twice.
			return reply{}, &erp.Error{Fault: erp.Unclear, Doing: doing, What: whatOf(err)}
		case try > 0:
			return reply{}, &erp.Error{Fault: erp.Denied, Doing: doing, What: whatOf(err), Next: "check the user's rights, and that nobody else uses the same user"}
		}
	}
}

// login asks for a token.
func (s *Source) login(ctx context.Context) error {
	const doing = "log in"
	r, err := s.exchange(ctx, doing, url.Values{"module": {"Login"}}, url.Values{"domain": {s.Domain}, "email": {s.Email}, "hash": {s.hash}}, false)
	switch {
	case r.said != "" || r.stale:
		return &erp.Error{Fault: erp.Denied, Doing: doing, What: whatOf(err), Next: "check domain, email and password"}
	case erp.Is(err, erp.Garbled):
		// The answer is not told: half of one may have the token in it.
		return &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the answer was not understood", Next: "check the address; a proxy or a warning of the service may stand in between"}
	case err != nil:
		return err
	}
	token, err := r.data.Get("token").Text()
	if err != nil || token == "" {
		return &erp.Error{Fault: erp.Garbled, Doing: doing, What: "the answer has no token"}
	}
	s.token = token
	s.caller.Secrets = []string{s.Password, s.hash, token}
	return nil
}

// whatOf is what happened, without what was tried.
func whatOf(err error) string {
	var e *erp.Error
	if errors.As(err, &e) {
		return e.What
	}
	return err.Error()
}

// reply is what came back.
type reply struct {
	data  web.Value
	notes []erp.Problem
	// said is what the service says is wrong; stale that the token seems to be over.
	// Then there is an error too.
	said  string
	stale bool
	took  time.Duration
	size  int // in bytes
}

// exchange sends one form.
func (s *Source) exchange(ctx context.Context, doing string, query, form url.Values, write bool) (reply, error) {
	method, body := http.MethodPost, strings.NewReader(form.Encode())
	if s.Get && query.Get("action") == "List" {
		method = http.MethodGet
		for k, values := range form {
			query[k] = values
		}
		body = strings.NewReader("")
	}
	r, err := http.NewRequest(method, s.Address+"?"+query.Encode(), body)
	if err != nil {
		return reply{}, &erp.Error{Fault: erp.Misconfigured, Doing: doing, What: "the address can not be used"}
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	r.Header.Set("Accept", "application/json")
	a, err := s.caller.Do(ctx, r, doing, write)
	if err != nil {
		return reply{}, err
	}
	out := reply{took: a.Took, size: len(a.Body)}
	if err := s.caller.Check(a, doing, write); err != nil {
		out.stale = a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
		if said, told := s.judge(a.Body, doing, write); a.Status/100 == 4 && said.said != "" {
			out.said, out.stale, err = said.said, out.stale || said.stale, told
		}
		return out, err
	}
	said, err := s.judge(a.Body, doing, write)
	said.took, said.size = out.took, out.size
	return said, err
}

// judge reads an answer: its data, or what the service says is wrong.
func (s *Source) judge(body []byte, doing string, write bool) (reply, error) {
	garbled := func(what string) (reply, error) {
		fault := erp.Garbled
		if write {
			fault = erp.Unclear
		}
		return reply{}, &erp.Error{Fault: fault, Doing: doing, What: what, Next: "nothing is concluded from it"}
	}
	begin := strings.TrimSpace(strings.TrimPrefix(string(body[:min(len(body), 2000)]), "\ufeff"))
	if strings.HasPrefix(begin, "<") {
		return garbled("a page or a warning stands where data was expected: " + s.clean(begin, 200))
	}
	v, notes, err := web.Parse(body)
	if err != nil {
		return garbled(fmt.Sprintf("%s; it begins with %q", errors.Unwrap(err), s.clean(begin, 60)))
	}
	if !v.IsObject() {
		return garbled("the answer is no record with error and data")
	}
	if said := s.clean(complaint(v.Get("error")), 200); said != "" {
		return reply{said: said, stale: s.expired(said)}, &erp.Error{Fault: erp.Refused, Doing: doing, What: "CSMART says: " + said}
	}
	if !slices.Contains(v.Keys(), "data") {
		return garbled("the answer has no data")
	}
	return reply{data: v.Get("data"), notes: notes}, nil
}

// clean takes the secrets out of a text, and bounds it: an answer may repeat what it
// was sent.
func (s *Source) clean(text string, most int) string {
	for _, secret := range s.caller.Secrets {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return web.Shorten(text, most)
}

// list asks for all records of a module.
func (s *Source) list(ctx context.Context, doing, module string) ([]web.Value, []erp.Problem, error) {
	r, err := s.call(ctx, doing, module, "List", nil, false)
	if err != nil {
		return nil, nil, err
	}
	for i := range r.notes {
		r.notes[i].Where = module + ", " + r.notes[i].Where
	}
	all, ok := records(r.data)
	if !ok {
		return nil, nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "data is no list of records", Next: "nothing is concluded from it"}
	}
	return all, r.notes, nil
}

// records are the elements of a list in each of its ways: a list, a record with
// numbers for names, nothing. ok is false for anything else.
func records(v web.Value) (all []web.Value, ok bool) {
	switch {
	case v.Missing():
		return nil, true
	case v.IsList():
		return v.Each(), true
	case !v.IsObject():
		return nil, false
	}
	for _, key := range v.Keys() {
		if key == "" || strings.Trim(key, "0123456789") != "" {
			return nil, false
		}
		all = append(all, v.Get(key))
	}
	return all, true
}

// complaint is the text of a field error; nothing in all its ways is empty.
func complaint(v web.Value) string {
	if !v.IsList() && !v.IsObject() {
		text, err := v.Text()
		switch {
		case err != nil:
			return "an error with a very long text"
		case text == "false", text == "0":
			return ""
		}
		return text
	}
	list := v.Each()
	if v.IsObject() {
		list = nil
		for _, key := range v.Keys() {
			list = append(list, v.Get(key))
		}
	}
	var texts []string
	for _, one := range list {
		if text, err := one.Text(); err == nil && text != "" {
			texts = append(texts, text)
		}
	}
	if len(list) > 0 && len(texts) == 0 {
		return "an error without a text"
	}
	return strings.Join(texts, ", ")
}

// expired says that a complaint is about the token.
func (s *Source) expired(said string) bool {
	said = strings.ToLower(said)
	for _, word := range s.LoginWords {
		if strings.Contains(said, strings.ToLower(word)) {
			return true
		}
	}
	return false
}
