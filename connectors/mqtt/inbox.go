package mqtt

import (
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// maxWaiting is the number of bytes that may wait for emit. With QoS 1 the
// broker's window ends the flow long before; QoS 0 has no other bound.
const maxWaiting = 32 << 20

// perMessage is added to the size of each message for what it costs besides.
const perMessage = 256

// maxIdle is the largest number of entries that are kept for the next burst.
const maxIdle = 4096

// arrival is a message and the time it came.
type arrival struct {
	paho.Message
	at time.Time
}

// inbox holds messages between the library's goroutine and Run's, in order, so
// that a blocked emit does not keep the library from seeing the broker's signs
// of life.
type inbox struct {
	arrived chan struct{} // has a token while something may be waiting
	room    chan struct{} // has a token after messages were taken
	closed  chan struct{}

	mu      sync.Mutex
	waiting []arrival
	size    int
}

func newInbox() *inbox {
	return &inbox{
		arrived: make(chan struct{}, 1),
		room:    make(chan struct{}, 1),
		closed:  make(chan struct{}),
	}
}

// put files a message and blocks while there is no room. After close it drops
// it: the message was not acknowledged and stays the broker's.
func (b *inbox) put(m paho.Message) {
	a := arrival{m, time.Now()}
	size := len(m.Payload()) + len(m.Topic()) + perMessage
	for {
		b.mu.Lock()
		if b.size == 0 || b.size+size <= maxWaiting {
			b.waiting = append(b.waiting, a)
			b.size += size
			b.mu.Unlock()
			signal(b.arrived)
			return
		}
		b.mu.Unlock()
		select {
		case <-b.room:
		case <-b.closed:
			return
		}
	}
}

// take gives all that waits; used is the slice of the last take, to be filled
// again.
func (b *inbox) take(used []arrival) []arrival {
	if clear(used); cap(used) > maxIdle {
		used = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.waiting
	b.waiting, b.size = used[:0], 0
	signal(b.room)
	return taken
}

// close ends put for good. It is called once.
func (b *inbox) close() { close(b.closed) }

// signal leaves a token without waiting.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// acker sends acknowledgements, and the few other packets that nobody waits
// for, in the order they were asked for, on a goroutine of its own because
// sending may wait for the network and who asks may not.
type acker struct {
	wake chan struct{}
	done chan struct{} // closed when run has ended

	mu     sync.Mutex
	due    []func()
	closed bool
}

func newAcker() *acker {
	a := &acker{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go a.run()
	return a
}

// add never blocks. After close it does nothing: the broker delivers again.
func (a *acker) add(send func()) {
	a.mu.Lock()
	if !a.closed {
		a.due = append(a.due, send)
	}
	a.mu.Unlock()
	signal(a.wake)
}

// close lets run send what is due and end.
func (a *acker) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	signal(a.wake)
}

func (a *acker) run() {
	defer close(a.done)
	for {
		a.mu.Lock()
		due, closed := a.due, a.closed
		a.due = nil
		a.mu.Unlock()
		for _, send := range due {
			send()
		}
		if len(due) > 0 {
			continue
		}
		if closed {
			return
		}
		<-a.wake
	}
}
