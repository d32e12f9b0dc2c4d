package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	_ "time/tzdata"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = os.Getenv("UPDATE_GOLDEN") != ""

// testOptions gives every environment variable and secret a value but MISSING.
func testOptions() Options {
	return Options{
		Env: func(name string) (string, bool) { return "env-" + name, !strings.Contains(name, "MISSING") },
		ReadFile: func(path string) ([]byte, error) {
			slash := filepath.ToSlash(path)
			if strings.Contains(slash, "/secrets/") && !strings.Contains(slash, "missing") || strings.HasSuffix(slash, "password.txt") {
				return []byte("hidden-" + filepath.Base(path) + "\n"), nil
			}
			return os.ReadFile(path)
		},
	}
}

// golden compares with a file, or writes it when UPDATE_GOLDEN is set.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

// files lists the test files of a folder, included ones aside.
func files(t testing.TB, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestBad(t *testing.T) {
	paths := files(t, "testdata/bad")
	if len(paths) < 45 {
		t.Errorf("only %d bad configurations", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			config, problems := Load(path, testOptions())
			if len(problems) == 0 {
				t.Fatal("nothing was found wrong")
			}
			if config != nil {
				t.Error("a configuration came with the problems")
			}
			var out bytes.Buffer
			if err := problems.Print(&out); err != nil {
				t.Fatal(err)
			}
			// On Windows the paths have backslashes, and so have some messages.
			paths := strings.NewReplacer(`testdata\bad\include\`, "testdata/bad/include/", `testdata\bad\`, "testdata/bad/")
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", paths.Replace(out.String()))
		})
	}
}

func TestGood(t *testing.T) {
	for _, path := range files(t, "testdata/good") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			config := mustLoad(t, path)
			golden(t, strings.TrimSuffix(path, ".yaml")+".golden", dump(t, config))
		})
	}
}

func TestExamples(t *testing.T) {
	paths := files(t, "../../configs/examples")
	if len(paths) < 5 {
		t.Fatalf("only %d examples", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			config := mustLoad(t, path)
			for _, w := range config.Warnings {
				t.Errorf("an example should raise no doubt: %s", w)
			}
		})
	}
}

// TestDemo loads the configuration of the pretend plant.
func TestDemo(t *testing.T) {
	for _, w := range mustLoad(t, "../../configs/demo.yaml").Warnings {
		t.Log(w)
	}
}

func TestFirstIsTwelveLines(t *testing.T) {
	text, err := os.ReadFile("../../configs/examples/first.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	if lines > 12 {
		t.Errorf("the first file has %d lines", lines)
	}
}

func mustLoad(t testing.TB, path string) *Config {
	t.Helper()
	config, problems := Load(path, testOptions())
	if len(problems) > 0 {
		t.Fatalf("%d problems:\n%s", len(problems), problems.Error())
	}
	return config
}

// compiled takes what can not be printed alike every time out of a dump.
var compiled = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// dump writes everything that follows from a configuration.
func dump(t testing.TB, c *Config) string {
	t.Helper()
	var b strings.Builder
	for _, w := range c.Warnings {
		fmt.Fprintln(&b, "warning:", filepath.ToSlash(w.String()))
	}
	for _, f := range c.Files {
		fmt.Fprintln(&b, "file:", filepath.ToSlash(f))
	}
	fmt.Fprintf(&b, "site %q, zone %s, data %s, board %q, metrics %q, journal %+v\n", c.Site, c.Location, filepath.ToSlash(c.Data), c.Board, c.Metrics, c.Journal)
	fmt.Fprintf(&b, "prodsmart %+v\n", c.Prodsmart)
	for _, k := range c.Connections {
		fmt.Fprintf(&b, "connection %s %s user %v password %v\n", k.Name, k.Kind, k.User, k.Password)
		var settings any
		switch k.Kind {
		case KindOPCUA:
			settings = *k.opcua
		case KindModbus:
			settings = *k.modbus
		case KindMQTT:
			settings = *k.mqtt
		}
		text, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, " ", string(text))
	}
	for _, o := range c.Orders.Sources {
		b.WriteString(dumpSource(o))
	}
	for _, m := range c.Machines {
		fmt.Fprintf(&b, "machine %s at %s, template %q, was %q, every %s, freshness %v, report %v\n", m.Spec.Code, filepath.ToSlash(m.Pos.String()), m.Template, m.Was, m.ReportEvery, m.Freshness, m.Report)
		b.WriteString(dumpSpec(t, m))
	}
	return strings.ReplaceAll(compiled.ReplaceAllString(b.String(), "0x"), `\\`, "/") // JSON writes Windows paths so
}

func dumpSource(s OrderSource) string {
	out := fmt.Sprintf("source %s %s live %v every %s, %s, %s, unseen %d, stock %v, user %v password %v key %v, zone %v\n",
		s.Name, s.System, s.Live, s.Every, s.FullEvery, s.StockEvery, s.Unseen, s.UsesStock, s.user, s.password, s.key, s.Rules.Zone)
	var settings any
	switch s.System {
	case "smartup":
		settings = *s.smartup
	case "repzo":
		settings = *s.repzo
	case "csmart":
		settings = *s.csmart
	case "smpos":
		settings = *s.smpos
	case "file":
		settings = *s.file
	case "sql":
		settings = *s.sql
	case "rest":
		settings = *s.rest
	}
	return out + fmt.Sprintf("  %+v\n  %+v\n", s.Rules, settings)
}

func dumpSpec(t testing.TB, m Machine) string {
	t.Helper()
	var b strings.Builder
	state := m.Spec.State
	for _, e := range []struct {
		name string
		expr fmt.Stringer
		nil  bool
	}{{"running_when", state.RunningWhen, state.RunningWhen == nil}, {"stopped_when", state.StoppedWhen, state.StoppedWhen == nil}} {
		if !e.nil {
			fmt.Fprintf(&b, "  %s: %s\n", e.name, e.expr)
		}
	}
	spec := m.Spec
	zone := "none"
	if spec.Calendar.Location != nil {
		zone = spec.Calendar.Location.String()
	}
	spec.State.RunningWhen, spec.State.StoppedWhen, spec.Calendar.Location = nil, nil, nil
	text, err := json.MarshalIndent(spec, "  ", " ")
	if err != nil {
		t.Fatal(err)
	}
	// The shape of a list matters less than its content.
	compact := regexp.MustCompile(`\[\s+([^\[\]{}]*?)\s+\]`).ReplaceAllString(string(text), "[$1]")
	fmt.Fprintf(&b, "  calendar in %s\n  %s\n", zone, compact)
	return b.String()
}
