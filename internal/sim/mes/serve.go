package mes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

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

// given is an answer with the call that it belongs to.
type given struct {
	service, machine string
	answer           answer
}

// delivery is one request on its way in.
type delivery struct {
	r     *http.Request // without its body
	call  Call
	fault *Fault
	// over says that the limit refuses it, and pause for how long.
	over  bool
	pause time.Duration
	// due is when it is delivered if it is late.
	due time.Time
}

// lock takes the lock, with everything done that was due by now.
func (s *Server) lock() {
	s.mu.Lock()
	s.deliverLate()
}

// now is the time. The caller holds the lock.
func (s *Server) now() time.Time {
	if !s.moment.IsZero() {
		return s.moment
	}
	return s.clock()
}

// ServeHTTP answers one call of a client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	d := s.arrive(r, string(body))
	if s.before(w, d) {
		return
	}
	a, number := s.apply(d)
	s.answer(w, d, a)
	if r.Context().Err() == nil && !d.fault.eats() {
		s.told(d.call.Machine, number)
	}
}

// arrive takes a request in: it picks the fault and asks the limit, unless the
// fault keeps the request from coming that far.
func (s *Server) arrive(r *http.Request, body string) delivery {
	s.lock()
	defer s.mu.Unlock()
	service, machine := s.options.route(r.Method, r.URL)
	d := delivery{r: r, call: Call{Time: s.now(), Method: r.Method, Path: r.URL.Path, Query: tokenless(r.URL),
		Service: service, Machine: machine, Body: body}}
	s.busiest.add(d.call.Time)
	d.fault = s.strike(service, machine, r.URL.Path)
	if d.fault.keepsAway() {
		d.call.Outcome = d.fault.outcome()
		if d.fault.Kind == FaultLateApply {
			s.postpone(d, d.fault.Delay)
		}
		s.record(d.call)
		return d
	}
	var ok bool
	ok, d.pause = s.limit.Take(d.call.Time)
	d.over = !ok
	return d
}

// apply carries a request out and records it. It returns the answer and the
// number of the call.
func (s *Server) apply(d delivery) (answer, uint64) {
	s.lock()
	defer s.mu.Unlock()
	a := s.carryOut(&d)
	if a.status >= 300 {
		return a, s.seen
	}
	number := s.seen
	s.doubt[d.call.Machine] = number // until the answer got through
	switch {
	case d.fault == nil:
	case d.fault.Kind == FaultTwiceSecond:
		a = s.again(d)
	case d.fault.Kind == FaultTwice && d.fault.Delay == 0:
		s.again(d)
	case d.fault.Kind == FaultTwice:
		s.postpone(d, d.fault.Delay)
	}
	return a, number
}

// carryOut applies a request that is in, and records it.
func (s *Server) carryOut(d *delivery) answer {
	c := &d.call
	var a answer
	if d.over {
		s.violate(c, ViolationLimit, "more than %d requests a minute", s.options.Limit)
		a = s.tooMany(d.pause)
	} else {
		a, c.Applied = s.serve(d.r, c)
	}
	c.Status, c.Outcome = a.status, "ok"
	if a.status >= 300 {
		c.Outcome = a.body
	}
	if d.fault.eats() && a.status < 300 {
		c.Outcome += ", " + d.fault.outcome()
	}
	s.record(*c)
	if a.status < 300 && c.Machine != "" {
		s.answers = append(s.answers, given{c.Service, c.Machine, a})
		s.answers = s.answers[max(0, len(s.answers)-8):]
	}
	return a
}

// told ends the doubt about a call whose answer got through.
func (s *Server) told(machine string, number uint64) {
	s.lock()
	defer s.mu.Unlock()
	if s.doubt[machine] == number {
		delete(s.doubt, machine)
	}
}

// record remembers a call. The caller holds the lock.
func (s *Server) record(c Call) {
	s.seen++
	c.Number = s.seen
	s.calls = append(s.calls, c)
	if extra := len(s.calls) - s.config.KeepCalls; extra > s.config.KeepCalls/4 {
		s.calls = slices.Delete(s.calls, 0, extra)
	}
}

// serve answers a request that is within the limit.
func (s *Server) serve(r *http.Request, c *Call) (answer, bool) {
	switch {
	case c.Service == "":
		return text(http.StatusNotFound, "Not found"), false
	case c.Service == serviceAuthorization:
		return s.authorization(r, []byte(c.Body))
	case c.Service == serviceOrders || c.Service == serviceChanges || c.Service == serviceProductions:
		return s.orderCall(r, c)
	case s.isEntity(c.Service):
		return s.entityCall(r, c)
	case c.Service == serviceDowntimes:
		return s.list(r, c.Service), false
	case r.Method != http.MethodPost:
		return text(http.StatusMethodNotAllowed, "Method not allowed"), false
	case c.By == byForeign:
		return s.machineCall(c, []byte(c.Body))
	}
	if a, ok := s.admit(r); !ok {
		return a, false
	}
	return s.machineCall(c, []byte(c.Body))
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
	case TextJSON:
		return asJSON(http.StatusBadRequest, map[string]string{"message": message})
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

// noContent is a 204, with the text that is documented for it where the option
// says.
func (s *Server) noContent(literal string) answer {
	a := answer{status: http.StatusNoContent}
	if s.options.LiteralHeader == LiteralHeaderPresent {
		a.header = http.Header{"X-Literal": {literal}}
	}
	return a
}

func text(status int, body string) answer {
	return answer{status: status, kind: "text/plain; charset=utf-8", body: body}
}
