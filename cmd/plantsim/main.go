// Command plantsim is a pretend plant on loopback, for demonstrations, training
// and tests: OPC UA, Modbus and MQTT machines and a pretend Prodsmart, with
// faults to switch on. It keeps the truth, and shows it beside what Prodsmart
// was told.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "plantsim",
		Short:         "A pretend plant with machines and a Prodsmart of its own",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(runCommand(), demoCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "plantsim:", err)
		stop()
		os.Exit(1)
	}
}
