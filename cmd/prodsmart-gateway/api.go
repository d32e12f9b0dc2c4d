package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

func apiCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "api VERB RESOURCE [KEY]", Short: "Make one request to Prodsmart, for commissioning",
		Long: `api makes a documented request to Prodsmart with the credentials of the
configuration and shows the answer. KEY is the number or code of a record, the code
of a machine, or a change channel.

What changes something in Prodsmart is only shown while the configuration says
mode: dry-run; in live it is shown and asked for first. Each request takes one from
the budget of the company. Filters are sent as they are; a name that Prodsmart does
not know is ignored there as a rule, and everything is listed.`,
		Example: `  prodsmart-gateway api list production-orders --filter running-status=started
  prodsmart-gateway api get production-orders 3990 --filter workers=true --json
  prodsmart-gateway api delete suppliers 12
  prodsmart-gateway api create production-orders --body order.json
  prodsmart-gateway api operations`,
	}
	path := configFlag(c)
	a := api{}
	f := c.Flags()
	f.StringArrayVar(&a.filters, "filter", nil, "a filter, `NAME=VALUE`; may be repeated")
	f.IntVar(&a.page, "page", 1, "the `page` of a list")
	f.BoolVar(&a.all, "all", false, "all pages of a list, at most 400")
	f.StringVar(&a.body, "body", "", "a `file` with the JSON to send, or - for the input")
	f.StringSliceVar(&a.columns, "columns", nil, "the `fields` to show in a table, such as id,code,status")
	f.BoolVar(&a.json, "json", false, "show the answer as JSON")
	f.BoolVarP(&a.yes, "yes", "y", false, "do not ask before a change")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 && args[0] == "operations" {
			return listOperations(c.OutOrStdout())
		}
		if err := a.understand(args); err != nil {
			return usage{c, err}
		}
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{})
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		a.in, a.out, a.err = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
		return a.run(ctx, cfg)
	}
	return c
}

// api is one request to Prodsmart.
type api struct {
	operation prodsmart.Operation
	key       string
	filters   []string
	query     url.Values
	page      int
	all       bool
	body      string
	columns   []string
	json, yes bool

	in       io.Reader
	out, err io.Writer
}

// understand finds the operation and checks what it needs.
func (a *api) understand(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("api takes a verb, a resource and perhaps a key; see api operations")
	}
	all := prodsmart.Operations()
	i := slices.IndexFunc(all, func(o prodsmart.Operation) bool { return o.Name == args[1]+"."+args[0] })
	if i < 0 {
		var verbs []string
		for _, o := range all {
			if resource, verb, _ := strings.Cut(o.Name, "."); resource == args[1] {
				verbs = append(verbs, verb)
			}
		}
		if len(verbs) > 0 {
			return fmt.Errorf("%s can not be done with %s; there are %s", visible(args[0]), args[1], strings.Join(verbs, ", "))
		}
		return fmt.Errorf("there is no resource %s; see api operations", visible(args[1]))
	}
	a.operation = all[i]
	if len(args) == 3 {
		a.key = args[2]
	}
	switch needs := strings.Contains(a.operation.Path, "{"); {
	case needs && a.key == "":
		return fmt.Errorf("%s needs a key: %s", a.operation.Name, a.operation.Path)
	case !needs && a.key != "":
		return fmt.Errorf("%s takes no key; did you mean get?", a.operation.Name)
	}
	listing := strings.HasSuffix(a.operation.Name, ".list")
	if (a.all || a.page != 1) && !listing || a.page < 1 {
		return errors.New("--page and --all are for lists, and pages count from 1")
	}
	a.query = url.Values{}
	for _, f := range a.filters {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" || name == "access_token" {
			return fmt.Errorf("--filter: %s is no filter; write NAME=VALUE", visible(f))
		}
		a.query.Add(name, value)
	}
	writes := a.operation.Method == http.MethodPost || a.operation.Method == http.MethodPut
	if a.body != "" && !writes {
		return fmt.Errorf("%s sends nothing; leave --body out", a.operation.Name)
	}
	if a.body == "" && writes && a.operation.Name != "authorization.create" && a.operation.Name != "production-orders.activate" {
		return fmt.Errorf("%s needs --body with the JSON to send", a.operation.Name)
	}
	return nil
}

// changes says that the operation leaves Prodsmart otherwise than before. To read a
// change channel empties it.
func (a *api) changes() bool {
	return a.operation.Method != http.MethodGet || a.operation.Name == "changes.take"
}

