package mes

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// outcome is how a record of a call names the fault.
func (f *Fault) outcome() string {
	if f.Kind == FaultStatus {
		return "fault " + strconv.Itoa(f.status())
	}
	return "fault " + string(f.Kind)
}

// keepsAway says that the call does not come as far as the limit.
func (f *Fault) keepsAway() bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultLimit, FaultLimitBare, FaultStatus, FaultDropBefore, FaultNeverBefore, FaultLateApply, FaultPage, FaultCached:
		return true
	}
	return false
}

// eats says that the client does not learn that its call was accepted.
func (f *Fault) eats() bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultDropAfter, FaultNeverAfter, FaultTwiceSecond, FaultMalformed, FaultTruncated, FaultPageAfter, FaultOtherAnswer:
		return true
	}
	return false
}

// before carries out what comes before a call is applied. It says whether the
// call ends there.
func (s *Server) before(w http.ResponseWriter, d delivery) bool {
	f := d.fault
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultLatency:
		s.config.Sleep(d.r.Context(), f.Delay)
	case FaultLimit:
		s.lock()
		s.retryAfter(w.Header(), f.RetryAfter)
		s.mu.Unlock()
		http.Error(w, "Too many requests", http.StatusTooManyRequests)
	case FaultLimitBare:
		http.Error(w, "Too many requests", http.StatusTooManyRequests)
	case FaultStatus:
		http.Error(w, http.StatusText(f.status()), f.status())
	case FaultDropBefore, FaultLateApply:
		drop(w)
	case FaultNeverBefore:
		s.keepWaiting(w, d)
	case FaultPage:
		page(w)
	case FaultCached:
		a := s.other(d)
		a.write(w, func(b []byte) { w.Write(b) })
	}
	return f.keepsAway()
}

// status is that of FaultStatus.
func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusServiceUnavailable
	}
	return f.Status
}

// answer writes the answer of a call that was applied or refused, as far as
// the fault lets it through.
func (s *Server) answer(w http.ResponseWriter, d delivery, a answer) {
	delay := s.Options().AnswerDelay
	if d.fault != nil && d.fault.Kind == FaultLateAnswer {
		delay += d.fault.Delay
	}
	if delay > 0 {
		s.config.Sleep(d.r.Context(), delay)
	}
	write := func(b []byte) { w.Write(b) }
	if d.fault != nil && a.status < 300 {
		switch d.fault.Kind {
		case FaultDropAfter:
			drop(w)
			return
		case FaultNeverAfter:
			s.keepWaiting(w, d)
			return
		case FaultMalformed:
			a.kind, a.body = "application/json", `{"count": 5,`
		case FaultTruncated:
			truncate(w, a)
			return
		case FaultPageAfter:
			page(w)
			return
		case FaultOtherAnswer:
			a = s.other(d)
		case FaultSlowBody:
			write = func(b []byte) {
				for i := range b {
					w.Write(b[i : i+1])
					http.NewResponseController(w).Flush()
					s.config.Sleep(d.r.Context(), d.fault.Delay)
				}
			}
		}
	}
	a.write(w, write)
}

// keepWaiting lets a client wait until it gives up, or for the fault's delay.
func (s *Server) keepWaiting(w http.ResponseWriter, d delivery) {
	if d.fault.Delay > 0 {
		s.config.Sleep(d.r.Context(), d.fault.Delay)
	} else {
		<-d.r.Context().Done()
	}
	drop(w)
}

// other is an answer that belongs to another call: to one of another machine
// or service if there was any.
func (s *Server) other(d delivery) answer {
	s.lock()
	defer s.mu.Unlock()
	found := answer{status: http.StatusOK}
	for _, g := range s.answers {
		if g.machine != d.call.Machine || g.service != d.call.Service {
			found = g.answer
		}
	}
	return found
}

// truncate writes an answer that ends before its length.
func truncate(w http.ResponseWriter, a answer) {
	whole := len(a.body) + 10
	a.header = http.Header{"Content-Length": {strconv.Itoa(whole)}}
	a.body = a.body[:len(a.body)/2]
	a.write(w, func(b []byte) { w.Write(b) })
	control := http.NewResponseController(w)
	if control.Flush() != nil {
		return // the client is gone
	}
	// Closed, not reset, so that the client gets what there is.
	if conn, _, err := control.Hijack(); err == nil {
		conn.Close()
	}
}

func page(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to use this network.</body></html>")
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
