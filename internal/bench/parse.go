package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
)

// Result is one line of go test -bench: a benchmark and its figures.
type Result struct {
	// Package is the last element of the import path.
	Package string
	// Name is without Benchmark in front and without the number of processors.
	Name string
	// Metrics are the figures by unit.
	Metrics map[string]float64
}

// Parse reads the output of go test -bench for any number of packages. Lines
// that are no results are skipped; a failed benchmark or package is an error,
// so that no page is written about half of a run. Of a benchmark that occurs
// several times all results are given.
func Parse(r io.Reader) ([]Result, error) {
	var out []Result
	pkg := ""
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "pkg: "):
			pkg = path.Base(strings.TrimSpace(line[len("pkg: "):]))
		case strings.HasPrefix(line, "FAIL"), strings.HasPrefix(strings.TrimSpace(line), "--- FAIL"):
			return nil, fmt.Errorf("line %d: %s: the run failed; nothing is written about it", n, line)
		case strings.HasPrefix(line, "Benchmark"):
			if result, ok := parseLine(line); ok {
				result.Package = pkg
				out = append(out, result)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the output of go test: %w", err)
	}
	return out, nil
}

// parseLine reads "BenchmarkName-2  10  12.5 ns/op  3 B/op".
func parseLine(line string) (Result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 {
		return Result{}, false
	}
	if _, err := strconv.ParseUint(fields[1], 10, 64); err != nil {
		return Result{}, false
	}
	name := strings.TrimPrefix(fields[0], "Benchmark")
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		if _, err := strconv.ParseUint(name[at+1:], 10, 32); err == nil {
			name = name[:at]
		}
	}
	r := Result{Name: name, Metrics: map[string]float64{}}
	for i := 2; i < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return Result{}, false
		}
		r.Metrics[fields[i+1]] = v
	}
	return r, name != ""
}
