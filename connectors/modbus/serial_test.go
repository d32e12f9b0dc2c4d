package modbus

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.bug.st/serial"
)

// failingPort is a port whose driver answers as that of an adapter that was
// pulled out.
type failingPort struct {
	serial.Port
	onTimeout, onRead, onEmpty, onWrite error
	// takes is the number of bytes that a write takes.
	takes int
}

func (p *failingPort) SetReadTimeout(time.Duration) error { return p.onTimeout }
func (p *failingPort) Read([]byte) (int, error)           { return 0, p.onRead }
func (p *failingPort) ResetOutputBuffer() error           { return p.onEmpty }
func (p *failingPort) Write(b []byte) (int, error)        { return min(p.takes, len(b)), p.onWrite }

// TestPortFails: whatever call of the driver finds out that the adapter is gone,
// the error says so and ends the connection; half of a request is not taken for
// a whole one.
func TestPortFails(t *testing.T) {
	// What the system says about a handle that is of no more use.
	lost := errors.New("the device does not recognize the command")
	request := rtuFrame(1, 3, 0, 10, 0, 2)
	for name, c := range map[string]struct {
		port failingPort
		want error
	}{
		"setting a timeout":  {failingPort{onTimeout: lost}, lost},
		"reading":            {failingPort{onRead: lost}, lost},
		"emptying":           {failingPort{onEmpty: lost}, lost},
		"writing":            {failingPort{onWrite: lost}, lost},
		"half of a request":  {failingPort{takes: 3}, io.ErrShortWrite},
		"nothing that fails": {failingPort{takes: 99}, nil},
	} {
		l := &serialLine{port: &c.port}
		tr := &lineTransport{line: l, codec: rtuCodec{}, timeout: 20 * time.Millisecond}
		_, err := tr.Send(request)
		var link *linkError
		var gone *portGone
		switch {
		case c.want == nil:
			if !errors.Is(err, errSilent) {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.Is(err, c.want) || !errors.As(err, &link) || !errors.As(err, &gone) || !strings.Contains(err.Error(), "the port is gone"):
			t.Errorf("%s: %v", name, err)
		case strings.Contains(err.Error(), "/dev/") != (runtime.GOOS != "windows"):
			t.Errorf("%s: %v", name, err)
		}
	}
	closed := &serialLine{port: &failingPort{}}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a closed port waits")
	}
}
