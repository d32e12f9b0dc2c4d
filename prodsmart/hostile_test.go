package prodsmart

import (
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile are answers of lists that no Prodsmart should give, some of them
// larger than is sensible to read.
func hostile() map[string]string {
	big := strings.Repeat("x", 7<<20)
	return map[string]string{
		"a long text":           `[{"id":1,"downtime-type":"` + big + `"}]`,
		"a long text, no id":    `[{"downtime-type":"` + big + `"}]`,
		"long texts":            `[` + strings.Repeat(`{"product":"`+big[:1000]+`","machine":"`+big[:1000]+`"},`, 1900) + `{}]`,
		"a long number":         `[{"id":` + strings.Repeat("9", 7<<20) + `,"quantity":` + strings.Repeat("9", 1000) + `}]`,
		"a long exponent":       `[{"id":1e999999999,"quantity":-1E+999999999999999999999}]`,
		"deep":                  `[{"machine":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}]`,
		"too deep":              `[` + strings.Repeat(`{"machine":`, 1<<20),
		"many fields":           `[{` + strings.Repeat(`"":1,`, 1<<20) + `"id":1}]`,
		"many different fields": `[{` + fields(500_000) + `"id":1}]`,
		"one record of many":    `{` + fields(500_000) + `"id":1}`,
		"many machines":         `[` + strings.Repeat(`{"machines":[`+strings.Repeat("1,", 1900)+`1]},`, 1900) + `{}]`,
		"many wastes":           `[` + strings.Repeat(`{"produced-waste":[`+strings.Repeat("{},", 1200)+`1]},`, 1900) + `{}]`,
		"not UTF-8":             "[{\"id\":1,\"downtime-type\":\"\xff\xfe\",\"machine\":\"\xc3\\ud800\",\"start-time\":\"\xff\"}]",
		"controls":              `[{"id":1,"downtime-type":"a\u0000\u202eb","machine":{"code":"\n"}}]`,
		"wrong everywhere": `[{"id":{},"id":[1],"start-time":{"a":1},"end-time":[5],"started-by":[[]],"closed-by":true,"workers":{"number":{}},
			"machines":{"code":[1]},"product":[{}],"production-order":-0,"checked-out":{"a":1},"downtime-type":[[1]],"time-spent":{"a":1}},
			{"id":-1,"start-time":true,"end-time":false,"quantity":{"a":1},"produced-waste":{"waste":[1],"quantity":{"a":1}},"operation":[1],"work-time":-5,
			"worker":{"number":[1]},"finished":[0]}]`,
	}
}

// fields are members of an object with different names.
func fields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte('"')
		for ; i > 0; i >>= 4 {
			b.WriteByte("0123456789abcdef"[i&15])
		}
		b.WriteString(`":1,`)
	}
	return b.String()
}

// TestHostileLists: whatever comes, nothing breaks, what is kept of an answer is
// small, and reading it takes no more than a few times its size.
func TestHostileLists(t *testing.T) {
	for name, body := range hostile() {
		t.Run(name, func(t *testing.T) {
			hostileList(t, body, decodeDowntime)
			hostileList(t, body, decodeProduction)
		})
	}
}

func hostileList[T Record](t *testing.T, body string, decode func(json.RawMessage, *notes) T) {
	t.Helper()
	var before, after, kept runtime.MemStats
	raw := []byte(body)
	runtime.GC()
	runtime.ReadMemStats(&before)
	list, _ := decodeRecords(raw, time.UTC, decode)
	runtime.ReadMemStats(&after)
	keys := map[string]bool{}
	for _, r := range list {
		keys[r.Key()] = true
	}
	runtime.GC()
	runtime.ReadMemStats(&kept)
	if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(32*len(raw)+4<<20); taken > most {
		t.Errorf("reading %d bytes takes %d", len(raw), taken)
	}
	if stays := int64(kept.HeapAlloc) - int64(before.HeapAlloc); stays > 16<<20 {
		t.Errorf("of %d bytes %d stay", len(raw), stays)
	}
	runtime.KeepAlive(list)
	runtime.KeepAlive(keys)
}

// TestWrongRecords: what can not be read is not taken for something else.
func TestWrongRecords(t *testing.T) {
	downtimes := map[string]func(Downtime) bool{
		`{"":"x","id":3}`: func(d Downtime) bool { return d.Type == "" && d.Product == "" && len(d.Unread) == 0 && d.Open },
		`{"checked-out":"maybe","end-time":"2026-01-10T08:00:00Z"}`: func(d Downtime) bool { return !d.Open && d.End.IsZero() && len(d.Unread) == 1 },
		`{"checked-out":{"a":1}}`:                                   func(d Downtime) bool { return !d.Open && d.End.IsZero() && len(d.Unread) == 1 },
		`{"end-time":"soon"}`:                                       func(d Downtime) bool { return !d.Open && d.End.IsZero() && len(d.Unread) == 1 },
		`{"start-time":"9999-12-31T23:59:59Z"}`:                     func(d Downtime) bool { return d.Start.IsZero() && len(d.Unread) == 1 },
		`{"start-time":"0001-01-01T00:00:00Z"}`:                     func(d Downtime) bool { return d.Start.IsZero() && len(d.Unread) == 1 },
		`{"downtime-type":"` + strings.Repeat("x", 5000) + `"}`:     func(d Downtime) bool { return d.Type == "" && len(d.Unread) == 1 },
		`{"machines":[` + strings.Repeat("1,", 300) + `1]}`: func(d Downtime) bool {
			return slices.ContainsFunc(d.Machines, func(r Reference) bool { return r.Code == "" })
		},
	}
	for body, fits := range downtimes {
		if d := oneDowntime(t, "["+body+"]"); !fits(d) {
			t.Errorf("%.80s is %+v", body, d)
		}
	}
	incomplete := func(p Production) bool {
		return slices.ContainsFunc(p.Waste, func(w ProducedWaste) bool { return w.Quantity.IsZero() || w.Waste.Code == "" })
	}
	for _, waste := range []string{`[3,{"quantity":2,"waste":{"code":"W"}}]`, `[{"quantity":2}]`, `[{"waste":"W"}]`, `[{"waste":"W","quantity":"NaN"}]`, `"W"`, `true`,
		`[` + strings.Repeat(`{"quantity":2,"waste":{"code":"W"}},`, 300) + `{"quantity":2,"waste":{"code":"W"}}]`, `[{"waste":"W","quantity":1e99}]`} {
		if p := oneProduction(t, `[{"produced-waste":`+waste+`}]`); !incomplete(p) {
			t.Errorf("%.80s looks complete: %+v", waste, p.Waste)
		}
	}
}
