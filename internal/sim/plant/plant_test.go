package plant

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/goburrow/modbus"
	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func until(t *testing.T, what string, d time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within %v", what, d)
		case <-tick.C:
		}
	}
}

func startPlant(t *testing.T, o Options) *Plant {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.Start()
	return p
}

func (p *Plant) truthOf(code string) Truth {
	i := slices.IndexFunc(p.Truth(), func(t Truth) bool { return t.Machine == code })
	return p.Truth()[i]
}

func control(t *testing.T, p *Plant, method, path string, want int) string {
	t.Helper()
	_, _, _, _, addr := p.Addresses()
	r, err := http.NewRequest(method, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return string(b)
}

// readers read one machine over each protocol, as a gateway would.
type readers struct {
	mu    sync.Mutex
	press uint64
	saw   string
	pulse int
	oven  uint16
}

func (r *readers) with(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func readOPCUA(t *testing.T, ctx context.Context, p *Plant, r *readers) {
	c, err := opcua.NewClient(p.opcua.Endpoint(), opcua.AutoReconnect(false))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	ns, err := c.FindNamespace(ctx, "urn:plantsim:line")
	if err != nil {
		t.Fatal(err)
	}
	notes := make(chan *opcua.PublishNotificationData, 10)
	sub, err := c.Subscribe(ctx, &opcua.SubscriptionParameters{Interval: 100 * time.Millisecond}, notes)
	if err != nil {
		t.Fatal(err)
	}
	id := ua.NewStringNodeID(ns, "PRESS1.Good")
	if _, err := sub.Monitor(ctx, ua.TimestampsToReturnBoth, opcua.NewMonitoredItemCreateRequestWithDefaults(id, ua.AttributeIDValue, 1)); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case n := <-notes:
				if change, ok := n.Value.(*ua.DataChangeNotification); ok {
					for _, i := range change.MonitoredItems {
						r.with(func() { r.press, _ = i.Value.Value.Value().(uint64) })
					}
				}
			}
		}
	}()
}

func TestPlant(t *testing.T) {
	p := startPlant(t, Options{Seed: 5, Faults: true})
	// No faults by themselves yet: the test switches them.
	p.mu.Lock()
	p.trouble.next = time.Hour
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, m := range p.Truth() {
		if m.Made != 0 || m.State != "waiting" && !m.Dead {
			t.Errorf("%s made %d, %s, before anybody read it", m.Machine, m.Made, m.State)
		}
	}
	r := &readers{}
	readOPCUA(t, ctx, p, r)

	_, modbusAddr, mqttAddr, _, _ := p.Addresses()
	h := modbus.NewTCPClientHandler(modbusAddr)
	h.SlaveId, h.Timeout = 4, time.Second
	defer h.Close()
	oven := modbus.NewClient(h)
	readOven := func() uint16 {
		b, err := oven.ReadHoldingRegisters(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		return binary.BigEndian.Uint16(b)
	}
	o := paho.NewClientOptions().AddBroker("tcp://" + mqttAddr).SetClientID("test").SetAutoReconnect(false)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		r.with(func() {
			switch m.Topic() {
			case "plant/saw1/count":
				r.saw = string(m.Payload())
			case "plant/saw2/pulse":
				r.pulse++
			}
		})
	})
	c := paho.NewClient(o)
	if tok := c.Connect(); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	defer c.Disconnect(0)
	c.Subscribe("plant/#", 1, nil).Wait()

	until(t, "production", 15*time.Second, func() bool {
		readOven()
		for _, code := range []string{"PRESS-1", "OVEN-1", "SAW-1", "SAW-2"} {
			if p.truthOf(code).Made < 2 {
				return false
			}
		}
		return true
	})
	if got := p.truthOf("PACK-1"); got.State != "waiting" {
		t.Errorf("PACK-1 is not read, but %s", got.State)
	}
	if err := p.Switch("zero-glitch"); err != nil {
		t.Fatal(err)
	}
	if got := readOven(); got != 0 {
		t.Errorf("glitch: %d", got)
	}
	if got := readOven(); got < fourDigits-15 && got > 20 {
		t.Errorf("after the glitch: %d", got)
	}
	control(t, p, "POST", "/faults/device-offline", 200)
	control(t, p, "POST", "/faults/nonsense", 400)
	until(t, "the device's last will", 2*time.Second, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.chatter.said["plant/saw1/online"] == "offline"
	})

	control(t, p, "POST", "/settle", 200)
	until(t, "the devices show the truth", 5*time.Second, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		saw := p.truthOf("SAW-1")
		return r.press == 480+uint64(p.truthOf("PRESS-1").Good) &&
			r.saw == fmt.Sprintf(`{"n":%d,"boot":7}`, 880+saw.Good) &&
			r.pulse == int(p.truthOf("SAW-2").Good)
	})
	if got, want := int64(readOven()), (fourDigits-15+p.truthOf("OVEN-1").Good)%fourDigits; got != want {
		t.Errorf("oven shows %d, want %d", got, want)
	}
	for _, m := range p.Truth() {
		if m.State != "halted" && !m.Dead {
			t.Errorf("%s is %s", m.Machine, m.State)
		}
	}
	var rows []Row
	if err := json.Unmarshal([]byte(control(t, p, "GET", "/table", 200)), &rows); err != nil || len(rows) != len(line()) || Differs(rows) == 0 {
		t.Errorf("%v %v", rows, err)
	}
	if got := control(t, p, "GET", "/history", 200); !strings.Contains(got, "device-offline") {
		t.Error(got)
	}
	if got := control(t, p, "GET", "/prodsmart/state", 200); !strings.Contains(got, "PRESS-1") {
		t.Error(got)
	}
	for _, path := range []string{"/truth", "/faults", "/addresses"} {
		control(t, p, "GET", path, 200)
	}
	control(t, p, "DELETE", "/faults", 200)
}

