package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/probe"
)

func probeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "probe CONNECTION ADDRESS...", Short: "Read addresses once, or find the address of a value that a display shows",
		Long: `probe reads addresses of a connection once and shows the raw bytes and every
type and byte order as which they make sense. CONNECTION is a name in the
configuration, or a device's address, for which no file is needed.

With --shows it reads what lies near the address and ranks everything that fits
what the machine's display shows, as lines ready to paste. A second value, later,
decides between several: with --then, or typed when asked.`,
		Example: `  prodsmart-gateway probe pack 40001 3/holding:104
  prodsmart-gateway probe tcp://10.0.4.30:502 40001
  prodsmart-gateway probe pack 40100 --shows "1 240"
  prodsmart-gateway probe pack 40100 --shows 229.01 --then 231.40 --wait 5m`,
	}
	var o probeOptions
	path := configFlag(c)
	f := c.Flags()
	f.StringVar(&o.tag.Type, "type", "", "data type, such as float32")
	f.StringVar(&o.tag.Order, "order", "", "byte order: ABCD, CDAB, BADC or DCBA")
	f.StringVar(&o.tag.Path, "path", "", "member of a JSON payload, an array or a structure")
	f.StringVar(&o.shows, "shows", "", "the `value` that the display shows now")
	f.StringVar(&o.then, "then", "", "the `value` that it will show later")
	f.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for the later value")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long one reading may take")
	f.BoolVar(&o.json, "json", false, "print as JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.understood(f.Changed, args); err != nil {
			return usage{c, err}
		}
		patience := time.Duration(0)
		if f.Changed("timeout") {
			patience = o.timeout
		}
		// A reader that leaves must not end the program while a device is open.
		signal.Ignore(syscall.SIGPIPE)
		s, err := survey(c.ErrOrStderr(), *path, args[0], patience)
		if err != nil {
			return err
		}
		ctx := c.Context()
		o.out, o.talk = c.OutOrStdout(), c.ErrOrStderr()
		if o.shows == "" {
			return o.read(ctx, s, args[1:])
		}
		if onTerminal(os.Stdin) && o.then == "" && !o.json {
			o.answers = bufio.NewScanner(os.Stdin)
		}
		return o.solve(ctx, s, args[1])
	}
	return c
}

// understood says what is wrong with a command line; changed tells which flags
// were given.
func (o *probeOptions) understood(changed func(flag string) bool, args []string) error {
	empty := func(flag, value string) bool { return changed(flag) && strings.TrimSpace(value) == "" }
	switch {
	case len(args) < 2:
		return errors.New("a connection and an address are needed: probe CONNECTION ADDRESS")
	case o.timeout <= 0 || o.wait < 0:
		return errors.New("--timeout must be positive, and --wait can not be negative")
	case empty("shows", o.shows) || empty("then", o.then):
		return errors.New("--shows and --then need the value as the display writes it, such as 229.01 or ON")
	case o.then != "" && o.shows == "":
		return errors.New("--then needs --shows, the value before")
	case o.shows != "" && len(args) > 2:
		return errors.New("--shows looks around one address; give one")
	}
	return nil
}

// onTerminal says that a person may be asked.
func onTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// probeOptions are the flags of probe, and where it reads and writes.
type probeOptions struct {
	// tag holds what the flags say about all addresses.
	tag           connectors.Tag
	shows, then   string
	wait, timeout time.Duration
	json          bool

	out, talk io.Writer
	// answers are what a person types; nil if nobody can be asked.
	answers *bufio.Scanner
}

func (o *probeOptions) at(address string) connectors.Tag {
	t := o.tag
	t.Address, t.Bit = address, connectors.NoBit
	return t
}