func (a *api) run(ctx context.Context, cfg *config.Config) error {
	body, err := a.content()
	if err != nil {
		return err
	}
	if a.changes() {
		if err := printed(a.err, "%s %s%s\n", a.operation.Method, visible(a.address()), bodyLine(body)); err != nil {
			return err
		}
		if !cfg.Prodsmart.Live {
			return printed(a.err, "Nothing was sent: the configuration says mode: dry-run.\n")
		}
		if ok, err := a.agreed(); !ok || err != nil {
			return err
		}
	}
	client, err := prodsmart.New(cfg.Client())
	if err != nil {
		return err
	}
	defer client.Close()
	if strings.HasSuffix(a.operation.Name, ".list") {
		return a.list(ctx, client)
	}
	r, err := client.Call(ctx, a.operation.Name, a.key, a.query, body)
	if err != nil {
		return err
	}
	return a.show(r.Status, masked(r.Body))
}

// content is what is sent.
func (a *api) content() (json.RawMessage, error) {
	if a.body == "" {
		if a.operation.Method == http.MethodPost && a.operation.Name != "authorization.create" {
			return json.RawMessage("{}"), nil
		}
		return nil, nil
	}
	var text []byte
	var err error
	if a.body == "-" {
		text, err = io.ReadAll(a.in)
	} else {
		text, err = os.ReadFile(a.body)
	}
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fmt.Errorf("%s: it is no JSON: %w", a.body, err)
	}
	return compact.Bytes(), nil
}

func (a *api) address() string {
	path := a.operation.Path
	if i := strings.Index(path, "{"); i >= 0 {
		path = path[:i] + url.PathEscape(a.key) + path[strings.Index(path, "}")+1:]
	}
	if len(a.query) > 0 {
		path += "?" + a.query.Encode()
	}
	return path
}

func bodyLine(body json.RawMessage) string {
	if body == nil {
		return ""
	}
	return "\n" + visible(string(body))
}

func (a *api) agreed() (bool, error) {
	if a.yes {
		return true, nil
	}
	if a.body == "-" {
		return false, errors.New("the input is what is sent, so nobody can be asked; add --yes")
	}
	if err := printed(a.err, "Send it? [y/N] "); err != nil {
		return false, err
	}
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && line == "" {
		return false, errors.New("nobody answers at the keyboard; nothing was sent. Add --yes to send without asking")
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	if answer != "y" && answer != "yes" {
		return false, printed(a.err, "Nothing was sent.\n")
	}
	return true, nil
}

// mostPages bounds --all.
const mostPages = 400

// list reads pages and shows their records.
func (a *api) list(ctx context.Context, client *prodsmart.Client) error {
	all := []json.RawMessage{}
	seen := map[string]bool{}
	for page := a.page; ; page++ {
		a.query.Set("page", strconv.Itoa(page))
		r, err := client.Call(ctx, a.operation.Name, a.key, a.query, nil)
		if err != nil {
			return err
		}
		var records []json.RawMessage
		if json.Unmarshal(r.Body, &records) != nil {
			if page > a.page {
				break
			}
			return a.show(r.Status, r.Body)
		}
		fresh := false
		for _, record := range records {
			if !seen[string(record)] {
				seen[string(record)], fresh = true, true
				all = append(all, record)
			}
		}
		if !a.all || !fresh || page-a.page+1 == mostPages {
			break
		}
	}
	if a.json {
		body, err := json.Marshal(all)
		if err != nil {
			return err
		}
		return a.show(0, body)
	}
	if len(all) == 0 {
		return printed(a.err, "There is nothing on this page.\n")
	}
	if err := a.table(all); err != nil {
		return err
	}
	if !a.all && len(all) >= prodsmart.PageSize {
		return printed(a.err, "There may be more: --page %d, or --all.\n", a.page+1)
	}
	return nil
}

// listOperations shows what there is.
func listOperations(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COMMAND\tMETHOD\tPATH\tREPEAT IF THE ANSWER WAS LOST")
	for _, o := range prodsmart.Operations() {
		resource, verb, _ := strings.Cut(o.Name, ".")
		key := ""
		if i, j := strings.Index(o.Path, "{"), strings.Index(o.Path, "}"); i >= 0 {
			key = " " + strings.ToUpper(o.Path[i+1:j])
		}
		fmt.Fprintf(w, "api %s %s%s\t%s\t%s\t%s\n", verb, resource, key, o.Method, o.Path, o.Repeat)
	}
	return w.Flush()
}
