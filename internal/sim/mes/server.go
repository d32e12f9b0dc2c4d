package mes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The services, as faults and records name them.
const (
	serviceAuthorization = "authorization"
	serviceCounter       = "counter"
	serviceParameters    = "parameters"
	serviceStartStop     = "startstop"
	serviceDowntimes     = "downtimes"
	serviceProductions   = "productions"
)

// Who made a call, if it was not the client.
const byForeign = "foreign"

// Config is what New needs.
type Config struct {
	// Key and Secret of the one user.
	Key, Secret string
	Machines    []MachineSetup
	Profile     Profile
	// Zone is the company's time zone; nil means UTC.
	Zone *time.Location
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Seed of the faults that come by chance.
	Seed uint64
	// KeepCalls is the number of calls that are remembered; 0 means 100,000.
	KeepCalls int
}

// Server is one pretend Prodsmart with one company. It is an http.Handler for
// the paths under /api and /api/v1; the control interface is apart (Control).
type Server struct {
	config Config
	now    func() time.Time

	mu         sync.Mutex
	options    Options
	machines   map[string]*Machine
	faults     []*Fault
	tokens     map[string]time.Time // token to end of life
	lastToken  string
	limit      *Limit
	busiest    busiest
	calls      []Call
	seen       uint64
	violations []Violation
	doubt      map[string]bool // machines whose last accepted answer was lost
	random     *rand.Rand
	nextID     int
	codeIDs    map[string]int // numbers of what has only a code: orders, waste codes

	serving sync.WaitGroup
	http    *http.Server
}

// Call is one request as it came.
type Call struct {
	// Number counts the calls from 1.
	Number uint64    `json:"number"`
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	// Query is without the token.
	Query   string `json:"query,omitempty"`
	Service string `json:"service"`
	Machine string `json:"machine,omitempty"`
	Body    string `json:"body,omitempty"`
	Status  int    `json:"status"`
	// By is empty for a call of the client, "foreign" for one of ForeignCall.
	By string `json:"by,omitempty"`
	// Applied says that the call changed something or was accepted as needless.
	Applied bool `json:"applied"`
	// Outcome is "ok", the text of the refusal, or the fault that struck.
	Outcome string `json:"outcome"`
}

// answer is what a service says before faults get at it.
type answer struct {
	status int
	kind   string // content type
	body   string
	header http.Header
}

func (a answer) write(w http.ResponseWriter, body func([]byte)) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	w.WriteHeader(a.status)
	if a.body != "" {
		body([]byte(a.body))
	}
}

// New makes a Prodsmart. It is not listening yet.
func New(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.KeepCalls == 0 {
		c.KeepCalls = 100_000
	}
	s := &Server{config: c, now: c.Now}
	if err := s.Reset(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reset forgets everything and begins as New did.
func (s *Server) Reset() error {
	o, err := s.config.Profile.Options.filled()
	if err != nil {
		return err
	}
	limit, err := NewLimit(s.limitOptions(o))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, m := range s.config.Machines {
		if m.Code == "" || seen[m.Code] {
			return fmt.Errorf("machine code %q is empty or occurs twice", m.Code)
		}
		seen[m.Code] = true
	}
	s.mu.Lock()
	s.options, s.machines, s.codeIDs, s.nextID = o, map[string]*Machine{}, map[string]int{}, 0
	s.faults, s.calls, s.seen, s.violations = nil, nil, 0, nil
	s.tokens, s.lastToken = map[string]time.Time{}, ""
	s.limit, s.busiest = limit, busiest{}
	s.doubt = map[string]bool{}
	s.random = rand.New(rand.NewPCG(s.config.Seed, 1))
	for _, m := range s.config.Machines {
		s.setUp(newMachine(m))
	}
	s.mu.Unlock()
	for _, f := range s.config.Profile.Faults {
		if _, err := s.AddFault(f); err != nil {
			return err
		}
	}
	return nil
}

// setUp takes a machine in and starts its production. The caller holds the lock.
func (s *Server) setUp(m *Machine) {
	if m.ID == 0 {
		m.ID = s.newID()
	}
	s.machines[m.Code] = m
	if m.InProduction {
		s.startProduction(m, m.Work)
	}
}

// Serve listens on addr and answers until Close. It returns host:port.
func (s *Server) Serve(addr string) (string, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("pretend Prodsmart at %s: %w; is another program using the port?", addr, err)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		_ = s.http.Serve(ln) // ends by Close; any other end shows in the client
	}()
	return ln.Addr().String(), nil
}

// Close ends Serve. Calls under way have a second to finish.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.serving.Wait()
	return err
}

