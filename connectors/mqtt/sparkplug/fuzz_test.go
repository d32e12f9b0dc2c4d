package sparkplug

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// FuzzHost plays messages of an Edge Node, in any order and partly broken, and
// holds what is true whatever comes: no panic; tags keep a quality; what waits
// is bounded; nobody is asked more often than allowed.
func FuzzHost(f *testing.F) {
	f.Add([]byte("\x00\x00\x03\x01\x02\x05\x02\x03\x07"))
	f.Add([]byte("\x00\x00\x03\x01\x02\x05\x02\x09\x07\xff\xff\xff\x05\x00\x01"))
	f.Fuzz(func(t *testing.T, script []byte) {
		const every = 10 * time.Second
		tags := []connectors.Tag{
			{Address: "P/E1", Path: "uptime", Bit: connectors.NoBit},
			{Address: "P/E1/L1", Path: "total", Bit: connectors.NoBit},
			{Address: "P/E1/L1", Path: "word", Bit: 3},
		}
		h, err := NewHost(tags, every)
		if err != nil {
			t.Fatal(err)
		}
		now, asked := start, time.Time{}
		check := func(r Result) {
			if r.Ask != "" {
				if !asked.IsZero() && now.Sub(asked) < every {
					t.Fatalf("asked again after %v", now.Sub(asked))
				}
				asked = now
			}
			for _, s := range r.Samples {
				if s.Quality == connectors.Good && s.Reason != "" || s.Quality == connectors.Bad && s.Reason == "" {
					t.Fatalf("sample %+v", s)
				}
			}
			for tag, told := range h.out.told {
				if told == "" {
					t.Fatalf("tag %d has no quality", tag)
				}
			}
			if n := h.order[0]; len(n.early) >= maxEarly || n.earlyBytes() > maxEarlyBytes || len(n.early) > 0 == n.waiting.IsZero() {
				t.Fatalf("%d messages wait, until %v", len(n.early), n.waiting)
			}
			h.Conditions()
		}
		check(h.Begin(now))
		topics := [...]string{"NBIRTH/E1", "NDATA/E1", "NDEATH/E1", "DBIRTH/E1/L1", "DDATA/E1/L1", "DDEATH/E1/L1", "DDATA/E1/L2"}
		words := [...]string{"total#11:UInt32=5", "#11:~UInt32=6", "word#12:UInt16=8", "#12:~UInt16=1", "#11:~Boolean=true", "bdSeq:UInt64=1", "uptime#1:UInt32=1", "total#12:UInt32=7"}
		for ; len(script) >= 3; script = script[3:] {
			now = now.Add(time.Duration(script[0]&0xf0) * 50 * time.Millisecond)
			switch what := int(script[0] & 0x0f); {
			case what < len(topics):
				var chosen []string
				for i, word := range words {
					if script[2]>>i&1 == 1 {
						chosen = append(chosen, word)
					}
				}
				payload := append(payloadOf(t, chosen, now), 0x18, script[1]&0x7f)
				check(h.Message("spBv1.0/P/"+topics[what], payload, false, now))
			case what == 15:
				check(h.Begin(now))
			case what == 14:
				check(h.Message("spBv1.0/P/DDATA/E1/L1", script, false, now))
			default:
				check(h.Tick(now))
			}
		}
	})
}
