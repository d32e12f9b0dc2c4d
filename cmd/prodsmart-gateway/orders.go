package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
)

func ordersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "orders", Short: "The orders of business systems, and what became of them in Prodsmart", Args: noArgs,
		Long: `orders shows the order mirror: each line of the sources under orders.sources, the
production order that it became, and why it is skipped or waits. list and show read
the store beside a running gateway, or when it does not run; sync and resolve ask
the gateway that runs on this computer.`,
	}
	c.AddCommand(ordersListCommand(), ordersShowCommand(), ordersSyncCommand(), ordersResolveCommand(), ordersDiscoverCommand())
	return c
}

// between takes a number of arguments.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage{c, fmt.Errorf("%s takes %s", c.Name(), what)}
		}
		return nil
	}
}

func ordersSyncCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "sync SOURCE", Short: "Read a source now instead of when it is due", Args: between(1, 1, "the name of a source"),
		Long: `sync lets the running gateway read a source at once, all of it where the source can
be asked for all. Calls count against the system's daily budget as always.`,
		Example: "  prodsmart-gateway orders sync sales",
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := handle(c, *path, args[0], "sync", nil); err != nil {
			return err
		}
		return printed(c.OutOrStdout(), "%s is read now; orders list shows what comes of it.\n", visible(args[0]))
	}
	return c
}

func ordersResolveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "resolve SOURCE [ORDER] DECISION", Short: "Decide what only a person can", Args: between(2, 3, "a source, an order or write-back if it is about one, and the decision"),
		Long: `resolve tells the running gateway a decision. ORDER is the code of a production
order, or what orders list has in its place, or the id of a write-back.
orders show says what can be decided about it:

  apply, keep     take over a smaller quantity of a started order, or leave it
  recreate        make an order again that somebody deleted in Prodsmart
  retry           try again a change that Prodsmart refused
  write           write back now how far the order is
  send, drop      send a parked write-back, or forget it because it was booked by hand

Without ORDER it is about the source as a whole:

  release         believe so many cancellations at once, and go on
  believe         believe the next complete read, however much is missing in it`,
		Example: `  prodsmart-gateway orders resolve sales SU-642-1 apply
  prodsmart-gateway orders resolve sales release`,
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		decision := args[len(args)-1]
		values := url.Values{"option": {decision}}
		about := args[0]
		if len(args) == 3 {
			about = args[1]
			values.Set("what", about)
		}
		if err := handle(c, *path, args[0], "resolve", values); err != nil {
			return err
		}
		return printed(c.OutOrStdout(), "%s: %s.\n", visible(about), visible(decision))
	}
	return c
}

// handle asks the running gateway to do something about a source.
func handle(c *cobra.Command, path, source, verb string, values url.Values) error {
	cfg, err := load(c.ErrOrStderr(), path, config.Options{SkipSecrets: true})
	if err != nil {
		return err
	}
	if _, err := gateway.FindOrderSource(cfg, source); err != nil {
		return err
	}
	return ask(c.Context(), cfg.Metrics, "/api/orders/"+url.PathEscape(source)+"/"+verb+"?"+values.Encode())
}

func ordersDiscoverCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "discover SOURCE", Short: "Show the fields that a source's records really have", Args: between(1, 1, "the name of a source"),
		Long: `discover asks the business system for a few records and lists their fields, what is
in them, and what each is likely to mean; then it suggests a piece of configuration.
It changes nothing. Its few calls are not counted by the gateway.`,
		Example: "  prodsmart-gateway orders discover erp",
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{SkipSecrets: true, SecretsOf: args[0]})
		if err != nil {
			return err
		}
		return discover(c.Context(), cfg, args[0], c.OutOrStdout())
	}
	return c
}

// discover prints the fields of a source's records.
func discover(ctx context.Context, cfg *config.Config, name string, out io.Writer) (err error) {
	s, err := gateway.FindOrderSource(cfg, name)
	if err != nil {
		return err
	}
	source, err := gateway.OpenOrderSource(s, "", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	finder, ok := source.(erp.Discoverer)
	if !ok {
		return fmt.Errorf("the records of %s are the same everywhere; there is nothing to find out", s.System)
	}
	fields, suggestion, err := finder.Discover(ctx)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		return fmt.Errorf("%s has no records to look at; try again when there are orders", visible(name))
	}
	if err := printFields(out, fields); err != nil {
		return err
	}
	return printed(out, "\n%s\n", visibleLines(strings.TrimRight(suggestion, "\n")))
}

func printFields(out io.Writer, fields []erp.Field) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIELD\tTYPE\tFILLED\tMEANS\tSAMPLES")
	for _, f := range fields {
		samples := slices.Clone(f.Samples)
		for i := range samples {
			samples[i] = cell(samples[i], 30)
		}
		fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t%s\n", cell(f.Path, 60), f.Type, f.Seen, f.Of, orDash(f.Means), strings.Join(samples, ", "))
	}
	return w.Flush()
}

// visibleLines is visible for a text of several lines.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

// cell is a text for a table, shortened, without anything that moves the columns.
func cell(s string, most int) string {
	runes := []rune(strings.ReplaceAll(visible(s), "\t", " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
