package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// Exit codes: 0 all is well, 1 it is not, 2 the command was not understood.
const (
	exitFailed = 1
	exitUsage  = 2
)

// reported is an error whose text was printed already.
type reported struct{ error }

// run executes one command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "prodsmart-gateway",
		Short: "Reads machines over OPC UA, Modbus and MQTT and tells Prodsmart what they make",
		Long: `prodsmart-gateway reads counters, parameters and states from PLCs over OPC UA,
Modbus TCP and MQTT, and tells Prodsmart pieces, waste, parameters and
downtimes. Machines are read, never written.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage{c, err} })
	root.AddCommand(runCommand(), checkCommand(), probeCommand(), browseCommand(), certificateCommand(), replayCommand(),
		journalCommand(), releaseCommand(), retryCommand(), ordersCommand(), doctorCommand(), apiCommand(), versionCommand())
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	command, err := root.ExecuteC()
	var said reported
	var wrong usage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &said):
		return exitFailed
	case errors.As(err, &wrong), command == root:
		fmt.Fprintf(stderr, "%v\nSee: %s --help\n", err, command.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "%v\n", err)
	return exitFailed
}

// usage is a command line that was not understood.
type usage struct {
	command *cobra.Command
	error
}

// noArgs refuses what a command has no use for.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage{c, fmt.Errorf("%q: %s takes no arguments", args[0], c.Name())}
	}
	return nil
}

// configFlag adds -c.
func configFlag(c *cobra.Command) *string {
	return c.Flags().StringP("config", "c", "gateway.yaml", "the configuration `file`")
}

// load reads the configuration, or prints everything that is wrong with it.
func load(stderr io.Writer, path string, o config.Options) (*config.Config, error) {
	cfg, problems := config.Load(path, o)
	if len(problems) > 0 {
		return nil, reported{errors.Join(errors.New("the configuration has mistakes"), problems.Print(stderr))}
	}
	return cfg, nil
}
