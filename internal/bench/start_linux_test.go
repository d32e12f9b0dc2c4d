package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// template is a class of machines as a plant has them, with a thousand of it.
const template = `connections:
  hall: {modbus: {address: "tcp://127.0.0.1:1502"}}
templates:
  press:
    params: {unit: int, base: int}
    connection: hall
    ideal_cycle: 10s
    count: {tag: "{unit}/holding:{base}", type: uint32, is: total, resets: true}
    waste: {SCRAP: {tag: "{unit}/input:{base}", type: uint32, resets: true}}
    state: {tag: "{unit}/discrete:{base}", running: true}
    parameters: {temperature: {tag: "{unit}/coil:{base}"}}
machines:
`

// BenchmarkCheck is the time of the command check for a thousand machines: once
// with one template, once with every machine written out and ten tags each.
func BenchmarkCheck(b *testing.B) {
	b.Run("template", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "gateway.yaml")
		text := template
		for m := range machines {
			text += fmt.Sprintf("  %s: {use: press, unit: %d, base: %d}\n", machineCode(m), 1+m/100, 4*(m%100))
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		check(b, path)
	})
	b.Run("explicit", func(b *testing.B) {
		check(b, site(b, `{modbus: {address: "tcp://127.0.0.1:1502"}}`, "", modbusTag))
	})
}

func check(b *testing.B, path string) {
	command := program(b)
	for b.Loop() {
		if out, err := exec.Command(command, "check", "-c", path).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/check")
	b.ReportMetric(0, "ns/op") // the same in other words
}

// BenchmarkFirstPost is the time from starting the program to the arrival of its
// first post at Prodsmart, with a thousand machines over MQTT and an empty
// store. The first slot of the budget begins one interval after the start, by
// design: a restart is no way around the budget.
func BenchmarkFirstPost(b *testing.B) {
	_, address := act(b, "mqtt server", "")
	var setups []mes.MachineSetup
	for m := range machines {
		setups = append(setups, mes.MachineSetup{Code: machineCode(m)})
	}
	tag := func(m, s int) string { return fmt.Sprintf("tag: %s, type: int", topic(m, s)) }
	command := program(b)
	var sum time.Duration
	for b.Loop() {
		server, err := mes.New(mes.Config{Key: "key", Secret: "secret", Machines: setups, Profile: mes.Lenient()})
		if err != nil {
			b.Fatal(err)
		}
		url, err := server.Serve("127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		extra := fmt.Sprintf("prodsmart: {url: \"http://%s\", insecure: true, key: \"${env:PRODSMART_KEY}\", secret: \"${env:PRODSMART_SECRET}\", mode: live, report_every: 1s}\n", url)
		// QoS 0: with QoS 1 this broker takes the numbers of subscriptions for
		// those of its own messages under way, and refuses a thousand of them.
		config := site(b, fmt.Sprintf(`{mqtt: {broker: "tcp://%s", qos: 0}}`, address), extra, tag)
		_ = command // built before the clock runs
		began := time.Now()
		g := startGateway(b, config)
		sum += awaitPost(b, server, g).Sub(began)
		g.end(b)
		if err := server.Close(); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(sum.Seconds()/float64(b.N), "s/first-post")
	b.ReportMetric(0, "ns/op") // includes making the configuration
}

// awaitPost waits for the first call of a machine's service.
func awaitPost(b *testing.B, server *mes.Server, g *running) time.Time {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-g.ended:
			b.Fatalf("the gateway ended: %v\n%s", g.err, g.log.String())
		case <-deadline:
			b.Fatalf("no post within 30 s\n%s", g.log.String())
		case <-tick.C:
		}
		for _, c := range server.Calls(0) {
			if c.Machine != "" {
				return c.Time
			}
		}
	}
}
