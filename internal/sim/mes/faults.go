package mes

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// FaultKind is one way in which a call goes wrong.
type FaultKind string

// The kinds of faults that keep a call from Prodsmart: it is not applied.
const (
	// FaultLimit answers 429 with Retry-After in the form of the option
	// retry_after, FaultLimitBare without.
	FaultLimit     FaultKind = "limit"
	FaultLimitBare FaultKind = "limit_bare"
	// FaultStatus answers Status (503 if none is given).
	FaultStatus FaultKind = "status"
	// FaultDropBefore resets the connection.
	FaultDropBefore FaultKind = "drop_before"
	// FaultNeverBefore does not answer until the client gives up, or resets the
	// connection after Delay if there is one.
	FaultNeverBefore FaultKind = "never_before"
	// FaultLateApply resets the connection, and yet the call is applied Delay
	// later, whatever came in between.
	FaultLateApply FaultKind = "late_apply"
	// FaultPage answers 200 with a web page, as a proxy's login does.
	FaultPage FaultKind = "page"
	// FaultCached answers what another call got before, as a proxy does that
	// keeps what it should not.
	FaultCached FaultKind = "cached"
)

// The kinds of faults of calls that are applied. All but the first two strike
// only where the call is accepted: a refusal comes through.
const (
	// FaultLatency waits for Delay, then applies the call and answers.
	FaultLatency FaultKind = "latency"
	// FaultLateAnswer applies the call at once and answers Delay later.
	FaultLateAnswer FaultKind = "late_answer"
	// FaultDropAfter applies the call and resets the connection.
	FaultDropAfter FaultKind = "drop_after"
	// FaultNeverAfter applies the call and does what FaultNeverBefore does.
	FaultNeverAfter FaultKind = "never_after"
	// FaultTwice applies the call, answers, and applies it again Delay later (at
	// once without one), as a proxy does that repeats requests.
	FaultTwice FaultKind = "twice"
	// FaultTwiceSecond applies the call twice at once and gives the answer of
	// the second time, as a proxy does that lost the first answer.
	FaultTwiceSecond FaultKind = "twice_second"
	// FaultMalformed answers 200 with a broken body, FaultTruncated with a body
	// that ends in the middle as the connection does, FaultPageAfter with a web
	// page, FaultOtherAnswer with what another call got before.
	FaultMalformed   FaultKind = "malformed"
	FaultTruncated   FaultKind = "truncated"
	FaultPageAfter   FaultKind = "page_after"
	FaultOtherAnswer FaultKind = "other_answer"
	// FaultSlowBody takes Delay between the bytes of the answer's body.
	FaultSlowBody FaultKind = "slow_body"
)

// The kinds of faults of webhooks. They strike no call.
const (
	// FaultHookLost does not send it, FaultHookRepeated sends it twice.
	FaultHookLost     FaultKind = "webhook_lost"
	FaultHookRepeated FaultKind = "webhook_repeated"
	// FaultHookReordered sends it after the next one, or Delay later (1 s
	// without one) if there is none until then. FaultHookDelayed sends it Delay
	// later.
	FaultHookReordered FaultKind = "webhook_reordered"
	FaultHookDelayed   FaultKind = "webhook_delayed"
)

// ofWebhooks says that the kind is one of webhooks.
func (k FaultKind) ofWebhooks() bool {
	return slices.Contains([]FaultKind{FaultHookLost, FaultHookRepeated, FaultHookReordered, FaultHookDelayed}, k)
}

// faultKinds lists all kinds.
func faultKinds() []FaultKind {
	return []FaultKind{FaultLimit, FaultLimitBare, FaultStatus, FaultDropBefore, FaultNeverBefore, FaultLateApply,
		FaultPage, FaultCached, FaultLatency, FaultLateAnswer, FaultDropAfter, FaultNeverAfter, FaultTwice,
		FaultTwiceSecond, FaultMalformed, FaultTruncated, FaultPageAfter, FaultOtherAnswer, FaultSlowBody,
		FaultHookLost, FaultHookRepeated, FaultHookReordered, FaultHookDelayed}
}

// Fault says which calls go wrong, and how.
type Fault struct {
	// ID is given by the server.
	ID int `json:"id"`
	// Service is counter, parameters, startstop, authorization, downtimes,
	// productions, production-orders, changes, stock, bom, worker-labor-time or
	// one of the lists of the business side, by its name in paths; empty means
	// all. The kinds of webhooks have none. Machine is a machine code; empty means all.
	Service string `json:"service,omitempty"`
	Machine string `json:"machine,omitempty"`
	// Path is how the path of a call begins; empty means all.
	Path string    `json:"path,omitempty"`
	Kind FaultKind `json:"kind"`
	// Status of FaultStatus.
	Status int `json:"status,omitempty"`
	// Delay of the kinds that have one, in nanoseconds in JSON.
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
	if !slices.Contains(faultKinds(), f.Kind) {
		return fmt.Errorf("fault kind %q is not known; allowed: %v", f.Kind, faultKinds())
	}
	services := []string{"", serviceCounter, serviceParameters, serviceStartStop, serviceAuthorization,
		serviceDowntimes, serviceProductions, serviceOrders, serviceChanges, serviceStock, serviceBOM, serviceLaborTime}
	for _, k := range entityKinds() {
		services = append(services, k.name)
	}
	if !slices.Contains(services, f.Service) {
		return fmt.Errorf("fault service %q is not known; allowed: %v", f.Service, services[1:])
	}
	if f.Kind.ofWebhooks() && f.Service+f.Machine != "" {
		return fmt.Errorf("fault %s: webhooks are of no service and no machine", f.Kind)
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
	s.lock()
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
	s.lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Faults lists what is switched on.
func (s *Server) Faults() []Fault {
	s.lock()
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
func (s *Server) strike(service, machine, path string) *Fault {
	s.expireFaults()
	for i, f := range s.faults {
		if f.Kind.ofWebhooks() != (service == serviceWebhooks) {
			continue
		}
		if f.Service != "" && f.Service != service || f.Machine != "" && f.Machine != machine || !strings.HasPrefix(path, f.Path) {
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
