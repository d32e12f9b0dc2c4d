package reconcile

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

var morning = time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)

// plant is a machine with its Prodsmart: what is told is applied there with
// latency, on a clock of its own, and some answers get lost.
type plant struct {
	r      *rand.Rand
	now    time.Time
	offset time.Duration
	in     Input
	// count and waste are the machine's, server is what Prodsmart has.
	count, waste   int64
	server, scrap  int64
	quantity, lost []int64 // per production: pieces, waste
	nextID         int64
	ambiguous      float64
}

func newPlant(seed uint64, ambiguous float64) *plant {
	r := rand.New(rand.NewPCG(seed, 7))
	p := &plant{r: r, now: morning, ambiguous: ambiguous, nextID: 100}
	p.offset = time.Duration(r.IntN(7)-3) * 97 * time.Second
	p.in = Input{Machine: "M1", From: morning, PostsFrom: morning}
	p.begin()
	p.now = p.now.Add(2 * time.Minute)
	p.counter(true)
	return p
}

// arrive is the time at which Prodsmart stamps a request sent now.
func (p *plant) arrive(took time.Duration) time.Time {
	return p.now.Add(time.Duration(p.r.Float64() * float64(took))).Add(p.offset).Truncate(time.Millisecond)
}

func (p *plant) begin() {
	p.nextID++
	p.in.Productions = append(p.in.Productions, Production{ID: p.nextID, Order: fmt.Sprint("WO-", p.nextID), Start: p.now.Add(p.offset)})
	p.quantity, p.lost = append(p.quantity, 0), append(p.lost, 0)
}

// change ends the production and begins the next one at the same moment.
func (p *plant) change() {
	p.in.Productions[len(p.in.Productions)-1].End = p.now.Add(p.offset)
	p.begin()
}

// post tells something. apply is called if it reaches Prodsmart; false is a
// refusal. It gives false if nobody knows what became of it.
func (p *plant) post(service prodsmart.Service, body []byte, apply func(at time.Time) bool) bool {
	took := time.Duration(20+p.r.IntN(800)) * time.Millisecond
	verdict := prodsmart.Accepted
	lost := p.r.Float64() < p.ambiguous
	if lost {
		took, verdict = 5*time.Second, prodsmart.Ambiguous
	}
	if arrives := !lost || p.r.IntN(2) == 0; arrives && !apply(p.arrive(took)) && !lost {
		verdict = prodsmart.Refused
	}
	p.in.Posts = append(p.in.Posts, Post{Time: p.now, Took: took, Service: service.String(), Verdict: verdict.String(), Body: string(body)})
	p.now = p.now.Add(took + 100*time.Millisecond)
	return !lost
}

func (p *plant) counter(first bool) {
	if p.count == p.server && !first {
		return
	}
	count, waste := p.count, p.waste
	var codes []prodsmart.Waste
	if waste > p.scrap || first {
		codes = append(codes, prodsmart.Waste{Code: "W", Quantity: waste})
	}
	p.post(prodsmart.CounterService, prodsmart.CounterBody(count, codes, nil), func(time.Time) bool {
		if count <= p.server && !first {
			return false
		}
		open := len(p.quantity) - 1
		p.quantity[open] += count - p.server
		p.server = count
		if len(codes) > 0 {
			p.lost[open] += waste - p.scrap
			p.scrap = waste
		}
		return true
	})
}

// settle tells an edge until it is answered.
func (p *plant) settle(body []byte, apply func(at time.Time) bool) {
	for !p.post(prodsmart.StartStopService, body, apply) {
		p.now = p.now.Add(3 * time.Second)
	}
}

func (p *plant) open() *Downtime {
	if n := len(p.in.Downtimes); n > 0 && p.in.Downtimes[n-1].End.IsZero() {
		return &p.in.Downtimes[n-1]
	}
	return nil
}

// stand lets the machine stop and go on.
func (p *plant) stand() {
	kind := []string{"HALT", "JAM", "TOOL"}[p.r.IntN(3)]
	p.counter(false)
	p.settle(prodsmart.StartStopBody(kind, false), func(at time.Time) bool {
		if p.open() != nil {
			return true // a repeat changes nothing
		}
		p.nextID++
		p.in.Downtimes = append(p.in.Downtimes, Downtime{ID: p.nextID, Type: kind, Start: at})
		return true
	})
	p.now = p.now.Add(time.Duration(30+p.r.IntN(1500)) * time.Second)
	p.settle(prodsmart.StartStopBody(kind, true), func(at time.Time) bool {
		d := p.open()
		if d == nil {
			return p.r.IntN(2) == 0 // tenants differ
		}
		d.End = at
		return true
	})
}

// run lets hours pass.
func (p *plant) run(hours int) Input {
	for end := morning.Add(time.Duration(hours) * time.Hour); p.now.Before(end); {
		p.now = p.now.Add(time.Duration(20+p.r.IntN(20)) * time.Second)
		p.count += int64(p.r.IntN(9))
		if p.r.IntN(8) == 0 {
			p.waste += int64(p.r.IntN(4))
		}
		p.counter(false)
		switch p.r.IntN(60) {
		case 0, 1:
			p.stand()
		case 2:
			p.change()
		}
	}
	in := p.in
	in.To = p.now.Add(10 * time.Minute)
	for i := range in.Productions {
		in.Productions[i].Quantity = prodsmart.NewDecimal(p.quantity[i])
		in.Productions[i].Waste = map[string]prodsmart.Decimal{"W": prodsmart.NewDecimal(p.lost[i])}
	}
	in.Told = Told{Counted: true, Count: p.server, At: in.To}
	return in
}
