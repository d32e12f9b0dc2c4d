//go:build !unix

package sql

import (
	"os/exec"
	"testing"
)

// lower and own do nothing: no server refuses the user of the test.
func lower(*testing.T, *exec.Cmd, string) {}
func own(*testing.T, string, string)      {}
