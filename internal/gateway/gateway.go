package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// The stores' names in the data folder. A dry run keeps its own: what it counted
// was never told, and would be booked at once by the first post of a gateway
// that goes live.
const (
	StoreFile       = "gateway.db"
	DryRunStoreFile = "dry-run.db"
)

// StorePath is where the store of a configuration is; that of a dry run is apart.
func StorePath(c *config.Config) string {
	if c.Prodsmart.Live {
		return filepath.Join(c.Data, StoreFile)
	}
	return filepath.Join(c.Data, DryRunStoreFile)
}

// reporter takes the newest report of a machine; it never waits.
type reporter interface {
	Report(machine string, r prodsmart.Report)
}

// Options of a gateway.
type Options struct {
	Log *slog.Logger
	// StartFresh gives up machines of a damaged store that can not be recovered.
	StartFresh bool
}

// Gateway is the running daemon. New opens what it needs, Run works until its
// context ends, and closes everything.
type Gateway struct {
	config  *config.Config
	log     *slog.Logger
	store   *store.Store
	keeper  *keeper
	client  *prodsmart.Client
	uplink  *uplink.Uplink
	health  *health.Tracker
	units   []*unit
	links   []*link
	started time.Time
	notify  *notifier
	alarm   *alarm
	// compare is nil if nothing is compared with Prodsmart.
	compare *comparer
	// knock is nil if nothing is sent to Prodsmart.
	knock *knocker
	// follow is nil if nothing is followed.
	follow *follower
	// orders is nil without a source of orders.
	orders *orderMirror
	// doors are for what business systems send by themselves, by path.
	doors map[string]http.Handler
	// recovery is nil if the store was not damaged; it belongs to watch.
	recovery *recovery
	ready    sync.Once
	isReady  chan struct{}
}

// New opens the store, brings the machines back to where they were, and makes
// the connections and the client; nothing is connected yet. The error says what
// to do. The caller either calls Run or Close.
func New(c *config.Config, o Options) (*Gateway, error) {
	g := &Gateway{config: c, log: o.Log, started: time.Now(), alarm: newAlarm(), isReady: make(chan struct{})}
	g.notify = newNotifier(o.Log)
	g.health = g.notify.health
	var err error
	if g.store, err = store.Open(StorePath(c), store.Options{
		MaxAge: c.Journal.Keep, MaxBytes: c.Journal.Size, StartFresh: o.StartFresh,
	}); err != nil {
		return nil, err
	}
	g.keeper = newKeeper(g.store, g.notify.store)
	g.notify.keeper = g.keeper
	if err := g.assemble(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Close closes a gateway that was never run.
func (g *Gateway) Close() error {
	if g.client != nil {
		g.client.Close()
	}
	return g.store.Close()
}

func (g *Gateway) assemble() error {
	if err := g.makeUplink(); err != nil {
		return err
	}
	g.recovery = newRecovery(g.store.Recovered(), g.config.Machines, g.health)
	states, err := g.store.Machines(context.Background())
	if err != nil {
		return err
	}
	byCode := map[string][]byte{}
	for _, s := range states {
		byCode[s.Code] = s.State
	}
	var specs []*mapping.Spec
	for i := range g.config.Machines {
		m := &g.config.Machines[i]
		state := byCode[m.Spec.Code]
		if state == nil && byCode[m.Was] != nil {
			state = byCode[m.Was]
			if err := g.takeOver(m, state); err != nil {
				return err
			}
		}
		if err := g.addUnit(m, state); err != nil {
			return err
		}
		specs = append(specs, &m.Spec)
	}
	for _, feed := range mapping.Feeds(specs) {
		if err := g.addLink(feed); err != nil {
			return err
		}
	}
	g.compare, g.knock = newComparer(g), newKnocker(g)
	if g.follow, err = newFollower(g); err != nil {
		return err
	}
	g.orders = newOrders(g)
	if g.doors, err = g.hooks(g.config.Orders.Sources); err != nil {
		return err
	}
	for _, w := range g.config.Warnings {
		g.health.Set(health.ConfigWarning, w.Path, w.Pos.String()+": "+w.Text)
	}
	return nil
}

// takeOver gives a machine with a new code what was kept under the old one: the
// state and what Prodsmart was told, in one commit, so that neither is ever
// without the other.
func (g *Gateway) takeOver(m *config.Machine, state []byte) error {
	ctx := context.Background()
	told, revision, err := g.store.Record(ctx, m.Was)
	if err != nil {
		return err
	}
	_, own, err := g.store.Record(ctx, m.Spec.Code)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("This machine was %s until now; its totals go on.", m.Was)
	w := store.Write{Machines: []store.MachineState{{Code: m.Spec.Code, State: state}}}
	if revision != 0 && own == 0 {
		w.Records = []store.MachineRecord{{Code: m.Spec.Code, Record: told}}
		text = fmt.Sprintf("This machine was %s until now; its totals go on, and what Prodsmart was told of %s holds for it.", m.Was, m.Was)
	}
	w.Events = []mapping.Event{{Time: g.started, Machine: m.Spec.Code, Rule: "was", Subject: "machine", Level: mapping.Info, Text: text}}
	return g.store.Commit(ctx, w)
}

func (g *Gateway) makeUplink() error {
	p := &g.config.Prodsmart
	var poster uplink.Poster
	if p.Live {
		reach := g.config.Client()
		reach.OnRequest = func(r prodsmart.Request) {
			if r.Extra {
				g.uplink.Spend(1)
			}
		}
		client, err := prodsmart.New(reach)
		if err != nil {
			return err
		}
		g.client, poster = client, client
	}
	settings := g.config.Uplink()
	settings.Zone = g.config.Location
	settings.Timeout = p.Timeout + 10*time.Second // the client's own bound comes first
	g.uplink = uplink.New(settings, g.keeper, poster, uplink.Hooks{Events: g.notify.uplink, Posted: g.notify.posted})
	return nil
}

func (g *Gateway) addUnit(m *config.Machine, state []byte) error {
	machine, err := mapping.New(m.Spec)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Pos, err)
	}
	m.Spec = *machine.Spec() // what it put in order, so that there is only one
	u := &unit{code: m.Spec.Code, told: m.Report, keeper: g.keeper, notify: g.notify, report: g.uplink, machine: machine, alarm: g.alarm, since: g.started}
	g.units = append(g.units, u)
	g.keeper.know(u)
	if state == nil {
		return nil
	}
	if err := machine.Restore(state, g.started, &u.out); err != nil {
		return err
	}
	// What was decided before the end is still to be told; what is true now
	// comes with the first samples.
	u.out.Changed = true
	u.settle(g.started, false, g.started)
	return nil
}

