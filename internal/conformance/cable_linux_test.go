package conformance

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// wired says why no cable can be laid here; nil if one can. It tries in a
// network namespace that ends with the attempt.
func wired() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a network of its own needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("a network of its own needs iproute2: %w", err)
	}
	attempt := exec.Command("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
	attempt.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := attempt.CombinedOutput(); err != nil {
		return fmt.Errorf("the system allows no network of its own: %w: %s", err, out)
	}
	return nil
}

// cable is a pair of veth interfaces: the near one is this computer's, the far
// one belongs to a network namespace that one thread is in. Both end with the
// thread and the sockets made there, even if the process is killed.
type cable struct {
	near, far string
	jobs      chan func() // what the thread in the namespace is to do
}

// layCable makes a cable and a listener at its far end. It ends with the test.
func layCable(t testing.TB) (net.Listener, func(name string) connectortest.Fault) {
	t.Helper()
	n := rand.IntN(1 << 14)
	// 198.18.0.0/15 is set aside for tests of networks; a cable takes four.
	subnet := fmt.Sprintf("198.%d.%d.", 18+n>>13&1, n>>5&255)
	host := n % 32 * 8
	c := &cable{near: fmt.Sprintf("near%x", n), far: fmt.Sprintf("far%x", n), jobs: make(chan func())}
	thread, failed := make(chan int), make(chan error)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			failed <- err
			return
		}
		thread <- syscall.Gettid()
		for job := range c.jobs {
			job()
		}
	}()
	t.Cleanup(func() {
		close(c.jobs)
		<-ended
	})
	select {
	case err := <-failed:
		t.Fatalf("a network namespace: %v", err)
	case id := <-thread:
		steps := []func() error{
			ip("link", "add", c.near, "type", "veth", "peer", "name", c.far, "netns", fmt.Sprint(id)),
			ip("addr", "add", fmt.Sprintf("%s%d/30", subnet, host+1), "dev", c.near),
			ip("link", "set", c.near, "up"),
			c.there(ip("addr", "add", fmt.Sprintf("%s%d/30", subnet, host+2), "dev", c.far)),
			c.there(ip("link", "set", c.far, "up")),
		}
		for _, step := range steps {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() { _ = ip("link", "del", c.near)() })
	var listener net.Listener
	err := c.there(func() (err error) {
		listener, err = net.Listen("tcp", fmt.Sprintf("%s%d:0", subnet, host+2))
		return err
	})()
	if err != nil {
		t.Fatal(err)
	}
	return listener, c.fault
}

// there runs a step in the namespace of the far end.
func (c *cable) there(step func() error) func() error {
	return func() error {
		done := make(chan error)
		c.jobs <- func() { done <- step() }
		return <-done
	}
}

// fault is what happens to the cable in the case of that name.
func (c *cable) fault(name string) connectortest.Fault {
	if name == connectortest.InterfaceDown {
		return connectortest.Fault{Begin: ip("link", "set", c.near, "down"), End: ip("link", "set", c.near, "up")}
	}
	return connectortest.Fault{
		Begin: c.there(ip("link", "set", c.far, "down")),
		End:   c.there(ip("link", "set", c.far, "up")),
	}
}

// ip is a call of the program ip, in the namespace of the thread that makes it.
func ip(args ...string) func() error {
	return func() error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
}
