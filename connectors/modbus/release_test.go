package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestReleaseHearsNoAnswerOfTheRoundBefore: a converter hands an answer that
// comes too late to the connection that is then open.
func TestReleaseHearsNoAnswerOfTheRoundBefore(t *testing.T) {
	const lateBy = 20 * time.Millisecond
	late := make(chan []byte, 1)
	silent := false
	var mu sync.Mutex
	cfg := fastConfig("rtuovertcp://" + strings.TrimPrefix(serveBytes(t, func(c net.Conn, request []byte) error {
		mu.Lock()
		defer mu.Unlock()
		start, count := int(binary.BigEndian.Uint16(request[2:])), int(binary.BigEndian.Uint16(request[4:]))
		s := &serialSlave{frame: rtuFrame}
		if start == 500 && !silent {
			silent = true
			late <- s.right(1, start, count)
			return nil
		}
		select {
		case frame := <-late:
			_, _ = c.Write(frame)
			time.Sleep(lateBy)
		default:
		}
		_, err := c.Write(s.right(1, start, count))
		return err
	}, func(c net.Conn) {
		time.AfterFunc(lateBy, func() {
			select {
			case frame := <-late:
				_, _ = c.Write(frame)
			default:
			}
		})
	}), "tcp://"))
	cfg.Release = true
	good := 0
	err := watch(t, mustNew(t, cfg, tag("holding:0", ""), tag("holding:500", "")), func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			if s.Quality != connectors.Good {
				continue
			}
			if good++; s.Value != connectors.Uint(uint64(500*s.Tag)) {
				t.Errorf("tag %d: %v", s.Tag, s.Value)
			}
		}
		return good >= 8
	})
	if err != nil {
		t.Error(err)
	}
}

// TestReleaseOfALongPeriod: a connection that another client had at the moment is
// tried again soon, and a device that is gone ends Run soon.
func TestReleaseOfALongPeriod(t *testing.T) {
	for name, c := range map[string]struct {
		back        bool
		least, most time.Duration
	}{
		"another client's turn": {true, time.Hour, 3*time.Hour + time.Minute},
		"gone":                  {false, time.Hour, time.Hour + 10*time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			slow := tag("40001", "")
			slow.Every = time.Hour
			cfg := Config{Address: "tcp://plc"}.Defaults()
			streams, err := layout(cfg, []connectors.Tag{slow})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+time.Minute)
			defer cancel()
			var good []time.Duration
			device := &fakeDevice{timeout: time.Second, units: units(&unitState{}), start: began}
			s := newSession(streams, 1, nil, &totals{}, func(b connectors.Batch) {
				for _, s := range b.Samples {
					if s.Quality == connectors.Good {
						good = append(good, time.Since(began))
					}
				}
			})
			s.reopen = func(context.Context) (*wire, error) {
				if at := time.Since(began); at >= time.Hour && (!c.back || at < time.Hour+time.Minute) {
					return nil, &linkError{io.EOF}
				}
				return &wire{newCaller(framingTCP, device), func() {}}, nil
			}
			err = s.run(ctx)
			if took := time.Since(began); took < c.least || took > c.most || errors.Is(err, io.EOF) == c.back {
				t.Errorf("%s: ended after %v: %v", name, took, err)
			}
			if c.back && (len(good) != 4 || good[1] > time.Hour+4*time.Minute) {
				t.Errorf("%s: good at %v", name, good)
			}
		})
	}
}
