package plant

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// Truth is what one machine truly did.
type Truth struct {
	Machine string `json:"machine"`
	// Made is Good + Scrap, all in pieces.
	Made  int64            `json:"made"`
	Good  int64            `json:"good"`
	Scrap map[string]int64 `json:"scrap,omitempty"`
	// Stops that somebody should have been told of, the one that lasts
	// included. Microstops and Resets of the device are only numbers.
	Stops      []Stop `json:"stops"`
	Microstops int    `json:"microstops"`
	Resets     int    `json:"resets"`
	State      string `json:"state"`
	// KeptCount says that the device never forgot its counters.
	KeptCount bool `json:"kept_count"`
	// Dead says that the device never answers.
	Dead bool `json:"dead,omitempty"`
}

// Truth gives what all machines truly did.
func (p *Plant) Truth() []Truth {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Truth
	for _, m := range p.machines {
		t := Truth{
			Machine: m.code, Made: m.good + m.scrap, Good: m.good, Stops: slices.Clone(m.stops),
			Microstops: m.microstops, Resets: m.resets, State: m.state(), KeptCount: m.resets == 0, Dead: m.dead,
		}
		if m.waste != "" {
			t.Scrap = map[string]int64{m.waste: m.scrap}
		}
		list = append(list, t)
	}
	return list
}

func (m *machine) state() string {
	switch {
	case m.dead:
		return "dead"
	case m.phase == waiting:
		return "waiting"
	case m.phase == halted:
		return "halted"
	case m.reg.run:
		return "running"
	}
	return "stopped"
}

// Row compares what a machine did with what Prodsmart was told.
type Row struct {
	Machine string `json:"machine"`
	// PartsMade and PartsTold are good pieces, or all pieces where that is what
	// the tenant's counter means.
	PartsMade int64 `json:"parts_made"`
	PartsTold int64 `json:"parts_told"`
	WasteMade int64 `json:"waste_made"`
	WasteTold int64 `json:"waste_told"`
	StopsMade int   `json:"stops_made"`
	StopsTold int   `json:"stops_told"`
	// Open is the number of downtimes open at Prodsmart, Standing says whether
	// the machine stands.
	Open     int  `json:"open"`
	Standing bool `json:"standing"`
	// Difference is the sum of all that does not agree.
	Difference int64 `json:"difference"`
}

// Table compares truth and told for all machines.
func (p *Plant) Table() []Row {
	var rows []Row
	for _, t := range p.Truth() {
		m, _ := p.mes.Machine(t.Machine)
		rows = append(rows, p.compare(t, m))
	}
	return rows
}

func (p *Plant) compare(t Truth, m mes.Machine) Row {
	r := Row{Machine: t.Machine, PartsMade: t.Good, PartsTold: int64(m.Counter), StopsMade: len(t.Stops), StopsTold: len(m.Downtimes)}
	if p.options.CountIs == "total" {
		r.PartsMade = t.Made
	}
	for code, n := range t.Scrap {
		r.WasteMade += n
		r.WasteTold += int64(m.WasteOf[code])
	}
	r.Standing = len(t.Stops) > 0 && t.Stops[len(t.Stops)-1].End == 0
	for _, d := range m.Downtimes {
		if d.Open() {
			r.Open++
		}
	}
	standing := 0
	if r.Standing {
		standing = 1
	}
	r.Difference = abs(r.PartsMade-r.PartsTold) + abs(r.WasteMade-r.WasteTold) +
		abs(int64(r.StopsMade-r.StopsTold)) + abs(int64(standing-r.Open))
	return r
}

func abs(n int64) int64 { return max(n, -n) }

// Differs is the sum of all differences of a table.
func Differs(rows []Row) int64 {
	var sum int64
	for _, r := range rows {
		sum += r.Difference
	}
	return sum
}

// WriteTable prints a table for people.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "machine\tparts made\tparts told\twaste made\twaste told\tstops made\tstops told\tdifference\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
			r.Machine, r.PartsMade, r.PartsTold, r.WasteMade, r.WasteTold, r.StopsMade, r.StopsTold, r.Difference)
	}
	fmt.Fprintf(t, "all\t\t\t\t\t\t\t%d\t\n", Differs(rows))
	return t.Flush()
}

// History lists the faults so far, each with its time.
func (p *Plant) History() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.trouble.done)
}

// Age is how long the plant has lived.
func (p *Plant) Age() time.Duration { return p.now() }

// Began is when the plant began: the zero of the times in Truth and History.
func (p *Plant) Began() time.Time { return p.began }
