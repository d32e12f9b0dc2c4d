package replay

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Post is one request that Prodsmart was sent during a replay.
type Post struct {
	Time time.Time
	prodsmart.Post
}

// Result is what a trace led to.
type Result struct {
	Posts []Post
	// Events of the rules, and of the uplink, each in order.
	Events []mapping.Event
	Uplink []uplink.Event
	// Unread are tags of the trace that no machine reads, in the order of their
	// first rows.
	Unread []Unread
}

// Unread is a tag that no machine reads, the line of its first row and the
// number of its rows.
type Unread struct {
	Source, Tag string
	Line, Rows  int
}

// Options of a replay.
type Options struct {
	// Name of the trace in errors.
	Name string
	// Paced spends the request budget as production does. Without it every post
	// leaves the moment it is due, and all machines report on the same ticks, so
	// that the posts show the rules alone.
	Paced bool
}

// Run replays a trace. Errors name the trace's file and line.
func Run(c *config.Config, trace []Row, o Options) (*Result, error) {
	if len(trace) == 0 {
		return nil, fmt.Errorf("%s: the trace is empty", o.Name)
	}
	p, err := newPlayer(c, trace[0].Time, o)
	if err != nil {
		return nil, err
	}
	end := trace[len(trace)-1].Time
	for at := 0; at < len(trace); {
		now := trace[at].Time
		if err := p.advance(now); err != nil {
			return nil, err
		}
		if trace[at].Tag == EventEnd {
			end = now
			break
		}
		n := 1
		if !now.Before(p.now) { // else the gateway was off
			if n, err = p.play(trace[at:]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", o.Name, trace[at].Line, err)
			}
		}
		at += n
	}
	if err := p.advance(end); err != nil {
		return nil, err
	}
	return &p.result, p.settle()
}

// player is a gateway on a virtual clock.
type player struct {
	config   *config.Config
	settings uplink.Settings
	now      time.Time
	machines []*mapping.Machine
	feeds    []*mapping.Feed
	byName   map[string]*mapping.Feed
	tags     map[string]map[string][]int // tags by connection and label
	desk     *uplink.Desk
	records  map[string]uplink.Record
	down     bool     // Prodsmart can not be reached
	answers  []string // to be given next
	out      mapping.Outcome
	result   Result
}

func newPlayer(c *config.Config, start time.Time, o Options) (*player, error) {
	p := &player{config: c, settings: c.Uplink(), now: start, byName: map[string]*mapping.Feed{}, tags: map[string]map[string][]int{}, records: map[string]uplink.Record{}}
	p.settings.Mode = uplink.Live
	p.settings.Unpaced, p.settings.Aligned = !o.Paced, !o.Paced
	if err := p.boot(nil); err != nil {
		return nil, err
	}
	var specs []*mapping.Spec
	for i := range c.Machines {
		specs = append(specs, &c.Machines[i].Spec)
	}
	p.feeds = mapping.Feeds(specs)
	for _, f := range p.feeds {
		p.byName[f.Connection] = f
		p.tags[f.Connection] = map[string][]int{}
		for i, tag := range f.Tags {
			p.tags[f.Connection][Label(tag)] = append(p.tags[f.Connection][Label(tag)], i)
		}
	}
	return p, nil
}

// boot starts the machines, with their snapshots if it is a restart.
func (p *player) boot(snapshots map[string][]byte) error {
	p.machines = p.machines[:0]
	p.desk = uplink.NewDesk(p.now, p.settings)
	for i := range p.config.Machines {
		spec := p.config.Machines[i].Spec
		m, err := mapping.New(spec)
		if err != nil {
			return err
		}
		if data := snapshots[spec.Code]; data != nil {
			if err := m.Restore(data, p.now, &p.out); err != nil {
				return err
			}
			p.result.Events = append(p.result.Events, p.out.Events...)
		}
		p.machines = append(p.machines, m)
		p.desk.Add(p.now, spec.Code, p.records[spec.Code])
		if snapshots != nil {
			p.report(i)
		}
	}
	return nil
}

