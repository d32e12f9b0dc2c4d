package modbus

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	server "github.com/simonvetter/modbus"
	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plc is an in-process Modbus TCP server of another make. It has the unit 1
// with registers and bits below 1000, and nothing else.
type plc struct {
	addr string
	srv  *server.ModbusServer

	mu        sync.Mutex
	registers [1000]uint16
	bits      [1000]bool
}

func servePLC(t testing.TB) *plc {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &plc{addr: l.Addr().String()}
	_ = l.Close()
	p.Start(t)
	t.Cleanup(func() { p.Stop(t) })
	return p
}

func (p *plc) Addr() string { return p.addr }

func (p *plc) Start(t testing.TB) {
	t.Helper()
	srv, err := server.NewServer(&server.ServerConfiguration{URL: "tcp://" + p.addr, MaxClients: 50, Logger: log.New(io.Discard, "", 0)}, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	p.srv = srv
}

func (p *plc) Stop(t testing.TB) {
	t.Helper()
	if p.srv == nil {
		return
	}
	if err := p.srv.Stop(); err != nil {
		t.Error(err)
	}
	p.srv = nil
}

// Set gives the suite's counter (a uint32 CDAB in 10 and 11) or flag (discrete
// input 3) a value.
func (p *plc) Set(_ testing.TB, tag int, v connectors.Value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch tag {
	case connectortest.Counter:
		p.registers[10], p.registers[11] = uint16(v.AsUint()), uint16(v.AsUint()>>16)
	case connectortest.Flag:
		p.bits[3] = v.AsBool()
	}
}

func serve[T any](p *plc, from []T, unit uint8, start, count uint16, write bool) ([]T, error) {
	if write {
		return nil, server.ErrIllegalFunction
	}
	if unit != 1 {
		return nil, server.ErrGWTargetFailedToRespond
	}
	if int(start)+int(count) > len(from) {
		return nil, server.ErrIllegalDataAddress
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]T(nil), from[start:start+count]...), nil
}

func (p *plc) HandleCoils(r *server.CoilsRequest) ([]bool, error) {
	return serve(p, p.bits[:], r.UnitId, r.Addr, r.Quantity, r.IsWrite)
}

func (p *plc) HandleDiscreteInputs(r *server.DiscreteInputsRequest) ([]bool, error) {
	return serve(p, p.bits[:], r.UnitId, r.Addr, r.Quantity, false)
}

func (p *plc) HandleHoldingRegisters(r *server.HoldingRegistersRequest) ([]uint16, error) {
	return serve(p, p.registers[:], r.UnitId, r.Addr, r.Quantity, r.IsWrite)
}

func (p *plc) HandleInputRegisters(r *server.InputRegistersRequest) ([]uint16, error) {
	return serve(p, p.registers[:], r.UnitId, r.Addr, r.Quantity, false)
}

func TestConformance(t *testing.T) {
	counter := tag("40011", "uint32")
	counter.Order = "CDAB"
	connectortest.Run(t, connectortest.Harness{
		Tags:  []connectors.Tag{counter, tag("discrete:3", ""), tag("holding:2000", "")},
		Serve: func(t testing.TB) connectortest.Peer { return servePLC(t) },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			return mustNew(t, Config{Address: "tcp://" + addr, Every: 100 * time.Millisecond}, counter, tag("discrete:3", ""), tag("holding:2000", ""))
		},
		ReportsMissing: true,
	})
}

func TestAllAreasAgainstAnotherServer(t *testing.T) {
	p := servePLC(t)
	for i := range p.registers {
		p.registers[i], p.bits[i] = uint16(i*3), i%3 == 0
	}
	tags := []connectors.Tag{
		tag("holding:7", ""), tag("input:999", ""), tag("coil:9", ""), tag("00011", ""), tag("discrete:999", ""), tag("10999", ""),
		tag("2/40001", ""), tag("holding:999", "uint32"), tag("holding:5", "uint32"),
	}
	want := []connectors.Sample{
		{Value: connectors.Uint(21)}, {Value: connectors.Uint(2997)}, {Value: connectors.Bool(true)}, {Value: connectors.Bool(false)}, {Value: connectors.Bool(true)}, {Value: connectors.Bool(false)},
		{Reason: "exception 11: gateway target device failed to respond"}, {Reason: "exception 2: illegal data address"}, {Value: connectors.Uint(15<<16 | 18)},
	}
	con := mustNew(t, fastConfig("tcp://"+p.addr), tags...)
	err := watch(t, con, func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			w := want[s.Tag]
			if s.Value != w.Value || s.Reason != w.Reason || (s.Quality == connectors.Good) != (w.Reason == "") {
				t.Errorf("%s: %v %s %s; want %v %s", tags[s.Tag].Address, s.Quality, s.Value.Text(), s.Reason, w.Value.Text(), w.Reason)
			}
		}
		return len(b.Samples) == len(tags)
	})
	if err != nil {
		t.Error(err)
	}
	s := con.Stats()
	if s.Requests < 6 || s.Samples < uint64(len(tags)) || s.RoundTrip <= 0 || time.Since(s.LastGood) > time.Minute {
		t.Errorf("%+v", s)
	}
}

// TestRunAgain: a connector may be run again, and knows nothing of before but
// its totals.
func TestRunAgain(t *testing.T) {
	p := servePLC(t)
	con := mustNew(t, fastConfig("tcp://"+p.addr), tag("40001", ""))
	var before connectors.Stats
	for range 3 {
		up := false
		err := watch(t, con, func(b connectors.Batch) bool {
			if !up && b.Link != connectors.LinkUp {
				t.Error("the first batch is not LinkUp")
			}
			up = true
			return len(b.Samples) > 0
		})
		after := con.Stats()
		if err != nil || after.Requests <= before.Requests || after.Samples <= before.Samples {
			t.Errorf("%v, %+v after %+v", err, after, before)
		}
		before = after
	}
}

// TestNoWrites holds that the package names nothing of the library but what
// reads, so that no write can be made by mistake.
func TestNoWrites(t *testing.T) {
	allowed := map[string]bool{"Client": true, "NewClient2": true, "TCPClientHandler": true, "NewTCPClientHandler": true, "NewRTUClientHandler": true, "NewASCIIClientHandler": true, "ModbusError": true}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, entry := range files {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "modbus" {
				seen++
				if !allowed[sel.Sel.Name] {
					t.Errorf("%s uses modbus.%s", entry.Name(), sel.Sel.Name)
				}
			}
			if name := sel.Sel.Name; strings.HasPrefix(name, "Write") && name != "Write" || strings.Contains(name, "FIFO") || strings.HasPrefix(name, "Mask") {
				t.Errorf("%s uses %s", entry.Name(), name)
			}
			return true
		})
	}
	if seen == 0 {
		t.Error("nothing of the library was found; the test looks at the wrong place")
	}
}

// TestSteadyPollingAllocations: what is left is what the library allocates for
// each request.
func TestSteadyPollingAllocations(t *testing.T) {
	d := &fakeAnswer{}
	var tags []connectors.Tag
	for i := range 100 {
		tags = append(tags, tag("holding:"+string(rune('0'+i/10))+string(rune('0'+i%10)), ""))
	}
	streams, err := layout(Config{Address: "tcp://plc"}.Defaults(), tags)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(streams, len(tags), newCaller(framingTCP, d), &totals{}, func(connectors.Batch) {})
	poll := func() {
		if err := s.poll(context.Background(), s.rounds[0]); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, poll); n > 6 {
		t.Errorf("%v allocations for one request of 100 tags", n)
	}
}