// read prints each address; a bad one makes the command fail after all were
// shown.
func (o *probeOptions) read(ctx context.Context, s connectors.Surveyor, addresses []string) error {
	tags := make([]connectors.Tag, len(addresses))
	for i, a := range addresses {
		tags[i] = o.at(a)
	}
	ctx, cancel := o.bounded(ctx)
	defer cancel()
	readings, err := s.Probe(ctx, tags)
	if err != nil {
		return unfinished(ctx, err, o.timeout)
	}
	bad := 0
	all := [][]jsonReading{}
	for i, of := range readings {
		if len(of) == 0 {
			of = []connectors.Reading{{Tag: tags[i], Sample: connectors.Sample{Reason: "no answer"}}}
		}
		if of[0].Sample.Quality == connectors.Bad {
			bad++
		}
		if !o.json {
			if err := writeReadings(o.out, of, time.Now()); err != nil {
				return err
			}
			continue
		}
		list := make([]jsonReading, len(of))
		for k, r := range of {
			list[k] = readingJSON(r)
		}
		all = append(all, list)
	}
	if o.json {
		if err := writeJSON(o.out, all); err != nil {
			return err
		}
	}
	if bad > 0 {
		return reported{fmt.Errorf("%d of %d addresses can not be read", bad, len(tags))}
	}
	return nil
}

// bounded lets a reading end in order at its timeout and at Ctrl-C. Between
// readings, while a person types, nothing is open and Ctrl-C ends the program.
func (o *probeOptions) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	return ctx, func() { cancel(); stop() }
}

// around reads the neighbourhood once.
func (o *probeOptions) around(ctx context.Context, s connectors.Surveyor, tag connectors.Tag) ([]connectors.Reading, error) {
	ctx, cancel := o.bounded(ctx)
	defer cancel()
	readings, err := s.Around(ctx, tag)
	return readings, unfinished(ctx, err, o.timeout)
}

// plain is an address in the notation of the readings around it: holding:99 for
// 40100. It is the address itself if the device can not tell.
func (o *probeOptions) plain(ctx context.Context, s connectors.Surveyor, tag connectors.Tag) string {
	ctx, cancel := o.bounded(ctx)
	defer cancel()
	if same, err := s.Probe(ctx, []connectors.Tag{tag}); err == nil && len(same) == 1 && len(same[0]) > 1 {
		return same[0][1].Tag.Address
	}
	return tag.Address
}

// solve looks for the displayed value, and once more for the later one.
func (o *probeOptions) solve(ctx context.Context, s connectors.Surveyor, address string) error {
	shown, err := probe.ParseShown(o.shows)
	if err != nil {
		return err
	}
	asked := o.at(address)
	readings, err := o.around(ctx, s, asked)
	if err != nil {
		return err
	}
	asked.Address = o.plain(ctx, s, asked)
	samples := []probe.Sample{{Shown: shown, Readings: readings}}
	matches := probe.Rank(asked, samples...)
	if o.then != "" && len(matches) > 0 {
		if matches, err = o.await(ctx, s, asked, samples); err != nil {
			return err
		}
		return o.report(matches, len(readings), 2)
	}
	for o.answers != nil && len(matches) > 1 && !probe.Decided(matches) {
		if err := o.report(matches, len(readings), len(samples)); err != nil {
			return err
		}
		next, ok := o.ask()
		if !ok {
			return nil
		}
		if readings, err = o.around(ctx, s, asked); err != nil {
			return err
		}
		samples = append(samples, probe.Sample{Shown: next, Readings: readings})
		matches = probe.Rank(asked, samples...)
	}
	return o.report(matches, len(readings), len(samples))
}

// ask lets a person type the next value; false when there is none.
func (o *probeOptions) ask() (probe.Shown, bool) {
	fmt.Fprint(o.talk, "When the display shows another value, type it and press Enter (Enter alone ends): ")
	if !o.answers.Scan() {
		return probe.Shown{}, false
	}
	next, err := probe.ParseShown(o.answers.Text())
	return next, err == nil
}

// againEvery is how often the neighbourhood is read for a later value.
const againEvery = 500 * time.Millisecond

