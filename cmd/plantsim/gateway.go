package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// stopWithin is how long the gateway may take to stop.
const stopWithin = 10 * time.Second

// gateway is the gateway's process.
type gateway struct {
	log   string
	file  *os.File
	cmd   *exec.Cmd
	ended chan error // receives once, when the process ends by itself or by stop
}

// startGateway starts a gateway whose output goes to a file in dir.
func startGateway(program, config, dir, key, secret string) (*gateway, error) {
	g := &gateway{log: filepath.Join(dir, "gateway.log"), ended: make(chan error, 1)}
	var err error
	if g.file, err = os.Create(g.log); err != nil {
		return nil, err
	}
	g.cmd = exec.Command(program, "run", "-c", config)
	g.cmd.Env = append(os.Environ(), "PRODSMART_KEY="+key, "PRODSMART_SECRET="+secret)
	g.cmd.Stdout, g.cmd.Stderr = g.file, g.file
	g.cmd.SysProcAttr = ownGroup()
	if err := g.cmd.Start(); err != nil {
		g.file.Close()
		return nil, fmt.Errorf("gateway %s: %w; build it with make build, or name it with --gateway", program, err)
	}
	go func() {
		err := g.cmd.Wait()
		if err == nil {
			err = errEnded
		}
		g.ended <- fmt.Errorf("the gateway ended: %w", err)
	}()
	return g, nil
}

type endedError struct{}

func (endedError) Error() string { return "with exit status 0" }

// errEnded says that the gateway ended in order.
var errEnded = endedError{}

// stop ends the gateway, if it still runs, and waits for it. It returns an
// error if the gateway did not end in time or not in order.
func (g *gateway) stop() error {
	defer g.file.Close()
	if runtime.GOOS == "windows" {
		// There is no signal that a console program without a window gets.
		if err := g.cmd.Process.Kill(); err == nil {
			<-g.ended
		}
		return nil
	}
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil // it has ended, and whoever saw that has told so
	}
	t := time.NewTimer(stopWithin)
	defer t.Stop()
	select {
	case err := <-g.ended:
		if g.cmd.ProcessState.Success() {
			return nil
		}
		return err
	case <-t.C:
		_ = g.cmd.Process.Kill() // it is waited for in any case
		<-g.ended
		return fmt.Errorf("the gateway did not stop within %v after SIGTERM and was killed", stopWithin)
	}
}
