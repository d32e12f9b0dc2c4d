package uplink_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// disk holds what survives the gateway.
type disk struct {
	mu       sync.Mutex
	records  map[string][]byte
	revision map[string]uint64
}

func newDisk() *disk { return &disk{records: map[string][]byte{}, revision: map[string]uint64{}} }

var (
	errPowerCut = errors.New("the power is off")
	errDiskFull = errors.New("no space left on device")
)

// life is one run of the gateway, from its start to its end. It is the Ledger
// and the Poster of its Uplink; once it is dead neither does anything.
type life struct {
	*uplink.Uplink
	plant  *plant
	client *prodsmart.Client
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	dead   bool
	random *rand.Rand // of saves
}

// boot starts the gateway: it reads the disk and hears what its machines say.
func (p *plant) boot() {
	l := &life{plant: p, done: make(chan error, 1), random: rand.New(rand.NewPCG(p.seed, uint64(len(p.lives))))}
	client, err := prodsmart.New(prodsmart.Config{
		URL: "http://prodsmart.test", Insecure: true, Proxy: prodsmart.ProxyDirect, Timeout: clientTimeout, Prefix: p.prefix,
		Key: prodsmart.NewSecret(fullKey), Secret: prodsmart.NewSecret(fullSecret), Auth: p.auth, Dial: p.line.dial,
		OnRequest: func(r prodsmart.Request) {
			if r.Extra {
				l.Spend(1)
			}
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	l.client = client
	l.Uplink = uplink.New(p.settings, l, l, uplink.Hooks{Events: p.hear})
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go func() { l.done <- l.Run(ctx) }()
	p.life = l
	p.lives = append(p.lives, span{from: time.Now()})
	for _, m := range p.machines {
		l.Report(m.code, m.report)
	}
}

// kill ends the gateway as a power cut does, whatever it was doing.
func (p *plant) kill() {
	p.life.die()
	<-p.life.done // what it could not save is the point
	p.life.client.Close()
	p.lives[len(p.lives)-1].to = time.Now()
}

// die lets nothing more get out of this life. The owner waits for its end.
func (l *life) die() {
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	l.cancel()
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// Send is a request, unless the power went off between save and send.
func (l *life) Send(ctx context.Context, p prodsmart.Post) prodsmart.Answer {
	if l.isDead() {
		return prodsmart.Answer{Verdict: prodsmart.Unsent, Text: errPowerCut.Error()}
	}
	return l.client.Send(ctx, p)
}

// Load reads the disk.
func (l *life) Load(_ context.Context, machine string) (uplink.Record, uint64, error) {
	if l.isDead() {
		return uplink.Record{}, 0, errPowerCut
	}
	d := l.plant.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	var r uplink.Record
	if data := d.records[machine]; data != nil {
		if err := json.Unmarshal(data, &r); err != nil {
			return r, 0, err
		}
	}
	return r, d.revision[machine], nil
}

// Save writes to the disk. In bad times the power goes off just before or just
// after, or the disk says that it failed although it did not.
func (l *life) Save(_ context.Context, machine string, r uplink.Record, rev uint64) (uint64, error) {
	if l.isDead() {
		return 0, errPowerCut
	}
	fate := l.fate()
	if fate < 40 {
		time.Sleep(time.Duration(fate) * 10 * time.Millisecond)
	}
	if fate < 3 {
		l.die()
		return 0, errPowerCut
	}
	if fate < 6 {
		return 0, errDiskFull
	}
	d := l.plant.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if rev != d.revision[machine] {
		return 0, uplink.ErrConflict
	}
	data, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	d.records[machine] = data
	d.revision[machine]++
	switch {
	case fate < 10:
		l.die()
		return 0, errPowerCut
	case fate < 14:
		return 0, errDiskFull
	}
	return d.revision[machine], nil
}

// fate is the fortune of a save; 1000 is none.
func (l *life) fate() int {
	if !l.plant.bad.Load() {
		return 1000
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.IntN(1000)
}

// hear takes an event of the gateway.
func (p *plant) hear(e uplink.Event) {
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
}

// heard says whether the gateway told of an episode with one of the codes.
func (p *plant) heard(machine string, episode uint64, codes ...uplink.Code) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		for _, c := range codes {
			if e.Machine == machine && e.Code == c && (e.Stop.Episode == episode || episode == 0) {
				return true
			}
		}
	}
	return false
}

// fail reports what is wrong with how to see it again.
func (p *plant) fail(t testing.TB, format string, args ...any) {
	t.Helper()
	p.failures++
	if p.failures > 4 {
		return
	}
	t.Errorf("SEED=%d: "+format, append([]any{p.seed}, args...)...)
}
