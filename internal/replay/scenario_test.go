package replay

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// TestScenarios replays every folder of testdata: a configuration and a trace
// lead to exactly the expected posts, and to the events it names. A folder is a
// machine, or a row of a decision table, as a plant would meet it.
func TestScenarios(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "*", "*", "gateway.yaml"))
	if err != nil || len(folders) == 0 {
		t.Fatal("no scenarios found", err)
	}
	for _, path := range folders {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			result := replayFolder(t, dir)
			var got bytes.Buffer
			if err := WritePosts(&got, result.Posts); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(dir, "posts.csv"))
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("posts:\n%s\nwant:\n%s\nevents:\n%s", got.String(), want, journal(result))
			}
			expectEvents(t, dir, result)
		})
	}
}

func TestTagsThatNobodyReadsAreNamed(t *testing.T) {
	dir := filepath.Join("testdata", "rules", "one-register-read-as-two-types")
	c, problems := config.Load(filepath.Join(dir, "gateway.yaml"), config.Options{SkipSecrets: true})
	if len(problems) > 0 {
		t.Fatalf("configuration: %v", problems)
	}
	trace, err := Read(strings.NewReader(head+
		"2026-01-05T06:00:00Z,pack,!link,up,,\n2026-01-05T06:00:01Z,pack,40002,5,good,\n2026-01-05T06:00:01Z,pack,40001,5,good,\n2026-01-05T06:00:02Z,pack,40002,6,good,\n"), "t.csv")
	if err != nil {
		t.Fatal(err)
	}
	result, err := Run(c, trace, Options{Name: "t.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Unread{Source: "pack", Tag: "40002", Line: 3, Rows: 2}); len(result.Unread) != 1 || result.Unread[0] != want {
		t.Fatalf("%+v, want %+v", result.Unread, want)
	}
}

func replayFolder(t *testing.T, dir string) *Result {
	t.Helper()
	c, problems := config.Load(filepath.Join(dir, "gateway.yaml"), config.Options{SkipSecrets: true})
	if len(problems) > 0 {
		t.Fatalf("configuration: %v", problems)
	}
	name := filepath.Join(dir, "trace.csv")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trace, err := Read(f, name)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Run(c, trace, Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// expectEvents holds the file events.txt, if there is one: each line is words
// that an event must contain, in the order of the file; a line that begins with
// "not " must not occur.
func expectEvents(t *testing.T, dir string, r *Result) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "events.txt"))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	log := journal(r)
	rest := log
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")) {
		line = strings.TrimSpace(line)
		if unwanted, ok := strings.CutPrefix(line, "not "); ok {
			if strings.Contains(log, unwanted) {
				t.Errorf("there is an event with %q:\n%s", unwanted, log)
			}
			continue
		}
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Errorf("no event with %q, in this order:\n%s", line, log)
			return
		}
		rest = after
	}
}

func journal(r *Result) string {
	var b strings.Builder
	for _, e := range r.Events {
		b.WriteString(e.Time.UTC().Format("15:04:05.000 ") + e.Machine + " " + e.Rule + " " + e.Level.String() + " " + e.Subject + ": " + e.Text + "\n")
	}
	for _, e := range r.Uplink {
		b.WriteString(e.Time.UTC().Format("15:04:05.000 ") + e.Machine + " " + string(e.Code) + " " + e.Level.String() + ": " + e.Text + "\n")
	}
	return b.String()
}
