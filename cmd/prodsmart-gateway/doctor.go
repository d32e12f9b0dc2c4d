package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/tenant"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Find out how this tenant of Prodsmart behaves", Args: noArgs,
		Long: `doctor --tenant MACHINE finds out how your Prodsmart answers what its
documentation leaves open, and prints the settings that follow. It tries each
case on a machine that was made in Prodsmart for this purpose and is not read by
any gateway: the machine needs a waste code, a parameter and two downtime types
assigned, and a worker to begin and finish records when asked.

Before anything is booked it says what, and asks. Nothing of the gateway's own
store is touched, whatever mode is configured.`,
		Example: "  prodsmart-gateway doctor --tenant TEST-1 --waste SCRAP --type HALT --type SETUP --parameter temperature=T1 --product P-1",
	}
	path := configFlag(c)
	d := doctor{}
	f := c.Flags()
	f.StringVar(&d.tenant.Machine, "tenant", "", "the code of the test `machine` in Prodsmart")
	f.Int64Var(&d.tenant.Highest, "highest", 0, "the highest `count` that the machine was ever told")
	f.StringVar(&d.tenant.Waste, "waste", "", "a waste `code` of the machine")
	f.Int64Var(&d.tenant.WasteTold, "waste-told", 0, "the highest `quantity` of that waste that was ever told")
	f.StringArrayVar(&d.tenant.Types, "type", nil, "a downtime `type` of the machine; two are better")
	f.StringVar(&d.parameter, "parameter", "", "a parameter of the machine, `NAME=CODE` or one text for both")
	f.StringVar(&d.tenant.Value, "value", "1", "a `value` that the parameter takes, as JSON")
	f.StringVar(&d.tenant.Product, "product", "", "the code of a `product` that orders may be made for, which are deleted again")
	f.DurationVar(&d.tenant.Pause, "pause", time.Second, "the least `time` between two requests")
	f.BoolVarP(&d.yes, "yes", "y", false, "agree to everything that is going to be booked")
	f.BoolVar(&d.json, "json", false, "print the findings as JSON; questions go to the error output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := d.understand(); err != nil {
			return usage{c, err}
		}
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{})
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		d.in, d.out = bufio.NewReader(c.InOrStdin()), c.OutOrStdout()
		if d.json {
			d.out = c.ErrOrStderr()
		}
		return d.examine(ctx, cfg, c.OutOrStdout())
	}
	return c
}

// doctor is one examination, and the person at the keyboard.
type doctor struct {
	tenant    tenant.Config
	parameter string
	yes, json bool
	in        *bufio.Reader
	out       io.Writer
}

// understand checks the flags.
func (d *doctor) understand() error {
	if d.tenant.Machine == "" {
		return errors.New("doctor needs --tenant with the code of a test machine")
	}
	if d.tenant.Highest < 0 || d.tenant.WasteTold < 0 {
		return errors.New("--highest and --waste-told can not be negative")
	}
	if d.tenant.Pause <= 0 {
		return errors.New("--pause must be above 0")
	}
	if len(d.tenant.Types) > 2 {
		return errors.New("--type can be given twice at most")
	}
	if !json.Valid([]byte(d.tenant.Value)) {
		return fmt.Errorf("--value: %s is no JSON; write a text in quotes, such as '\"yes\"'", visible(d.tenant.Value))
	}
	name, code, _ := strings.Cut(d.parameter, "=")
	d.tenant.ParameterName, d.tenant.ParameterCode = name, cmp.Or(code, name)
	return nil
}

func (d *doctor) examine(ctx context.Context, cfg *config.Config, stdout io.Writer) error {
	for i := range cfg.Machines {
		if m := &cfg.Machines[i]; m.Spec.Code == d.tenant.Machine && m.Report {
			return fmt.Errorf("%s: %s is a machine that this gateway tells Prodsmart about, and what is tried on it would be booked for good; make a machine in Prodsmart that is there for tests only", m.Pos, visible(d.tenant.Machine))
		}
	}
	d.tenant.Watch = &tenant.Watch{}
	reach := cfg.Client()
	reach.OnRequest = d.tenant.Watch.Note
	client, err := prodsmart.New(reach)
	if err != nil {
		return err
	}
	defer client.Close()
	if reach.Prefix = "/api/v1"; cfg.Prodsmart.Prefix == reach.Prefix {
		reach.Prefix = prodsmart.DefaultPrefix
	}
	reach.OnRequest = nil
	elsewhere, err := prodsmart.New(reach)
	if err != nil {
		return err
	}
	defer elsewhere.Close()
	d.tenant.API, d.tenant.Elsewhere, d.tenant.Channels = client, elsewhere, cfg.Prodsmart.Follow.Channels
	end, err := d.openDoor(ctx, cfg.Prodsmart.Follow.Webhook)
	if err != nil {
		return err
	}
	defer end()
	if err := printed(d.out, "Machine %s at %s. About 180 requests, one every %s, besides those of a gateway that runs.\n", visible(d.tenant.Machine), cfg.Prodsmart.URL, d.tenant.Pause); err != nil {
		return err
	}
	findings, err := tenant.Run(ctx, d.tenant, client, d)
	if d.json {
		return errors.Join(err, writeFindings(stdout, findings, cfg))
	}
	return errors.Join(err, d.summary(findings, cfg))
}

