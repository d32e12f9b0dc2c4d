//go:build unix

package sql

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// numbers are those of a user of the server's package.
func numbers(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		connectortest.Lacking(t, "the user "+name, err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uid, gid
}

// lower makes a program run as a user, if this is root: the servers refuse root.
func lower(t *testing.T, cmd *exec.Cmd, name string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	uid, gid := numbers(t, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// own gives a file to a user, if this is root.
func own(t *testing.T, path, name string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	uid, gid := numbers(t, name)
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}
