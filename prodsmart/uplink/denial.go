package uplink

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// denial is what is known of a service that a machine's requests do not get
// to: not authorized, or not sent at all.
type denial struct {
	// at is when a request was last turned away; zero if one got there since.
	at time.Time
	// wait holds the service back once it is known to be this machine's own
	// trouble; until then the gate is what waits.
	wait parking
	told bool
}

// ownTrouble says whether an answer speaks of this machine alone. The first one
// that is turned away shuts the gate, because it may concern all; it is the
// machine's own if others were taken since and it still is turned away. Several
// such machines in a row, new to it and with nobody taken in between, are no
// coincidence any more.
func (d *Desk) ownTrouble(l *lane, a prodsmart.Answer) bool {
	if (a.Verdict != prodsmart.Unsent && a.Verdict != prodsmart.Unauthorized) || d.gate.why != "" {
		return false
	}
	own := false
	for i := range l.denied {
		n := &l.denied[i]
		own = own || n.wait.times > 0 || (!n.at.IsZero() && !d.gate.taken.Before(n.at))
	}
	if !own {
		return false
	}
	g := &d.gate
	if l.deniedTold() {
		return true // long known, and says nothing of the service
	}
	if g.alone != l.machine {
		g.alone, g.aloneRow = l.machine, g.aloneRow+1
	}
	return g.aloneRow < unclearLimit
}

// denied remembers a request that was turned away, and holds the service back
// if that is the machine's own trouble.
func (d *Desk) denied(now time.Time, l *lane, w Work, a prodsmart.Answer, own bool) {
	n := &l.denied[w.Post.Service]
	n.at = now
	if !own {
		return
	}
	text := fmt.Sprintf("Prodsmart refuses %s posts of this machine (status %d): %s. It takes those of other machines, which go on.", w.Post.Service, a.Status, a.Text)
	next := "Check in Prodsmart whether the user of the API key may write to this machine."
	patience := 1
	if a.Verdict == prodsmart.Unauthorized {
		n.wait.extend(now, d.settings, fmt.Sprintf("status %d: %s", a.Status, a.Text))
	} else {
		// It may be chance on a bad line, so the first pauses are short.
		n.wait.until = now.Add(doubled(time.Second, n.wait.times, d.settings.RefusedRetry))
		n.wait.times++
		n.wait.reason = a.Text
		text = fmt.Sprintf("The %s posts of this machine do not get to Prodsmart: %s. Those of other machines do, and go on.", w.Post.Service, a.Text)
		next = "Check the machine code, and what proxy and firewall do with addresses that contain it."
		patience = unclearLimit
	}
	if n.told || n.wait.times < patience {
		return
	}
	reported := l.deniedTold()
	n.told = true
	if !reported {
		d.event(Event{Time: now, Machine: l.machine, Code: MachineRefused, Level: Alarm,
			Text: fmt.Sprintf("%s This machine is tried again at %s and when the configuration changes. %s", text, d.clock(n.wait.until), next)})
	}
}

// admitted forgets what was turned away: a request of that service got there.
func (d *Desk) admitted(now time.Time, l *lane, w Work) {
	n := &l.denied[w.Post.Service]
	told := n.told
	*n = denial{}
	if told && !l.deniedTold() {
		d.event(Event{Time: now, Machine: l.machine, Code: MachineRefused, Over: true, Level: Notice,
			Text: fmt.Sprintf("The %s posts of this machine get to Prodsmart again.", w.Post.Service)})
	}
}

func (l *lane) deniedTold() bool {
	for i := range l.denied {
		if l.denied[i].told {
			return true
		}
	}
	return false
}

// deniedUntil is when the service may be tried again.
func (l *lane) deniedUntil(s prodsmart.Service) time.Time { return l.denied[s].wait.until }
