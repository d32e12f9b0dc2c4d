package board

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// collector turns a status into metrics at each scrape, so that nothing is kept
// twice. Label values are machine codes, connection names, waste codes and
// closed lists: never raw values or error texts.
type collector struct {
	status func() gateway.Status
	d      descriptions
}

// descriptions of all metrics.
type descriptions struct {
	parts, waste, state, stateSeconds, parameter, age, stop *prometheus.Desc
	linkUp, linkReconnects, linkRequests, linkSamples       *prometheus.Desc
	linkLastGood, linkRoundTrip, linkAllBad                 *prometheus.Desc
	linkData, linkTimeouts, linkSkew                        *prometheus.Desc
	posts, budget, used, pace, due, paused, trouble, oldest *prometheus.Desc
	classSent, classWaiting, classOldest, held, parked      *prometheus.Desc
	condition, journal, started                             *prometheus.Desc
	storeBytes, storeFailing, storeLost                     *prometheus.Desc
	storeBackup, storeBackupFailing, storeTidyFailing       *prometheus.Desc
	reconcileLast, reconcileFailing, reconcileDifferences   *prometheus.Desc
	followRecords, followAge, webhooks                      *prometheus.Desc
	orderLines, orderAlerts, orderFailing, orderHeld        *prometheus.Desc
	orderRead, orderCalls                                   *prometheus.Desc
}