func TestLinksBreakAndMend(t *testing.T) {
	p := startPlant(t, Options{Blind: true})
	for _, name := range []string{"opcua-cut", "opcua-shut", "modbus-freeze", "mqtt-shut", "prodsmart-shut", "prodsmart-503"} {
		if err := p.Switch(name); err != nil {
			t.Fatal(err)
		}
	}
	_, _, _, prodsmart, _ := p.Addresses()
	get := func() error {
		tr := &http.Transport{DisableKeepAlives: true}
		r, _ := http.NewRequest("GET", "http://"+prodsmart+"/api/authorization", nil)
		resp, err := tr.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if get() == nil {
		t.Error("Prodsmart answers through a shut door")
	}
	until(t, "Prodsmart is back", 6*time.Second, func() bool { return get() == nil })
	if err := p.Mend(t.Context()); err != nil || len(p.mes.Faults()) != 0 {
		t.Errorf("%d faults after mending: %v", len(p.mes.Faults()), err)
	}
	until(t, "blind production", 5*time.Second, func() bool { return p.truthOf("FILL-1").Made > 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Settle(ctx); err != nil {
		t.Error(err)
	}
	if len(p.History()) != 6 {
		t.Errorf("history %v", p.History())
	}
}

func TestTable(t *testing.T) {
	p := &Plant{}
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	told := mes.Machine{Counter: 10, WasteOf: map[string]float64{"SCRAP": 2}, Downtimes: []mes.Downtime{{Start: at, End: at}, {Start: at}}}
	made := Truth{Machine: "M", Good: 10, Made: 12, Scrap: map[string]int64{"SCRAP": 2}, Stops: []Stop{{Start: 1, End: 2}, {Start: 3}}}
	tests := []struct {
		name   string
		change func(*Truth, *mes.Machine)
		want   int64
	}{
		{"equal", func(*Truth, *mes.Machine) {}, 0},
		{"part too few", func(t *Truth, _ *mes.Machine) { t.Good++ }, 1},
		{"parts too many", func(t *Truth, _ *mes.Machine) { t.Good -= 3 }, 3},
		{"waste untold", func(t *Truth, _ *mes.Machine) { t.Scrap = map[string]int64{"SCRAP": 4} }, 2},
		{"stop untold", func(t *Truth, _ *mes.Machine) { t.Stops = append([]Stop{{Start: 0, End: 1}}, t.Stops...) }, 1},
		{"stop invented", func(t *Truth, _ *mes.Machine) { t.Stops = t.Stops[1:] }, 1},
		{"downtime left open", func(t *Truth, _ *mes.Machine) { t.Stops = []Stop{{Start: 1, End: 2}, {Start: 3, End: 4}} }, 1},
	}
	for _, tt := range tests {
		a, b := made, told
		tt.change(&a, &b)
		if got := p.compare(a, b); got.Difference != tt.want {
			t.Errorf("%s: %+v, want a difference of %d", tt.name, got, tt.want)
		}
	}
	p.options.CountIs = "total"
	told.Counter = 12
	if got := p.compare(made, told); got.Difference != 0 {
		t.Errorf("total: %+v", got)
	}
	var b strings.Builder
	if err := WriteTable(&b, []Row{{Machine: "M", PartsMade: 5, PartsTold: 4, Difference: 1}}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "parts made") || strings.Count(got, "\n") != 3 {
		t.Error(got)
	}
}

func TestOptionErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, bad := range []Options{{Prodsmart: taken.Addr().String()}, {Control: taken.Addr().String()}, {CountIs: "best"}, {Timing: Timing{StopMin: 1}}, {Profile: mes.Profile{Options: mes.Options{Window: "x"}}}} {
		if q, err := New(bad); err == nil {
			q.Close()
			t.Errorf("accepted %+v", bad)
		}
	}
}
