package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
)

// The waits at the end of a demonstration.
const (
	settleWithin = 15 * time.Second
	tellWithin   = 30 * time.Second
	// agreeFor is how long truth and told must agree to be believed.
	agreeFor = 3 * time.Second
)

type demo struct {
	settings
	gateway string
	config  string
	metrics string
}

func demoCommand() *cobra.Command {
	var d demo
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the plant and a gateway together, and compare truth and told",
		Long: "Starts the plant, faults included, and a gateway as a child process with a\n" +
			"configuration that fits the plant. In the end production halts, the gateway\n" +
			"has 30 s to tell the rest, and the exit status is 0 only if nothing differs.",
		Example: "  plantsim demo --gateway bin/prodsmart-gateway --config configs/demo.yaml --for 30s",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return d.run(c.Context(), c.OutOrStdout()) },
	}
	d.flags(c.Flags(), "127.0.0.1:14840", "127.0.0.1:15020", "127.0.0.1:18830", "127.0.0.1:18090", "127.0.0.1:18092", "127.0.0.1:18091")
	c.Flags().BoolVar(&d.options.Faults, "faults", true, "let faults of links, devices and Prodsmart come by themselves")
	c.Flags().StringVar(&d.gateway, "gateway", filepath.Join("bin", "prodsmart-gateway"), "the gateway's program")
	c.Flags().StringVar(&d.config, "config", filepath.Join("configs", "demo.yaml"), "the gateway's configuration")
	c.Flags().StringVar(&d.metrics, "metrics", "127.0.0.1:19182", "where the configuration puts the gateway's metrics, to be printed")
	return c
}

// run carries the demonstration through. The gateway starts with an empty store
// each time, because the pretend Prodsmart begins empty too.
func (d *demo) run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "plantsim-")
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "gateway.yaml")
	text, err := os.ReadFile(d.config)
	if err == nil {
		err = os.WriteFile(config, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("configuration of the gateway: %w", err)
	}
	p, err := d.open()
	if err != nil {
		return err
	}
	defer p.Close()
	printAddresses(out, p)
	g, err := startGateway(d.gateway, config, dir, d.options.Key, d.options.Secret)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "gateway    metrics at http://%s/metrics, log at %s\n", d.metrics, g.log)

	during, cancel := d.until(ctx)
	err = tables(during, out, p, d.every, g.ended)
	cancel()
	if err == nil {
		err = d.settle(out, p, g)
	}
	if stopErr := g.stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w; see %s", err, g.log), evidence(dir, p))
	}
	// Only the log is of interest after a run without differences.
	return errors.Join(os.RemoveAll(filepath.Join(dir, "data")), os.Remove(config))
}

// settle halts the plant, gives the gateway time to tell the rest, and judges.
func (d *demo) settle(out io.Writer, p *plant.Plant, g *gateway) error {
	fmt.Fprintln(out, "\nproduction halts; the gateway tells the rest")
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	if err := p.Settle(ctx); err != nil {
		return err
	}
	agreed, err := agree(p, g)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nfinally, after %.0f s\n", p.Age().Seconds())
	if err := plant.WriteTable(out, p.Table()); err != nil {
		return err
	}
	count := map[mes.ViolationKind]int{}
	for _, v := range p.MES().Violations() {
		count[v.Kind]++
	}
	sales := p.Sales()
	if err := plant.WriteSales(out, sales); err != nil {
		return err
	}
	fmt.Fprintf(out, "faults: %d; busiest minute at Prodsmart: %d requests; counts told lower: %d, equal: %d; refused by the limit: %d\n",
		len(p.History()), p.MES().Busiest(), count[mes.ViolationLower], count[mes.ViolationEqual], count[mes.ViolationLimit])
	for _, t := range p.Truth() {
		if t.Made == 0 && !t.Dead {
			return fmt.Errorf("machine %s made nothing, because nobody read its counter", t.Machine)
		}
	}
	if n := plant.SalesDiffer(sales); n > 0 {
		return fmt.Errorf("%d orders are not in Prodsmart as they are in Smartup, or the notes on them are not right", n)
	}
	if !agreed {
		return fmt.Errorf("truth and told differ by %d", plant.Differs(p.Table()))
	}
	if n := count[mes.ViolationLower]; n > 0 {
		return fmt.Errorf("%d counts were told that are lower than one accepted before", n)
	}
	return nil
}

// evidence leaves what is needed to find out why a run failed.
func evidence(dir string, p *plant.Plant) error {
	text, err := json.MarshalIndent(map[string]any{
		"truth": p.Truth(), "table": p.Table(), "history": p.History(), "began": p.Began(), "sales": p.Sales(), "orders": p.MES().Orders(),
		"machines": p.MES().Machines(), "calls": p.MES().Calls(0), "violations": p.MES().Violations(),
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "evidence.json"), text, 0o600)
}

// agree waits until truth and told agree and go on agreeing.
func agree(p *plant.Plant, g *gateway) (bool, error) {
	deadline := time.NewTimer(tellWithin)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var since time.Time
	for {
		select {
		case err := <-g.ended:
			return false, err
		case <-deadline.C:
			return plant.Differs(p.Table()) == 0 && plant.SalesDiffer(p.Sales()) == 0, nil
		case now := <-tick.C:
			switch {
			case plant.Differs(p.Table()) != 0 || plant.SalesDiffer(p.Sales()) != 0:
				since = time.Time{}
			case since.IsZero():
				since = now
			case now.Sub(since) >= agreeFor:
				return true, nil
			}
		}
	}
}