func describe() descriptions {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("prodsmart_gateway_"+name, help, labels, nil)
	}
	return descriptions{
		parts:                d("machine_parts_total", "Pieces counted since the first contact, in the sense of the tenant's counter.", "machine"),
		waste:                d("machine_waste_total", "Waste counted since the first contact, by waste code.", "machine", "code"),
		state:                d("machine_state", "1 for the state the machine is in, 0 for the others.", "machine", "state"),
		stateSeconds:         d("machine_state_seconds_total", "Time in each state since the gateway started.", "machine", "state"),
		parameter:            d("machine_parameter", "Newest numeric value of a parameter.", "machine", "parameter"),
		age:                  d("machine_age_told_seconds", "Time since the oldest change that Prodsmart was not told; 0 if all is told.", "machine"),
		stop:                 d("machine_downtime_open", "1 while a downtime should be open in Prodsmart.", "machine"),
		linkUp:               d("connection_up", "1 while values can flow.", "connection"),
		linkReconnects:       d("connection_reconnects_total", "Times the connection came up again.", "connection"),
		linkRequests:         d("connection_requests_total", "Requests sent to the device.", "connection"),
		linkSamples:          d("connection_samples_total", "Samples received.", "connection"),
		linkLastGood:         d("connection_last_good_timestamp_seconds", "When the newest good value came.", "connection"),
		linkRoundTrip:        d("connection_round_trip_seconds", "Last time between request and answer.", "connection"),
		linkAllBad:           d("connection_all_bad", "1 while the connection is up and every value that came is bad.", "connection"),
		linkData:             d("connection_data_total", "Data that the device sent: registers and bits, notifications, messages.", "connection"),
		linkTimeouts:         d("connection_timeouts_total", "Requests that were not answered in time.", "connection"),
		linkSkew:             d("connection_clock_skew_seconds", "The device's clock less the gateway's, where it was measured.", "connection"),
		posts:                d("uplink_posts_total", "Posts to Prodsmart, by service and verdict.", "service", "verdict"),
		budget:               d("uplink_budget_requests_per_minute", "Requests a minute the gateway may spend."),
		used:                 d("uplink_used_requests", "Requests spent in the last 60 seconds."),
		pace:                 d("uplink_pace_ratio", "1 at full pace, less after a 429."),
		due:                  d("uplink_due_machines", "Machines that could post now if there was room."),
		paused:               d("uplink_paused", "1 while nothing may be sent."),
		trouble:              d("uplink_trouble", "1 while Prodsmart can not be told anything."),
		oldest:               d("uplink_oldest_change_seconds", "Largest machine_age_told_seconds of all machines."),
		classSent:            d("uplink_requests_total", "Requests to Prodsmart by class: edge (stops and starts), counter, parameters, order, read, token.", "class"),
		classWaiting:         d("uplink_waiting_requests", "Requests that could leave now if there was a slot, by class.", "class"),
		classOldest:          d("uplink_waiting_oldest_seconds", "How long the oldest of the waiting requests waits, by class.", "class"),
		held:                 d("machine_held_pieces", "Pieces of an earlier order that wait for release.", "machine"),
		parked:               d("machine_parked", "1 while posts of the machine are held because Prodsmart refused them.", "machine"),
		condition:            d("condition", "1 for each condition that holds.", "code", "severity", "subject"),
		journal:              d("journal_events_total", "Journal entries by level (info, notice, alarm); machine is empty for what concerns all.", "machine", "level"),
		storeBytes:           d("store_bytes", "Size of the store's files."),
		storeFailing:         d("store_failing", "1 while nothing can be saved."),
		storeLost:            d("store_lost_entries_total", "Journal entries and posts that were given up, because the disk was full or the store failed for long."),
		storeBackupFailing:   d("store_backup_failing", "1 while the store's backup can not be made."),
		storeTidyFailing:     d("store_tidy_failing", "1 while old journal entries and posts can not be removed."),
		storeBackup:          d("store_backup_timestamp_seconds", "When the newest backup of the store was made."),
		reconcileLast:        d("reconcile_last_timestamp_seconds", "When the newest comparison with Prodsmart that got through ended."),
		reconcileFailing:     d("reconcile_failing", "1 while comparisons with Prodsmart fail."),
		reconcileDifferences: d("reconcile_differences", "Differences from Prodsmart that stand, by kind.", "kind"),
		followRecords:        d("follow_records", "Records of Prodsmart in the local copy, by kind.", "kind"),
		followAge:            d("follow_age_seconds", "Time since the moment for which the local copy is known to be right, by kind.", "kind"),
		webhooks:             d("webhook_messages_total", "Messages at the webhook's door, by outcome.", "outcome"),
		orderLines:           d("order_lines", "Lines of a source of orders by status.", "source", "status"),
		orderAlerts:          d("order_alerts", "Lines of a source of orders that need a person.", "source"),
		orderFailing:         d("orders_failing", "1 while a source of orders, or Prodsmart's side of it, fails.", "source"),
		orderHeld:            d("orders_held", "1 while the changes of a source of orders wait for an operator.", "source"),
		orderRead:            d("orders_last_read_timestamp_seconds", "When a source of orders was last read.", "source"),
		orderCalls:           d("order_calls_left", "Calls that are left of the business system's day, by class.", "source", "class"),
		started:              d("start_timestamp_seconds", "When the gateway started."),
	}
}

// Describe is prometheus.Collector's. The labels of conditions vary, so nothing
// is promised in advance.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect is prometheus.Collector's.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.status()
	out := emitter{ch}
	for i := range s.Machines {
		c.machine(out, &s.Machines[i])
	}
	for i := range s.Links {
		c.link(out, &s.Links[i])
	}
	c.uplink(out, &s)
	for _, k := range s.Conditions {
		out.gauge(c.d.condition, 1, k.Code.String(), k.Severity.String(), k.Subject)
	}
	for _, e := range s.Events {
		out.counter(c.d.journal, float64(e.Count), e.Machine, e.Level.String())
	}
	c.store(out, &s)
	c.reconcile(out, &s.Reconcile)
	c.follow(out, &s.Follow, s.At)
	c.orders(out, &s)
	out.gauge(c.d.started, seconds(s.Started))
}

