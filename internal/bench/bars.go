package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Bar is a figure that the program has to hold.
type Bar struct {
	// What is measured, in words.
	What string
	// Package, Name and Unit say which figure of which result it is. A Name that
	// ends in a slash or a dash stands for all that begin with it.
	Package, Name, Unit string
	// Limit is the worst allowed value; Least says that more is better.
	Limit float64
	Least bool
	// Suffix is written behind figures: "x", " MB".
	Suffix string
}

// Bars is the list of all of them, in the order of the page.
func Bars() []Bar {
	bars := []Bar{
		{What: "Machine rules, unchanged samples, one core", Package: "mapping", Name: "Rules/unchanged", Unit: "samples/s", Limit: 1e6, Least: true, Suffix: "/s"},
		{What: "Machine rules, counting, one core", Package: "mapping", Name: "Rules/counting", Unit: "samples/s", Limit: 1e6, Least: true, Suffix: "/s"},
		{What: "Allocations for an unchanged batch", Package: "mapping", Name: "Rules/unchanged", Unit: "allocs/op", Limit: 0},
		{What: "Modbus plan: requests to the proven optimum, 1,000 random maps", Package: "modbus", Name: "PlanProven", Unit: "requests/optimum", Limit: 1, Suffix: "x"},
	}
	for _, p := range []struct{ name, title string }{
		{"opcua", "OPC UA"}, {"modbus", "Modbus"}, {"mqtt", "MQTT"},
	} {
		bars = append(bars,
			Bar{What: "10,000 tags a second over " + p.title + ": CPU of the gateway to CPU of a bare client", Package: "bench", Name: "Tags/" + p.name, Unit: "x-bare-cpu", Limit: 1.5, Suffix: "x"},
			Bar{What: "10,000 tags a second over " + p.title + ": resident memory of the gateway", Package: "bench", Name: "Tags/" + p.name, Unit: "gateway-MB", Limit: 60, Suffix: " MB"})
	}
	return append(bars,
		Bar{What: "check of 1,000 machines, one template", Package: "bench", Name: "Check/template", Unit: "s/check", Limit: 0.5, Suffix: " s"},
		Bar{What: "check of 1,000 machines, 10,000 tags written out", Package: "bench", Name: "Check/explicit", Unit: "s/check", Limit: 0.5, Suffix: " s"},
		Bar{What: "Start to first post, 1,000 machines", Package: "bench", Name: "FirstPost", Unit: "s/first-post", Limit: 2, Suffix: " s"},
		Bar{What: "Memory in use after a simulated month to that after its first day", Package: "bench", Name: "Month", Unit: "x-first-day", Limit: 1.05, Suffix: "x"},
		Bar{What: "Largest age at Prodsmart, 1 to 2,000 machines, budget saturated, to the least possible", Package: "uplink", Name: "Schedule/", Unit: "largest/least", Limit: 1.05, Suffix: "x"},
		Bar{What: "Mean age at Prodsmart, the same", Package: "uplink", Name: "Schedule/", Unit: "mean/least", Limit: 1.05, Suffix: "x"},
		Bar{What: "Slots of the budget used, the same", Package: "uplink", Name: "Schedule/", Unit: "slots-%", Limit: 99, Least: true, Suffix: " %"},
		Bar{What: "Requests refused with 429, the same", Package: "uplink", Name: "Schedule/", Unit: "limited", Limit: 0},
		Bar{What: "A stop or start until it is posted, 1 to 2,000 machines, budget saturated", Package: "uplink", Name: "Edges/", Unit: "largest-slots", Limit: 2, Suffix: " slots"},
		Bar{What: "Posts to be in step after an outage of 1 minute, 4 hours, 3 days, to one a machine and its open transitions", Package: "uplink", Name: "Outage/desk-", Unit: "posts/need", Limit: 1, Suffix: "x"},
	)
}

// value finds the bar's figure; of several the worst.
func (b Bar) value(results []Result) (v float64, ok bool) {
	for _, r := range results {
		got, has := r.Metrics[b.Unit]
		if r.Package == b.Package && b.names(r.Name) && has && (!ok || b.Least == (got < v)) {
			v, ok = got, true
		}
	}
	return v, ok
}

func (b Bar) names(name string) bool {
	if strings.HasSuffix(b.Name, "/") || strings.HasSuffix(b.Name, "-") {
		return strings.HasPrefix(name, b.Name)
	}
	return name == b.Name
}

func (b Bar) met(v float64) bool {
	if b.Least {
		return v >= b.Limit
	}
	return v <= b.Limit
}

// limit writes what is allowed.
func (b Bar) limit() string {
	if b.Least {
		return "at least " + figure(b.Limit) + b.Suffix
	}
	return "at most " + figure(b.Limit) + b.Suffix
}

// verdict says in words how a value stands to the bar.
func (b Bar) verdict(v float64) string {
	if b.met(v) {
		return "met"
	}
	return fmt.Sprintf("not met: %s%s instead of %s%s", figure(v), b.Suffix, figure(b.Limit), b.Suffix)
}

// figure writes a number with three digits that matter, but whole numbers whole.
func figure(v float64) string {
	switch {
	case v >= 1e6 || v <= -1e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " million"
	case v >= 100 || v <= -100 || v == float64(int64(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
