package mes

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener for connections within the program.
type pipes struct {
	in   chan net.Conn
	done chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.in <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestVirtualTime has hours pass in no time, with connections that are no
// sockets: a client gives up, answers are late, a foreign client spends.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Key: "key", Secret: "secret", Machines: []MachineSetup{{Code: "M1", InProduction: true}},
			Profile: Profile{Options: Options{Foreign: Foreign{PerMinute: 60}}}})
		if err != nil {
			t.Fatal(err)
		}
		ln := pipes{make(chan net.Conn), make(chan struct{})}
		server, ended := &http.Server{Handler: s}, make(chan error)
		go func() { ended <- server.Serve(ln) }()
		tr := &http.Transport{DialContext: ln.dial}
		client := &http.Client{Transport: tr, Timeout: 30 * time.Second}
		post := func(body string) (string, time.Duration, error) {
			r, err := http.NewRequest("POST", "http://prodsmart/api/machines/M1/counter", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("key", "secret")
			began := time.Now()
			resp, err := client.Do(r)
			if err != nil {
				return "", time.Since(began), err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			return string(text), time.Since(began), err
		}
		s.AddFault(Fault{Kind: FaultNeverAfter, Times: 1})
		if text, took, err := post(`{"count":1}`); err == nil || took != 30*time.Second {
			t.Errorf("never: %q %s %v", text, took, err)
		}
		s.AddFault(Fault{Kind: FaultLateAnswer, Delay: 20 * time.Second, Times: 1})
		if text, took, err := post(`{"count":2}`); err != nil || text != "2" || took != 20*time.Second {
			t.Errorf("late: %q %s %v", text, took, err)
		}
		s.AddFault(Fault{Kind: FaultLateApply, Delay: time.Hour, Times: 1})
		if _, took, err := post(`{"count":9}`); err == nil || took != 0 {
			t.Errorf("dropped: %s %v", took, err)
		}
		time.Sleep(24 * time.Hour)
		if m, _ := s.Machine("M1"); m.Counter != 9 {
			t.Errorf("count %v, want 9", m.Counter)
		}
		if c := s.Limit(); c.ForeignTaken < 24*3600 || c.ForeignTaken > 24*3600+60 {
			t.Errorf("%+v", c)
		}
		tr.CloseIdleConnections()
		server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
