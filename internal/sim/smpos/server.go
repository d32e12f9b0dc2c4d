package smpos

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options are how this cabinet differs from the tables of the manual. The zero
// value follows them, with the samples where they contradict the tables.
type Options struct {
	// EmitQty spells quantities of GETGOODS "qty", as the sample does.
	EmitQty bool
	// OnlyQty lets UPDGOODS, ADDGOODS and PUTGOODS understand "qty" alone; "qnty"
	// is ignored without a word.
	OnlyQty bool
	// MostQnty is the largest quantity that goods may have, in thousandths; 0 is no
	// bound.
	MostQnty int64
	// OnlyList knows GETPRTLIST and not GETPRTLST; OnlyPvt knows the parameter
	// pvtID of GETPRT and not prtID.
	OnlyList, OnlyPvt bool
	// TableNames spells the parts of GETPRT pvtDigest, pvtSales and pvtDetails.
	TableNames bool
	// Blanks puts a blank behind some keys of answers.
	Blanks bool
	// DivNumber spells yes and no of goods 1 and 0; Quoted puts numbers in quotes.
	DivNumber, Quoted bool
	// HTTPErrors gives refusals the HTTP status 400 instead of 200.
	HTTPErrors bool
	// BadLogin is the status of wrong credentials; 0 is 5.
	BadLogin int
	// ClosingBooks lets SETPRTSTATE change the quantities of the directory too.
	ClosingBooks bool
	// NoNegative refuses quantities below zero.
	NoNegative bool
	// StrictPartly applies what is known although strict raises an error.
	StrictPartly bool
	// NewestFirst lists the latest protocols, latest first, where there are more
	// than are asked for; otherwise the earliest.
	NewestFirst bool
}

// Config is one cabinet.
type Config struct {
	Login, Password string
	Options         Options
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Zone is where the shops are, for times in journals; nil is UTC+2.
	Zone *time.Location
}

// The statuses of answers.
const (
	done         = 0
	failed       = 1
	unknownCall  = 2
	badParameter = 3
	notChanged   = 4
	forbidden    = 5
	queryFailed  = 6
	busy         = 7
	notFound     = 8
)

// FaultKind is a way to fail.
type FaultKind string

// The faults. Those named after a commit have done what was asked.
const (
	Status500  FaultKind = "status_500"
	TooMany    FaultKind = "too_many"
	Failed     FaultKind = "failed" // status 1, before the commit
	Query      FaultKind = "query"  // status 6, before the commit
	Busy       FaultKind = "busy"   // status 7, before the commit
	Commit500  FaultKind = "commit_500"
	CommitFail FaultKind = "commit_fail" // status 1 after the commit
	DropBefore FaultKind = "drop_before"
	DropAfter  FaultKind = "drop_after"
	Page       FaultKind = "page" // HTML with status 200, after the commit
	Empty      FaultKind = "empty"
	HalfAnswer FaultKind = "half_answer"
	WrongTypes FaultKind = "wrong_types" // lists are texts
	NoStatus   FaultKind = "no_status"
	Slow       FaultKind = "slow"
)

// Fault strikes the next calls.
type Fault struct {
	Kind FaultKind
	// Req is the command that it strikes; empty is any.
	Req string
	// After is how many calls it lets pass first; Times how many it strikes, 0
	// is one.
	After, Times int
	// Pause is how long a Slow answer takes.
	Pause time.Duration
}

// Call is one that was made.
type Call struct {
	Time  time.Time
	Req   string
	Fault FaultKind
	// Status is that of the answer's body, -1 if there was none.
	Status int
	// Body is what was sent, without the password.
	Body string
}

// meanwhile is something that happens just before a call is answered.
type meanwhile struct {
	req   string
	after int
	do    func()
}

// Server is one pretend cabinet.
type Server struct {
	config Config

	mu       sync.Mutex
	next     int64
	chains   []*chain
	sections []*section
	devices  []*device
	faults   []*Fault
	scripts  []*meanwhile
	calls    []Call
}

// New makes a cabinet without chains.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.FixedZone("UTC+2", 2*3600)
	}
	// Identities are above 31 bits, as real ones are.
	return &Server{config: c, next: 3002871911}
}

// stamp is the server's clock in the seconds that all stamps have.
func (s *Server) stamp() int64 { return s.config.Now().Unix() }

func (s *Server) id() int64 {
	s.next++
	return s.next
}

// AddFault lets the next calls fail.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Meanwhile does something just before a call of req is answered, once, after so
// many more of them: a till sells between two reads. do may call the office.
func (s *Server) Meanwhile(req string, after int, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, &meanwhile{req, after, do})
}

