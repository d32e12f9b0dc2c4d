package store

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// child is what the test binary does when a test starts it as another process.
func child(role string) int {
	path := os.Getenv("STORE_TEST_PATH")
	err := fmt.Errorf("unknown role %q", role)
	switch role {
	case "open":
		var s *Store
		if s, err = Open(path, small()); err == nil {
			err = s.Close()
		}
	case "read":
		err = childRead(path)
	case "work":
		err = childWork(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func childRead(path string) error {
	r, err := OpenReader(path)
	if err != nil {
		return err
	}
	ms, err := r.Machines(context.Background())
	if err != nil {
		return err
	}
	for _, m := range ms {
		fmt.Printf("%s=%s\n", m.Code, m.State)
	}
	return r.Close()
}

// childWork counts and tells as the gateway does, and writes a line to
// STORE_TEST_MARKS (- is standard output) each time a commit returned: what the line says can not be
// lost from there on. After half of STORE_TEST_ROUNDS it closes the store and
// opens it again; at the end it leaves it open, or it is killed before.
func childWork(path string) error {
	rounds, err := strconv.Atoi(os.Getenv("STORE_TEST_ROUNDS"))
	if err != nil {
		return err
	}
	marks := os.Stdout
	if name := os.Getenv("STORE_TEST_MARKS"); name != "-" {
		if marks, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
			return err
		}
	}
	s, err := Open(path, small())
	if err != nil {
		return err
	}
	for i := range rounds {
		if i == rounds/2 {
			if err := s.Close(); err != nil {
				return err
			}
			if s, err = Open(path, small()); err != nil {
				return err
			}
		}
		if err := childRound(s, marks, fmt.Sprint("M", i%3), int64(1+i%7)); err != nil {
			return err
		}
	}
	return nil
}

// childRound is one report of one machine: state saved, telling saved, told.
func childRound(s *Store, marks *os.File, code string, parts int64) error {
	ctx := context.Background()
	step := func(word string, n int64, w Write) error {
		if err := s.Commit(ctx, w); err != nil {
			return err
		}
		_, err := fmt.Fprintf(marks, "%s %s %d\n", word, code, n)
		return err
	}
	ms, err := s.Machines(ctx)
	if err != nil {
		return err
	}
	total := parts
	for _, m := range ms {
		if m.Code == code {
			before, err := decodeTotal(m.State)
			if err != nil {
				return err
			}
			total += before
		}
	}
	rec, rev, err := s.Record(ctx, code)
	if err != nil {
		return err
	}
	if err := step("state", total, Write{
		Machines: []MachineState{{code, encodeTotal(total)}},
		Events:   []mapping.Event{{Time: time.Now(), Machine: code, Rule: "R7", Text: "counted"}},
	}); err != nil {
		return err
	}
	rec.Telling = uplink.Telling{Active: true, Service: prodsmart.CounterService, Count: total}
	rec.Doubt = uplink.Doubt{Open: true, Highest: total}
	if err := step("telling", total, Write{Records: []MachineRecord{{code, rec, rev}}}); err != nil {
		return err
	}
	rec = uplink.Record{Told: uplink.Told{Counted: true, Count: total}}
	return step("told", total, Write{
		Records: []MachineRecord{{code, rec, rev + 1}},
		Posts:   []PostEntry{{Time: time.Now(), Machine: code, Service: "counter", Body: []byte(`{"count":1}`), Verdict: "accepted", Status: 200}},
	})
}

// encodeTotal is a state of about the size the real ones have.
func encodeTotal(n int64) []byte {
	return fmt.Appendf(nil, `{"total":%d,"pad":"%0500d"}`, n, n)
}

func decodeTotal(b []byte) (n int64, err error) {
	var pad int64
	if _, err = fmt.Sscanf(string(b), `{"total":%d,"pad":"%d"}`, &n, &pad); err == nil && n != pad {
		err = fmt.Errorf("a mixed state: %s", b)
	}
	return n, err
}
