package modbus

import (
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"testing"
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
