package prodsmart

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func hour(h int) time.Time { return time.Date(2026, 1, 10, h, 0, 0, 0, time.UTC) }

// oneDowntime decodes a list of one downtime, in a company an hour ahead.
func oneDowntime(t testing.TB, body string) Downtime {
	t.Helper()
	list, err := decodeRecords([]byte(body), time.FixedZone("", 3600), decodeDowntime)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v, %d records", body, err, len(list))
	}
	return list[0]
}

func oneProduction(t testing.TB, body string) Production {
	t.Helper()
	list, err := decodeRecords([]byte(body), time.FixedZone("", 3600), decodeProduction)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v, %d records", body, err, len(list))
	}
	return list[0]
}

func TestDowntimeAsDocumented(t *testing.T) {
	d := oneDowntime(t, `[{"id":20146,"start-time":"2026-01-10T08:00:00.000Z","end-time":"2026-01-10T08:02:00.000Z",
		"started-by":{"number":2},"closed-by":{"number":3},"workers":[],"machines":[{"code":"A32","name":"Saw"}],
		"product":"P1","production-order":"WO-77","checked-out":true,"downtime-type":"Maintenance","time-spent":"00H02m00s"}]`)
	want := Downtime{ID: 20146, Type: "Maintenance", Start: hour(8), End: hour(8).Add(2 * time.Minute),
		Machines: []Reference{{Code: "A32", Name: "Saw"}}, StartedBy: Worker{Number: "2"}, ClosedBy: Worker{Number: "3"},
		Product: "P1", Order: "WO-77", Spent: 2 * time.Minute}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

func TestProductionAsDocumented(t *testing.T) {
	p := oneProduction(t, `[{"id":575354,"production-order":{"code":"WO-77","id":3990},"operation":{"code":"OP10","product":"P1"},
		"worker":{"number":2},"machine":{"code":"A32"},"produced-waste":[{"quantity":21,"waste":{"id":333,"code":"BROKEN",
		"description":"Broken part","flaw":"Flaw","recoverable":true,"billable":false}}],"parameters":[{"temperature":25}],
		"quantity":480,"checked-out":false,"work-time":"02H10m00s","start-time":"2026-01-10T07:00:00.000+01:00",
		"end-time":"2026-01-10T09:10:00.000+01:00"}]`)
	if !p.Start.Equal(hour(6)) || !p.End.Equal(hour(8).Add(10*time.Minute)) || !p.Open {
		t.Errorf("%+v", p)
	}
	p.Start, p.End = time.Time{}, time.Time{}
	want := Production{ID: 575354, Machine: Reference{Code: "A32"}, Order: Reference{ID: 3990, Code: "WO-77"},
		Operation: "OP10", Product: "P1", Worker: Worker{Number: "2"}, Quantity: NewDecimal(480), Open: true,
		Parameters: []Value{{"temperature", json.RawMessage("25")}},
		Waste:      []ProducedWaste{{Reference{ID: 333, Code: "BROKEN", Name: "Broken part"}, NewDecimal(21)}},
		WorkTime:   2*time.Hour + 10*time.Minute}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

// The answer to a change or deletion spells a record in another way.
func TestProductionInOtherWords(t *testing.T) {
	p := oneProduction(t, `{"id":"7","operation":{"product-code":"P1","code":"OP10","id":4},"worker":{"number":"0","name":"Ana","id":3},
		"machine":"A32","quantity":"480.50","finished":true,"production-order":{},"produced-waste":null,"startTime":"2026-01-10 07:00:00"}`)
	want := Production{ID: 7, Machine: Reference{Code: "A32"}, Operation: "OP10", Product: "P1",
		Worker: Worker{Number: "0", Name: "Ana"}, Quantity: Decimal{"480.5"}, Start: p.Start}
	if !reflect.DeepEqual(p, want) || !p.Start.Equal(hour(6)) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	if p := oneProduction(t, `{"id":7,"operation":"OP10"}`); p.Operation != "OP10" || !p.Open || !p.Quantity.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestDowntimeInOtherWords(t *testing.T) {
	d := oneDowntime(t, `{"id":7.0,"downtime_type":{"name":"Jam"},"machine":"A32","worker":{"number":4},"started-by":"03","closed-by":{},
		"product":{"code":"P1","id":2},"production-order":{"id":5},"checkedOut":"true","time-spent":"00:02:00"}`)
	want := Downtime{ID: 7, Type: "Jam", Machines: []Reference{{Code: "A32"}}, Workers: []Worker{{Number: "4"}}, StartedBy: Worker{Number: "3"},
		Product: "P1", Order: "5", Spent: 2 * time.Minute}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	if d := oneDowntime(t, `{"id":8,"machines":[null,{}],"product":{"x":1},"workers":[7]}`); len(d.Machines) != 0 ||
		d.Product != "" || d.Workers[0].Number != "7" || len(d.Unread) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestOpenDowntime(t *testing.T) {
	for body, open := range map[string]bool{
		`"end-time":null`: true,
		`"x":0`:           true,
		`"end-time":""`:   true,
		`"end-time":"2099-12-31T00:00:00.000+01:00"`:           true,
		`"end-time":"0001-01-01T00:00:00Z"`:                    true,
		`"end-time":"2026-01-10T09:00:00"`:                     false,
		`"end-time":null,"checked-out":true`:                   false,
		`"end-time":"2026-01-10T09:00:00","checked-out":false`: true,
		`"end-time":null,"checked-out":"false"`:                true,
	} {
		d := oneDowntime(t, `{"id":1,"start-time":"2026-01-10T09:00:00",`+body+`}`)
		if d.Open != open || len(d.Unread) != 0 {
			t.Errorf("%s: %+v", body, d)
		}
		if !d.Start.Equal(hour(8)) || !d.End.IsZero() && !d.End.Equal(hour(8)) {
			t.Errorf("%s: from %s to %s", body, d.Start, d.End)
		}
	}
}

func TestMoments(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	for text, want := range map[string]time.Time{
		"2026-01-10T08:00:00Z":          hour(8),
		"2026-01-10T08:00:00.000Z":      hour(8),
		"2026-01-10t08:00:00z":          hour(8),
		"2026-01-10T09:00:00.000+01:00": hour(8),
		"2026-01-10T09:00:00+0100":      hour(8),
		"2026-01-10T09:00:00+01":        hour(8),
		"2026-01-10T03:00:00":           hour(8),
		"2026-01-10 03:00:00.000":       hour(8),
		"2026-01-10T03:00":              hour(8),
		" 2026-01-10 ":                  hour(5),
		"2026-01-10T08:00:00.25Z":       hour(8).Add(250 * time.Millisecond),
		"01/01/2026":                    {},
		"01/01/2022 - 13:00":            {},
		"2026-13-10T08:00:00Z":          {},
		"":                              {},
		"soon":                          {},
	} {
		got, problem := parseMoment(text, zone)
		if !got.Equal(want) || (problem == notATime) != want.IsZero() {
			t.Errorf("%q is %s, %q, want %s", text, got, problem, want)
		}
	}
}

// TestChangedClocks: a time without a zone is not guessed where the clocks are put
// forward or back.
func TestChangedClocks(t *testing.T) {
	utc := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
	}
	for name, row := range map[string]map[string]struct {
		want    time.Time
		problem string
	}{
		"Europe/Lisbon": {
			"2026-03-29T00:59:59":       {utc(3, 29, 0, 59).Add(59 * time.Second), ""},
			"2026-03-29T01:00:00":       {time.Time{}, skipped},
			"2026-03-29T01:59:59.999":   {time.Time{}, skipped},
			"2026-03-29T02:00:00":       {utc(3, 29, 1, 0), ""},
			"2026-10-25T00:59":          {utc(10, 24, 23, 59), ""},
			"2026-10-25 01:00:00":       {time.Time{}, twice},
			"2026-10-25T01:59:59":       {time.Time{}, twice},
			"2026-10-25T02:00":          {utc(10, 25, 2, 0), ""},
			"2026-10-25T01:30:00+01:00": {utc(10, 25, 0, 30), ""},
			"2026-10-25T01:30:00Z":      {utc(10, 25, 1, 30), ""},
		},
		"Australia/Lord_Howe": { // half an hour
			"2026-04-05T01:29:59": {utc(4, 4, 14, 29).Add(59 * time.Second), ""},
			"2026-04-05T01:30:00": {time.Time{}, twice},
			"2026-04-05T02:00:00": {utc(4, 4, 15, 30), ""},
			"2026-10-04T02:15:00": {time.Time{}, skipped},
		},
		"Pacific/Kiritimati": {"2026-01-01": {time.Date(2025, 12, 31, 10, 0, 0, 0, time.UTC), ""}},
		"Africa/Cairo":       {"2026-04-24": {time.Time{}, skipped}},
		"UTC":                {"2026-10-25T01:30:00": {utc(10, 25, 1, 30), ""}},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for text, w := range row {
			if got, problem := parseMoment(text, zone); !got.Equal(w.want) || problem != w.problem {
				t.Errorf("%s %s is %s, %q, want %s, %q", name, text, got, problem, w.want, w.problem)
			}
		}
	}
}

// TestNumbersAsMoments: a number is milliseconds, or seconds, since 1970.
func TestNumbersAsMoments(t *testing.T) {
	for text, want := range map[string]time.Time{
		"1768032000000": hour(8), "1768032000": hour(8), "1.768032e12": hour(8), "1768032000000.0": hour(8),
		"1768032000.5": {}, "0": {}, "-1768032000": {}, `"1768032000000"`: {}, "253402300799000": {}, "9223372036854775807": {}, "1e40": {},
	} {
		d := oneDowntime(t, `[{"start-time":`+text+`}]`)
		if !d.Start.Equal(want) || (len(d.Unread) == 0) == want.IsZero() {
			t.Errorf("%s is %s, %q", text, d.Start, d.Unread)
		}
	}
	if d := oneDowntime(t, `[{"end-time":4102444800000}]`); !d.Open || len(d.Unread) != 0 {
		t.Errorf("an end in 2100: %+v", d)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00H02m00s": 2 * time.Minute, "00H01m30s": 90 * time.Second, "120H00m01s": 120*time.Hour + time.Second,
		"08:00:00": 8 * time.Hour, "08H00": 8 * time.Hour, "00H00m00s": 0,
		"": -1, "8": -1, "-1H00m00s": -1, "00H61m00s": -1, "1:2:3:4": -1, "xHym": -1, "99999999H00m": -1,
	} {
		if got, ok := parseDuration(text); ok && got != want || !ok && want >= 0 {
			t.Errorf("%q is %s, %v", text, got, ok)
		}
	}
}

func TestDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"10": "10", "100.0": "100", "0": "0", "-0.0": "0", "0.10": "0.1", "-12.50": "-12.5", "1.2e3": "1200", "12e-3": "0.012",
		"0012.3400": "12.34", "9007199254740993": "9007199254740993", "0.1234567890123456789012345": "0.1234567890123456789012345",
		"": "", "x": "", "1e999999999": "", "NaN": "", "0x10": "", "1_000": "", "--1": "", ".5": "",
	} {
		d, err := ParseDecimal(text)
		if d.String() != want || (err == nil) == d.IsZero() {
			t.Errorf("%q is %q, %v, want %q", text, d, err, want)
		}
	}
	third, _ := ParseDecimal("0.1")
	sum := third.Rat()
	sum.Add(sum, third.Rat()).Add(sum, third.Rat())
	if want, _ := ParseDecimal("0.3"); sum.Cmp(want.Rat()) != 0 || (Decimal{}).Rat().Sign() != 0 {
		t.Errorf("0.1 three times is %s", sum)
	}
	var back struct{ A, B Decimal }
	text, err := json.Marshal(struct{ A, B Decimal }{A: third})
	if err != nil || json.Unmarshal(text, &back) != nil || back.A != third || !back.B.IsZero() {
		t.Errorf("%s, %v: %v", text, err, back)
	}
	if json.Unmarshal([]byte(`{"A":"x"}`), &back) == nil || back.A != third {
		t.Error("reads x as a number")
	}
}

// What can not be read costs neither the rest of the record nor the others.
func TestUnread(t *testing.T) {
	list, err := decodeRecords([]byte(`[5,{"id":"x","quantity":"many","start-time":"01/02/2026","worker":[1],"produced-waste":[3,{"quantity":"2"}],
		"machine":{"code":"A"},"work-time":"long","checked-out":"maybe","operation":{"code":{"a":1}}},null,{"id":4,"quantity":1}]`), time.UTC, decodeProduction)
	if err != nil || len(list) != 4 {
		t.Fatal(err, len(list))
	}
	if len(list[0].Unread) != 1 || list[0].Unread[0] != `record: "5" is no record` || len(list[2].Unread) != 1 {
		t.Error(list[0].Unread, list[2].Unread)
	}
	all := strings.Join(list[1].Unread, "\n")
	for _, want := range []string{`id: "\"x\"" is no number of a record`, `quantity: "\"many\"" is no number`, `start-time: "\"01/02/2026\"" is no time`,
		`worker: "[1]" is no reference`, `produced-waste: "3" is no waste`, `work-time: "\"long\"" is no duration`, `checked-out: "\"maybe\"" is neither true nor false`, `code: "{\"a\":1}" is no text`} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	if list[1].Machine.Code != "A" || len(list[1].Waste) != 2 || list[1].Waste[1].Quantity != NewDecimal(2) || len(list[3].Unread) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestShapesOfLists(t *testing.T) {
	for body, want := range map[string]int{
		`[]`: 0, `null`: 0, `{}`: 0, "\uFEFF [ ] \n": 0, `{"id":1}`: 1, `[{"id":1},{"id":2}]`: 2,
		`{"downtimes":[{"id":1},{"id":2}]}`: 2, `{"id":1,"machines":[]}`: 1,
		``: -1, `500`: -1, `"x"`: -1, `{"error":"no"}`: -1, `[{"id":1}`: -1, `[{"id":1}]]`: -1, `[{"id":1},`: -1, `<html>`: -1, `{`: -1,
		`{"id":1`: -1,
		`[` + strings.Repeat("0,", maxItems) + `0]`: -1,
	} {
		list, err := decodeRecords([]byte(body), time.UTC, decodeDowntime)
		if want >= 0 && (err != nil || len(list) != want) || want < 0 && (err == nil || list != nil) {
			t.Errorf("%.40q: %d records, %v", body, len(list), err)
		}
	}
}

// Whatever comes, it is decoded without harm, and always in the same way.
func FuzzDecodeDowntimes(f *testing.F) {
	f.Add([]byte(`[{"id":1,"start-time":"2026-01-10T08:00:00.000Z","end-time":null,"started-by":{},"machines":[{"code":"A"}],"checked-out":false,"time-spent":"00H02m00s"}]`))
	f.Add([]byte(`{"downtimes":[{"id":"1.0","end-time":"2099-12-31T00:00:00","machine":"A","workers":[1,{"number":"2"}],"time-spent":"08:00:00"}]}`))
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) { decodesWell(t, body, decodeDowntime) })
}

