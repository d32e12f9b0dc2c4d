// Package sparkplugtest lets tests have their Sparkplug B payloads made by a
// library that is not ours: npm's sparkplug-payload, in a process of its own.
package sparkplugtest

import (
	"bufio"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

//go:embed encode.js
var script string

// Payload is what an Edge Node sends, in the library's own names.
type Payload struct {
	Timestamp int64    `json:"timestamp,omitempty"` // ms since 1970
	Seq       *int     `json:"seq,omitempty"`
	Metrics   []Metric `json:"metrics"`
}

// Metric is one metric. Value may be a text for types of 64 bits, which a JSON
// number can not hold.
type Metric struct {
	Name       string         `json:"name,omitempty"`
	Alias      uint64         `json:"alias,omitempty"`
	Timestamp  int64          `json:"timestamp,omitempty"`
	Type       string         `json:"type"`
	Value      any            `json:"value"`
	Special    string         `json:"special,omitempty"` // nan, inf or ninf instead of Value
	Historical bool           `json:"isHistorical,omitempty"`
	Transient  bool           `json:"isTransient,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

// Encoder is the library at work.
type Encoder struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

// New starts the library and ends it with the test. Where Node.js or the library
// is not installed the test is skipped, or fails if PEERS=required.
func New(t testing.TB) *Encoder {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	modules := connectortest.NodeModules(t, filepath.Join(filepath.Dir(here), "..", "..", "..", ".."), "sparkplug-payload")
	cmd := exec.Command(connectortest.Program(t, "node"), "-e", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stderr = os.Stderr
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
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return &Encoder{in: in, out: bufio.NewReader(out)}
}

// Encode gives the bytes of a payload.
func (e *Encoder) Encode(p Payload) ([]byte, error) {
	answer, err := e.ask(p)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(answer)
	if err != nil {
		return nil, fmt.Errorf("the library says %q of %+v", answer, p)
	}
	return b, nil
}

// Decode gives what the library reads in a payload, as JSON.
func (e *Encoder) Decode(b []byte) (string, error) {
	return e.ask(map[string]string{"decode": hex.EncodeToString(b)})
}

func (e *Encoder) ask(what any) (string, error) {
	line, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := fmt.Fprintf(e.in, "%s\n", line); err != nil {
		return "", err
	}
	answer, err := e.out.ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}
