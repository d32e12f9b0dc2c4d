//go:build !windows

package main

import "syscall"

// ownGroup keeps Ctrl-C from the gateway: it is stopped when the rest was told.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