// ServeHTTP answers one call of a client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	service, machine := route(r.URL)
	c := Call{Time: s.now(), Method: r.Method, Path: r.URL.Path, Query: tokenless(r.URL), Service: service, Machine: machine, Body: string(body)}

	s.mu.Lock()
	fault := s.strike(service, machine)
	s.busiest.add(c.Time)
	s.mu.Unlock()
	if outcome := s.before(fault, w, r); outcome != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.Outcome = outcome
		s.record(c)
		return
	}
	s.mu.Lock()
	a, applied := s.call(r, &c, body)
	s.mu.Unlock()
	s.finish(&c, a, applied)
	if lost := fault.answer(w, r, a); lost != "" {
		c.Outcome += ", fault " + lost
		s.mu.Lock()
		s.doubt[machine] = true
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(c)
}

// finish notes what became of a call.
func (s *Server) finish(c *Call, a answer, applied bool) {
	c.Status, c.Applied, c.Outcome = a.status, applied, "ok"
	if a.status >= 300 {
		c.Outcome = a.body
	}
}

// record remembers a call. The caller holds the lock.
func (s *Server) record(c Call) {
	s.seen++
	c.Number = s.seen
	s.calls = append(s.calls, c)
	if extra := len(s.calls) - s.config.KeepCalls; extra > 0 {
		s.calls = slices.Delete(s.calls, 0, extra)
	}
}

// route finds service and machine in a path; both are empty if there is none.
func route(u *url.URL) (service, machine string) {
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		rest, ok = strings.CutPrefix(path, "/api/")
	}
	if !ok {
		return "", ""
	}
	switch rest {
	case serviceAuthorization, serviceDowntimes, serviceProductions:
		return rest, ""
	}
	part := strings.Split(rest, "/")
	if len(part) != 3 || part[0] != "machines" {
		return "", ""
	}
	switch part[2] {
	case serviceCounter, serviceParameters, serviceStartStop:
	default:
		return "", ""
	}
	code, err := url.PathUnescape(part[1])
	if err != nil {
		return "", ""
	}
	return part[2], code
}

// tokenless is the query of a call without its token.
func tokenless(u *url.URL) string {
	q := u.Query()
	q.Del("access_token")
	return q.Encode()
}

// call applies one request. The caller holds the lock.
func (s *Server) call(r *http.Request, c *Call, body []byte) (answer, bool) {
	if ok, pause := s.limit.Take(s.now()); !ok {
		s.violate(c, ViolationLimit, "more than %d requests a minute", s.options.Limit)
		return s.tooMany(pause), false
	}
	switch {
	case c.Service == "":
		return text(http.StatusNotFound, "Not found"), false
	case c.Service == serviceAuthorization:
		return s.authorization(r, body)
	case c.Service == serviceDowntimes || c.Service == serviceProductions:
		return s.list(r, c.Service), false
	case r.Method != http.MethodPost:
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	}
	if a, ok := s.admit(r); !ok {
		return a, false
	}
	return s.machineCall(c, body)
}

// machineCall applies a call to one of the three services of machines, by
// whomever. The caller holds the lock.
func (s *Server) machineCall(c *Call, body []byte) (answer, bool) {
	m := s.machines[c.Machine]
	if m == nil {
		if s.options.UnknownMachine == UnknownMachineReject {
			return s.refuse("Machine %s does not exist", c.Machine), false
		}
		return text(http.StatusNotFound, "Machine not found"), false
	}
	var a answer
	switch c.Service {
	case serviceCounter:
		a = s.counter(m, c, body)
	case serviceParameters:
		a = s.parameters(m, body)
	default:
		a = s.startStop(m, body)
	}
	if a.status >= 300 {
		return a, false
	}
	m.Accepted[c.Service]++
	return a, true
}

// tooMany is the answer to a call above the limit.
func (s *Server) tooMany(pause time.Duration) answer {
	a := text(http.StatusTooManyRequests, "Too many requests")
	a.header = http.Header{}
	s.retryAfter(a.header, pause)
	return a
}

// retryAfter writes the header in the form that the options ask for. A date is
// rounded up to the whole second, as the form has no parts of seconds.
func (s *Server) retryAfter(h http.Header, pause time.Duration) {
	switch s.options.RetryAfter {
	case RetryAfterAbsent:
	case RetryAfterDate:
		at := s.now().Add(pause + time.Second - time.Nanosecond).Truncate(time.Second)
		h.Set("Retry-After", at.UTC().Format(http.TimeFormat))
	default:
		h.Set("Retry-After", seconds(pause))
	}
}

// refuse is a 400 with the text in the form that the options ask for.
func (s *Server) refuse(format string, args ...any) answer {
	message := fmt.Sprintf(format, args...)
	switch s.options.RejectionText {
	case TextEmpty:
		return answer{status: http.StatusBadRequest}
	case TextHTML:
		return answer{status: http.StatusBadRequest, kind: "text/html; charset=utf-8",
			body: "<html><body><h1>Bad Request</h1><p>" + message + "</p></body></html>"}
	}
	return text(http.StatusBadRequest, message)
}

func asJSON(status int, v any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		return text(http.StatusInternalServerError, err.Error())
	}
	return answer{status: status, kind: "application/json", body: string(b)}
}

func text(status int, body string) answer {
	return answer{status: status, kind: "text/plain; charset=utf-8", body: body}
}
