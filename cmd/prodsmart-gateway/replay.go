package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/replay"
)

func replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "replay", Short: "Run a recorded trace through the rules and print the posts", Args: noArgs,
		Long: `replay runs a trace through the same rules as run, on a virtual clock, and prints
the posts that would have gone to Prodsmart. With --expect it compares them with
a file instead, and fails if they differ. Nothing is sent, no machine is read and
no secret is needed.`,
		Example: "  prodsmart-gateway replay -c gateway.yaml --trace t.csv --expect posts.csv",
	}
	path := configFlag(c)
	trace := c.Flags().String("trace", "", "the trace `file`, CSV")
	expect := c.Flags().String("expect", "", "a `file` with the expected posts, CSV")
	paced := c.Flags().Bool("paced", false, "spend the request budget as in production instead of posting at once")
	events := c.Flags().Bool("events", false, "print the journal after the posts")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *trace == "" {
			return usage{c, errors.New("--trace is missing: which trace?")}
		}
		return replayTrace(c.OutOrStdout(), c.ErrOrStderr(), *path, *trace, *expect, *paced, *events)
	}
	return c
}

func replayTrace(stdout, stderr io.Writer, path, trace, expect string, paced, events bool) error {
	c, err := load(stderr, path, config.Options{SkipSecrets: true})
	if err != nil {
		return err
	}
	f, err := os.Open(trace)
	if err != nil {
		return fmt.Errorf("the trace can not be read: %w", err)
	}
	defer f.Close()
	rows, err := replay.Read(f, trace)
	if err != nil {
		return err
	}
	result, err := replay.Run(c, rows, replay.Options{Name: trace, Paced: paced})
	if err != nil {
		return err
	}
	for _, u := range result.Unread {
		fmt.Fprintf(stderr, "%s:%d: no machine reads %q of %s; %d such rows are left out. Is it written as in the configuration?\n", trace, u.Line, u.Tag, u.Source, u.Rows)
	}
	if expect != "" && len(result.Unread) > 0 {
		return reported{errors.New("the trace has tags that no machine reads")}
	}
	var posts bytes.Buffer
	if err := replay.WritePosts(&posts, result.Posts); err != nil {
		return err
	}
	if expect == "" {
		fmt.Fprint(stdout, posts.String())
	}
	if events {
		printEvents(stdout, result)
	}
	if expect == "" {
		return nil
	}
	return comparePosts(stdout, expect, posts.String(), len(result.Posts))
}

func printEvents(w io.Writer, r *replay.Result) {
	for _, e := range r.Events {
		fmt.Fprintf(w, "%s %s %s %s: %s\n", e.Time.UTC().Format(time.RFC3339), e.Machine, e.Rule, e.Subject, e.Text)
	}
	for _, e := range r.Uplink {
		fmt.Fprintf(w, "%s %s %s: %s\n", e.Time.UTC().Format(time.RFC3339), e.Machine, e.Code, e.Text)
	}
}

// comparePosts prints the first difference.
func comparePosts(w io.Writer, expect, got string, n int) error {
	data, err := os.ReadFile(expect)
	if err != nil {
		return fmt.Errorf("the expected posts can not be read: %w", err)
	}
	wanted := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n")), "\n")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	for i := range max(len(wanted), len(lines)) {
		want, have := "(nothing more)", "(nothing more)"
		if i < len(wanted) {
			want = wanted[i]
		}
		if i < len(lines) {
			have = lines[i]
		}
		if want != have {
			fmt.Fprintf(w, "%s:%d: the posts differ\n  expected %s\n  got      %s\n", expect, i+1, want, have)
			return reported{errors.New("the posts differ")}
		}
	}
	fmt.Fprintf(w, "%d posts, as expected\n", n)
	return nil
}
