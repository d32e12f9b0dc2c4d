package opcua

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"
)

// plc is an OPC UA server on the library's wire protocol whose nodes, limits
// and answers a test decides. (The library's own server parses the whole
// standard address space at each start, which takes seconds, and accepts
// everything.) Its fields but addr are guarded by mu.
type plc struct {
	addr string

	mu       sync.Mutex
	listener net.Listener
	clients  map[*client]bool
	running  sync.WaitGroup

	namespaces []string
	values     map[string]*ua.DataValue // by name, in the plant's namespace
	// missing is what the server says to monitoring a node it does not have; 0
	// accepts it and reports a bad status as its value.
	missing ua.StatusCode
	// perCall is the largest number of items in one request, 0 for any;
	// tellLimit says whether clients can read it.
	perCall   int
	tellLimit bool
	// keepAlives are not sent if mute is set; nothing at all is answered while
	// hang is.
	mute, hang bool
	// refuse answers requests of a type with a status code.
	refuse      map[uint16]ua.StatusCode
	endpoints   []*ua.EndpointDescription
	certificate []byte
	onlyFor     string  // the URL that sessions must be opened for, if not empty
	interval    float64 // what it makes of any publishing interval, if not 0

	// skew is how far its clock is ahead. While frozen is set, its subscription
	// answers and tells the time, but no other value.
	skew   time.Duration
	frozen bool
	// filtered is a node whose changes are not told, as by a wide deadband.
	filtered string
	// reads counts how often each node was read.
	reads map[string]int
	// largest is the number of items in one request at which it hangs up, 0 for
	// none; sampling is what it makes of any sampling interval, if not 0.
	largest  int
	poison   string // a node for which it refuses every request
	sampling float64

	// flat is the number of variables in the folder Flat. At most two
	// continuation points are open at a time; points is their number now.
	flat, points int
	forgets      int    // continuation points that it will drop
	closedNode   string // a node that it does not let anybody browse

	calls    []int                            // items of each CreateMonitoredItems
	asked    []*ua.MonitoredItemCreateRequest // all items ever asked for
	token    any                              // of the last session
	nonce    []byte                           // given to it
	opened   *ua.CreateSessionRequest
	sessions int // opened
	closed   int // sessions closed by their clients
	denied   int // requests refused by refuse
}

// plantURI is the namespace of the test servers' nodes.
const plantURI = "urn:plant"

// newPLC makes a server that is not started yet, on a port of its own.
func newPLC(t testing.TB) *plc {
	t.Helper()
	p := &plc{
		namespaces: []string{"http://opcfoundation.org/UA/", plantURI},
		values:     map[string]*ua.DataValue{},
		refuse:     map[uint16]ua.StatusCode{},
		reads:      map[string]int{},
		missing:    ua.StatusBadNodeIDUnknown,
		clients:    map[*client]bool{},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// startPLC makes a server and starts it.
func startPLC(t testing.TB) *plc {
	t.Helper()
	p := newPLC(t)
	p.Start(t)
	return p
}

// Addr is host:port.
func (p *plc) Addr() string { return p.addr }

// Start starts the server. It ends with the test at the latest.
func (p *plc) Start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := &client{plc: p, tcp: conn.(*net.TCPConn)}
			p.mu.Lock()
			p.clients[c] = true
			p.mu.Unlock()
			p.running.Go(c.serve)
		}
	})
	t.Cleanup(func() { p.Stop(t) })
}

// Stop ends the server and its connections; a second call does nothing.
func (p *plc) Stop(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	if l == nil {
		return
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	for c := range p.clients {
		_ = c.tcp.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// put gives a node another value; a nil one takes the node away.
func (p *plc) put(name string, dv *ua.DataValue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dv == nil {
		delete(p.values, name)
		dv = &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: p.missing}
	} else {
		p.values[name] = dv
	}
	for c := range p.clients {
		for _, it := range c.items {
			if it.name == name && !p.frozen && name != p.filtered {
				it.changed(dv)
			}
		}
	}
}

// is puts a good value with a source time.
func (p *plc) is(name string, v any) { p.put(name, goodValue(v)) }

func goodValue(v any) *ua.DataValue {
	return &ua.DataValue{
		EncodingMask:    ua.DataValueValue | ua.DataValueSourceTimestamp,
		Value:           ua.MustVariant(v),
		SourceTimestamp: time.Now(),
	}
}

// with changes what the server does.
func (p *plc) with(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// seen waits until the server is in some state.
func (p *plc) seen(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		p.mu.Lock()
		ok := holds()
		p.mu.Unlock()
		if ok {
			return
		}
	}
	t.Fatalf("the server never saw %s", what)
}
