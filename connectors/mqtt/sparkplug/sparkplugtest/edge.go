package sparkplugtest

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Edge is an Edge Node with one device at a real broker. It gives birth whenever
// it has connected and when it is asked to, and its will is its death. Data name
// metrics by their aliases alone.
type Edge struct {
	Group, Node, Device string

	t       testing.TB
	encoder *Encoder
	client  paho.Client

	work    sync.WaitGroup // births under way
	mu      sync.Mutex
	conn    net.Conn
	metrics []Metric
	seq, bd int
	asked   int
	births  int
	ahead   time.Duration
	away    bool // the device
}

// sendWithin bounds what the broker may take.
const sendWithin = 2 * time.Second

// NewEdge connects an Edge Node to a broker, host:port, which must be there, and
// ends it with the test. It returns after the first birth. The aliases of the metrics are 11 and on.
func NewEdge(t testing.TB, e *Encoder, broker string, metrics ...Metric) *Edge {
	t.Helper()
	edge := &Edge{Group: "Plant", Node: "Edge1", Device: "Press5", t: t, encoder: e, metrics: metrics}
	for i := range edge.metrics {
		edge.metrics[i].Alias = uint64(11 + i)
	}
	o := paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("edge").SetCleanSession(true)
	o.SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond)
	o.SetAutoReconnect(true).SetMaxReconnectInterval(100 * time.Millisecond)
	o.SetBinaryWill(edge.topic("NDEATH", false), edge.death(0), 1, false)
	o.SetCustomOpenConnectionFn(func(uri *url.URL, o paho.ClientOptions) (net.Conn, error) {
		conn, err := net.DialTimeout("tcp", uri.Host, sendWithin)
		if err == nil {
			// A broker that is ending takes a client and never answers it.
			err = conn.SetReadDeadline(time.Now().Add(sendWithin))
		}
		edge.mu.Lock()
		edge.conn = conn
		edge.mu.Unlock()
		return conn, err
	})
	o.SetReconnectingHandler(func(_ paho.Client, o *paho.ClientOptions) {
		edge.mu.Lock()
		edge.bd++
		o.WillPayload = edge.death(edge.bd)
		edge.mu.Unlock()
	})
	o.SetOnConnectHandler(func(c paho.Client) {
		edge.mu.Lock()
		_ = edge.conn.SetReadDeadline(time.Time{}) // a connection that is gone needs none
		edge.mu.Unlock()
		c.Subscribe(edge.topic("NCMD", false), 1, func(paho.Client, paho.Message) {
			edge.mu.Lock()
			edge.asked++
			edge.mu.Unlock()
			edge.work.Go(edge.Birth)
		})
		edge.work.Go(edge.Birth)
	})
	edge.client = paho.NewClient(o)
	edge.client.Connect()
	for deadline := time.Now().Add(2 * sendWithin); edge.Births() == 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the Edge Node does not connect")
			break
		}
	}
	t.Cleanup(func() {
		edge.client.Disconnect(100)
		edge.work.Wait()
	})
	return edge
}

func (e *Edge) topic(kind string, device bool) string {
	topic := "spBv1.0/" + e.Group + "/" + kind + "/" + e.Node
	if device {
		topic += "/" + e.Device
	}
	return topic
}

func (e *Edge) encode(p Payload) []byte {
	b, err := e.encoder.Encode(p)
	if err != nil {
		e.t.Error(err)
	}
	return b
}

func (e *Edge) death(bd int) []byte {
	return e.encode(Payload{Timestamp: time.Now().UnixMilli(), Metrics: []Metric{{Name: "bdSeq", Type: "UInt64", Value: bd}}})
}

// publish returns when the broker has the message, which is why it asks for
// more than the specification does. What happens while there is no broker is
// lost: the next birth tells it. It is called with the lock held.
func (e *Edge) publish(kind string, device bool, metrics []Metric) {
	seq := e.seq
	e.seq = (e.seq + 1) % 256
	b := e.encode(Payload{Timestamp: time.Now().Add(e.ahead).UnixMilli(), Seq: &seq, Metrics: metrics})
	if e.client.IsConnectionOpen() {
		e.client.Publish(e.topic(kind, device), 1, false, b).WaitTimeout(sendWithin)
	}
}

// Birth sends the certificates of the node and its device.
func (e *Edge) Birth() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq = 0
	e.births++
	e.publish("NBIRTH", false, []Metric{{Name: "bdSeq", Type: "UInt64", Value: e.bd}, {Name: "Node Control/Rebirth", Type: "Boolean", Value: false}})
	if !e.away {
		e.publish("DBIRTH", true, e.metrics)
	}
}

// Clock sets the node's clock ahead of the true time.
func (e *Edge) Clock(ahead time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ahead = ahead
}

// Leave makes the device die.
func (e *Edge) Leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = true
	e.publish("DDEATH", true, nil)
}

// Return gives birth to the device with its metrics changed: other names, other
// aliases.
func (e *Edge) Return(change func([]Metric)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = false
	change(e.metrics)
	e.publish("DBIRTH", true, e.metrics)
}

// Set sends the change of metrics, by name and value.
func (e *Edge) Set(changes map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sent := e.change(changes); !e.away {
		e.publish("DDATA", true, sent)
	}
}

// Lose counts a message that never reaches the broker.
func (e *Edge) Lose(changes map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.change(changes)
	e.seq = (e.seq + 1) % 256
}

// Send sends data as they are.
func (e *Edge) Send(metrics ...Metric) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.publish("DDATA", true, metrics)
}

// change is called with the lock held.
func (e *Edge) change(changes map[string]any) []Metric {
	var sent []Metric
	for name, v := range changes {
		i := slices.IndexFunc(e.metrics, func(m Metric) bool { return m.Name == name })
		if i < 0 {
			e.t.Error(fmt.Errorf("no metric %q", name))
			continue
		}
		e.metrics[i].Value = v
		sent = append(sent, Metric{Alias: e.metrics[i].Alias, Type: e.metrics[i].Type, Value: v})
	}
	return sent
}

// Death sends the death of an earlier or the present birth.
func (e *Edge) Death(bd int) {
	e.client.Publish(e.topic("NDEATH", false), 1, false, e.death(bd)).WaitTimeout(sendWithin)
}

// Cut breaks the node's connection: the broker sends the will, and the node
// comes back by itself.
func (e *Edge) Cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil { // the library takes a closed one for its own doing
		_ = e.conn.SetReadDeadline(time.Now())
	}
}

// Asked is how often a rebirth was asked for.
func (e *Edge) Asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked
}

// Births is how often the node has introduced itself.
func (e *Edge) Births() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.births
}
