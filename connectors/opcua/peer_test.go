package opcua

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// peerWithin bounds everything that is waited for in these tests; the peer may
// start slowly on a busy machine.
const peerWithin = 60 * time.Second

// peerOptions are the argument of testdata/peer/server.js.
type peerOptions struct {
	Port        int      `json:"port"`
	Folder      string   `json:"folder"`
	Namespaces  []string `json:"namespaces"`
	Nodes       []string `json:"nodes"`
	UsersOnly   bool     `json:"usersOnly"`
	PerCall     int      `json:"perCall"`
	MaxSessions int      `json:"maxSessions"`
	Tree        int      `json:"tree"`
	Structures  bool     `json:"structures"`
}

// peer is a running node-opcua server.
type peer struct {
	options peerOptions
	cmd     *exec.Cmd
	in      io.WriteCloser
	lines   chan string
	reading sync.WaitGroup
}

// startPeer starts a server and waits until it serves. It ends with the test.
func startPeer(t *testing.T, o peerOptions) *peer {
	t.Helper()
	if o.Port == 0 {
		_, port, _ := strings.Cut(newPLC(t).addr, ":")
		fmt.Sscan(port, &o.Port)
	}
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	if o.Namespaces == nil {
		o.Namespaces = []string{plantURI}
	}
	p := &peer{options: o}
	p.start(t)
	return p
}

// start runs the server with its options, again after a kill.
func (p *peer) start(t *testing.T) {
	t.Helper()
	modules := connectortest.NodeModules(t, "../..", "node-opcua")
	arg, err := json.Marshal(p.options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "testdata/peer/server.js", string(arg))
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "HOME="+p.options.Folder)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.cmd, p.in, p.lines = cmd, in, make(chan string, 100)
	lines := p.lines
	p.reading.Go(func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if line := s.Text(); line == "ready" || line == "done" { // the rest is the library's chatter
				lines <- line
			}
		}
	})
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the peer said: %s", complaints.String())
		}
	})
	p.expect(t, "ready")
}

// expect waits for a line of the peer.
func (p *peer) expect(t *testing.T, want string) {
	t.Helper()
	limit := time.After(peerWithin)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("the peer ended before it was %s", want)
			}
			if line == want {
				return
			}
		case <-limit:
			t.Fatalf("the peer was never %s", want)
		}
	}
}

// say gives the peer a command.
func (p *peer) say(t *testing.T, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "done")
}

// kill ends the peer as a power cut does. A second call does nothing.
func (p *peer) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	p.reading.Wait()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// config is a configuration for the peer.
func (p *peer) config() Config {
	c := dialling(fmt.Sprintf("127.0.0.1:%d", p.options.Port))
	c.Timeout = 5 * time.Second
	return c
}

// peerTags are Siemens-like addresses of the peer's nodes.
func peerTags(names ...string) []connectors.Tag {
	var tags []connectors.Tag
	for _, n := range names {
		tags = append(tags, connectors.Tag{Address: fmt.Sprintf(`nsu=%s;s="DB_Line"."%s"`, plantURI, n), Bit: connectors.NoBit})
	}
	return tags
}

// once runs a connector until it fails, or is cut short after the first values.
func once(t *testing.T, cfg Config, tags []connectors.Tag) error {
	t.Helper()
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), peerWithin)
	defer cancel()
	err = c.Run(ctx, func(b connectors.Batch) {
		if len(b.Samples) > 0 {
			cancel()
		}
	})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatal("the connector neither failed nor got values")
	}
	return err
}

// sessionsForgotten is longer than a server keeps a session that was not closed.
const sessionsForgotten = time.Minute

// onceFree is once, again while the server counts sessions that are over: on a busy
// computer it may not hear that they were closed, and forgets them later.
func onceFree(t *testing.T, cfg Config, tags []connectors.Tag) error {
	t.Helper()
	for deadline := time.Now().Add(sessionsForgotten); ; <-time.After(time.Second) {
		err := once(t, cfg, tags)
		if err == nil || !strings.Contains(err.Error(), "BadTooManySessions") || time.Now().After(deadline) {
			return err
		}
	}
}

