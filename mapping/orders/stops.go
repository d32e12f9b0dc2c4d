package orders

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Stops takes over the downtimes of Prodsmart: one that lasts longer than the rule of
// tasks says becomes a task for the office, and is told once more when it is over. What
// began before tasks were switched on is not told.
func (b *Book) Stops(list []prodsmart.Downtime, at time.Time) {
	rule, on := b.settings.Writes[erp.Task]
	if !on || rule.Down <= 0 {
		return
	}
	for _, d := range list {
		if d.ID == 0 || d.Start.IsZero() || d.Start.Before(b.head.On[erp.Task]) {
			continue
		}
		told, over := b.writes[stopID(d.ID, 1)], b.writes[stopID(d.ID, 2)]
		machine := stoppedMachine(d)
		since := d.Start.In(b.settings.Zone).Format("2006-01-02 15:04")
		switch {
		case told == nil && d.Open && at.Sub(d.Start) >= rule.Down:
			b.stop(erp.Write{Stage: erp.Stopped, Code: machine, Text: fmt.Sprintf("%s stands since %s: %s", machine, since, stopReason(d))}, d.ID, 1, at)
		case told != nil && told.State == Confirmed && told.Receipt.Key != "" && over == nil && !d.Open && !d.End.IsZero():
			b.stop(erp.Write{Stage: erp.Runs, Code: machine, Earlier: told.Receipt.Key, Before: erp.Stopped,
				Text: fmt.Sprintf("%s stood from %s to %s: %s", machine, since, d.End.In(b.settings.Zone).Format("2006-01-02 15:04"), stopReason(d))}, d.ID, 2, at)
		}
	}
}

func (b *Book) stop(w erp.Write, downtime int64, sequence int, at time.Time) {
	w.Kind, w.ID, w.Line, w.At = erp.Task, stopID(downtime, sequence), "stop-"+strconv.FormatInt(downtime, 10), at
	b.writes[w.ID] = &Outgoing{Write: w, State: Intended, Since: at}
	b.dirty[rowName{rowWrite, w.ID}] = true
}

// stopID is the external id of what is told about a downtime.
func stopID(downtime int64, sequence int) string {
	return fmt.Sprintf("PSD%s-%d", strings.ToUpper(strconv.FormatInt(downtime, 36)), sequence)
}

func stoppedMachine(d prodsmart.Downtime) string {
	var names []string
	for _, m := range d.Machines {
		names = append(names, oneLine(m.Code, 40))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "a machine"
	}
	return oneLine(strings.Join(names, ", "), 100)
}

func stopReason(d prodsmart.Downtime) string {
	if d.Type == "" {
		return "no reason is said"
	}
	return oneLine(d.Type, 100)
}
