package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
)

// TestJournalMissing reads the report beside a program that writes the store.
func TestJournalMissing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.yaml")
	file := `
timezone: Europe/Istanbul
data: store
connections: {pack: {modbus: {address: "tcp://127.0.0.1:1"}}}
machines:
  M-1: {ideal_cycle: 2s, count: {tag: 40001, type: uint32, is: good}}
`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(dir, "store", gateway.DryRunStoreFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	at := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	if err := s.Commit(t.Context(), store.Write{Missing: []store.Missing{
		{Time: at, Machine: "M-1", Code: "not_in_prodsmart", Type: "JAM", From: at.Add(-10 * time.Minute), To: at, Text: "Whole sentences."},
		{Time: at, Machine: "M-2", Code: "backlog_late", Pieces: 40, Order: "O-7", To: at, Text: "More."},
		{Time: at, Machine: "M-3", Code: "something_else", Text: "A text\x1b[31m of its own."},
	}}); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) string {
		t.Helper()
		var out, talk bytes.Buffer
		if code := run(append([]string{"journal", "missing", "-c", path}, args...), &out, &talk); code != 0 {
			t.Fatalf("exit code %d: %s", code, talk.String())
		}
		return out.String() + talk.String()
	}
	text := command()
	for _, want := range []string{"downtime JAM is not in Prodsmart", "10m0s", "40 pieces of order O-7 were told after the order changed", " of its own."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("the terminal is spoken to")
	}
	if text := command("--machine", "M-2"); strings.Contains(text, "JAM") || !strings.Contains(text, "M-2") {
		t.Error(text)
	}
	if text := command("--until", "2026-01-01"); !strings.Contains(text, "Nothing is missing") {
		t.Error(text)
	}
	for _, wrong := range [][2]string{
		{"--machine=M-9", "there is no machine M-9 in the configuration, nor an entry of it"},
		{"--since=2026-02-01 --until=2026-01-01", "--until: it is not after --since"},
	} {
		var out, talk bytes.Buffer
		args := append([]string{"journal", "missing", "-c", path}, strings.Fields(wrong[0])...)
		if code := run(args, &out, &talk); code == 0 || !strings.Contains(talk.String(), wrong[1]) {
			t.Errorf("%s: exit code %d: %s%s", wrong[0], code, out.String(), talk.String())
		}
	}
	if text := command("--machine", "M-1", "--until", "2026-01-01"); !strings.Contains(text, "Nothing is missing") {
		t.Error(text)
	}
	rows, err := csv.NewReader(strings.NewReader(command("--csv"))).ReadAll()
	if err != nil || len(rows) != 4 || !strings.HasSuffix(rows[1][4], "+03:00") || rows[1][6] != "600" {
		t.Errorf("%v %q", err, rows)
	}
	var report struct {
		Missing []struct{ What, Order string }
	}
	if err := json.Unmarshal([]byte(command("--json")), &report); err != nil || len(report.Missing) != 3 || report.Missing[1].Order != "O-7" {
		t.Errorf("%v %+v", err, report)
	}
}
