package repzo

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// record is an object as it is on the wire.
type record = map[string]any

// Server is one pretend Repzo. All its methods may be called by anybody at any time.
type Server struct {
	config Config

	mu      sync.Mutex
	next    int
	serials map[string]int
	orders  []*Order
	// masters are warehouses, products and so on, by path.
	masters map[string][]record
	stock   []*Stock
	// documents are stock corrections and work orders, by path.
	documents map[string][]record
	faults    []*Fault
	calls     []Call
	// days counts calls by day and path, minute those of the minute since began.
	days   map[string]map[string]int
	minute int
	began  time.Time
	hooks  *hooks
}

// New makes a company without anything.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	o := &c.Options
	for _, n := range []struct {
		to *int
		is int
	}{{&o.PerMinute, 100}, {&o.PerDay, 10000}, {&o.MostPerPage, 50000}} {
		if *n.to == 0 {
			*n.to = n.is
		}
	}
	return &Server{config: c, next: 0x7a0, serials: map[string]int{"PRO": 1601}, masters: map[string][]record{}, documents: map[string][]record{}, days: map[string]map[string]int{}}
}

func (s *Server) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }

// id makes a key of 24 hexadecimal digits; later ones are greater.
func (s *Server) id() string {
	s.next++
	return fmt.Sprintf("%08x%010x%06x", uint32(s.now().Unix()), 0x2ee0872ff, s.next)
}

// serial makes the number of a document.
func (s *Server) serial(kind string) string {
	s.serials[kind]++
	return fmt.Sprintf("%s-1032-%d", kind, s.serials[kind])
}

// AddFault lets calls fail.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Calls gives the calls so far, those that were refused as too many too.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Used are the calls that were counted on the day (UTC) of a moment, by path.
func (s *Server) Used(at time.Time) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.days[at.UTC().Format(time.DateOnly)])
}

// Spend counts calls that another integration made with the same key today.
func (s *Server) Spend(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count("others", n)
}

func (s *Server) count(path string, n int) {
	day := s.now().Format(time.DateOnly)
	if s.days[day] == nil {
		s.days[day] = map[string]int{}
	}
	s.days[day][path] += n
}

// spent says that the limit of the minute or of the day is reached; otherwise it
// counts the call.
func (s *Server) spent(path string) bool {
	now, today := s.now(), 0
	if minute := now.Truncate(time.Minute); !minute.Equal(s.began) {
		s.began, s.minute = minute, 0
	}
	for _, n := range s.days[now.Format(time.DateOnly)] {
		today += n
	}
	if today >= s.config.Options.PerDay || s.minute >= s.config.Options.PerMinute {
		return true
	}
	s.minute++
	s.count(path, 1)
	return false
}

// strike is the fault that strikes a call; nil is none.
func (s *Server) strike(method, path string) *Fault {
	for i, f := range s.faults {
		if f.Kind == Slow || f.Path != "" && !strings.HasPrefix(path, f.Path) || f.Method != "" && f.Method != method {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Times--; f.Times <= 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// reply is an answer before it is spelled.
type reply struct {
	status int
	body   any
}

func refusal(status int, message string) reply {
	return reply{status, record{"code": status, "message": message}}
}

// request is one call.
type request struct {
	method, path string
	query        url.Values
	body         []byte
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("api-key") != s.config.Key {
		spell(w, refusal(http.StatusUnauthorized, "unauthorized"), "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		spell(w, refusal(http.StatusRequestEntityTooLarge, "request entity too large"), "")
		return
	}
	in := request{r.Method, strings.TrimRight(r.URL.Path, "/"), r.URL.Query(), body}
	if f := s.slowly(in); f != nil {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-r.Context().Done():
			return
		case <-t.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Context().Err() != nil {
		return
	}
	call := Call{Time: s.config.Now(), Method: in.method, Path: in.path, Query: r.URL.RawQuery, Body: string(body)}
	call.Status = s.answer(w, in, &call)
	s.calls = append(s.calls, call)
}

// slowly takes the fault that makes a call wait, if the next one is such.
func (s *Server) slowly(in request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Kind == Slow && strings.HasPrefix(in.path, f.Path) && (f.Method == "" || f.Method == in.method) {
			if f.Times--; f.Times <= 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
			return f
		}
	}
	return nil
}

func (s *Server) answer(w http.ResponseWriter, in request, call *Call) int {
	if s.spent(in.path) {
		return s.tooMany(w)
	}
	f := s.strike(in.method, in.path)
	if f == nil {
		f = &Fault{}
	}
	call.Fault = f.Kind
	switch f.Kind {
	case Status500:
		return spell(w, refusal(500, "Internal Server Error"), "")
	case TooMany:
		return s.tooMany(w)
	case Unsuccessful:
		return spell(w, reply{200, record{"success": false, "error": "the service is being maintained"}}, "")
	case DropBefore:
		return drop(w)
	}
	got := s.route(in)
	switch f.Kind {
	case Commit500:
		return spell(w, refusal(500, "Internal Server Error"), "")
	case DropAfter:
		return drop(w)
	}
	if s.config.Options.TextNumbers {
		got.body = texts(got.body)
	}
	return spell(w, got, f.Kind, f.Text)
}

func (s *Server) tooMany(w http.ResponseWriter) int {
	if s.config.Options.RetryAfter {
		w.Header().Set("Retry-After", strconv.Itoa(60-s.now().Second()))
	}
	return spell(w, refusal(http.StatusTooManyRequests, "too many requests"), "")
}

// drop closes the connection without an answer. One that can not be taken over is
// answered with nothing that anybody could take for one.
func drop(w http.ResponseWriter) int {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // it is to be lost
			return 0
		}
	}
	w.WriteHeader(http.StatusBadGateway)
	return http.StatusBadGateway
}

// spell writes an answer, spoilt as the fault says.
func spell(w http.ResponseWriter, got reply, fault FaultKind, raw ...string) int {
	if fault == WrongTypes {
		got.body = wrong(got.body, 0)
	}
	if envelope, ok := got.body.(record); ok && fault == NoList {
		delete(envelope, "data")
	}
	text, err := json.Marshal(got.body)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return 500
	}
	kind := "application/json; charset=utf-8"
	switch fault {
	case Page:
		text, kind = []byte("<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"), "text/html"
	case Text:
		text = []byte("upstream request timeout")
	case Empty:
		text = nil
	case HalfAnswer:
		text = text[:len(text)/2]
	case Raw:
		text = []byte(strings.Join(raw, ""))
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(got.status)
	_, _ = w.Write(text) // whoever asked is gone
	return got.status
}

// texts spells numbers as texts.
func texts(v any) any {
	switch v := v.(type) {
	case record:
		out := record{}
		for k, e := range v {
			out[k] = texts(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = texts(e)
		}
		return out
	case json.Number, int, int64:
		return fmt.Sprint(v)
	}
	return v
}

// wrong turns the fields of a list's records into things they are not; the records
// and their keys stay.
func wrong(v any, depth int) any {
	switch v := v.(type) {
	case record:
		out := record{}
		for k, e := range v {
			out[k] = wrong(e, depth+1)
		}
		if id, ok := v["_id"]; ok {
			out["_id"] = id
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = wrong(e, depth+1)
		}
		return out
	case string:
		if depth > 2 {
			return []any{v}
		}
	case json.Number, int, int64:
		if depth > 2 {
			return record{"value": v}
		}
	}
	return v
}
