// Command prodsmart-gateway reads machines and tells Prodsmart what they make.
package main

import (
	"os"
	_ "time/tzdata" // factory PCs running Windows have no time zones

	"github.com/spf13/cobra"
)

func main() {
	// A service or a double click must not be refused because there is no
	// terminal.
	cobra.MousetrapHelpText = ""
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
