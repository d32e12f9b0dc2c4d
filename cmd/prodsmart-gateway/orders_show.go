package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

func ordersShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show SOURCE [ORDER]", Short: "All that is known of an order, or a source, and each decision about it", Args: between(1, 2, "a source and an order"),
		Long: `show tells what the source wants of an order, how it is in Prodsmart, what was
written back, what was decided about it and when, and what a person can decide now.
ORDER is the code of a production order, what orders list has in its place, or the
number of the order in the business system.

Without ORDER it shows the source as a whole: how many lines have which status,
what could not be read, each with its place, and, if the gateway runs on this
computer, when it read last, why it could not, and what is left of the day's calls.`,
		Example: `  prodsmart-gateway orders show sales SU-642-1
  prodsmart-gateway orders show sales`,
	}
	path := configFlag(c)
	asJSON := c.Flags().Bool("json", false, "for scripts")
	c.RunE = func(c *cobra.Command, args []string) error {
		books, cfg, err := openBooks(c, *path, args)
		if err != nil {
			return err
		}
		b := books[0]
		if len(args) == 1 {
			now, err := askSource(c.Context(), cfg.Metrics, b.source.Name)
			return showSource(c.OutOrStdout(), b, now, err, cfg.Location)
		}
		lines := b.Find(args[1])
		if len(lines) == 0 {
			return fmt.Errorf("%s has no order %q; orders list %s shows all", visible(args[0]), visible(args[1]), visible(args[0]))
		}
		if *asJSON {
			j := json.NewEncoder(c.OutOrStdout())
			j.SetIndent("", "  ")
			return j.Encode(board.LinesJSON(b.Book, lines, cfg.Location))
		}
		for i, e := range lines {
			if i > 0 {
				if err := printed(c.OutOrStdout(), "\n"); err != nil {
					return err
				}
			}
			if err := showOrder(c.OutOrStdout(), b, e, cfg.Location); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// lookPatience is how long a running gateway is waited for that is only looked at.
const lookPatience = 3 * time.Second

// askSource asks the gateway that runs on this computer how a source is now: what is in
// its memory alone.
func askSource(ctx context.Context, listen, name string) (board.OrderSource, error) {
	address, err := nearby(listen)
	if err != nil {
		return board.OrderSource{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/orders", nil)
	if err != nil {
		return board.OrderSource{}, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	resp, err := client.Do(r)
	if err != nil {
		return board.OrderSource{}, fmt.Errorf("no gateway answers at %s", address)
	}
	defer resp.Body.Close()
	var all board.OrderSources
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&all); err != nil || resp.StatusCode != http.StatusOK {
		return board.OrderSource{}, fmt.Errorf("what answers at %s is no gateway of this version", address)
	}
	for _, s := range all.Sources {
		if s.Name == name {
			return s, nil
		}
	}
	return board.OrderSource{}, fmt.Errorf("the gateway at %s runs without this source: restart it with this configuration", address)
}

// showNow tells how a source is in the running gateway; err is why that is not known.
func showNow(row func(name, format string, args ...any), now board.OrderSource, err error, zone *time.Location) {
	if err != nil {
		row("now", "not known: %v", err)
		return
	}
	if now.LastRead != nil {
		row("read", "%s", moment(*now.LastRead, zone))
	}
	if now.NextRead != nil {
		row("next read", "%s", moment(*now.NextRead, zone))
	}
	if now.Problem != "" && now.Since != nil {
		row("problem", "since %s: %s", moment(*now.Since, zone), now.Problem)
	}
	for _, c := range now.Calls {
		if c.PerDay > 0 {
			row("calls", "%s: %d of %d left until %s", c.Class, c.Left, c.PerDay, moment(c.Until, zone))
		}
	}
}

// showSource tells of a source as a whole. now is how it is in the running gateway,
// unless err says why that is not known.
func showSource(out io.Writer, b book, now board.OrderSource, err error, zone *time.Location) error {
	var t strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&t, "%-12s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	mode := "shadow"
	if b.source.Live {
		mode = "live"
	}
	row("source", "%s: %s, %s, %s", b.source.Name, b.source.System, mode, b.source.Rules.Target)
	if at := b.LastFull(); !at.IsZero() {
		row("read whole", "%s", moment(at, zone))
	}
	showNow(row, now, err, zone)
	counts, alerts := b.Count()
	for _, s := range rules.Statuses() {
		if counts[s] > 0 {
			row("lines", "%d %s", counts[s], s)
		}
	}
	if alerts > 0 {
		row("alerts", "%d lines need a person: prodsmart-gateway orders list %s --alerts", alerts, b.source.Name)
	}
	if h := b.Held(); h != nil {
		row("held", "since %s: %s", moment(h.Since, zone), h.What)
		row("decide", "prodsmart-gateway orders resolve %s release", b.source.Name)
	}
	for _, told := range b.told {
		row(told.Time.In(zone).Format("01-02 15:04"), "%s", told.Text)
	}
	return printed(out, "%s", t.String())
}

func showOrder(out io.Writer, b book, e rules.Entry, zone *time.Location) error {
	var t strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&t, "%-12s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	row("order", "%s", e.Name())
	from := e.Document
	if e.Company != "" {
		from = e.Company + "/" + from
	}
	if e.Number != "" && e.Number != e.Document {
		from = e.Number + " (" + from + ")"
	}
	row("from", "%s: order %s, line %s", b.source.Name, from, orDash(e.Line))
	row("wanted", "%s %s, due %s", quantityOf(e), productOf(e), moment(e.Want.Due, zone))
	if e.Want.Text != "" {
		row("text", "%s", e.Want.Text)
	}
	status := string(e.Status)
	if e.Reason != "" {
		status += ": " + e.Reason
	}
	row("status", "%s", status)
	switch {
	case e.ID == 0:
		row("prodsmart", "no order")
	case e.Seen.At.IsZero():
		row("prodsmart", "order %d", e.ID)
	default:
		row("prodsmart", "order %d, %s, %s of %s made, seen %s", e.ID, e.Seen.Running, e.Seen.Produced, e.Seen.Ordered, moment(e.Seen.At, zone))
	}
	if e.Ask != nil {
		row("question", "%s", e.Ask.What)
	}
	if can := b.Options(e); len(can) > 0 {
		row("decide", "prodsmart-gateway orders resolve %s %s %s", b.source.Name, e.Name(), strings.Join(can, " | "))
	}
	for _, o := range b.Writes() {
		if o.Entry != e.Key {
			continue
		}
		what := fmt.Sprintf("%s (%s) %s, %s", o.Write.ID, o.Write.Kind, o.State, moment(o.Since, zone))
		for _, more := range []string{o.Why, o.Receipt.Says} {
			if more != "" {
				what += ": " + more
			}
		}
		if can := o.Options(); len(can) > 0 {
			what += "; decide: orders resolve " + b.source.Name + " " + o.Write.ID + " " + strings.Join(can, " | ")
		}
		row("written", "%s", what)
	}
	for _, told := range b.told {
		if slices.Contains(e.Names(), told.Subject) {
			row(told.Time.In(zone).Format("01-02 15:04"), "%s", told.Text)
		}
	}
	return printed(out, "%s", t.String())
}