// play plays the first row, and those that belong into one batch with it. It
// returns how many it played.
func (p *player) play(rows []Row) (int, error) {
	row := rows[0]
	switch row.Source {
	case SourceProdsmart:
		return 1, p.playProdsmart(row)
	case SourceGateway:
		return 1, p.playGateway(row)
	}
	feed := p.byName[row.Source]
	if feed == nil {
		return 0, fmt.Errorf("source %q is no connection that a machine reads", row.Source)
	}
	b := connectors.Batch{Time: row.Time}
	n := 1
	switch {
	case row.Tag == EventLink && row.Value == "up":
		b.Link = connectors.LinkUp
	case row.Tag == EventLink && row.Value == "down":
		b.Link = connectors.LinkDown
	case row.Tag == EventLink:
		return 0, fmt.Errorf("!link %q; allowed are up and down", row.Value)
	case row.Tag == EventAlive:
		b.Alive = true
	case strings.HasPrefix(row.Tag, "!"):
		return 0, fmt.Errorf("event %q is not one of a connection; allowed are !link and !alive", row.Tag)
	default:
		for n < len(rows) && rows[n].Time.Equal(row.Time) && rows[n].Source == row.Source && !strings.HasPrefix(rows[n].Tag, "!") {
			n++
		}
		b.Samples = p.samples(rows[:n])
	}
	feed.Split(b, p.step)
	return n, nil
}

func (p *player) unread(row *Row) {
	for i := range p.result.Unread {
		if u := &p.result.Unread[i]; u.Source == row.Source && u.Tag == row.Tag {
			u.Rows++
			return
		}
	}
	p.result.Unread = append(p.result.Unread, Unread{Source: row.Source, Tag: row.Tag, Line: row.Line, Rows: 1})
}

// samples are what the rows of one instant say. Tags of one label, such as one
// register read as two types, have their rows in their own order; a row that is
// alone speaks for all of them.
func (p *player) samples(rows []Row) []connectors.Sample {
	var samples []connectors.Sample
	number, nth := map[string]int{}, map[string]int{}
	for i := range rows {
		number[rows[i].Tag]++
	}
	for i := range rows {
		r := &rows[i]
		tags, used := p.tags[r.Source][r.Tag]
		if !used {
			p.unread(r)
			continue
		}
		if n := nth[r.Tag]; len(tags) > 1 && number[r.Tag]%len(tags) == 0 {
			tags = tags[n%len(tags):][:1]
		}
		nth[r.Tag]++
		for _, tag := range tags {
			samples = append(samples, connectors.Sample{
				Tag: tag, Value: value(r.Value), Quality: r.Quality, Reason: "in the trace",
				SourceTime: r.SourceTime, Retained: r.Retained, Redelivered: r.Again,
			})
		}
	}
	return samples
}

func (p *player) step(machine int, b *mapping.Batch) {
	p.machines[machine].Step(b, &p.out)
	p.result.Events = append(p.result.Events, p.out.Events...)
	if p.out.Changed {
		p.report(machine)
	}
}

func (p *player) report(machine int) {
	if p.config.Machines[machine].Report {
		p.desk.Report(p.now, p.config.Machines[machine].Spec.Code, p.machines[machine].Report())
	}
}

func (p *player) playProdsmart(row Row) error {
	switch {
	case row.Tag == EventLink && (row.Value == "up" || row.Value == "down"):
		p.down = row.Value == "down"
	case row.Tag == EventAnswer:
		answer, times, several := strings.Cut(row.Value, "*")
		n := 1
		if several {
			var err error
			if n, err = strconv.Atoi(times); err != nil || n < 1 || n > 1000 {
				return fmt.Errorf("!answer %q: %q is not a number of times from 1 to 1000", row.Value, times)
			}
		}
		if code, err := strconv.Atoi(answer); answer != "drop" && answer != "lost" && (err != nil || code < 200 || code > 599) {
			return fmt.Errorf("!answer %q; allowed are a status code, drop and lost", row.Value)
		}
		for range n {
			p.answers = append(p.answers, answer)
		}
	default:
		return fmt.Errorf("event %s %q is not one of prodsmart; allowed are !link up, !link down and !answer", row.Tag, row.Value)
	}
	return nil
}

