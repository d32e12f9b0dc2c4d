package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// said is what the gateway said last of one machine, as it arrived.
type said struct {
	counted bool
	count   int64
	edge    *edge
}

type edge struct {
	Type    string
	Running int
}

// auditor holds the store against what arrived: whatever a post says is on disk
// before the request leaves, and so is the machine's state that it came from.
type auditor struct {
	mu     sync.Mutex
	last   map[string]said
	fresh  bool // something arrived since the last audit
	audits int
}

// serve notes a request that arrived whole, and forgets it again if it was
// refused: then the gateway may forget it too.
func (a *auditor) serve(w http.ResponseWriter, r *http.Request, prodsmart http.Handler) {
	undo := a.hear(r)
	seen := &statusWriter{ResponseWriter: w}
	prodsmart.ServeHTTP(seen, r)
	if seen.status == http.StatusTooManyRequests || seen.status == http.StatusBadRequest {
		undo()
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets connections be dropped.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hear notes a request, which can still be read.
func (a *auditor) hear(r *http.Request) (undo func()) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	part := strings.Split(r.URL.Path, "/") // "", api, machines, code, service
	if err != nil || len(part) != 5 {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.last[part[3]]
	s := before
	switch part[4] {
	case "counter":
		var in struct{ Count int64 }
		if json.Unmarshal(body, &in) == nil {
			s.counted, s.count = true, max(s.count, in.Count)
		}
	case "startstop":
		var e edge
		if json.Unmarshal(body, &e) == nil {
			s.edge = &e
		}
	}
	if a.last == nil {
		a.last = map[string]said{}
	}
	a.last[part[3]], a.fresh = s, true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.last[part[3]] = before
	}
}

// audit compares a copy of the store that a kill left, so that the next life
// finds it as it was.
func (a *auditor) audit(t *testing.T, data string) []string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.fresh {
		return nil
	}
	a.fresh = false
	a.audits++
	dir, err := os.MkdirTemp(filepath.Dir(data), "audit-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(filepath.Join(data, gateway.StoreFile+suffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, gateway.StoreFile+suffix), text, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r, err := store.OpenReader(filepath.Join(dir, gateway.StoreFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	machines, err := r.Machines(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	states := map[string][]byte{}
	for _, m := range machines {
		states[m.Code] = m.State
	}
	var problems []string
	for code, s := range a.last {
		problems = append(problems, s.missing(t, code, states[code], r)...)
	}
	return problems
}

// missing says what was said of a machine and is not on disk.
func (s said) missing(t *testing.T, code string, body []byte, r *store.Reader) []string {
	t.Helper()
	record, _, err := r.Record(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Posted map[string]int64 }
	if err := json.Unmarshal(body, &state); err != nil && s.counted {
		return []string{fmt.Sprintf("%s: the count %d was sent and no state is on disk: %v", code, s.count, err)}
	}
	var problems []string
	telling := record.Telling
	known := max(record.Told.Count, record.Doubt.Highest)
	if telling.Active && telling.Service == prodsmart.CounterService {
		known = max(known, telling.Count)
	}
	if s.counted && (known < s.count || state.Posted["count"] < s.count) {
		problems = append(problems, fmt.Sprintf("%s: the count %d was sent; on disk the record knows %d, the machine %d", code, s.count, known, state.Posted["count"]))
	}
	if s.edge != nil {
		onWay := telling.Service == prodsmart.StartStopService && telling.Stop.Type == s.edge.Type && telling.Running == (s.edge.Running == 1)
		settled := record.Told.Stop.Type == s.edge.Type && s.edge.Running == 0 || record.Told.Stop.Type == "" && s.edge.Running == 1
		if !onWay && !settled {
			problems = append(problems, fmt.Sprintf("%s: %+v was sent; on disk %+v is on its way and %+v is told", code, *s.edge, telling, record.Told.Stop))
		}
	}
	return problems
}
