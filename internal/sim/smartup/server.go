package smartup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are how this installation answers what is not documented. The zero value
// is the documented one.
type Options struct {
	// LimitsAsList gives the limits as a list of one.
	LimitsAsList bool
	// Exhausted is the answer when a day's calls are used up: "429" (the default),
	// "text" (a plain text with status 200) or "json" (an error code with status 200).
	Exhausted string
	// NoteAppends lets attach_data append to the note instead of replacing it.
	NoteAppends bool
	// NoGifts leaves gifts and promotions out of exports.
	NoGifts bool
	// Renumber gives the lines of an order other ids with each edit.
	Renumber bool
	// PlainNumbers gives numbers as JSON numbers, and null for nothing.
	PlainNumbers bool
	// StatusUnmodified: a change of status does not count as a modification.
	StatusUnmodified bool
	// WindowOnID: asking for one deal_id obeys the window of days too.
	WindowOnID bool
	// DayRange is how many days back a modification can be asked for; 0 is 7.
	DayRange int
	// PerDay are the calls of a day by class; without any 100, 300 and 500.
	PerDay map[string]int
}

// Config is one installation.
type Config struct {
	User, Password string
	// ProjectCode and FilialID are what the headers must say; empty is anything.
	ProjectCode, FilialID string
	Options               Options
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// The classes of calls.
const (
	Frequent  = "frequent"
	Rare      = "rare"
	Reference = "reference"
)

// FaultKind is a way to fail.
type FaultKind string

// The faults. A fault after the commit has done what was asked.
const (
	Status500     FaultKind = "status_500"
	Commit500     FaultKind = "commit_500"
	DropBefore    FaultKind = "drop_before"
	DropAfter     FaultKind = "drop_after"
	Page          FaultKind = "page"
	Text          FaultKind = "text"
	Empty         FaultKind = "empty"
	HalfAnswer    FaultKind = "half_answer"
	NoRoot        FaultKind = "no_root"
	PartlyRefused FaultKind = "partly_refused"
)

// Fault strikes the next calls.
type Fault struct {
	Kind FaultKind
	// Object is the last part of a path before the $, such as order; empty is any.
	Object string
	// Times is how often; 0 is once.
	Times int

	// after are the calls that it lets pass first.
	after int
}

// Call is one that was made.
type Call struct {
	Time         time.Time
	Path, Body   string
	Class, Fault string
	Status       int
}

// Server is one pretend Smartup.
type Server struct {
	config Config
	zone   *time.Location

	mu        sync.Mutex
	next      int
	orders    map[string]*Order
	products  []Product
	balance   []Balance
	documents []*Document
	faults    []*Fault
	calls     []Call
	used      map[string]int // by day and class
}

// New makes a server.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Options.DayRange == 0 {
		c.Options.DayRange = 7
	}
	if c.Options.PerDay == nil {
		c.Options.PerDay = map[string]int{Frequent: 500, Rare: 300, Reference: 100}
	}
	return &Server{config: c, zone: time.FixedZone("UTC+5", 5*3600), next: 640, orders: map[string]*Order{}, used: map[string]int{}}
}

func (s *Server) now() time.Time { return s.config.Now().In(s.zone) }

