package board

import (
	"net/http"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
)

// uplinkData is the answer of /api/uplink: how the request budget is spent, and
// how far each machine is told.
type uplinkData struct {
	Time   time.Time `json:"time"`
	Mode   string    `json:"mode"`
	Budget int       `json:"budget_per_minute"`
	Used   int       `json:"used_last_minute"`
	// Slot is the time between two requests, Pace 1 unless a 429 lowered it.
	Slot        float64    `json:"slot_seconds"`
	Pace        float64    `json:"pace"`
	Trouble     string     `json:"trouble,omitempty"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	// Oldest is the largest age of all machines.
	Oldest   float64       `json:"oldest_seconds"`
	Classes  []classData   `json:"classes"`
	Machines []machineData `json:"machines"`
	// Reconcile is the comparison with Prodsmart, if there is one.
	Reconcile *reconcileData `json:"reconcile,omitempty"`
	// Follow is the copy of Prodsmart's records, if there is one.
	Follow *followData `json:"follow,omitempty"`
}

type classData struct {
	Name    string  `json:"name"`
	Sent    uint64  `json:"sent"`
	Waiting int     `json:"waiting"`
	Oldest  float64 `json:"oldest_seconds"`
}

type machineData struct {
	Machine string `json:"machine"`
	// Count is what Prodsmart should know, Told what it was told.
	Count int64 `json:"count"`
	Told  int64 `json:"told"`
	// Stop and ToldStop are the downtime types that should be open, and are.
	Stop     string     `json:"stop,omitempty"`
	ToldStop string     `json:"told_stop,omitempty"`
	Age      float64    `json:"age_seconds"`
	Next     *time.Time `json:"next,omitempty"`
	Sending  bool       `json:"sending,omitempty"`
	// Held pieces of an earlier order wait for release.
	Held int64 `json:"held,omitempty"`
	// Parked is why posts are held after a refusal.
	Parked      string     `json:"parked,omitempty"`
	ParkedUntil *time.Time `json:"parked_until,omitempty"`
}

func uplinkOf(s gateway.Status, zone *time.Location) uplinkData {
	u := &s.Uplink
	at := timesIn(zone)
	d := uplinkData{
		Time: s.At.In(zone), Mode: u.Mode.String(), Budget: u.Budget, Used: u.Used, Slot: u.Slot.Seconds(), Pace: u.Pace,
		Trouble: string(u.Trouble), PausedUntil: at(u.PausedUntil), Oldest: u.Oldest.Seconds(),
		Classes: make([]classData, len(u.Classes)), Machines: make([]machineData, len(u.Machines)),
		Reconcile: reconcileOf(&s.Reconcile, at), Follow: followOf(&s.Follow, s.At, at),
	}
	for i, c := range u.Classes {
		d.Classes[i] = classData{Name: c.Name, Sent: c.Sent, Waiting: c.Waiting, Oldest: c.Oldest.Seconds()}
	}
	for i := range u.Machines {
		m := &u.Machines[i]
		d.Machines[i] = machineData{
			Machine: m.Machine, Count: m.Report.Count, Told: m.Record.Told.Count,
			Stop: m.Report.Stop.Type, ToldStop: m.Record.Told.Stop.Type, Age: m.Age.Seconds(), Next: at(m.Next),
			Sending: m.Sending, Held: m.Held, Parked: m.Parked, ParkedUntil: at(m.ParkedUntil),
		}
	}
	return d
}

func (d *door) answerUplink(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, uplinkOf(d.source.Status(), d.zone))
}
