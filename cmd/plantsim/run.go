package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plant"
)

// settings are the flags that both commands have.
type settings struct {
	options plant.Options
	profile string
	every   time.Duration
	length  time.Duration
}

func (s *settings) flags(f *pflag.FlagSet, opcua, modbus, mqtt, prodsmart, smartup, control string) {
	f.StringVar(&s.options.OPCUA, "opcua", opcua, "address of the OPC UA server")
	f.StringVar(&s.options.Modbus, "modbus", modbus, "address of the Modbus gateway")
	f.StringVar(&s.options.MQTT, "mqtt", mqtt, "address of the MQTT broker")
	f.StringVar(&s.options.Prodsmart, "prodsmart", prodsmart, "address of the pretend Prodsmart")
	f.StringVar(&s.options.Smartup, "smartup", smartup, "address of the pretend Smartup")
	f.StringVar(&s.options.Control, "control", control, "address of the control interface")
	f.StringVar(&s.options.Key, "key", "plantsim", "API key that the pretend Prodsmart accepts")
	f.StringVar(&s.options.Secret, "secret", "secret", "API secret that the pretend Prodsmart accepts")
	f.StringVar(&s.profile, "profile", "documented", "how Prodsmart behaves: documented, lenient or hostile")
	f.Uint64Var(&s.options.Seed, "seed", 1, "seed of everything that happens by chance")
	f.StringVar(&s.options.CountIs, "count-is", "good", "what the tenant's machine counter means: good or total")
	f.DurationVar(&s.options.Timing.StopAfter, "stop-after", 3*time.Second, "stop_after of the gateway's configuration")
	f.DurationVar(&s.options.Timing.IdleAfter, "idle-after", 8*time.Second, "idle_after of the gateway's configuration")
	f.DurationVar(&s.every, "every", 5*time.Second, "time between two tables")
	f.DurationVar(&s.length, "for", 0, "end by itself after that time")
}

// open builds the plant and starts it. Who opens it closes it.
func (s *settings) open() (*plant.Plant, error) {
	// The OPC UA library writes to the standard logger, and cannot be told not to.
	log.SetOutput(io.Discard)
	profile, err := mes.ProfileNamed(s.profile)
	if err != nil {
		return nil, err
	}
	if s.every <= 0 || s.length < 0 {
		return nil, fmt.Errorf("--every must be positive, and --for must not be negative")
	}
	s.options.Profile = profile
	p, err := plant.New(s.options)
	if err != nil {
		return nil, err
	}
	p.Start()
	return p, nil
}

// until is the context of the command's length.
func (s *settings) until(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.length == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.length)
}

func runCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the plant until Ctrl-C",
		Example: "  plantsim run --faults\n" +
			"  plantsim run --opcua 127.0.0.1:4840 --profile hostile --for 60s",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c.Context(), c.OutOrStdout()) },
	}
	s.flags(c.Flags(), "127.0.0.1:4840", "127.0.0.1:5020", "127.0.0.1:1883", "127.0.0.1:8090", "127.0.0.1:8092", "127.0.0.1:8091")
	c.Flags().BoolVar(&s.options.Faults, "faults", false, "let faults of links, devices and Prodsmart come by themselves")
	c.Flags().BoolVar(&s.options.Blind, "blind", false, "produce at once, without waiting for somebody to read the machines")
	return c
}

func (s *settings) run(ctx context.Context, out io.Writer) error {
	p, err := s.open()
	if err != nil {
		return err
	}
	defer p.Close()
	printAddresses(out, p)
	ctx, cancel := s.until(ctx)
	defer cancel()
	if err := tables(ctx, out, p, s.every, nil); err != nil {
		return err
	}
	return state(out, p)
}

// state prints what the machines did and the orders, beside what Prodsmart was told.
func state(out io.Writer, p *plant.Plant) error {
	if err := plant.WriteTable(out, p.Table()); err != nil {
		return err
	}
	return plant.WriteSales(out, p.Sales())
}

func printAddresses(out io.Writer, p *plant.Plant) {
	opcua, modbus, mqtt, prodsmart, control := p.Addresses()
	fmt.Fprintf(out, "OPC UA     opc.tcp://%s\nModbus     tcp://%s\nMQTT       tcp://%s\nProdsmart  http://%s\nSmartup    http://%s\ncontrol    http://%s/table\n",
		opcua, modbus, mqtt, prodsmart, p.SmartupAddress(), control)
	fmt.Fprintln(out, "Machines begin to produce when their counters are read.")
}

// tables prints a table now and then until ctx ends or broken gives an error.
func tables(ctx context.Context, out io.Writer, p *plant.Plant, every time.Duration, broken <-chan error) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case <-t.C:
		}
		fmt.Fprintf(out, "\nafter %.0f s\n", p.Age().Seconds())
		if err := state(out, p); err != nil {
			return err
		}
	}
}
