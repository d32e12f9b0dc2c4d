package plant

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// The links of the plant.
const (
	linkOPCUA  = "opcua"
	linkModbus = "modbus"
	linkMQTT   = "mqtt"
)

// Moduli of the counters that wrap.
const (
	wordModulus     = 1 << 16
	packMLModulus   = 1 << 31
	fourDigits      = 10_000
	silentUnit      = 5
	millisecond     = time.Millisecond
	unspecifiedType = "UNSPEC"
)

// line is the default plant: nine machines that work, and one device that
// never answers.
func line() []design {
	jam, tool, guard := reason{12, "JAM"}, reason{13, "TOOL"}, reason{21, "GUARD"}
	unspecified := []reason{{0, unspecifiedType}}
	return []design{
		{code: "BEND-2", link: linkOPCUA, cycle: 700 * millisecond, parts: 1, scrap: 0.05, waste: "SCRAP",
			reasons: []reason{jam, tool, {99, unspecifiedType}}, reset: download, micro: true, total: 15230, scrapped: 112},
		{code: "PRESS-1", link: linkOPCUA, cycle: 500 * millisecond, parts: 1, scrap: 0.04, waste: "SCRAP",
			reasons: []reason{jam, guard}, reset: jobReset, micro: true, total: 480, scrapped: 6},
		{code: "FILL-1", link: linkOPCUA, cycle: 250 * millisecond, parts: 1, scrap: 0.03, waste: "DEFECT",
			reasons: []reason{{2101, "CAPJAM"}, {2105, "GUARD"}}, micro: true, total: packMLModulus - 48, scrapped: 310},
		{code: "IMM-01", link: linkModbus, cycle: 900 * millisecond, parts: 2, scrap: 0.05, waste: "SCRAP",
			reasons: []reason{jam, tool}, micro: true, total: wordModulus - 12, scrapped: 4},
		{code: "IMM-02", link: linkModbus, cycle: 1100 * millisecond, parts: 4, scrap: 0.05, waste: "SCRAP",
			reasons: []reason{jam, tool}, micro: true, total: wordModulus - 4, scrapped: wordModulus - 1},
		{code: "PACK-1", link: linkModbus, cycle: 400 * millisecond, parts: 1,
			reasons: unspecified, reset: powerCycle, total: 70_003},
		{code: "OVEN-1", link: linkModbus, cycle: 600 * millisecond, parts: 1,
			reasons: unspecified, micro: true, total: fourDigits - 15},
		{code: "IMM-05", link: linkModbus, dead: true, parts: 2, waste: "SCRAP", reasons: []reason{jam, tool}},
		{code: "SAW-1", link: linkMQTT, cycle: 800 * millisecond, parts: 1, byCount: true,
			reasons: []reason{{0, "NOCOUNT"}}, reset: reboot, total: 880},
		{code: "SAW-2", link: linkMQTT, cycle: 1200 * millisecond, parts: 1,
			reasons: unspecified, micro: true, total: 40},
		{code: "LABEL-1", link: linkMQTT, cycle: 350 * millisecond, parts: 1, scrap: 0.03, waste: "MISPRINT",
			reasons: []reason{{7, "RIBBON"}, {8, "JAM"}}, micro: true, total: 9100, scrapped: 77},
	}
}

// backOffice is what Prodsmart has been configured with for the machines.
func backOffice(designs []design) []mes.MachineSetup {
	var setups []mes.MachineSetup
	for i, d := range designs {
		m := mes.MachineSetup{Code: d.code, Name: d.code, InProduction: true, Work: mes.Work{
			Worker: i + 1, Order: fmt.Sprintf("WO-%d", 1001+i), Operation: "OP10", Product: "P-" + d.code}}
		m.Types = append(m.Types, mes.TypeSetup{Name: unspecifiedType})
		for _, r := range d.reasons {
			m.Types = append(m.Types, mes.TypeSetup{Name: r.kind})
		}
		if d.waste != "" {
			m.Waste = []string{d.waste}
		}
		switch d.code {
		case "PRESS-1":
			m.Parameters = []mes.ParameterSetup{{Name: "temperature", Code: "temperature"}}
		case "PACK-1":
			m.Parameters = []mes.ParameterSetup{{Name: "energy_kwh", Code: "energy_kwh"}}
		}
		setups = append(setups, m)
	}
	return setups
}