func (c *collector) store(out emitter, s *gateway.Status) {
	out.gauge(c.d.storeBytes, float64(s.Store.FileBytes+s.Store.LogBytes))
	out.gauge(c.d.storeFailing, truth(s.Store.Problem != nil))
	out.counter(c.d.storeLost, float64(s.Store.LostEvents+s.Store.LostPosts)+float64(s.GivenUp))
	if !s.Store.BackupAt.IsZero() {
		out.gauge(c.d.storeBackup, seconds(s.Store.BackupAt))
	}
	out.gauge(c.d.storeBackupFailing, truth(s.Store.BackupProblem != nil))
	out.gauge(c.d.storeTidyFailing, truth(s.Store.TidyProblem != nil))
}

func (c *collector) machine(out emitter, m *gateway.MachineStatus) {
	if m.Known {
		out.counter(c.d.parts, float64(m.Count), m.Code)
		for _, w := range m.Waste {
			out.counter(c.d.waste, float64(w.Quantity), m.Code, w.Code)
		}
	}
	for _, state := range states() {
		out.gauge(c.d.state, truth(m.State == state), m.Code, state.String())
		out.counter(c.d.stateSeconds, m.StateTimes[state].Seconds(), m.Code, state.String())
	}
	for _, p := range m.Parameters {
		if v, err := strconv.ParseFloat(p.Value, 64); err == nil {
			out.gauge(c.d.parameter, v, m.Code, p.Name)
		}
	}
	out.gauge(c.d.age, m.Age.Seconds(), m.Code)
	out.gauge(c.d.stop, truth(m.Stop.Episode != 0), m.Code)
}

func (c *collector) link(out emitter, l *gateway.LinkStatus) {
	out.gauge(c.d.linkUp, truth(l.Up), l.Name)
	out.counter(c.d.linkReconnects, float64(l.Reconnects), l.Name)
	out.counter(c.d.linkRequests, float64(l.Stats.Requests), l.Name)
	out.counter(c.d.linkSamples, float64(l.Stats.Samples), l.Name)
	if !l.Stats.LastGood.IsZero() {
		out.gauge(c.d.linkLastGood, seconds(l.Stats.LastGood), l.Name)
	}
	out.gauge(c.d.linkRoundTrip, l.Stats.RoundTrip.Seconds(), l.Name)
	out.gauge(c.d.linkAllBad, truth(!l.BadSince.IsZero()), l.Name)
	out.counter(c.d.linkData, float64(l.Stats.Data), l.Name)
	out.counter(c.d.linkTimeouts, float64(l.Stats.Timeouts), l.Name)
	if !l.Stats.SkewAt.IsZero() {
		out.gauge(c.d.linkSkew, l.Stats.Skew.Seconds(), l.Name)
	}
}

func (c *collector) uplink(out emitter, s *gateway.Status) {
	u := &s.Uplink
	out.gauge(c.d.budget, float64(u.Budget))
	out.gauge(c.d.used, float64(u.Used))
	out.gauge(c.d.pace, u.Pace)
	out.gauge(c.d.due, float64(u.Due))
	out.gauge(c.d.paused, truth(u.PausedUntil.After(s.At)))
	out.gauge(c.d.trouble, truth(u.Trouble != ""))
	out.gauge(c.d.oldest, u.Oldest.Seconds())
	for _, k := range u.Classes {
		out.counter(c.d.classSent, float64(k.Sent), k.Name)
		out.gauge(c.d.classWaiting, float64(k.Waiting), k.Name)
		out.gauge(c.d.classOldest, k.Oldest.Seconds(), k.Name)
	}
	for i := range u.Machines {
		m := &u.Machines[i]
		out.gauge(c.d.held, float64(m.Held), m.Machine)
		out.gauge(c.d.parked, truth(m.Parked != ""), m.Machine)
	}
	for _, p := range s.Posts {
		out.counter(c.d.posts, float64(p.Count), p.Service, p.Verdict)
	}
}

type emitter struct{ ch chan<- prometheus.Metric }

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) counter(d *prometheus.Desc, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func states() []mapping.Canonical {
	return []mapping.Canonical{mapping.Unknown, mapping.Running, mapping.Stopped, mapping.Setup, mapping.Planned}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
