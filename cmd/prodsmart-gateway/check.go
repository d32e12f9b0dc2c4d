package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Find all mistakes of a configuration, and print its plan", Args: noArgs,
		Long: `check reads a configuration, prints everything that is wrong with it, each with
file, line and column, and otherwise what it will do: the machines, the requests
to each device, and the posts against the request budget. It connects to
nothing unless --online is given: then every device is asked what it is, and
every tag is read once.`,
		Example: "  prodsmart-gateway check -c gateway.yaml\n  prodsmart-gateway check --expanded\n  prodsmart-gateway check --online",
	}
	var o checkOptions
	path := configFlag(c)
	f := c.Flags()
	f.BoolVar(&o.expanded, "expanded", false, "print the machines as they come out of the templates")
	f.BoolVar(&o.json, "json", false, "print problems and plan as JSON")
	f.BoolVar(&o.skip, "skip-secrets", false, "do not look up secrets, for a check on another computer")
	f.BoolVar(&o.online, "online", false, "connect to the devices, and read every tag once")
	f.DurationVar(&o.each, "timeout", 30*time.Second, "how long --online may take with one connection")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case o.json && o.expanded:
			return usage{c, errors.New("--json and --expanded do not go together")}
		case o.online && (o.expanded || o.skip):
			return usage{c, errors.New("--online needs the secrets and prints the plan: leave --skip-secrets and --expanded out")}
		}
		if o.each <= 0 {
			return usage{c, errors.New("--timeout must be positive")}
		}
		o.patient = f.Changed("timeout")
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return o.check(ctx, *path, c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

// checkOptions are the flags of check.
type checkOptions struct {
	expanded, json, skip, online bool
	each                         time.Duration
	// patient says that each was given.
	patient bool
}

func (o checkOptions) check(ctx context.Context, path string, out, talk io.Writer) error {
	options := config.Options{SkipSecrets: o.skip}
	if o.json {
		cfg, problems := config.Load(path, options)
		var devices *onlineReport
		if o.online && cfg != nil {
			report := online(ctx, cfg, o.each, o.patient)
			devices = &report
		}
		return checkJSON(out, cfg, problems, devices)
	}
	cfg, err := load(talk, path, options)
	if err != nil {
		return err
	}
	if o.expanded {
		return cfg.Expanded(out)
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(talk, "warning: %s\n", w)
	}
	plan, err := planOf(cfg)
	if err != nil {
		return err
	}
	plan.print(out)
	if !o.online {
		return nil
	}
	devices := online(ctx, cfg, o.each, o.patient)
	if err := devices.print(out); err != nil {
		return err
	}
	return devices.verdict()
}

// figure writes a number as a person would: three digits after the first, and
// whole above a hundred.
func figure(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

type checkReport struct {
	OK       bool          `json:"ok"`
	Problems []jsonProblem `json:"problems"`
	Warnings []jsonProblem `json:"warnings"`
	Plan     *plan         `json:"plan,omitempty"`
	Online   *onlineReport `json:"online,omitempty"`
}

// jsonProblem is a problem for an editor or a script.
type jsonProblem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Path   string `json:"path,omitempty"`
	Text   string `json:"text"`
}

func jsonProblems(problems config.Problems) []jsonProblem {
	out := []jsonProblem{}
	for _, p := range problems {
		out = append(out, jsonProblem{File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col, Path: p.Path, Text: p.Text})
	}
	return out
}

func checkJSON(w io.Writer, cfg *config.Config, problems config.Problems, devices *onlineReport) error {
	r := checkReport{OK: len(problems) == 0, Problems: jsonProblems(problems), Warnings: jsonProblems(nil), Online: devices}
	if cfg != nil {
		r.Warnings = jsonProblems(cfg.Warnings)
		var err error
		if r.Plan, err = planOf(cfg); err != nil {
			r.OK = false
			r.Problems = append(r.Problems, jsonProblem{Text: err.Error()})
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return err
	}
	if !r.OK {
		return reported{errors.New("the configuration has mistakes")}
	}
	if devices != nil {
		return devices.verdict()
	}
	return nil
}
