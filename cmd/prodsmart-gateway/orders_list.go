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
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

func ordersListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list [SOURCE]", Short: "The lines of the sources, and what became of each", Args: between(0, 1, "at most the name of a source"),
		Long: `list shows each line of the sources with its production order, its status and, where
it is skipped, waits or was refused, the reason. Times are in the time zone of the
configuration.`,
		Example: `  prodsmart-gateway orders list
  prodsmart-gateway orders list sales --alerts`,
	}
	path := configFlag(c)
	alerts := c.Flags().Bool("alerts", false, "only what needs a person")
	status := c.Flags().String("status", "", "only lines with this `status`, such as waiting or mirrored")
	asJSON := c.Flags().Bool("json", false, "for scripts")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *status != "" && !slices.Contains(rules.Statuses(), rules.Status(*status)) {
			var names []string
			for _, s := range rules.Statuses() {
				names = append(names, string(s))
			}
			return usage{c, fmt.Errorf("--status: there is no status %q; there are: %s", *status, strings.Join(names, ", "))}
		}
		books, cfg, err := openBooks(c, *path, args)
		if err != nil {
			return err
		}
		if *asJSON {
			return jsonOf(c.OutOrStdout(), books, *alerts, cfg.Location)
		}
		return listOrders(c.OutOrStdout(), c.ErrOrStderr(), books, *alerts, rules.Status(*status), cfg.Location)
	}
	return c
}

// book is a source with its book.
type book struct {
	source config.OrderSource
	*rules.Book
	// told is what the journal has about what is asked for, oldest first; of show
	// only.
	told []store.Entry
}

// openBooks reads the books of all sources, or of the one that is named, and the
// journal about what is asked for, if anything is.
func openBooks(c *cobra.Command, path string, args []string) (books []book, cfg *config.Config, err error) {
	if cfg, err = load(c.ErrOrStderr(), path, config.Options{SkipSecrets: true}); err != nil {
		return nil, nil, err
	}
	sources := cfg.Orders.Sources
	switch {
	case len(args) > 0:
		s, err := gateway.FindOrderSource(cfg, args[0])
		if err != nil {
			return nil, nil, err
		}
		sources = []config.OrderSource{s}
	case len(sources) == 0:
		return nil, nil, gateway.ErrNoOrders
	}
	r, err := openStore(cfg)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, s := range sources {
		b, err := gateway.OrderBook(c.Context(), r, s)
		if err != nil {
			return nil, nil, err
		}
		one := book{source: s, Book: b}
		if c.Name() == "show" {
			about := map[string]bool{"": len(args) == 1}
			if len(args) > 1 {
				for _, e := range b.Find(args[1]) {
					for _, name := range e.Names() {
						about[name] = true
					}
				}
			}
			if one.told, err = tales(c.Context(), r, s.Name, about); err != nil {
				return nil, nil, err
			}
		}
		books = append(books, one)
	}
	return books, cfg, nil
}

// mostTales bounds the decisions that are shown of one line.
const mostTales = 200

// tales are the journal's entries of a source about some subjects; the empty one is
// the source as a whole.
func tales(ctx context.Context, r *store.Reader, source string, about map[string]bool) ([]store.Entry, error) {
	var out []store.Entry
	q := store.Query{Machine: gateway.OrderJournal(source), Limit: 10_000}
	for {
		list, err := r.Journal(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if about[e.Subject] {
				out = append(out, e)
			}
		}
		if len(list) < q.Limit {
			return out[max(0, len(out)-mostTales):], nil
		}
		q.After = list[len(list)-1].ID
	}
}

func jsonOf(out io.Writer, books []book, alerts bool, zone *time.Location) error {
	all := map[string]any{}
	for _, b := range books {
		all[b.source.Name] = board.OrdersJSON(b.Book, alerts, zone)
	}
	j := json.NewEncoder(out)
	j.SetIndent("", "  ")
	return j.Encode(all)
}

func listOrders(out, talk io.Writer, books []book, alerts bool, status rules.Status, zone *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows := 0
	for _, b := range books {
		if h := b.Held(); h != nil {
			if err := printed(talk, "%s is held since %s: %s. Say: prodsmart-gateway orders resolve %s release\n", visible(b.source.Name), h.Since.In(zone).Format(time.DateTime), visible(h.What), visible(b.source.Name)); err != nil {
				return err
			}
		}
		for _, e := range b.Entries() {
			if alerts && !e.Alert || status != "" && e.Status != status {
				continue
			}
			if rows++; rows == 1 {
				fmt.Fprintln(w, "SOURCE\tORDER\tPRODUCT\tQUANTITY\tDUE\tMADE\tSTATUS\tREASON")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", visible(b.source.Name), cell(e.Name(), 40), cell(productOf(e), 30), quantityOf(e), moment(e.Want.Due, zone), madeOf(e), e.Status, visible(e.Reason))
		}
		for _, o := range b.Writes() {
			if alerts && (o.State == rules.Parked || o.State == rules.Failed) {
				if err := printed(talk, "%s: write-back %s (%s of %s) is %s: %s\n", visible(b.source.Name), o.Write.ID, o.Write.Kind, visible(o.Write.Code), o.State, visible(o.Why)); err != nil {
					return err
				}
			}
		}
	}
	if rows == 0 {
		return printed(talk, "No order is like that.\n")
	}
	return w.Flush()
}

// productOf is the product, or the article where no product was found for it.
func productOf(e rules.Entry) string {
	if e.Want.Product != "" {
		return e.Want.Product
	}
	return orDash(e.Raw.Product)
}

// quantityOf is in the product's own unit, or as the source has it where that is not
// known.
func quantityOf(e rules.Entry) string {
	if e.Want.Quantity.IsZero() {
		return cell(strings.TrimSpace(e.Raw.Quantity.String()+" "+e.Raw.Unit), 20)
	}
	return e.Want.Quantity.String()
}

func madeOf(e rules.Entry) string {
	if e.Seen.At.IsZero() {
		return "-"
	}
	return e.Seen.Produced.String()
}

func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("2006-01-02 15:04")
}