func TestPeerSecurity(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Nodes: []string{"Good"}, UsersOnly: true, MaxSessions: 2})
	tags := peerTags("Good")
	cfg := p.config()
	cfg.Security, cfg.User, cfg.Password = SecurityBasic256Sha256, "gateway", "right"
	cfg.CertificateDir = t.TempDir()

	id, err := loadIdentity(cfg.CertificateDir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want(t, once(t, cfg, tags), "does not trust this gateway", id.thumbprint(), "opcua-gateway.der")

	rejected := filepath.Join(p.options.Folder, "pki", "rejected")
	files, err := os.ReadDir(rejected)
	if err != nil || len(files) == 0 {
		t.Fatalf("the peer has rejected nothing: %v", err)
	}
	for _, f := range files {
		if err := os.Rename(filepath.Join(rejected, f.Name()), filepath.Join(p.options.Folder, "pki", "trusted", "certs", f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	// Started again, the peer reads its folders: while it runs it hears of a file only
	// when it was already watching the folder, which on a busy computer comes late.
	p.kill()
	p.start(t)
	if err := once(t, cfg, tags); err != nil {
		t.Fatalf("the certificate is trusted, and yet: %v", err)
	}

	wrong := cfg
	wrong.Password = "wr0ng"
	err = onceFree(t, wrong, tags)
	want(t, err, "BadUserAccessDenied", "check user and password")
	if strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("the error tells the password: %v", err)
	}
	anonymous := cfg
	anonymous.User, anonymous.Password = "", ""
	want(t, onceFree(t, anonymous, tags), "does not allow anonymous sessions")

	// Without security the channel is open, but the password is encrypted.
	plain := cfg
	plain.Security = SecurityNone
	if err := onceFree(t, plain, tags); err != nil {
		t.Errorf("an encrypted password over an open channel: %v", err)
	}
	plain.Password = "wr0ng"
	want(t, onceFree(t, plain, tags), "BadUserAccessDenied")
	plain.Password = "right"

	for range 2 {
		follow(t, plain, tags).WaitUp(t, sessionsForgotten)
	}
	want(t, once(t, cfg, tags), "BadTooManySessions", "close other clients")
}

// follow supervises a connector like the gateway does, to the end of the test.
func follow(t *testing.T, cfg Config, tags []connectors.Tag) *connectortest.Recorder {
	t.Helper()
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	c.retryEvery = 300 * time.Millisecond
	r := connectortest.NewRecorder(len(tags))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			r.Begin()
			if err := c.Run(ctx, r.Emit); err != nil {
				t.Log(err)
			}
			r.End()
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		r.Release()
		running.Wait()
		for _, f := range r.Faults() {
			t.Error(f)
		}
	})
	return r
}

func TestPeerRestart(t *testing.T) {
	t.Parallel()
	p := startPeer(t, peerOptions{Nodes: []string{"Good", "Scrap", "State"}, PerCall: 2, Namespaces: []string{"urn:a", plantURI}})
	r := follow(t, p.config(), peerTags("Good", "Scrap", "State", "Late"))
	r.WaitValue(t, peerWithin, 0, connectors.Uint(1))
	r.WaitValue(t, peerWithin, 2, connectors.Uint(1))
	r.Wait(t, peerWithin, "the late node to be refused", func() bool {
		s, ok := r.Latest(3)
		return ok && s.Reason == "BadNodeIdUnknown"
	})
	p.say(t, "set Good 7")
	r.WaitValue(t, peerWithin, 0, connectors.Uint(7))
	if s, _ := r.Latest(0); s.SourceTime.IsZero() || time.Since(s.SourceTime).Abs() > time.Minute {
		t.Errorf("the source time is %v", s.SourceTime)
	}
	p.say(t, "add Late 5")
	r.WaitValue(t, peerWithin, 3, connectors.Uint(5))

	// A program download: the node goes and comes back.
	p.say(t, "remove Scrap")
	r.Wait(t, peerWithin, "the removed node to be bad", func() bool {
		s, ok := r.Latest(1)
		return ok && s.Quality == connectors.Bad
	})
	p.say(t, "add Scrap 9")
	r.WaitValue(t, peerWithin, 1, connectors.Uint(9))

	p.kill()
	r.Wait(t, peerWithin, "the link to be down", func() bool { return !r.Up() })
	p.options.Namespaces = []string{plantURI, "urn:a", "urn:b"}
	p.options.Nodes = []string{"Good", "State"}
	p.start(t)
	r.WaitUp(t, peerWithin)
	p.say(t, "set Good 8")
	r.WaitValue(t, peerWithin, 0, connectors.Uint(8))
	p.say(t, "add Scrap 10")
	r.WaitValue(t, peerWithin, 1, connectors.Uint(10))
}
