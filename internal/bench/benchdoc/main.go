// Command benchdoc writes the page of benchmarks from the output of go test
// -bench on its standard input, which it passes on to its standard output.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/bench"
)

func main() {
	output := flag.String("o", "docs/benchmarks.md", "the `file` to write")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *output); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

// run replaces the page only if the whole run was good.
func run(in io.Reader, out io.Writer, path string) error {
	results, err := bench.Parse(io.TeeReader(in, out))
	if err != nil {
		_, drained := io.Copy(out, in) // so that go test can end
		if drained != nil {
			return drained
		}
		return err
	}
	var page bytes.Buffer
	if err := bench.Write(&page, host(), results); err != nil {
		return err
	}
	return os.WriteFile(path, page.Bytes(), 0o644)
}

func host() bench.Host {
	h := bench.Host{
		Cores: runtime.NumCPU(), Processor: runtime.GOARCH, System: runtime.GOOS + "/" + runtime.GOARCH,
		Compiler: runtime.Version(), Date: time.Now(),
	}
	if model := field("/proc/cpuinfo", "model name", ":"); model != "" {
		h.Processor = model
	}
	if name := strings.Trim(field("/etc/os-release", "PRETTY_NAME", "="), `"`); name != "" {
		h.System = name + " (" + h.System + ")"
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if loads := strings.Fields(string(text)); len(loads) >= 3 {
			h.Load = strings.Join(loads[:3], " ")
		}
	}
	return h
}

// field finds the value of a key in a text file of lines; "" if there is none.
func field(path, key, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
