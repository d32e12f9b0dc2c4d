package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

func releaseCommand() *cobra.Command {
	return handCommand("release", "released",
		"Tell the pieces of an earlier order that are held",
		`release lets the counter of a machine go on that waits because of backlog: hold.
Its pieces are booked on the record that is open in Prodsmart at that moment, so
open the right one first, or correct Prodsmart by hand.`)
}

func retryCommand() *cobra.Command {
	return handCommand("retry", "tried again",
		"Send at once what Prodsmart refused of a machine",
		`retry ends the pause after a refusal. Use it when the machine, its waste codes,
parameters or downtime types were corrected in Prodsmart.`)
}

// handCommand asks the running gateway to do something about a machine.
func handCommand(verb, done, short, long string) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " MACHINE", Short: short,
		Long: long + `

It asks the gateway that runs on this computer, at metrics.listen of the
configuration.`,
		Example: "  prodsmart-gateway " + verb + " PRESS-01",
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage{c, fmt.Errorf("%s takes one machine code", verb)}
		}
		return nil
	}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{SkipSecrets: true})
		if err != nil {
			return err
		}
		if err := ask(c.Context(), cfg.Metrics, "/api/machines/"+url.PathEscape(args[0])+"/"+verb); err != nil {
			return err
		}
		return printed(c.OutOrStdout(), "%s is %s.\n", visible(args[0]), done)
	}
	return c
}

// askPatience is longer than a gateway takes for what is asked of it by hand.
const askPatience = 30 * time.Second

// ask asks the gateway that listens at an address to do something.
func ask(ctx context.Context, listen, path string) error {
	address, err := nearby(listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set(board.HandHeader, "1")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the gateway does not answer at %s (metrics.listen): %w; does it run on this computer, with this configuration?", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var said struct{ Error string }
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(body, &said) != nil || said.Error == "" {
		return fmt.Errorf("what answers at %s is no gateway of this version (status %d)", address, resp.StatusCode)
	}
	return errors.New(said.Error)
}

// nearby is the address at which this computer reaches a listener of its own.
func nearby(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", errors.New("metrics.listen is none, so a running gateway can not be asked; give it an address such as 127.0.0.1:9182")
	}
	if address, err := netip.ParseAddr(host); host == "" || err == nil && address.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
