package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
)

func journalCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "journal", Short: "What happened, from the local journal", Args: noArgs,
		Long: `journal reads the store beside a running gateway, or when it does not run. With
mode dry-run it reads the store of the dry run.`,
	}
	c.AddCommand(missingCommand())
	return c
}

// excerpt is which part of a journal somebody wants, and how.
type excerpt struct {
	machine, since, until string
	csv, json             bool
}

func (e *excerpt) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.machine, "machine", "", "only this `machine`")
	c.Flags().StringVar(&e.since, "since", "", "entries from this `time` on: today, yesterday, 2026-11-22, \"2026-11-22 14:00\"")
	c.Flags().StringVar(&e.until, "until", "", "entries before this `time`")
	c.Flags().BoolVar(&e.csv, "csv", false, "for spreadsheets")
	c.Flags().BoolVar(&e.json, "json", false, "for scripts")
}

// query is what to ask the store for; the times are in the zone of the site.
func (e *excerpt) query(c *cobra.Command, zone *time.Location) (store.Query, error) {
	if e.csv && e.json {
		return store.Query{}, usage{c, errors.New("--csv and --json can not be had together")}
	}
	q := store.Query{Machine: e.machine, Limit: 10_000}
	var err error
	now := time.Now()
	if q.From, err = board.ParseTime(e.since, now, zone); err != nil {
		return q, usage{c, fmt.Errorf("--since: %w", err)}
	}
	if q.To, err = board.ParseTime(e.until, now, zone); err != nil {
		return q, usage{c, fmt.Errorf("--until: %w", err)}
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, usage{c, errors.New("--until: it is not after --since, so nothing lies between them")}
	}
	return q, nil
}

func missingCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "missing", Short: "What happened and Prodsmart does not show as it was", Args: noArgs,
		Long: `missing lists, with true times, what Prodsmart does not show as it was: downtimes
that were over before they could be told, beginnings and ends that were told late,
stops that no type was taken for, and pieces that were told after the order had
changed or that wait to be released. Prodsmart stamps everything when it arrives,
so this is what to correct there by hand.

It reads the store beside a running gateway, or when it does not run; with mode
dry-run that of the dry run. Times are in the time zone of the configuration.`,
		Example: `  prodsmart-gateway journal missing --since yesterday
  prodsmart-gateway journal missing --machine PRESS-01 --since 2026-11-01 --csv > missing.csv`,
	}
	path := configFlag(c)
	var e excerpt
	e.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{SkipSecrets: true})
		if err != nil {
			return err
		}
		q, err := e.query(c, cfg.Location)
		if err != nil {
			return err
		}
		return e.missing(c.Context(), cfg, q, c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

func (e *excerpt) missing(ctx context.Context, cfg *config.Config, q store.Query, out, talk io.Writer) (err error) {
	r, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var list []store.Missing
	for {
		part, err := r.Missing(ctx, q)
		if err != nil {
			return err
		}
		list = append(list, part...)
		if len(part) < q.Limit {
			break
		}
		q.After = part[len(part)-1].ID
	}
	if len(list) == 0 && e.machine != "" && !configured(cfg, e.machine) {
		// An empty report would be read as good news. Machines that were taken
		// out of the configuration still have their entries.
		return fmt.Errorf("there is no machine %s in the configuration, nor an entry of it in this period; machine codes are written as there, capital letters included", visible(e.machine))
	}
	switch {
	case e.csv:
		return board.MissingCSV(out, list, cfg.Location)
	case e.json:
		j := json.NewEncoder(out)
		j.SetIndent("", "  ")
		return j.Encode(board.MissingJSON(list, false, cfg.Location))
	case len(list) == 0:
		return printed(talk, "Nothing is missing in Prodsmart, as far as this gateway knows.\n")
	}
	return printMissing(out, list, cfg.Location)
}

// configured says whether a machine has, or had, this code in the configuration.
func configured(cfg *config.Config, code string) bool {
	return slices.ContainsFunc(cfg.Machines, func(m config.Machine) bool { return m.Spec.Code == code || m.Was == code })
}

// openStore opens the store of a configuration for reading.
func openStore(cfg *config.Config) (*store.Reader, error) {
	path := gateway.StorePath(cfg)
	r, err := store.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%w; the gateway has not run with this configuration yet, or data names another folder", err)
	}
	return r, nil
}

func printMissing(out io.Writer, list []store.Missing, zone *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MACHINE\tFROM\tTO\tLASTED\tWHAT")
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.In(zone).Format("2006-01-02 15:04:05")
	}
	for _, m := range list {
		lasted := "-"
		if !m.From.IsZero() && !m.To.IsZero() {
			lasted = m.To.Sub(m.From).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", visible(m.Machine), at(m.From), at(m.To), lasted, visible(what(m)))
	}
	return w.Flush()
}

// what says in a few words what is missing.
func what(m store.Missing) string {
	words, known := map[string]string{
		"not_in_prodsmart":   "downtime %s is not in Prodsmart",
		"stop_late":          "downtime %s began earlier than Prodsmart shows",
		"start_late":         "downtime %s ended earlier than Prodsmart shows",
		"stop_given_up":      "downtime %s was refused with every type",
		"backlog_held":       "%d pieces of %s are held",
		"backlog_late":       "%d pieces of %s were told after the order changed",
		"parameters_refused": "parameters were refused",
	}[m.Code]
	switch {
	case !known:
		return m.Text
	case strings.HasPrefix(m.Code, "backlog"):
		order := "no order"
		if m.Order != "" {
			order = "order " + m.Order
		}
		return fmt.Sprintf(words, m.Pieces, order)
	case strings.Contains(words, "%s"):
		return fmt.Sprintf(words, m.Type)
	}
	return words
}
