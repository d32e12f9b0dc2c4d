package plc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/goburrow/modbus"
	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func uaClient(t *testing.T, ctx context.Context, endpoint string) *opcua.Client {
	t.Helper()
	c, err := opcua.NewClient(endpoint, opcua.AutoReconnect(false), opcua.SecurityMode(ua.MessageSecurityModeNone), opcua.RequestTimeout(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOPCUA(t *testing.T) {
	var good atomic.Int32
	good.Store(7)
	var broken atomic.Bool
	srv, err := NewOPCUA("127.0.0.1:0", []Variable{
		{`"DB_Line"."Good"`, func() any {
			if broken.Load() {
				return nil
			}
			return good.Load()
		}},
		{"PRESS1.Run", func() any { return true }},
		{"PRESS1.Temp", func() any { return float32(21.5) }},
		{"PRESS1.Job", func() any { return "J-1" }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	ctx := within(t, 20*time.Second)
	offered, err := opcua.GetEndpoints(ctx, srv.Endpoint())
	if err != nil || len(offered) != 1 || offered[0].EndpointURL != srv.Endpoint() || len(offered[0].UserIdentityTokens) != 1 {
		t.Fatalf("endpoints: %v %v", offered, err)
	}
	c := uaClient(t, ctx, srv.Endpoint())
	defer c.Close(context.Background())

	ns, err := c.FindNamespace(ctx, NamespaceURI)
	if err != nil {
		t.Fatal(err)
	}
	var read []*ua.ReadValueID
	for _, id := range []string{`"DB_Line"."Good"`, "PRESS1.Run", "PRESS1.Temp", "PRESS1.Job"} {
		read = append(read, &ua.ReadValueID{NodeID: ua.NewStringNodeID(ns, id), AttributeID: ua.AttributeIDValue})
	}
	resp, err := c.Read(ctx, &ua.ReadRequest{NodesToRead: read})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []any{int32(7), true, float32(21.5), "J-1"} {
		if got := resp.Results[i]; got.Status != ua.StatusOK || got.Value.Value() != want || got.SourceTimestamp.IsZero() {
			t.Errorf("value %d: %v %v", i, got.Status, got.Value)
		}
	}

	notes := make(chan *opcua.PublishNotificationData, 100)
	sub, err := c.Subscribe(ctx, &opcua.SubscriptionParameters{Interval: 50 * time.Millisecond}, notes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Monitor(ctx, ua.TimestampsToReturnBoth, opcua.NewMonitoredItemCreateRequestWithDefaults(read[0].NodeID, ua.AttributeIDValue, 1)); err != nil {
		t.Fatal(err)
	}
	next := func(want any, status ua.StatusCode) {
		t.Helper()
		for {
			select {
			case n := <-notes:
				change, ok := n.Value.(*ua.DataChangeNotification)
				if !ok {
					continue
				}
				v := change.MonitoredItems[len(change.MonitoredItems)-1].Value
				if v.Status == status && (want == nil || v.Value.Value() == want) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("no notification of %v", want)
			}
		}
	}
	next(int32(7), ua.StatusOK)
	if !srv.Watched(`"DB_Line"."Good"`) || srv.Watched("PRESS1.Run") || srv.Watched("nothing") {
		t.Error("Watched is wrong")
	}
	good.Add(1)
	next(int32(8), ua.StatusOK)
	broken.Store(true)
	next(nil, ua.StatusBadNoCommunication)

	srv.Gate.Shut()
	srv.Forget()
	if srv.Watched(`"DB_Line"."Good"`) {
		t.Error("watched after Forget")
	}
	if c2, err := opcua.NewClient(srv.Endpoint(), opcua.AutoReconnect(false)); err == nil {
		if err := c2.Connect(within(t, 2*time.Second)); err == nil {
			t.Error("connected through a shut gate")
		}
	}
	if err := srv.Gate.Reopen(); err != nil {
		t.Fatal(err)
	}
	again := uaClient(t, ctx, srv.Endpoint())
	if err := again.Close(ctx); err != nil {
		t.Error(err)
	}
}

func modbusClient(t *testing.T, addr string, unit byte) (modbus.Client, *modbus.TCPClientHandler) {
	t.Helper()
	h := modbus.NewTCPClientHandler(addr)
	h.SlaveId, h.Timeout = unit, 500*time.Millisecond
	t.Cleanup(func() { h.Close() })
	return modbus.NewClient(h), h
}

func TestModbus(t *testing.T) {
	m, err := NewModbus("127.0.0.1:0", map[uint8]Unit{
		1: {Read: func(_ Reading, i *Image) {
			i.Holding[0] = 65535
			PutUint32(i.Holding, 1, "ABCD", 0x01020304)
			PutUint32(i.Holding, 3, "CDAB", 0x01020304)
			PutFloat32(i.Input, 0, "CDAB", 12320)
			i.Discretes[2], i.Coils[0] = true, true
		}},
		2: {Absent: true, Patience: 20 * time.Millisecond},
		3: {Silent: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c, _ := modbusClient(t, m.Gate.Addr(), 1)
	b, err := c.ReadHoldingRegisters(0, 5)
	if err != nil || binary.BigEndian.Uint16(b) != 65535 || binary.BigEndian.Uint32(b[2:]) != 0x01020304 || binary.BigEndian.Uint32(b[6:]) != 0x03040102 {
		t.Errorf("holding: %x %v", b, err)
	}
	b, err = c.ReadInputRegisters(0, 2)
	if err != nil || binary.BigEndian.Uint16(b) != 0x8000 || math.Float32frombits(uint32(binary.BigEndian.Uint16(b[2:]))<<16|uint32(binary.BigEndian.Uint16(b))) != 12320 {
		t.Errorf("input: %x %v", b, err)
	}
	if b, err = c.ReadDiscreteInputs(2, 1); err != nil || b[0] != 1 {
		t.Errorf("discrete: %x %v", b, err)
	}
	if b, err = c.ReadCoils(0, 1); err != nil || b[0] != 1 {
		t.Errorf("coil: %x %v", b, err)
	}
	if m.Reads(1) != 4 {
		t.Errorf("%d reads, want 4", m.Reads(1))
	}
	exception := func(what string, code byte, err error) {
		t.Helper()
		if e, ok := err.(*modbus.ModbusError); !ok || e.ExceptionCode != code {
			t.Errorf("%s: %v, want exception %d", what, err, code)
		}
	}
	_, err = c.ReadHoldingRegisters(4, 2)
	exception("an address that does not exist", 2, err)
	_, err = c.WriteSingleRegister(0, 1)
	exception("a write", 1, err)
	absent, _ := modbusClient(t, m.Gate.Addr(), 2)
	_, err = absent.ReadHoldingRegisters(0, 1)
	exception("an absent unit", 11, err)
	nobody, _ := modbusClient(t, m.Gate.Addr(), 9)
	_, err = nobody.ReadHoldingRegisters(0, 1)
	exception("a unit that is not configured", 10, err)

	silent, h := modbusClient(t, m.Gate.Addr(), 3)
	began := time.Now()
	if _, err := silent.ReadHoldingRegisters(0, 1); err == nil || !strings.Contains(err.Error(), "timeout") || time.Since(began) < 400*time.Millisecond {
		t.Errorf("a silent unit: %v after %v", err, time.Since(began))
	}
	h.Close()
	m.Gate.Cut()
	if _, err := c.ReadHoldingRegisters(0, 1); err == nil {
		t.Error("answered over a connection that was cut")
	}
}

func TestBroker(t *testing.T) {
	b, err := NewBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	type message struct {
		text          string
		retained, dup bool
	}
	got := make(chan message, 100)
	connect := func() paho.Client {
		t.Helper()
		o := paho.NewClientOptions().AddBroker("tcp://" + b.Gate.Addr()).SetClientID("one").SetCleanSession(false).SetAutoReconnect(false)
		o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			got <- message{string(m.Payload()), m.Retained(), m.Duplicate()}
		})
		c := paho.NewClient(o)
		if tok := c.Connect(); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
			t.Fatal(tok.Error())
		}
		return c
	}
	expect := func(want string) message {
		t.Helper()
		for {
			select {
			case m := <-got:
				if m.dup && m.text != want {
					continue // its acknowledgement was lost with the connection
				}
				if m.text != want {
					t.Fatalf("got %q, want %q", m.text, want)
				}
				return m
			case <-time.After(5 * time.Second):
				t.Fatalf("no %q", want)
			}
		}
	}
	publish := func(topic, text string, retain bool, qos byte) {
		t.Helper()
		if err := b.Publish(topic, []byte(text), retain, qos); err != nil {
			t.Fatal(err)
		}
	}
	if b.Subscribed("plant/a/online") {
		t.Error("subscribed before anybody came")
	}
	publish("plant/a/online", "online", true, 1)
	c := connect()
	if tok := c.Subscribe("plant/#", 1, nil); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	if m := expect("online"); !m.retained {
		t.Error("not retained")
	}
	if !b.Subscribed("plant/a/online") || b.Subscribed("other") {
		t.Error("Subscribed is wrong")
	}
	publish("plant/a/pulse", "1", false, 1)
	if m := expect("1"); m.retained {
		t.Error("retained")
	}
	b.Gate.Shut()
	publish("plant/a/pulse", "2", false, 1)
	publish("plant/a/state", "lost", false, 0)
	if err := b.Gate.Reopen(); err != nil {
		t.Fatal(err)
	}
	c.Disconnect(0)
	c = connect()
	expect("2")
	publish("plant/a/pulse", "3", false, 1)
	expect("3")
	b.Gate.Cut()
	c.Disconnect(100)
}

func TestPortsInUse(t *testing.T) {
	b, err := NewBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	taken := b.Gate.Addr()
	if _, err := NewBroker(taken); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("broker: %v", err)
	}
	if _, err := NewModbus(taken, nil); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("modbus: %v", err)
	}
	if _, err := NewOPCUA(taken, nil); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("opcua: %v", err)
	}
}

func FuzzModbusFrame(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1})
	f.Add([]byte{0, 1, 0, 0, 255, 255, 1})
	f.Add([]byte{0, 1, 0, 0, 0, 2, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := modbusFrame(bufio.NewReader(bytes.NewReader(b)))
		if err == nil && (len(frame) < 8 || len(frame) > 260 || !bytes.HasPrefix(b, frame)) {
			t.Errorf("frame %x of %x", frame, b)
		}
	})
}