func (p *player) playGateway(row Row) error {
	if row.Tag != EventRestart {
		return fmt.Errorf("event %q is not one of gateway; allowed are !restart and !end", row.Tag)
	}
	off, err := time.ParseDuration(row.Value)
	if err != nil || off < 0 {
		return fmt.Errorf("!restart %q: write how long the gateway is off, such as 10s", row.Value)
	}
	snapshots := map[string][]byte{}
	for _, m := range p.machines {
		if snapshots[m.Spec().Code], err = m.Snapshot(); err != nil {
			return err
		}
	}
	p.now = p.now.Add(off)
	return p.boot(snapshots)
}

// maxTurns bounds what can happen at one instant: a safeguard against a rule
// that is due for ever.
const maxTurns = 100_000

// advance moves the clock to t and does what falls due before. What falls due
// at t itself waits: everything that happens at one instant comes before what
// is concluded from it.
func (p *player) advance(t time.Time) error {
	for p.now.Before(t) {
		if err := p.settle(); err != nil {
			return err
		}
		next, _ := p.nextDeadline()
		if _, wake, _ := p.desk.Next(p.now); !wake.IsZero() && (next.IsZero() || wake.Before(next)) {
			next = wake
		}
		if !next.After(p.now) || next.After(t) {
			next = t
		}
		p.now = next
	}
	return nil
}

// settle does everything that is due now: first what time alone brings about,
// then what Prodsmart is to be told.
func (p *player) settle() error {
	for range maxTurns {
		if next, machine := p.nextDeadline(); machine >= 0 && !next.After(p.now) {
			p.step(machine, &mapping.Batch{Time: p.now})
			continue
		}
		w, _, ok := p.desk.Next(p.now)
		if !ok {
			p.result.Uplink = append(p.result.Uplink, p.desk.Events()...)
			return nil
		}
		p.tell(w)
	}
	return fmt.Errorf("at %s: the machines or the uplink do not come to rest", p.now.Format(time.RFC3339))
}

func (p *player) nextDeadline() (next time.Time, machine int) {
	machine = -1
	for i, m := range p.machines {
		if d := m.Deadline(); !d.IsZero() && (next.IsZero() || d.Before(next)) {
			next, machine = d, i
		}
	}
	return next, machine
}

// tell sends one post to a Prodsmart that answers at once.
func (p *player) tell(w uplink.Work) {
	p.records[w.Machine] = w.Record
	p.desk.Sent(p.now, w)
	answer := prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200}
	switch {
	case p.down:
		answer = prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "Prodsmart can not be reached in the trace"}
	case len(p.answers) > 0:
		answer, p.answers = scripted(p.answers[0]), p.answers[1:]
	}
	if answer.Verdict != prodsmart.Unsent {
		p.result.Posts = append(p.result.Posts, Post{Time: p.now, Post: w.Post})
	}
	if record, save := p.desk.Done(p.now, w, answer); save {
		p.records[w.Machine] = record
	}
}

// scripted is the answer that a trace asks for.
func scripted(s string) prodsmart.Answer {
	code, err := strconv.Atoi(s)
	a := prodsmart.Answer{Status: code, Text: "as the trace says", Verdict: prodsmart.Refused}
	switch {
	case err != nil:
		a.Verdict = prodsmart.Ambiguous
	case code < 300:
		a.Verdict = prodsmart.Accepted
	case code == 401 || code == 403:
		a.Verdict = prodsmart.Unauthorized
	case code == 429:
		a.Verdict, a.RetryAfter = prodsmart.Limited, 30*time.Second
	case code >= 500:
		a.Verdict = prodsmart.Ambiguous
	}
	return a
}

// WritePosts writes posts as CSV: time, machine, service, body.
func WritePosts(w io.Writer, posts []Post) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"time", "machine", "service", "body"}}
	for _, p := range posts {
		rows = append(rows, []string{p.Time.UTC().Format(time.RFC3339Nano), p.Machine, p.Service.String(), string(p.Body)})
	}
	return c.WriteAll(rows)
}