// AddFault lets the next calls fail.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// AddFaultAfter lets calls of the fault's object fail after n more of them.
func (s *Server) AddFaultAfter(f Fault, n int) {
	f.after = n
	s.AddFault(f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Calls gives the calls so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Used is how many calls of a class were made on the day of a moment.
func (s *Server) Used(class string, at time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used[at.In(s.zone).Format(time.DateOnly)+class]
}

// Spend counts calls that somebody else made.
func (s *Server) Spend(class string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[s.now().Format(time.DateOnly)+class] += n
}

// strike is the fault that strikes a call of an object.
func (s *Server) strike(object string) FaultKind {
	for i, f := range s.faults {
		if f.Object != "" && f.Object != object {
			continue
		}
		if f.after > 0 {
			f.after--
			continue
		}
		f.Times--
		if f.Times <= 0 {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
		}
		return f.Kind
	}
	return ""
}

// service is one path.
type service struct {
	class string
	do    func(s *Server, in request) reply
	write bool
}

// reply is an answer before it is spelled.
type reply struct {
	status int
	body   map[string]any
}

// services are the exact paths.
func services() map[string]service {
	m := map[string]service{
		"/b/trade/txs/tdeal/order$export":        {Frequent, (*Server).exportOrders, false},
		"/b/trade/txs/tdeal/order$change_status": {Frequent, (*Server).changeStatus, true},
		"/b/trade/txs/tdeal/order$attach_data":   {Frequent, (*Server).attachData, true},
		"/b/anor/mxsx/mkw/balance$export":        {Frequent, (*Server).exportBalance, false},
		"/b/anor/mxsx/mr/inventory$export":       {Reference, (*Server).exportInventory, false},
		"/b/anor/mxsx/mr/product_group$export":   {Reference, (*Server).exportGroups, false},
	}
	for _, object := range []string{"stocktaking", "movement", "writeoff", "input", "purchase"} {
		m["/b/anor/mxsx/mkw/"+object+"$export"] = service{Rare, func(s *Server, in request) reply { return s.exportDocuments(object, in) }, false}
		m["/b/anor/mxsx/mkw/"+object+"$import"] = service{Rare, func(s *Server, in request) reply { return s.importDocuments(object, in) }, true}
	}
	return m
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ReplaceAll(r.URL.Path, "%24", "$")
	to, known := services()[path]
	if !known || r.Method != http.MethodPost {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	user, password, _ := r.BasicAuth()
	if user != s.config.User || password != s.config.Password ||
		s.config.ProjectCode != "" && r.Header.Get("project_code") != s.config.ProjectCode ||
		s.config.FilialID != "" && r.Header.Get("filial_id") != s.config.FilialID {
		http.Error(w, "authorisation required", http.StatusUnauthorized)
		return
	}
	var in request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20))
	if err := d.Decode(&in); err != nil {
		http.Error(w, "ORA-40441: JSON syntax error", http.StatusBadRequest)
		return
	}
	s.answer(w, r.Context(), path, to, in)
}

func (s *Server) answer(w http.ResponseWriter, ctx context.Context, path string, to service, in request) {
	object := path[strings.LastIndexByte(path, '/')+1 : strings.IndexByte(path, '$')]
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	body, _ := json.Marshal(in)
	call := Call{Time: s.config.Now(), Path: path, Body: string(body), Class: to.class}
	defer func() { s.calls = append(s.calls, call) }()
	key := s.now().Format(time.DateOnly) + to.class
	if s.used[key] >= s.config.Options.PerDay[to.class] {
		call.Status = s.exhausted(w)
		return
	}
	s.used[key]++
	fault := s.strike(object)
	call.Fault = string(fault)
	switch fault {
	case Status500:
		call.Status = 500
		http.Error(w, "ORA-00600: internal error", 500)
		return
	case DropBefore:
		drop(w)
		return
	case PartlyRefused:
		if to.write {
			s.write(w, path, to, reply{200, map[string]any{"successes": []any{}, "errors": []any{map[string]any{"code": "A02-02-024", "message": "not enough stock in the batch"}}}}, &call, "")
			return
		}
	}
	got := to.do(s, in)
	if fault == DropAfter {
		drop(w)
		return
	}
	if fault == Commit500 {
		call.Status = 500
		http.Error(w, "ORA-20000: error while inserting into log, deal_id = "+strconv.Itoa(s.next), 500)
		return
	}
	s.write(w, path, to, got, &call, fault)
}

// drop closes the connection without an answer. One that can not be taken over is
// answered with nothing that anybody could take for one.
func drop(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // it is to be lost
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// exhausted answers that the day's calls are used up.
func (s *Server) exhausted(w http.ResponseWriter) int {
	switch s.config.Options.Exhausted {
	case "text":
		fmt.Fprint(w, "limit of requests is exceeded")
		return 200
	case "json":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"error_code":"A00-00-429","message":"limit of requests is exceeded"}`)
		return 200
	}
	http.Error(w, "too many requests", http.StatusTooManyRequests)
	return http.StatusTooManyRequests
}

// write spells an answer.
func (s *Server) write(w http.ResponseWriter, path string, to service, got reply, call *Call, fault FaultKind) {
	if got.status == 200 && strings.HasSuffix(path, "$export") && to.class != Reference {
		most := s.config.Options.PerDay[to.class]
		used := s.used[s.now().Format(time.DateOnly)+to.class]
		limits := map[string]any{
			"has_limit": "Y", "limit_quant": strconv.Itoa(most), "object_count": "5000", "day_range_limit": strconv.Itoa(s.config.Options.DayRange),
			"request_quant": strconv.Itoa(used), "left_limit_quant": strconv.Itoa(max(most-used, 0)),
		}
		got.body["limits"] = limits
		if s.config.Options.LimitsAsList {
			got.body["limits"] = []any{limits}
		}
	}
	var body any = got.body
	if s.config.Options.PlainNumbers {
		body = plain(got.body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	if raw, ok := rawFault(fault); ok {
		text = raw
	}
	switch fault {
	case Page:
		text = []byte("<!DOCTYPE html><html><title>Smartup</title><p>Technical works</html>")
	case Text:
		text = []byte("staff unit not found")
	case Empty:
		text = nil
	case HalfAnswer:
		text = text[:len(text)/2]
	case NoRoot:
		text = []byte(`{"limits":{}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	call.Status = got.status
	w.WriteHeader(got.status)
	_, _ = w.Write(text) // whoever asked is gone
}

// plain spells texts of digits as numbers and empty ones as null.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case string:
		if v == "" {
			return nil
		}
		if _, err := strconv.ParseFloat(v, 64); err == nil && !strings.HasPrefix(v, "0") && strings.Trim(v, "0123456789.") == "" && strings.Count(v, ".") < 2 {
			return json.Number(v)
		}
	}
	return v
}

// refusal is an error code in an answer.
func refusal(status int, code, message string) reply {
	return reply{status, map[string]any{"error_code": code, "message": message}}
}
