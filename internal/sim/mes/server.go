package mes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
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
	serviceOrders        = "production-orders"
	serviceChanges       = "changes"
	serviceWebhooks      = "webhooks" // of faults only
)

// Who made a call, if it was not the client.
const (
	byForeign = "foreign"
	byNetwork = "network"
)

// Config is what New needs.
type Config struct {
	// Key and Secret of the one user.
	Key, Secret string
	Machines    []MachineSetup
	Profile     Profile
	// Workers of the company; without any, all numbers are accepted and no group
	// has members.
	Workers []WorkerSetup
	// Channels are the change channels that there are from the start.
	Channels []ChannelSetup
	// Webhooks sends the webhooks; nil means a client that waits for 10 s.
	Webhooks *http.Client
	// Zone is the company's time zone; nil means UTC.
	Zone *time.Location
	// Now is the clock; nil means time.Now. Sleep waits by it until the context
	// ends; nil means by the computer's.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration)
	// Seed of the faults that come by chance.
	Seed uint64
	// KeepCalls is the number of calls that are remembered at least, up to a
	// quarter more; 0 means 100,000.
	KeepCalls int
}

// Server is one pretend Prodsmart with one company. It is an http.Handler for
// the paths under /api and /api/v1; the control interface is apart (Control).
type Server struct {
	config Config

	mu         sync.Mutex
	moment     time.Time // the time of what is being delivered late; else zero
	late       []delivery
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
	doubt      map[string]uint64 // machines to the last accepted call whose answer has not got through
	answers    []given           // the last accepted ones
	random     *rand.Rand
	nextID     int
	codeIDs    map[string]int // numbers of what has only a code: orders, waste codes
	orders     map[int]*Order
	gone       map[int]bool // numbers of orders that were deleted
	feed       feed
	courier    courier
	ahead      time.Duration // how far the clock was advanced

	entities map[string][]*entity
	stocks   map[string]float64 // by product code
	// reporting is until when a report is made.
	reporting time.Time

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
	// By is empty for a call of the client, "foreign" for one of ForeignCall, and
	// "network" for a call of the client that a proxy delivers late or again.
	By string `json:"by,omitempty"`
	// Applied says that the call changed something or was accepted as needless.
	Applied bool `json:"applied"`
	// Outcome is "ok", the text of the refusal, or the fault that struck.
	Outcome string `json:"outcome"`
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
	if c.Sleep == nil {
		c.Sleep = wait
	}
	if c.Webhooks == nil {
		c.Webhooks = &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
			// Who answers with another place has had the webhook.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	s := &Server{config: c}
	s.courier.client = c.Webhooks
	s.courier.ctx, s.courier.stop = context.WithCancel(context.Background())
	if err := s.Reset(); err != nil {
		return nil, err
	}
	return s, nil
}

// wait is the Sleep of the computer's clock.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
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
	s.doubt, s.late, s.answers = map[string]uint64{}, nil, nil
	s.random = rand.New(rand.NewPCG(s.config.Seed, 1))
	s.orders, s.gone = map[int]*Order{}, map[int]bool{}
	s.feed = feed{known: map[feedKey]bool{}}
	s.ahead = 0
	s.entities, s.stocks, s.reporting = map[string][]*entity{}, map[string]float64{}, time.Time{}
	for _, sub := range s.courier.subscribers {
		sub.queue, sub.held = nil, nil
	}
	s.courier.subscribers, s.courier.log, s.courier.sum = nil, nil, 0
	for _, c := range s.config.Channels {
		err = errors.Join(err, s.addChannel(c))
	}
	for _, m := range s.config.Machines {
		s.setUp(newMachine(m))
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
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

// Close ends Serve and the sending of webhooks: those that wait are not sent.
// Calls under way have a second to finish.
func (s *Server) Close() error {
	defer s.courier.running.Wait()
	s.mu.Lock()
	s.courier.stop()
	s.mu.Unlock()
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