func (g *Gateway) addLink(feed *mapping.Feed) error {
	for _, c := range g.config.Connections {
		if c.Name != feed.Connection {
			continue
		}
		connector, err := connect(c, feed.Tags, g.config)
		if err != nil {
			return fmt.Errorf("%s: connections.%s: %w", c.Pos, c.Name, err)
		}
		g.links = append(g.links, &link{
			name: c.Name, connector: connector, feed: feed, ingest: g.ingest, health: g.health, log: g.log,
		})
		return nil
	}
	return fmt.Errorf("connection %q does not exist", feed.Connection)
}

// ingest gives a batch to the machines it concerns. It runs in the connection's
// goroutine, so a slow machine holds back its own connection only.
func (g *Gateway) ingest(feed *mapping.Feed, b connectors.Batch) {
	once := b.Committed != nil
	feed.Split(b, func(machine int, mine *mapping.Batch) { g.units[machine].step(mine, once, g.started) })
	if once {
		g.keeper.committed(b.Committed)
	}
	g.ready.Do(func() { close(g.isReady) })
}

// Run works until ctx ends; then it ends the connections, waits for answers on
// their way, saves everything and closes the store: all within five seconds.
func (g *Gateway) Run(ctx context.Context) error {
	defer thrift()()
	g.log.Info("gateway started", "site", g.config.Site, "machines", len(g.units), "connections", len(g.links),
		"mode", modeName(g.config.Prodsmart.Live), "budget", g.config.Prodsmart.Budget.String())
	// The keeper outlives everybody who hands it something.
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKeeping()
	kept := make(chan error, 1)
	go func() { kept <- g.keeper.run(keeping) }()

	var work sync.WaitGroup
	for _, l := range g.links {
		work.Go(func() { l.run(ctx) })
	}
	work.Go(func() { g.tick(ctx) })
	work.Go(func() { g.watch(ctx) })
	work.Go(func() { g.compare.run(ctx) })
	work.Go(func() { g.knock.run(ctx) })
	work.Go(func() { g.follow.run(ctx) })
	work.Go(func() { g.orders.run(ctx) })
	told := g.uplink.Run(ctx)
	work.Wait()
	stopKeeping()
	err := errors.Join(told, <-kept)
	g.log.Info("gateway stopped", "saved", err == nil)
	return errors.Join(err, g.Close())
}

func modeName(live bool) string {
	if live {
		return "live"
	}
	return "dry-run"
}
