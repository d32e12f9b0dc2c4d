package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/gate"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
)

// pulses are two machines that send a message for each part, to a mosquitto
// whose cable to the gateway is pulled now and then.
type pulses struct {
	cable  *gate.Gate
	client paho.Client
	sent   [2]atomic.Int64 // accepted by the broker
	codes  [2]string
	seed   uint64
	end    chan struct{}
	once   sync.Once
	work   sync.WaitGroup
	failed [3]error
}

func newPulses(t *testing.T, seed uint64, numbered, alike string) *pulses {
	t.Helper()
	p := &pulses{codes: [2]string{numbered, alike}, seed: seed, end: make(chan struct{})}
	broker := startMosquitto(t)
	var err error
	if p.cable, err = gate.Open("127.0.0.1:0", broker, gate.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.cable.Close)
	o := paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("presses").SetOrderMatters(false).SetAutoReconnect(false)
	p.client = paho.NewClient(o)
	if token := p.client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatalf("mosquitto: %v", token.Error())
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		p.client.Disconnect(100)
	})
	return p
}

func startMosquitto(t *testing.T) string {
	t.Helper()
	program := connectortest.Program(t, "mosquitto")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it is waited for in any case
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(5 * time.Second); ; <-time.After(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatal("mosquitto does not listen")
		}
	}
}

func (p *pulses) start() {
	for i, topic := range []string{"pulse/numbered", "pulse/alike"} {
		p.work.Go(func() { p.failed[i] = p.produce(i, topic) })
	}
	p.work.Go(func() { p.failed[2] = p.pull() })
}

// pull cuts, freezes and shuts the cable until stop, and leaves it whole.
func (p *pulses) pull() error {
	random := rand.New(rand.NewPCG(p.seed, 60))
	for p.pause(2*time.Second, 6*time.Second, random) {
		switch random.IntN(3) {
		case 0:
			p.cable.Cut()
		case 1:
			p.cable.Freeze()
			p.pause(time.Second, 4*time.Second, random)
			p.cable.Pass()
		case 2:
			p.cable.Shut()
			p.pause(time.Second, 2*time.Second, random)
			if err := p.cable.Reopen(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits for a random time and is false once stop was called.
func (p *pulses) pause(low, high time.Duration, random *rand.Rand) bool {
	wait := time.NewTimer(low + time.Duration(random.Int64N(int64(high-low))))
	defer wait.Stop()
	select {
	case <-p.end:
		return false
	case <-wait.C:
		return true
	}
}

// produce sends one message after the other until stop.
func (p *pulses) produce(i int, topic string) error {
	random := rand.New(rand.NewPCG(p.seed, uint64(50+i)))
	for {
		payload := "1"
		if i == 0 {
			payload = fmt.Sprintf(`{"seq":%d}`, p.sent[i].Load()+1)
		}
		token := p.client.Publish(topic, 1, false, payload)
		if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			return fmt.Errorf("%s: mosquitto did not take a message: %v", topic, token.Error())
		}
		p.sent[i].Add(1)
		if !p.pause(20*time.Millisecond, 150*time.Millisecond, random) {
			return nil
		}
	}
}

// stop ends production and waits for it. It may be called more than once.
func (p *pulses) stop() error {
	p.once.Do(func() { close(p.end) })
	p.work.Wait()
	return errors.Join(p.failed[:]...)
}

func (p *pulses) made() map[string]int64 {
	return map[string]int64{p.codes[0]: p.sent[0].Load(), p.codes[1]: p.sent[1].Load()}
}

// untold is what Prodsmart had not been told yet when a device forgot its
// counters, added up over its resets.
type untold struct{ parts, waste int64 }

// watcher sees the resets of the plant's devices when they happen.
type watcher struct {
	plant *plant.Plant
	end   chan struct{}
	once  sync.Once
	done  sync.WaitGroup
	mu    sync.Mutex
	lost  map[string]untold
}

func watch(p *plant.Plant) *watcher {
	w := &watcher{plant: p, end: make(chan struct{}), lost: map[string]untold{}}
	w.done.Go(w.run)
	return w
}

func (w *watcher) run() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	resets := map[string]int{}
	before := map[string]untold{}
	for {
		rows := map[string]plant.Row{}
		for _, r := range w.plant.Table() {
			rows[r.Machine] = r
		}
		for _, m := range w.plant.Truth() {
			if m.Resets > resets[m.Machine] {
				resets[m.Machine] = m.Resets
				w.mu.Lock()
				sum := w.lost[m.Machine]
				w.lost[m.Machine] = untold{sum.parts + before[m.Machine].parts, sum.waste + before[m.Machine].waste}
				w.mu.Unlock()
			}
		}
		for code, r := range rows {
			before[code] = untold{max(r.PartsMade-r.PartsTold, 0), max(r.WasteMade-r.WasteTold, 0)}
		}
		select {
		case <-w.end:
			return
		case <-tick.C:
		}
	}
}

func (w *watcher) stop() {
	w.once.Do(func() { close(w.end) })
	w.done.Wait()
}

func (w *watcher) untold(machine string) untold {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost[machine]
}
