package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// warmFor follows the first values: connections are up, baselines taken,
	// caches warm.
	warmFor = 5 * time.Second
	// measureFor is how long both clients are watched.
	measureFor = 20 * time.Second
	// delivered is the share of the expected values that both must have seen
	// for their costs to be comparable.
	delivered = 0.97
)

// BenchmarkTags compares, for each protocol, the whole gateway in dry-run with
// a bare client of the same library that throws the values away: both beside
// each other, on the same server, in the same seconds. One operation is one
// measurement.
func BenchmarkTags(b *testing.B) {
	for _, c := range []struct {
		name       string
		connection string // with the server's address in it
		tag        func(machine, signal int) string
	}{
		{"opcua", `{opcua: {endpoint: "%s"}}`, func(m, s int) string {
			return fmt.Sprintf("tag: 'nsu=%s;s=%s'", namespaceURI, nodeName(m, s))
		}},
		{"modbus", `{modbus: {address: "tcp://%s", every: 1s}}`, modbusTag},
		{"mqtt", `{mqtt: {broker: "tcp://%s", keep_alive: 30s}}`, func(m, s int) string {
			return fmt.Sprintf("tag: %s, type: int", topic(m, s))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			server, address := act(b, c.name+" server", "")
			config := site(b, fmt.Sprintf(c.connection, address), "", c.tag)
			bare, _ := act(b, c.name+" client", address)
			gateway := startGateway(b, config)
			awaitSamples(b, gateway, 2*machines*signals)
			for b.Loop() {
				pause(b.Context(), warmFor)
				measure(b, server, bare, gateway)
			}
			b.ReportMetric(0, "ns/op") // says nothing: it is measureFor
		})
	}
}

// measure watches both processes for the same time and reports their figures.
func measure(b *testing.B, server, bare *child, gateway *running) {
	b.Helper()
	const connection = "prodsmart_gateway_connection_"
	seen := func() [4]float64 {
		sums := gateway.metrics(b, connection+"samples_total", connection+"requests_total", connection+"data_total")
		return [4]float64{float64(bare.total(b)), sums[0], sums[1], sums[2]}
	}
	before := seen()
	start := time.Now()
	all, serverFrom := busy(b), server.cpu(b)
	bareFrom, gatewayFrom := bare.cpu(b), gateway.cpu(b)
	pause(b.Context(), measureFor)
	bareUsed, gatewayUsed := bare.cpu(b)-bareFrom, gateway.cpu(b)-gatewayFrom
	others := busy(b) - all - (server.cpu(b) - serverFrom) - bareUsed - gatewayUsed
	took := time.Since(start).Seconds()
	_, bareMost := bare.memory(b)
	now, most := gateway.memory(b)
	after := seen()
	want := took * machines * signals
	for i, who := range []string{"bare client", "gateway"} {
		if got := after[i] - before[i]; got < delivered*want {
			b.Errorf("the %s saw %.0f of about %.0f values: the server or this computer is too slow", who, got, want)
		}
	}
	b.ReportMetric(gatewayUsed.Seconds()/bareUsed.Seconds(), "x-bare-cpu")
	b.ReportMetric(100*bareUsed.Seconds()/took, "bare-cpu-%")
	b.ReportMetric(100*gatewayUsed.Seconds()/took, "gateway-cpu-%")
	b.ReportMetric(100*max(0, others.Seconds())/took, "others-cpu-%")
	b.ReportMetric(bareMost, "bare-MB")
	b.ReportMetric(now, "gateway-MB")
	b.ReportMetric(most, "gateway-peak-MB")
	b.ReportMetric((after[1]-before[1])/took, "gateway-values/s")
	b.ReportMetric((after[2]-before[2])/took, "gateway-requests/s")
	b.ReportMetric((after[3]-before[3])/took, "gateway-data/s")
}

// pause lets time pass; the processes measured meanwhile are others.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// running is a gateway in a process of its own.
type running struct {
	*child
	address string
}

// startGateway starts the real program with a configuration of site.
func startGateway(tb testing.TB, config string, env ...string) *running {
	tb.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "metrics: {listen: \"")
	address, _, _ := strings.Cut(rest, `"`)
	cmd := exec.Command(program(tb), "run", "-c", config)
	cmd.Dir = filepath.Dir(config)
	cmd.Env = append(append(os.Environ(), "PRODSMART_KEY=key", "PRODSMART_SECRET=secret"), env...)
	return &running{child: spawn(tb, cmd), address: "http://" + address}
}

// get reads one page of the gateway; the text is empty as long as it does not
// answer with 200.
func (g *running) get(tb testing.TB, page string) string {
	tb.Helper()
	select {
	case <-g.ended:
		tb.Fatalf("the gateway ended: %v\n%s", g.err, g.log.String())
	default:
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(g.address + page)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

// metrics sums up each metric over its labels, all of the same page.
func (g *running) metrics(tb testing.TB, names ...string) []float64 {
	tb.Helper()
	sums := make([]float64, len(names))
	for line := range strings.Lines(g.get(tb, "/metrics")) {
		for i, name := range names {
			rest, ok := strings.CutPrefix(line, name)
			if !ok || rest[0] != '{' && rest[0] != ' ' {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			if err != nil {
				tb.Fatal(err)
			}
			sums[i] += v
		}
	}
	return sums
}

// awaitSamples waits until the gateway is ready and has seen so many values.
func awaitSamples(tb testing.TB, g *running, n float64) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for g.get(tb, "/readyz") == "" || g.metrics(tb, "prodsmart_gateway_connection_samples_total")[0] < n {
		if time.Now().After(deadline) {
			tb.Fatalf("the gateway has not seen %.0f values within a minute\n%s", n, g.log.String())
		}
		pause(tb.Context(), 500*time.Millisecond)
	}
}
