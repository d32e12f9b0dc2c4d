package bench

import (
	"strings"
	"testing"
	"time"
)

const output = `goos: linux
goarch: amd64
pkg: github.com/prodsmart-gateway/prodsmart-gateway/mapping
cpu: a processor
BenchmarkRules/unchanged-2         	10334574	       117.7 ns/op	  42496158 samples/s	       0 B/op	       0 allocs/op
BenchmarkNoSuffix 	 5	 2 ns/op
PASS
ok  	github.com/prodsmart-gateway/prodsmart-gateway/mapping	2.4s
pkg: github.com/prodsmart-gateway/prodsmart-gateway/internal/bench
BenchmarkTags/opcua-2         	       1	        34.64 bare-MB	         0.9873 bare-cpu-%	        41.0 gateway-MB	         478.2 gateway-requests/s	         2.764 x-bare-cpu
BenchmarkTags/opcua-2         	       1	        34.64 bare-MB	         0.9873 bare-cpu-%	        71.0 gateway-MB	         1.2 x-bare-cpu
pkg: github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink
BenchmarkSchedule/machines=20-2    	       1	 12.1 largest-s	 1.01 largest/least	 0 limited
BenchmarkSchedule/machines=100-2   	       1	 64.2 largest-s	 1.07 largest/least	 3 limited
BenchmarkBroken-2             	       1	        x ns/op
BenchmarkSaysSomething
PASS
`

func TestParse(t *testing.T) {
	results, err := Parse(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 6 {
		t.Fatalf("%d results: %+v", len(results), results)
	}
	r := results[0]
	if r.Package != "mapping" || r.Name != "Rules/unchanged" || r.Metrics["samples/s"] != 42496158 || r.Metrics["allocs/op"] != 0 {
		t.Errorf("%+v", r)
	}
	if results[1].Name != "NoSuffix" || results[2].Package != "bench" {
		t.Errorf("%+v", results[1:])
	}
}

func TestAFailedRunIsNoPage(t *testing.T) {
	for _, line := range []string{"--- FAIL: BenchmarkTags/opcua", "    --- FAIL: BenchmarkTags", "FAIL\tgithub.com/x/y\t2s", "FAIL"} {
		if _, err := Parse(strings.NewReader(output + line + "\n")); err == nil || !strings.Contains(err.Error(), "failed") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestPage: of repeated measurements the worst counts, what is not met is said
// with both figures, what was not measured is said too.
func TestPage(t *testing.T) {
	results, err := Parse(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	h := Host{Cores: 2, Processor: "a|b", System: "Linux", Compiler: "go1", Load: "0.1 0.2 0.3", Date: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}
	if err := Write(&b, h, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"on 2 cores of a/b, Linux, go1. Load average at the end: 0.1 0.2 0.3.",
		"| Machine rules, unchanged samples, one core | at least 1.0 million/s | 42.5 million/s | met |",
		"| Allocations for an unchanged batch | at most 0 | 0 | met |",
		"| at most 1.5x | 2.76x | not met: 2.76x instead of 1.5x |",
		"| at most 60 MB | 71 MB | not met: 71 MB instead of 60 MB |",
		"| Start to first post, 1,000 machines | at most 2 s | not measured | |",
		" 478 |",
		"not met: 1.07x instead of 1.05x |",
		"| Requests refused with 429, the same | at most 0 | 3 | not met: 3 instead of 0 |",
		"| machines=20 |  | 12.1 | 1.01 |  |",
		"| mapping | NoSuffix | 2 ns/op |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(output)
	f.Add("BenchmarkX-2 1 NaN ns/op")
	f.Add("pkg: \nBenchmark-2 1 1 |")
	f.Fuzz(func(t *testing.T, text string) {
		results, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		var b strings.Builder
		if err := Write(&b, Host{}, results); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "| ") && !strings.HasSuffix(strings.TrimRight(line, "\n"), "|") {
				t.Fatalf("a broken row: %q", line)
			}
		}
	})
}
