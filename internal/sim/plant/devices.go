package plant

import (
	"fmt"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plc"
)

// shown gives a machine's registers as its device shows them now.
func (p *Plant) shown(m *machine) registers {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := m.reg
	if p.now() < r.zeroUntil {
		r.total, r.good, r.scrap = 0, 0, 0
	}
	return r
}

// packML is the state number of PackTags.
func packML(r registers) int32 {
	switch {
	case r.run:
		return 6 // Execute
	case r.micro:
		return 5 // Suspended
	}
	return 11 // Held
}

// variables are the nodes of the OPC UA server.
func (p *Plant) variables() []plc.Variable {
	var vs []plc.Variable
	add := func(m *machine, id string, read func(registers) any) {
		vs = append(vs, plc.Variable{ID: id, Read: func() any { return read(p.shown(m)) }})
	}
	bend := p.byCode["BEND-2"]
	add(bend, `"DB_Bend2"."Good"`, func(r registers) any { return int32(r.good) })
	add(bend, `"DB_Bend2"."Scrap"`, func(r registers) any { return int32(r.scrap) })
	add(bend, `"DB_Bend2"."State"`, func(r registers) any { return int16(packML(r)) })
	add(bend, `"DB_Bend2"."Fault"`, func(r registers) any { return int16(r.fault) })
	add(bend, `"DB_Bend2"."JobId"`, func(r registers) any { return r.job })
	press := p.byCode["PRESS-1"]
	add(press, "PRESS1.Good", func(r registers) any { return r.good })
	add(press, "PRESS1.Scrap", func(r registers) any { return uint32(r.scrap) })
	add(press, "PRESS1.Run", func(r registers) any { return r.run })
	add(press, "PRESS1.Fault", func(r registers) any { return uint16(r.fault) })
	add(press, "PRESS1.JobName", func(r registers) any { return fmt.Sprintf("J-%d", r.job) })
	add(press, "PRESS1.Temp", func(r registers) any { return float32(r.temperature) })
	fill := p.byCode["FILL-1"]
	add(fill, "FILL1.Status.StateCurrent", func(r registers) any { return packML(r) })
	add(fill, "FILL1.Admin.ProdProcessedCount[0].AccCount", func(r registers) any { return int32(r.total % packMLModulus) })
	add(fill, "FILL1.Admin.ProdDefectiveCount[0].AccCount", func(r registers) any { return int32(r.scrap % packMLModulus) })
	add(fill, "FILL1.Admin.StopReason.ID", func(r registers) any { return r.fault })
	return vs
}

// counterNode is the variable whose watching means that a machine is read.
func counterNode(code string) string {
	switch code {
	case "BEND-2":
		return `"DB_Bend2"."Good"`
	case "PRESS-1":
		return "PRESS1.Good"
	}
	return "FILL1.Admin.ProdProcessedCount[0].AccCount"
}

// unitOf is the Modbus unit of a machine.
func unitOf(code string) uint8 {
	return map[string]uint8{"IMM-01": 1, "IMM-02": 2, "PACK-1": 3, "OVEN-1": 4, "IMM-05": silentUnit}[code]
}

// units are the devices behind the Modbus gateway.
func (p *Plant) units() map[uint8]plc.Unit {
	us := map[uint8]plc.Unit{silentUnit: {Silent: true}}
	for _, code := range []string{"IMM-01", "IMM-02"} {
		m := p.byCode[code]
		us[unitOf(code)] = plc.Unit{Read: func(_ plc.Reading, i *plc.Image) {
			r := p.shown(m)
			i.Holding[0] = uint16(r.total)
			i.Holding[1] = uint16(r.scrap)
			i.Holding[2] = uint16(r.fault)
			i.Discretes[2] = r.run
		}}
	}
	pack := p.byCode["PACK-1"]
	us[unitOf("PACK-1")] = plc.Unit{Read: func(_ plc.Reading, i *plc.Image) {
		r := p.shown(pack)
		plc.PutUint32(i.Holding, 0, "CDAB", uint32(r.good))
		power := float32(0.8)
		if r.run {
			power = 4.2
		}
		plc.PutFloat32(i.Input, 0, "CDAB", power)
		plc.PutFloat32(i.Input, 2, "CDAB", float32(12320+r.energy))
	}}
	oven := p.byCode["OVEN-1"]
	us[unitOf("OVEN-1")] = plc.Unit{Read: func(q plc.Reading, i *plc.Image) {
		r := p.shown(oven)
		i.Holding[10] = uint16(r.total % fourDigits)
		i.Coils[0] = r.run
		if q.Area == "holding" && p.zeroRead(oven) {
			i.Holding[10] = 0
		}
	}}
	return us
}

// zeroRead says whether this read is one of those that come out as 0.
func (p *Plant) zeroRead(m *machine) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.reg.zeroReads == 0 {
		return false
	}
	m.reg.zeroReads--
	return true
}

// message is something a device sends to the broker.
type message struct {
	topic   string
	payload string
	retain  bool
	qos     byte
}

// chatter remembers what the MQTT devices said last.
type chatter struct {
	said  map[string]string
	label time.Duration
	// backAt is when the device that is offline comes back; 0 if none is.
	backAt time.Duration
}

// messages are what the MQTT devices have to say now. The caller holds the lock.
func (p *Plant) messages(now time.Duration) []message {
	var out []message
	state := func(topic, payload string) {
		if p.chatter.said[topic] != payload {
			p.chatter.said[topic] = payload
			out = append(out, message{topic, payload, true, 0})
		}
	}
	saw := p.byCode["SAW-1"]
	if saw.reg.offline {
		state("plant/saw1/online", "offline")
	} else {
		state("plant/saw1/count", fmt.Sprintf(`{"n":%d,"boot":%d}`, saw.reg.total, saw.reg.boot))
		state("plant/saw1/online", "online")
	}
	saw = p.byCode["SAW-2"]
	for ; saw.pulses > 0; saw.pulses-- {
		n := saw.reg.total - uint64(saw.pulses) + 1
		out = append(out, message{"plant/saw2/pulse", fmt.Sprintf(`{"seq":%d}`, n), false, 1})
	}
	state("plant/saw2/run", map[bool]string{true: "on", false: "off"}[saw.reg.run])

	r := p.byCode["LABEL-1"].reg
	word := "stopped"
	if r.run {
		word = "running"
	}
	text := fmt.Sprintf(`{"state":%q,"fault":%d,"good":%d,"scrap":%d}`, word, r.fault, r.good, r.scrap)
	if now-p.chatter.label >= time.Second {
		p.chatter.label = now
		delete(p.chatter.said, "plant/label1")
	}
	state("plant/label1", text)
	return out
}

// topicOf is the topic whose subscription means that a machine is read.
func topicOf(code string) string {
	switch code {
	case "SAW-1":
		return "plant/saw1/count"
	case "SAW-2":
		return "plant/saw2/pulse"
	}
	return "plant/" + strings.ToLower(strings.ReplaceAll(code, "-", ""))
}

// watched says whether anybody reads a machine's counter. It is called without
// the lock.
func (p *Plant) watched(m *machine) bool {
	switch m.link {
	case linkOPCUA:
		return p.opcua.Watched(counterNode(m.code))
	case linkModbus:
		return p.modbus.Reads(unitOf(m.code)) >= 3
	}
	return p.broker.Subscribed(topicOf(m.code))
}
