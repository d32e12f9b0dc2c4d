package store

import (
	"context"
	"fmt"
	"os"
	"strconv"

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
// STORE_TEST_MARKS each time a commit returned: what the line says can not be
// lost from there on. It ends after STORE_TEST_ROUNDS, or is killed.
func childWork(path string) error {
	rounds, err := strconv.Atoi(os.Getenv("STORE_TEST_ROUNDS"))
	if err != nil {
		return err
	}
	marks, err := os.OpenFile(os.Getenv("STORE_TEST_MARKS"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s, err := Open(path, small())
	if err != nil {
		return err
	}
	ctx := context.Background()
	total, told, rev := map[string]int64{}, map[string]int64{}, map[string]uint64{}
	ms, err := s.Machines(ctx)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if total[m.Code], err = decodeTotal(m.State); err != nil {
			return err
		}
	}
	step := func(word, code string, n int64, w Write) error {
		if err := s.Commit(ctx, w); err != nil {
			return err
		}
		_, err := fmt.Fprintf(marks, "%s %s %d\n", word, code, n)
		return err
	}
	for i := range rounds {
		code := fmt.Sprint("M", i%3)
		rec, r, err := s.Record(ctx, code)
		if err != nil {
			return err
		}
		told[code], rev[code] = rec.Told.Count, r
		total[code] += int64(1 + i%7)
		n := total[code]
		if err := step("state", code, n, Write{
			Machines: []MachineState{{code, encodeTotal(n)}},
			Events:   []mapping.Event{{Machine: code, Rule: "R7", Text: "counted"}},
		}); err != nil {
			return err
		}
		rec.Telling = uplink.Telling{Active: true, Service: prodsmart.CounterService, Count: n, Highest: n}
		if err := step("telling", code, n, Write{Records: []MachineRecord{{code, rec, r}}}); err != nil {
			return err
		}
		rec.Told, rec.Telling = uplink.Told{Counted: true, Count: n}, uplink.Telling{}
		if err := step("told", code, n, Write{
			Records: []MachineRecord{{code, rec, r + 1}},
			Posts:   []PostEntry{{Machine: code, Service: "counter", Body: []byte(`{"count":1}`), Verdict: "accepted", Status: 200}},
		}); err != nil {
			return err
		}
	}
	return s.Close()
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
