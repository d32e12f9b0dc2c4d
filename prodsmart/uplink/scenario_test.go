package uplink

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

func TestMouldingWithJobChange(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.report("06:00:00", scrap(0, 0))
	r.report("06:00:20", scrap(2, 0))
	r.report("06:00:40", scrap(4, 0))
	r.report("06:01:00", scrap(6, 2))
	r.report("06:01:20", scrap(8, 2))
	r.report("06:01:40", scrap(10, 2))
	stop := scrap(10, 2)
	stop.Stop = prodsmart.Stop{Episode: 1, Type: "TOOL", Since: at(t, "06:01:40")}
	r.report("06:02:40", stop)
	r.report("06:05:05", scrap(10, 2))
	r.report("06:05:20", scrap(12, 2))
	r.report("06:05:40", scrap(14, 2))
	r.report("06:06:00", scrap(16, 2))
	r.until("06:06:15")
	r.expect(
		"06:00:00 C 0 W S=0", "06:00:30 C 2", "06:01:00 C 6 W S=2", "06:01:30 C 8", "06:02:00 C 10",
		"06:02:40 D+ TOOL", "06:05:05 D- TOOL", "06:05:30 C 12", "06:06:00 C 16")
	r.expectEvents()
}

func TestPackagingLineWithParameter(t *testing.T) {
	energy := func(n int64, value string, version uint64) prodsmart.Report {
		return prodsmart.Report{Count: n, Parameters: []prodsmart.Parameter{{Name: "energy_kwh", Code: "e", Value: value, Version: version}}}
	}
	r := newRig(t, "08:00:00", replay())
	r.report("08:00:00", energy(0, "12320", 1))
	for s := 2; s <= 118; s += 2 {
		r.untilTime(at(t, "08:00:00").Add(seconds(s)))
		rep := energy(int64(s/2), "12320", 1)
		rep.Known = true
		r.desk.Report(r.now, "M", rep)
	}
	stop := energy(59, "12320", 1)
	stop.Stop = prodsmart.Stop{Episode: 1, Type: "UNSPEC"}
	r.report("08:03:00", stop)
	r.report("08:04:35", energy(62, "12320", 1))
	for s := 276; s <= 360; s += 2 {
		value, version := "12320", uint64(1)
		if s >= 300 {
			value, version = "12320.5", 2
		}
		r.untilTime(at(t, "08:00:00").Add(seconds(s)))
		rep := energy(int64((s-270)/2+60), value, version)
		rep.Known = true
		r.desk.Report(r.now, "M", rep)
	}
	r.until("08:06:10")
	r.expect(
		"08:00:00 C 0 P energy_kwh=12320", "08:00:30 C 15", "08:01:00 C 30", "08:01:30 C 45", "08:02:00 C 59",
		"08:03:00 D+ UNSPEC", "08:04:35 D- UNSPEC", "08:04:35 C 62", "08:05:00 C 75 P energy_kwh=12320.5",
		"08:05:30 C 90", "08:06:00 C 105")
}

func TestFillerFlushKeepsTheTick(t *testing.T) {
	r := newRig(t, "07:00:00", replay())
	r.report("07:00:00", scrap(0, 0))
	for s := 1; s <= 59; s++ {
		waste := int64(0)
		if s >= 30 {
			waste++
		}
		if s >= 50 {
			waste++
		}
		r.untilTime(at(t, "07:00:00").Add(seconds(s)))
		rep := scrap(int64(2*s), waste)
		rep.Known = true
		r.desk.Report(r.now, "M", rep)
	}
	for s := 100; s <= 119; s++ {
		r.untilTime(at(t, "07:00:00").Add(seconds(s)))
		rep := scrap(int64(118+2*(s-99)), 2)
		rep.Known = true
		r.desk.Report(r.now, "M", rep)
	}
	stop := scrap(158, 2)
	stop.Stop = prodsmart.Stop{Episode: 1, Type: "CAPJAM"}
	r.report("07:03:00", stop)
	r.report("07:04:29", scrap(170, 2))
	r.report("07:04:30", scrap(172, 2))
	r.report("07:05:00", scrap(232, 2))
	r.until("07:05:10")
	r.expect(
		"07:00:00 C 0 W S=0", "07:00:30 C 60 W S=1", "07:01:00 C 118 W S=2", "07:02:00 C 158",
		"07:03:00 D+ CAPJAM", "07:04:29 D- CAPJAM", "07:04:29 C 170", "07:04:30 C 172", "07:05:00 C 232")
}

func TestPulsesAndNoCount(t *testing.T) {
	r := newRig(t, "14:00:00", replay())
	r.report("14:00:00", count(0))
	r.report("14:00:05", count(1))
	r.report("14:00:10", count(2))
	r.report("14:00:15", count(3))
	r.report("14:00:35", count(4))
	r.report("14:00:40", count(5))
	r.report("14:03:20", count(12))
	r.report("14:03:25", count(13))
	r.report("14:03:30", count(14))
	r.report("14:03:35", count(15))
	r.report("14:04:05", stopped(15, 1, "NOCOUNT"))
	r.until("14:10:00")
	r.expect("14:00:00 C 0", "14:00:30 C 3", "14:01:00 C 5", "14:03:30 C 14", "14:04:00 C 15", "14:04:05 D+ NOCOUNT")
}

func TestBreakOverFault(t *testing.T) {
	r := newRig(t, "09:55:00", replay())
	r.report("09:55:00", count(0))
	for i := 1; i <= 17; i++ {
		r.untilTime(at(t, "09:55:00").Add(seconds(10 * i)))
		rep := count(int64(i))
		rep.Known = true
		r.desk.Report(r.now, "M", rep)
	}
	r.report("09:59:00", stopped(17, 1, "E-STOP"))
	r.report("10:00:00", stopped(17, 2, "BREAK"))
	r.report("10:15:00", count(17))
	r.report("10:15:30", count(18))
	r.report("10:16:00", count(21))
	r.until("10:16:01")
	r.expect("09:55:00 C 0", "09:55:30 C 3", "09:56:00 C 6", "09:56:30 C 9", "09:57:00 C 12", "09:57:30 C 15",
		"09:58:00 C 17", "09:59:00 D+ E-STOP", "10:00:00 D- E-STOP", "10:00:00 D+ BREAK",
		"10:15:00 D- BREAK", "10:15:30 C 18", "10:16:00 C 21")
}
