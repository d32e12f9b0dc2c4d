package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Host is where the figures come from.
type Host struct {
	Cores                       int
	Processor, System, Compiler string
	// Load is the load average when the page was written; empty if unknown.
	Load string
	Date time.Time
}

// Write makes the page: the machine, every bar with its verdict, and then every
// figure of every benchmark.
func Write(w io.Writer, h Host, results []Result) error {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; edits are lost.\n\n")
	fmt.Fprintf(&b, "Measured %s on %d cores of %s, %s, %s.", h.Date.UTC().Format("2006-01-02 15:04 MST"), h.Cores, cell(h.Processor), cell(h.System), cell(h.Compiler))
	if h.Load != "" {
		fmt.Fprintf(&b, " Load average at the end: %s.", cell(h.Load))
	}
	b.WriteString("\n\n")
	writeBars(&b, results)
	b.WriteString(explanation)
	tagTable().write(&b, results)
	writeSchedule(&b, results)
	writeAll(&b, results)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeBars(b *strings.Builder, results []Result) {
	b.WriteString("## The bars\n\n| What | Bar | Measured | |\n| --- | --- | --- | --- |\n")
	for _, bar := range Bars() {
		v, ok := bar.value(results)
		if !ok {
			fmt.Fprintf(b, "| %s | %s | not measured | |\n", bar.What, bar.limit())
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s%s | %s |\n", bar.What, bar.limit(), figure(v), bar.Suffix, bar.verdict(v))
	}
}

const explanation = `
The optimum of a Modbus plan is the fewest requests of all ways to part the data
of a map into requests that the device's limits, its holes and what it refused
before allow; a test tries all of them on 1,000 random maps, and the program may
need none more. PlanProven in the last table also has the registers read, and two
simple ways to plan: filling requests from the left, and joining over the
smallest gaps first.

## Ten thousand tags a second

1,000 machines with a part counter, two waste counters, a state word and six
process values each; every value changes every second. Server, bare client and
gateway are three processes; the bare client uses the same library, asks the
server for the same, and throws the values away. The gateway is the program as
it is built, in dry-run: it counts, judges states, keeps its store, schedules
and journals the posts that it would send. Both clients are watched beside each
other for the same 20 seconds. CPU is user and system time in per cent of one
core, by the kernel's clock of each process. Memory is what is resident after
that time; the peak is that of the start, when the configuration is read.
Values, requests and data are counted by the gateway itself: requests are what
it sent to the server (publish requests, reads, subscriptions), data what the
server sent to it (notifications of values, registers, messages). The
last column is what all other programs of the computer used meanwhile: more than
a few per cent there disturbs the figures, and both clients alike.

- OPC UA: a subscription with a publishing interval of 1 s at the server of
  gopcua, security None.
- Modbus TCP: ten units, 6 registers from tag to tag, so that no two touch; one
  connection, one request at a time, every second.
- MQTT: one topic and one message for each value, QoS 1.

`

// table shows the figures of several benchmarks side by side.
type table struct {
	pkg, prefix string
	// first is above the names of the rows, which are those of the benchmarks
	// without the prefix.
	first   string
	columns []column
}

type column struct{ title, unit string }

func tagTable() table {
	return table{pkg: "bench", prefix: "Tags/", columns: []column{
		{"CPU bare, %", "bare-cpu-%"}, {"CPU gateway, %", "gateway-cpu-%"}, {"ratio", "x-bare-cpu"},
		{"memory bare, MB", "bare-MB"}, {"memory gateway, MB", "gateway-MB"}, {"its peak, MB", "gateway-peak-MB"},
		{"values/s", "gateway-values/s"}, {"requests/s", "gateway-requests/s"}, {"data/s", "gateway-data/s"}, {"CPU of others, %", "others-cpu-%"},
	}}
}

func (t table) write(b *strings.Builder, results []Result) {
	fmt.Fprintf(b, "| %s |", t.first)
	for _, c := range t.columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(t.columns)+1) + "\n")
	for _, r := range results {
		name, ok := strings.CutPrefix(r.Name, t.prefix)
		if r.Package != t.pkg || !ok {
			continue
		}
		fmt.Fprintf(b, "| %s |", cell(name))
		for _, c := range t.columns {
			value := ""
			if v, ok := r.Metrics[c.unit]; ok {
				value = figure(v)
			}
			fmt.Fprintf(b, " %s |", value)
		}
		b.WriteString("\n")
	}
}

func writeAll(b *strings.Builder, results []Result) {
	b.WriteString("\n## Every benchmark\n\n| Package | Benchmark | Figures |\n| --- | --- | --- |\n")
	for _, r := range results {
		var figures []string
		for _, unit := range slices.Sorted(maps.Keys(r.Metrics)) {
			figures = append(figures, figure(r.Metrics[unit])+" "+cell(unit))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(r.Package), cell(r.Name), strings.Join(figures, ", "))
	}
}

// cell keeps a text from ending its cell of a table.
func cell(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
}