func FuzzDecodeProductions(f *testing.F) {
	f.Add([]byte(`[{"id":1,"quantity":"1e3","produced-waste":[{"quantity":2.50,"waste":{"code":"X"}}],"operation":{"product-code":"P"},"finished":1}]`))
	f.Add([]byte(`{"id":7,"operation":"OP","worker":{"number":"0"},"machine":{},"start_time":"2026-01-10 08:00:00+01"}`))
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) { decodesWell(t, body, decodeProduction) })
}

// seed adds the hostile answers that are small.
func seed(f *testing.F) {
	for _, body := range hostile() {
		if len(body) < maxRecord {
			f.Add([]byte(body))
		}
	}
	f.Add([]byte(`[{"start-time":1768032000000,"end-time":"2026-10-25T01:30:00","produced-waste":[{"quantity":-0.0,"waste":"W"},null,7]}]`))
}

func decodesWell[T any](t *testing.T, body []byte, decode func(json.RawMessage, *notes) T) {
	first, err := decodeRecords(body, time.UTC, decode)
	again, errAgain := decodeRecords(body, time.UTC, decode)
	if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(first, again) {
		t.Fatalf("two readings differ: %+v, %+v", first, again)
	}
	if err != nil && first != nil || len(first) > maxItems {
		t.Fatalf("%d records, %v", len(first), err)
	}
}
