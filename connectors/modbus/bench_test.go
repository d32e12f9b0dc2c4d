package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/goburrow/modbus"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// fakeAnswer is a device without a network: it answers every request with
// registers that hold ones.
type fakeAnswer struct {
	frame [headerSize + longestBody]byte
}

func (d *fakeAnswer) Dropped() uint64 { return 0 }

func (d *fakeAnswer) Send(request []byte) ([]byte, error) {
	size := 2 * int(binary.BigEndian.Uint16(request[10:]))
	f := d.frame[:9+size]
	copy(f, request[:8])
	binary.BigEndian.PutUint16(f[4:], uint16(3+size))
	f[8] = byte(size)
	for i := 9; i < len(f); i++ {
		f[i] = 1
	}
	return f, nil
}

// BenchmarkScan polls 10,000 tags, no two of which touch: one operation is one
// scan. "transport" is without a network.
func BenchmarkScan(b *testing.B) {
	var tags []connectors.Tag
	for unit := range 2 {
		for i := range 5000 {
			kind := "uint16"
			if i%2 == 1 {
				kind = "uint32"
			}
			tags = append(tags, tag(fmt.Sprintf("%d/holding:0x%x", unit+1, 6*i), kind))
		}
	}
	streams, err := layout(Config{Address: "tcp://plc"}.Defaults(), tags)
	if err != nil {
		b.Fatal(err)
	}
	samples := 0
	s := newSession(streams, len(tags), newCaller(framingTCP, &fakeAnswer{}), &totals{}, func(batch connectors.Batch) { samples += len(batch.Samples) })
	b.ReportAllocs()
	requests := 0
	for _, st := range streams {
		requests += len(st.blocks(nil))
	}
	for b.Loop() {
		samples = 0
		if err := s.poll(context.Background(), s.rounds[0]); err != nil {
			b.Fatal(err)
		}
		if samples != len(tags) {
			b.Fatalf("%d samples", samples)
		}
	}
	b.ReportMetric(float64(requests), "requests/op")
	b.ReportMetric(float64(len(tags)), "tags/op")
}

// BenchmarkPlan makes the plan of 10,000 tags, as check and a start do.
func BenchmarkPlan(b *testing.B) {
	var tags []connectors.Tag
	for i := range 10000 {
		tags = append(tags, tag(fmt.Sprintf("holding:0x%x", 6*i), "uint16"))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Plan(Config{Address: "tcp://plc"}, tags); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTCP reads the same 10,000 tags over a loopback connection, once with
// everything and once with the bare library, whose data are thrown away: their
// ratio is what the connector costs.
func BenchmarkTCP(b *testing.B) {
	addr := strings.TrimPrefix(serveHostile(b, func(c net.Conn, _ int, r wireRequest) error { return write(c, r.right()) }), "tcp://")
	var tags []connectors.Tag
	for i := range 10000 {
		tags = append(tags, tag(fmt.Sprintf("holding:0x%x", 6*i), []string{"uint16", "uint32"}[i%2]))
	}
	cfg := Config{Address: "tcp://" + addr}
	plan, err := Plan(cfg, tags)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("connector", func(b *testing.B) {
		streams, err := layout(cfg.Defaults(), tags)
		if err != nil {
			b.Fatal(err)
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		s := newSession(streams, len(tags), newCaller(framingTCP, &tcpTransport{conn: conn, timeout: time.Second}), &totals{}, func(connectors.Batch) {})
		b.ReportAllocs()
		for b.Loop() {
			if err := s.poll(context.Background(), s.rounds[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		h := modbus.NewTCPClientHandler(addr)
		h.SlaveId, h.Timeout, h.IdleTimeout = 1, time.Second, 0
		defer h.Close()
		client := modbus.NewClient(h)
		b.ReportAllocs()
		for b.Loop() {
			for _, r := range plan {
				if _, err := client.ReadHoldingRegisters(uint16(r.Offset), uint16(r.Count)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