// openDoor hears webhooks at the configured address, if there is one and no gateway
// has it. The caller calls end.
func (d *doctor) openDoor(ctx context.Context, c *config.Webhook) (end func(), err error) {
	if c == nil || d.tenant.Product == "" {
		return func() {}, nil
	}
	l, err := listenWebhook(c)
	if err != nil {
		return func() {}, printed(d.out, "Webhooks are not looked at: %v If it is the gateway, /api/uplink shows the signature below follow.\n", err)
	}
	var secrets []prodsmart.Secret
	for _, s := range c.Secrets {
		secrets = append(secrets, prodsmart.NewSecret(s.Reveal()))
	}
	d.tenant.Door = webhook.NewRecorder(c.Path, secrets)
	ctx, stop := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := board.Serve(ctx, l, d.tenant.Door, slog.New(slog.DiscardHandler)); err != nil {
			_ = printed(d.out, "The address for webhooks failed: %v\n", err) // its questions stay open
		}
	})
	end = func() {
		stop()
		serving.Wait()
	}
	return end, printed(d.out, "Webhooks are heard at %s%s meanwhile.\n", l.Addr(), visible(c.Path))
}

// Agree asks before a part that books something.
func (d *doctor) Agree(ctx context.Context, p tenant.Part) (bool, error) {
	if err := printed(d.out, "\n%s\n  Sends: %s\n  Books: %s\n", p.Title, p.Does, p.Books); err != nil || d.yes {
		return err == nil, err
	}
	answer, err := d.answer(ctx, "  Go on? [y/N] ")
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

// Please asks for something to be done in Prodsmart.
func (d *doctor) Please(ctx context.Context, what string) (bool, error) {
	answer, err := d.answer(ctx, "\n  "+what+"\n  Press Enter when it is done, or s and Enter to leave it out: ")
	return err == nil && !strings.EqualFold(answer, "s") && !strings.EqualFold(answer, "skip"), err
}

// Found shows a finding when it is made. What can not be shown is shown at the end.
func (d *doctor) Found(f tenant.Finding) {
	_ = printed(d.out, "  %-20s %-26s %s\n", f.Question, f.Answer, f.Meaning)
}

// answer asks and waits for a line. The end of the input is an answer to nothing.
func (d *doctor) answer(ctx context.Context, question string) (string, error) {
	if err := printed(d.out, "%s", question); err != nil {
		return "", err
	}
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() { // a keyboard can not be interrupted; the program ends instead
		text, err := d.in.ReadString('\n')
		lines <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-lines:
		if l.err != nil && l.text == "" {
			return "", errors.New("nobody answers at the keyboard; what was found so far is below")
		}
		return strings.TrimSpace(l.text), nil
	}
}

// summary lists what stayed open, and the settings.
func (d *doctor) summary(findings []tenant.Finding, cfg *config.Config) error {
	var reasons, settings []string
	open := map[string]string{} // by reason
	section := ""
	for _, f := range findings {
		switch {
		case f.Answer == "":
			if open[f.Open] == "" {
				reasons = append(reasons, f.Open)
			}
			open[f.Open] += fmt.Sprintf("  %-20s %s\n", f.Question, f.Title)
		case f.Setting != "":
			note := "change it"
			if isSet(cfg, f.Setting) {
				note = "as it is"
			}
			into, line, indent := nested(f.Setting)
			if into != "" && into != section {
				settings, section = append(settings, into), into
			}
			settings = append(settings, fmt.Sprintf("%s%-*s # %s: %s; %s\n", indent, 24-len(indent), line, f.Question, f.Answer, note))
		}
	}
	for _, why := range reasons {
		if err := printed(d.out, "\nNot found out: %s\n%s", why, open[why]); err != nil {
			return err
		}
	}
	if len(settings) == 0 {
		return nil
	}
	return printed(d.out, "\nSettings\nprodsmart:\n%s", strings.Join(settings, ""))
}

// nested writes a setting whose key has dots as YAML below prodsmart: the lines of its
// sections, its own line, and what that is indented by.
func nested(setting string) (sections, line, indent string) {
	key, value, _ := strings.Cut(setting, ": ")
	parts := strings.Split(key, ".")
	indent = "  "
	for _, section := range parts[:len(parts)-1] {
		sections += indent + section + ":\n"
		indent += "  "
	}
	return sections, parts[len(parts)-1] + ": " + value, indent
}

// isSet says whether the configuration has a setting already.
func isSet(cfg *config.Config, setting string) bool {
	p := &cfg.Prodsmart
	key, value, _ := strings.Cut(setting, ": ")
	switch key {
	case "count_is":
		return (value == "total") == (p.CountIs == mapping.TotalParts)
	case "auth":
		return value == p.Auth
	case "waste":
		return value == p.Waste
	case "waste_only":
		return value == p.WasteOnly
	case "first_zero":
		return value == p.FirstZero
	case "follow.webhook.signature":
		return p.Follow.Webhook != nil && value == p.Follow.Webhook.Signature
	case "repeat_stop":
		return (value == "true") == p.RepeatStop
	}
	return false
}

// writeFindings prints findings for programs.
func writeFindings(w io.Writer, findings []tenant.Finding, cfg *config.Config) error {
	type finding struct {
		Question string `json:"question"`
		Title    string `json:"title"`
		Answer   string `json:"answer,omitempty"`
		Open     string `json:"open,omitempty"`
		Meaning  string `json:"meaning,omitempty"`
		Setting  string `json:"setting,omitempty"`
		IsSet    bool   `json:"is_set,omitempty"`
	}
	list := []finding{}
	for _, f := range findings {
		list = append(list, finding{f.Question, f.Title, f.Answer, f.Open, f.Meaning, f.Setting, f.Setting != "" && isSet(cfg, f.Setting)})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"findings": list})
}
