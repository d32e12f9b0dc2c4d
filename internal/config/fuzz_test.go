package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzLoad holds that no file can bring the loader down or keep it busy, that
// every problem has a place, and that what was accepted can be expanded and
// read again.
func FuzzLoad(f *testing.F) {
	for _, folder := range []string{"testdata/good", "testdata/bad"} {
		for _, path := range files(f, folder) {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("a: &a {b: 1}\nc: &c [*a,*a,*a]\nd: &d [*c,*c,*c]\ne: [*d,*d]"))
	f.Add([]byte("templates: {t: {params: {a: int}, name: '{((((((((a'}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		load := func(text []byte) (*Config, Problems) {
			return Load("fuzz.yaml", Options{
				Env: func(string) (string, bool) { return "x", true },
				ReadFile: func(path string) ([]byte, error) {
					if path == "fuzz.yaml" {
						return text, nil
					}
					return nil, fs.ErrNotExist
				},
				Glob: func(string) ([]string, error) { return nil, errors.New("no pattern") },
			})
		}
		start := time.Now()
		config, problems := load(text)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %s", took)
		}
		if (config == nil) == (len(problems) == 0) {
			t.Fatal("neither a configuration nor problems, or both")
		}
		lines := 1 + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) +
			bytes.Count(text, []byte("\u0085")) + bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029"))
		for _, p := range problems {
			if p.File == "" || p.Line < 1 || p.Line > lines+1 || p.Col < 1 || p.Text == "" || strings.ContainsAny(p.String(), "\n\r") {
				t.Fatalf("a problem without a place, or in several lines: %q", p.String())
			}
		}
		if config == nil {
			return
		}
		var out bytes.Buffer
		if err := config.Expanded(&out); err != nil {
			t.Fatal(err)
		}
		if _, problems := load(out.Bytes()); len(problems) > 0 {
			t.Fatalf("expanded is not accepted:\n%s\n%s", problems.Error(), out.String())
		}
	})
}

// plant writes a configuration of n machines, one in ten without a template.
func plant(n int) []byte {
	var b strings.Builder
	b.WriteString(`site: izmir
timezone: Europe/Istanbul
data: ./data
prodsmart: {key: "${env:K}", secret: "${env:S}", report_every: 10m}
templates:
  press:
    params: {unit: int, first: int, cavities: {int: 2}}
    ideal_cycle: 10s
    count: {tag: "{unit}/holding:{first}", type: uint32, order: CDAB, is: total, scale: "{cavities}"}
    waste: {SCRAP: {tag: "{unit}/holding:{first + 2}", type: uint32}}
    state: {inputs: {power: {tag: "{unit}/input:{first}", type: float32}}, running_when: power > 2, stopped_when: power < 1}
    reason: {tag: "{unit}/holding:{first + 4}", types: {1: JAM, 2: GUARD, 3: TOOL}}
    parameters: {temp: "{unit}/input:{first + 2}", speed: "{unit}/input:{first + 3}"}
connections:
`)
	for i := range (n + 99) / 100 {
		fmt.Fprintf(&b, "  gw%d: {modbus: {address: \"tcp://10.0.4.%d:502\"}}\n", i, i+1)
	}
	b.WriteString("machines:\n")
	for i := range n {
		unit, first := i%100/5+1, i%5*100
		if i%10 != 0 {
			fmt.Fprintf(&b, "  M-%04d: {use: press, connection: gw%d, unit: %d, first: %d, line: Hall %d}\n", i, i/100, unit, first, i/50)
			continue
		}
		fmt.Fprintf(&b, `  M-%04d:
    connection: gw%d
    line: Hall %d
    ideal_cycle: 10s
    count: {tag: "%d/holding:%d", type: uint32, is: good, resets: true}
    waste: {SCRAP: {tag: "%d/holding:%d", type: uint32, resets: true}}
    state: {tag: "%d/discrete:%d", running: true}
    parameters: {temp: "%d/input:%d"}
`, i, i/100, i/50, unit, first, unit, first+2, unit, first, unit, first)
	}
	b.WriteString("calendar:\n  - {machines: \"*\", type: BREAK, times: [\"mon-fri 10:00-10:15\", \"mon-fri 12:00-12:30\"]}\n")
	return []byte(b.String())
}

// BenchmarkLoad1000 loads and checks 1,000 machines. The bar is 0.5 s.
func BenchmarkLoad1000(b *testing.B) {
	text := plant(1000)
	o := Options{Env: func(string) (string, bool) { return "x", true }, ReadFile: func(string) ([]byte, error) { return text, nil }}
	b.ReportAllocs()
	for b.Loop() {
		config, problems := Load("plant.yaml", o)
		if len(problems) > 0 || len(config.Machines) != 1000 || len(config.Warnings) > 1 {
			b.Fatalf("%v", problems)
		}
	}
}

// TestLargePlantWithMistakes holds that a mistake in each of many machines is
// found, and that the list of them does not take long.
func TestLargePlantWithMistakes(t *testing.T) {
	text := bytes.ReplaceAll(plant(1000), []byte("line: Hall"), []byte("lien: Hall"))
	o := Options{SkipSecrets: true, ReadFile: func(string) ([]byte, error) { return text, nil }}
	_, problems := Load("plant.yaml", o)
	if len(problems) != 1000 {
		t.Errorf("%d problems of 1000", len(problems))
	}
}
