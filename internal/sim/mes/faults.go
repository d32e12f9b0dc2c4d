package mes

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind is one way in which a call goes wrong.
type FaultKind string

// The kinds of faults.
const (
	// FaultLatency answers, Delay later.
	FaultLatency FaultKind = "latency"
	// FaultLimit answers 429 with Retry-After in the form of the option
	// retry_after, FaultLimitBare without. The call is not applied.
	FaultLimit     FaultKind = "limit"
	FaultLimitBare FaultKind = "limit_bare"
	// FaultStatus answers Status (503 if none is given); not applied.
	FaultStatus FaultKind = "status"
	// FaultDropBefore resets the connection; not applied. FaultDropAfter
	// applies the call first.
	FaultDropBefore FaultKind = "drop_before"
	FaultDropAfter  FaultKind = "drop_after"
	// FaultMalformed applies the call and answers 200 with a broken body.
	FaultMalformed FaultKind = "malformed"
	// FaultSlowBody applies the call and takes Delay between the bytes of the
	// answer's body.
	FaultSlowBody FaultKind = "slow_body"
	// FaultPage answers 200 with a web page, as a proxy's login does; the call
	// never reached Prodsmart.
	FaultPage FaultKind = "page"
)

// Fault says which calls go wrong, and how.
type Fault struct {
	// ID is given by the server.
	ID int `json:"id"`
	// Service is counter, parameters, startstop, authorization, downtimes or
	// productions; empty means all. Machine is a machine code; empty means all.
	Service string    `json:"service,omitempty"`
	Machine string    `json:"machine,omitempty"`
	Kind    FaultKind `json:"kind"`
	// Status of FaultStatus.
	Status int `json:"status,omitempty"`
	// Delay of FaultLatency and FaultSlowBody, in nanoseconds in JSON.
	Delay time.Duration `json:"delay,omitempty"`
	// RetryAfter of FaultLimit, rounded up to seconds.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// Times is how often the fault strikes; 0 means until it is cleared.
	Times int `json:"times,omitempty"`
	// Chance is the probability that it strikes a call it fits; 0 means always.
	Chance float64 `json:"chance,omitempty"`
	// For ends the fault that long after it was added; 0 means never.
	For time.Duration `json:"for,omitempty"`

	until time.Time
}

func (f Fault) check() error {
	kinds := []FaultKind{FaultLatency, FaultLimit, FaultLimitBare, FaultStatus, FaultDropBefore,
		FaultDropAfter, FaultMalformed, FaultSlowBody, FaultPage}
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("fault kind %q is not known; allowed: %v", f.Kind, kinds)
	}
	services := []string{"", serviceCounter, serviceParameters, serviceStartStop, serviceAuthorization,
		serviceDowntimes, serviceProductions}
	if !slices.Contains(services, f.Service) {
		return fmt.Errorf("fault service %q is not known; allowed: %v", f.Service, services[1:])
	}
	if f.Chance < 0 || f.Chance > 1 {
		return fmt.Errorf("fault chance %v: must be from 0 to 1", f.Chance)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("fault status %d: must be from 400 to 599", f.Status)
	}
	if f.Delay < 0 || f.RetryAfter < 0 || f.For < 0 || f.Times < 0 {
		return fmt.Errorf("fault %s: times and durations can not be negative", f.Kind)
	}
	return nil
}

// AddFault switches a fault on and returns its number.
func (s *Server) AddFault(f Fault) (int, error) {
	if err := f.check(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.ID = s.newID()
	if f.For > 0 {
		f.until = s.now().Add(f.For)
	}
	s.faults = append(s.faults, &f)
	return f.ID, nil
}

// ClearFaults switches all faults off.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults lists what is switched on.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireFaults()
	list := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		list[i] = *f
	}
	return list
}

func (s *Server) expireFaults() {
	now := s.now()
	s.faults = slices.DeleteFunc(s.faults, func(f *Fault) bool {
		return !f.until.IsZero() && !now.Before(f.until)
	})
}

// strike picks the fault of a call, if any. The caller holds the lock.
func (s *Server) strike(service, machine string) *Fault {
	s.expireFaults()
	for i, f := range s.faults {
		if f.Service != "" && f.Service != service || f.Machine != "" && f.Machine != machine {
			continue
		}
		if f.Chance > 0 && s.random.Float64() >= f.Chance {
			continue
		}
		struck := *f
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return &struck
	}
	return nil
}

// before carries out a fault that comes before the call is applied. It returns
// the outcome to be recorded, or "" if the call goes on.
func (s *Server) before(f *Fault, w http.ResponseWriter, r *http.Request) string {
	if f == nil {
		return ""
	}
	switch f.Kind {
	case FaultLatency:
		wait(r, f.Delay)
	case FaultLimit, FaultLimitBare:
		if f.Kind == FaultLimit {
			s.mu.Lock()
			s.retryAfter(w.Header(), f.RetryAfter)
			s.mu.Unlock()
		}
		http.Error(w, "Too many requests", http.StatusTooManyRequests)
		return "fault " + string(f.Kind)
	case FaultStatus:
		status := f.Status
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		http.Error(w, http.StatusText(status), status)
		return "fault " + strconv.Itoa(status)
	case FaultDropBefore:
		drop(w)
		return "fault drop_before"
	case FaultPage:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to use this network.</body></html>")
		return "fault page"
	}
	return ""
}

// answer writes the answer of a call that was applied or refused, as far as
// the fault lets it through. It returns the fault's name if it did not.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request, a answer) string {
	if f != nil && a.status < 300 {
		switch f.Kind {
		case FaultDropAfter:
			drop(w)
			return string(f.Kind)
		case FaultMalformed:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(a.status)
			fmt.Fprint(w, `{"count": 5,`)
			return string(f.Kind)
		case FaultSlowBody:
			a.write(w, func(b []byte) {
				for i := range b {
					w.Write(b[i : i+1])
					http.NewResponseController(w).Flush()
					wait(r, f.Delay)
				}
			})
			return ""
		}
	}
	a.write(w, func(b []byte) { w.Write(b) })
	return ""
}

func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// drop resets the connection without an answer.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// Not a connection of net/http's own: the nearest thing to no answer.
		http.Error(w, "connection lost", http.StatusBadGateway)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only if the connection is gone already
	}
	conn.Close()
}

func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
