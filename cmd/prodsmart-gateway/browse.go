package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/probe"
)

func browseCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "browse CONNECTION [NODE]", Short: "Show what a device holds, ready to paste into the configuration",
		Long: `browse walks through what a device holds and prints it as it comes: the tree of
an OPC UA server, the registers of a Modbus device that can be read, the topics
that arrive at an MQTT broker. CONNECTION is a name in the configuration, or a
device's address, for which no file is needed. NODE is where to begin.`,
		Example: `  prodsmart-gateway browse bend
  prodsmart-gateway browse opc.tcp://10.0.4.21:4840 --depth 2
  prodsmart-gateway browse pack 3/holding:0-199 --yaml
  prodsmart-gateway browse mqtt://10.0.4.5 "plant/#" --for 30s`,
	}
	var b browser
	path := configFlag(c)
	f := c.Flags()
	f.IntVar(&b.walk.Depth, "depth", 0, "levels below the beginning; 0 for all")
	f.IntVar(&b.walk.Limit, "limit", 1000, "rows after which to stop; 0 for the protocol's own bound")
	f.DurationVar(&b.walk.For, "for", 10*time.Second, "how long to listen where values come by themselves")
	f.BoolVar(&b.walk.Values, "values", true, "read the values too")
	f.BoolVar(&b.yaml, "yaml", false, "print lines to paste")
	f.BoolVar(&b.json, "json", false, "print one JSON object a line")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < 1 || len(args) > 2:
			return usage{c, errors.New("one connection is needed, and at most one node: browse CONNECTION [NODE]")}
		case b.yaml && b.json:
			return usage{c, errors.New("--yaml and --json do not go together")}
		case b.walk.Depth < 0 || b.walk.Limit < 0 || b.walk.For < 0:
			return usage{c, errors.New("--depth, --limit and --for can not be negative")}
		case len(args) == 2:
			b.walk.Root = args[1]
		}
		s, err := survey(c.ErrOrStderr(), *path, args[0], 0)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		// A reader that leaves, such as head, must not end the program before the
		// session with the device is closed.
		signal.Ignore(syscall.SIGPIPE)
		b.out = c.OutOrStdout()
		return b.run(ctx, s, c.ErrOrStderr())
	}
	return c
}

// browser prints a walk.
type browser struct {
	walk       connectors.Walk
	yaml, json bool
	out        io.Writer
	rows       int
}

// run walks. Being stopped by a person is no failure, nor is a limit.
func (b *browser) run(ctx context.Context, s connectors.Surveyor, talk io.Writer) error {
	err := s.Browse(ctx, b.walk, b.print)
	switch {
	case errors.Is(err, connectors.ErrMore):
		return printed(talk, "There is more than these %d rows: %s\n", b.rows, visible(furtherOn(err)))
	case errors.Is(err, syscall.EPIPE):
		return nil // whoever reads has seen enough
	case err != nil && ctx.Err() != nil:
		return printed(talk, "Stopped after %d rows.\n", b.rows)
	case err == nil && b.rows == 0:
		return printed(talk, "Nothing is there. Begin elsewhere, or listen longer with --for where values come by themselves.\n")
	}
	return err
}

// furtherOn says where a walk ended and how to see the rest: in the device's
// words if it ended before the limit.
func furtherOn(err error) string {
	if _, own, ok := strings.Cut(err.Error(), connectors.ErrMore.Error()+": "); ok {
		return own
	}
	return "raise --limit, or begin at a node further down: browse CONNECTION NODE"
}

// print writes one row as it arrives.
func (b *browser) print(r connectors.Reading) error {
	b.rows++
	switch {
	case b.json:
		e := json.NewEncoder(b.out)
		e.SetEscapeHTML(false)
		return e.Encode(readingJSON(r))
	case b.yaml:
		if r.Children && r.Sample.Quality == connectors.Bad {
			return nil // a folder, or a range
		}
		return printed(b.out, "%s  # %s\n", visible(probe.Line(r.Tag, "")), visible(described(r)))
	}
	name := r.Name
	if name == "" {
		name = r.Tag.Address
	}
	line := strings.Repeat("  ", r.Depth) + name
	if r.Tag.Address != name {
		line += "  " + r.Tag.Address
	}
	if r.Tag.Path != "" && r.Tag.Path != name {
		line += "  " + r.Tag.Path
	}
	return printed(b.out, "%s  %s\n", visible(line), visible(described(r)))
}

// described is what a row says beside its name.
func described(r connectors.Reading) string {
	var parts []string
	if kind := kindOf(r); kind != "" {
		parts = append(parts, kind)
	}
	switch {
	case r.Children && r.Note != "" && r.Sample.Quality == connectors.Bad: // a range: the remark says all
	case r.Children && strings.HasPrefix(r.Type, "JSON") && r.Sample.Quality == connectors.Bad && r.Sample.Reason != "":
		parts = append(parts, "("+r.Sample.Reason+")") // a document came; it is no value
	case r.Sample.Quality == connectors.Bad && r.Sample.Reason != "":
		parts = append(parts, "bad: "+r.Sample.Reason)
	case r.Sample.Quality != connectors.Bad:
		parts = append(parts, "= "+valueText(r.Sample))
	}
	if r.Note != "" {
		parts = append(parts, fmt.Sprintf("(%s)", r.Note))
	}
	return strings.Join(parts, " ")
}