// Calls gives the calls so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Count is how many calls of a command were made on the day (in UTC) of a moment;
// an empty command counts all.
func (s *Server) Count(req string, day time.Time) int {
	n := 0
	for _, c := range s.Calls() {
		if (req == "" || c.Req == req) && c.Time.UTC().Format(time.DateOnly) == day.UTC().Format(time.DateOnly) {
			n++
		}
	}
	return n
}

// prelude takes the fault of a call, and what happens before it is answered.
func (s *Server) prelude(req string) (f Fault, first []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.scripts); i++ {
		m := s.scripts[i]
		if m.req != req {
			continue
		}
		if m.after--; m.after < 0 {
			first = append(first, m.do)
			s.scripts = append(s.scripts[:i], s.scripts[i+1:]...)
			i--
		}
	}
	for i, f := range s.faults {
		if f.Req != "" && f.Req != req {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Times--; f.Times <= 0 {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
		}
		return *f, first
	}
	return Fault{}, first
}

// reply is an answer before it is spelled.
type reply struct {
	status  int
	message string
	body    map[string]any
}

func refusal(status int, message string) reply { return reply{status: status, message: message} }

// commands are all that are known.
func (s *Server) commands() map[string]func(request) reply {
	m := map[string]func(request) reply{
		"GETCHAINLIST": s.getChains, "GETSECTLIST": s.getSections, "GETDEVLIST": s.getDevices,
		"GETGOODS": s.getGoods, "GETGOODSQNTY": s.getQuantities, "PUTGOODS": s.putGoods, "UPDGOODS": s.updateGoods, "ADDGOODS": s.addGoods, "DELGOODS": s.deleteGoods,
		"GETSALES": s.getSales, "GETPERSALES": s.getPeriod, "GETPRTLIST": s.getProtocols, "GETPRT": s.getProtocol, "GETPRTSTATE": s.getState, "SETPRTSTATE": s.setState,
	}
	if !s.config.Options.OnlyList {
		m["GETPRTLST"] = s.getProtocols
	}
	return m
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api" {
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
		return
	}
	in, err := parse(body)
	fault, first := s.prelude(in.Req)
	for _, do := range first {
		do()
	}
	if fault.Kind == Slow {
		t := time.NewTimer(fault.Pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	call := Call{Time: s.config.Now(), Req: in.Req, Fault: fault.Kind, Status: -1, Body: redacted(body, in.Psw)}
	defer func() { s.calls = append(s.calls, call) }()
	if before(w, fault.Kind) {
		return
	}
	got := s.do(in, err, fault.Kind)
	call.Status = got.status
	s.write(w, in, got, fault.Kind)
}

// redacted is a request without its password.
func redacted(body []byte, password string) string {
	if password == "" {
		return string(body)
	}
	return strings.ReplaceAll(string(body), password, "***")
}

// do is what a call does.
func (s *Server) do(in request, bad error, fault FaultKind) reply {
	switch fault {
	case Failed:
		return refusal(failed, "general failure")
	case Query:
		return refusal(queryFailed, "database query failed")
	case Busy:
		return refusal(busy, "the request can not be performed at the moment")
	}
	if bad != nil {
		return refusal(badParameter, "invalid request: "+bad.Error())
	}
	if in.Login != s.config.Login || in.Psw != s.config.Password {
		status := forbidden
		if s.config.Options.BadLogin != 0 {
			status = s.config.Options.BadLogin
		}
		return refusal(status, "access denied for "+in.Login)
	}
	command, known := s.commands()[in.Req]
	if !known {
		return refusal(unknownCall, "unknown request "+in.Req)
	}
	got := command(in)
	if fault == CommitFail {
		return refusal(failed, "general failure")
	}
	return got
}

// before answers the faults that do nothing of what was asked; it says whether one
// did.
func before(w http.ResponseWriter, fault FaultKind) bool {
	switch fault {
	case Status500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case TooMany:
		http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
	case DropBefore:
		drop(w)
	default:
		return false
	}
	return true
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

// write spells an answer.
func (s *Server) write(w http.ResponseWriter, in request, got reply, fault FaultKind) {
	switch fault {
	case DropAfter:
		drop(w)
		return
	case Commit500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	out := map[string]any{"req": in.Req, "status": got.status}
	if got.message != "" {
		out["message"] = got.message
	}
	for k, v := range got.body {
		out[k] = v
	}
	if fault == NoStatus {
		delete(out, "status")
	}
	text, err := json.Marshal(s.config.Options.spell(out, fault))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch fault {
	case Page:
		text = []byte("<!DOCTYPE html><html><title>SM POS</title><p>Technical works</html>")
	case Empty:
		text = nil
	case HalfAnswer:
		text = text[:len(text)/2]
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if s.config.Options.HTTPErrors && got.status != done && got.status != notChanged {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = w.Write(text) // whoever asked is gone
}
