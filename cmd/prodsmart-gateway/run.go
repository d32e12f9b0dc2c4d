package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/board"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
)

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "run", Short: "Read the machines and tell Prodsmart", Args: noArgs,
		Long: `run is the daemon. It ends within five seconds of Ctrl-C or SIGTERM, with
everything saved. A configuration with mistakes is refused with all of them.`,
		Example: "  prodsmart-gateway run -c gateway.yaml",
	}
	path := configFlag(c)
	verbose := c.Flags().BoolP("verbose", "v", false, "log every post")
	asJSON := c.Flags().Bool("log-json", false, "log as JSON, one object a line")
	fresh := c.Flags().Bool("start-fresh", false, "after a damaged store: give up the machines that can not be recovered")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c.ErrOrStderr(), *path, config.Options{Lean: true})
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return daemon(ctx, cfg, logger(c.ErrOrStderr(), *verbose, *asJSON), *fresh)
	}
	return c
}

func logger(w io.Writer, verbose, asJSON bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// daemon runs the gateway and its door until ctx ends.
func daemon(ctx context.Context, cfg *config.Config, log *slog.Logger, fresh bool) error {
	g, err := gateway.New(cfg, gateway.Options{Log: log, StartFresh: fresh})
	if err != nil {
		return err
	}
	handler, err := board.Handler(g, cfg.Location)
	if err != nil {
		return errors.Join(err, g.Close())
	}
	// Reading a large configuration takes several times the memory of running it;
	// nobody should see that for the months that follow.
	debug.FreeOSMemory()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var door sync.WaitGroup
	if cfg.Metrics != "" {
		l, err := net.Listen("tcp", cfg.Metrics)
		if err != nil {
			return errors.Join(fmt.Errorf("metrics.listen: %w: is another gateway running?", err), g.Close())
		}
		log.Info("metrics", "address", "http://"+l.Addr().String()+"/metrics")
		door.Go(func() {
			if err := board.Serve(ctx, l, handler, log); err != nil {
				log.Warn("the metrics address failed", "problem", err)
			}
		})
	}
	if err := openWebhook(ctx, &door, cfg, g, log); err != nil {
		stop()
		door.Wait()
		return errors.Join(err, g.Close())
	}
	err = g.Run(ctx)
	stop()
	door.Wait()
	return err
}