// await reads until something that fitted the first value fits the second, or
// the wait is over.
func (o *probeOptions) await(ctx context.Context, s connectors.Surveyor, asked connectors.Tag, samples []probe.Sample) ([]probe.Match, error) {
	then, err := probe.ParseShown(o.then)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(o.wait)
	var found []probe.Match
	fits := func(readings []connectors.Reading) (more bool, err error) {
		found = probe.Rank(asked, append(samples[:1:1], probe.Sample{Shown: then, Readings: readings})...)
		return len(found) == 0 && time.Now().Before(deadline), nil
	}
	if w, ok := s.(connectors.Watcher); ok {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		ctx, cancel := context.WithTimeout(ctx, o.wait+o.timeout)
		defer cancel()
		err := w.Watch(ctx, asked, againEvery, fits)
		return found, unfinished(ctx, err, o.wait+o.timeout)
	}
	again := time.NewTicker(againEvery)
	defer again.Stop()
	for {
		readings, err := o.around(ctx, s, asked)
		if err != nil {
			return nil, err
		}
		if more, err := fits(readings); !more || err != nil {
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}

// jsonMatch is a match for a script.
type jsonMatch struct {
	YAML   string  `json:"yaml"`
	Tag    string  `json:"tag"`
	Scale  string  `json:"scale,omitempty"`
	Values []any   `json:"values"`
	Bits   float64 `json:"bits"`
	Cut    bool    `json:"cut,omitempty"`
	// Same says that the match before reads the same values.
	Same    bool `json:"same,omitempty"`
	Decided bool `json:"decided,omitempty"`
}

// report prints the best matches and how sure they are.
func (o *probeOptions) report(matches []probe.Match, candidates, samples int) error {
	const most = 10
	shown := matches[:min(most, len(matches))]
	if o.json {
		list := []jsonMatch{}
		for i, m := range shown {
			j := jsonMatch{YAML: m.YAML(), Tag: m.Tag.Address, Scale: m.Scale, Bits: m.Bits, Cut: m.Cut, Same: m.Same, Decided: i == 0 && probe.Decided(matches)}
			for _, v := range m.Values {
				j.Values = append(j.Values, valueJSON(v))
			}
			list = append(list, j)
		}
		if err := writeJSON(o.out, list); err != nil {
			return err
		}
	} else {
		for i, m := range shown {
			if err := printed(o.out, "%3d  %s  # %s\n", i+1, visible(m.YAML()), visible(remark(m))); err != nil {
				return err
			}
		}
	}
	if len(matches) == 0 {
		what := o.shows
		if o.then != "" && samples > 1 {
			what += ", then " + o.then
		}
		return fmt.Errorf("nothing among %d candidates shows %s: is the address near enough, the unit the same, and does the display show this device's value at this moment? Choose a moment at which the value stands still, or probe another area", candidates, what)
	}
	return printed(o.talk, "%s\n", verdict(matches, samples))
}

// remark tells what a match held.
func remark(m probe.Match) string {
	var texts []string
	for _, v := range m.Values {
		texts = append(texts, v.Text())
	}
	text := "holds " + strings.Join(texts, ", then ")
	if m.Name != "" {
		text = m.Name + ", " + text
	}
	if m.Cut {
		text += "; the display cuts digits off"
	}
	if m.Same {
		text += "; reads the same as the line above"
	}
	return text
}

func verdict(matches []probe.Match, samples int) string {
	switch {
	case probe.Decided(matches) && samples > 1:
		return "Line 1 fits all samples and nothing else comes near."
	case probe.Decided(matches):
		return "Line 1 is by far the likeliest; a second value (--then) would prove it."
	case len(matches) > 1 && matches[1].Same:
		text := fmt.Sprintf("%d lines fit; the first ones read the same values: another sample decides, once the value needs more digits or passes 65536. The device's manual tells the width.", len(matches))
		if line := sixteen(matches); line > 0 {
			text += fmt.Sprintf(" For a counter, line %d with wraps_at: 65536 is right in both cases.", line)
		}
		return text
	}
	return fmt.Sprintf("%d lines fit, and none stands out: another sample decides. Wait until the display shows another value, and give both with --shows and --then.", len(matches))
}

// sixteen is the line that reads 16 bits, counted from 1, among the first that
// read the same: it is the lower half of the wider ones. 0 is none.
func sixteen(matches []probe.Match) int {
	for i, m := range matches {
		if i > 0 && !m.Same {
			break
		}
		if m.Tag.Type == "uint16" && (m.Tag.Order == "" || m.Tag.Order == "ABCD") {
			return i + 1
		}
	}
	return 0
}
