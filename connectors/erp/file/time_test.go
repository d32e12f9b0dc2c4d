package file

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestDates(t *testing.T) {
	zone := time.FixedZone("UTC+5", 5*3600)
	for _, c := range []struct {
		way, text, want string // "" is an error, "-" is no date, a length of 10 is a day
	}{
		{"dd.mm.yyyy", "25.11.2026", "2026-11-25"}, {"dd.mm.yyyy", "5.1.2026", "2026-01-05"}, {"dd.mm.yyyy", "31.02.2026", ""}, {"dd.mm.yyyy", "11/25/2026", ""},
		{"mm/dd/yyyy", "11/25/2026", "2026-11-25"}, {"mm/dd/yyyy", "25/11/2026", ""}, {"dd/mm/yyyy", "03/04/2026", "2026-04-03"},
		{"yyyymmdd", "20261125", "2026-11-25"}, {"yyyymmdd", "2026112", ""}, {"dd.mm.yy", "25.11.26", "2026-11-25"}, {"yymmdd", "261125", "2026-11-25"},
		{"dd.mm.yyyy hh:mi", "25.11.2026 18:00", "2026-11-25T13:00:00Z"}, {"dd.MM.yyyy HH:mm:ss", "25.11.2026 18:00:30", "2026-11-25T13:00:30Z"},
		{"dd.MM.yyyy HH:mm:ss", "25.11.2026 8:05", "2026-11-25T03:05:00Z"}, {"dd.mm.yyyy hh24:mi:ss", "25.11.2026 00:00:00", "2026-11-25"},
		{"dd.mm.yyyy", "2026-11-25T18:00:00+05:00", "2026-11-25T13:00:00Z"}, {"dd.mm.yyyy", "2026-11-25T18:00:00", "2026-11-25T13:00:00Z"},
		{"dd.mm.yyyy", "2026-11-24T19:00:00Z", "2026-11-25"}, {"yyyymmddhhmiss", "20261125180000", "2026-11-25T13:00:00Z"},
		{"dd.mm.yyyy", "", "-"}, {"dd.mm.yyyy", "00.00.0000", "-"}, {"yyyy-mm-dd hh:mi:ss", "0000-00-00 00:00:00", "-"},
		{"dd.mm.yyyy", "25.11.0026", ""}, {"dd.mm.yyyy", "25.11.9999", ""}, {"dd.mm.yyyy", "tomorrow", ""}, {"d.m.yyyy h:mi", "5.1.2026 7:30", "2026-01-05T02:30:00Z"},
	} {
		d, err := newDates([]string{c.way}, zone)
		if err != nil {
			t.Fatal(c.way, err)
		}
		w, err := d.read(c.text)
		got := "-"
		switch {
		case err != nil:
			got = ""
		case w.Day:
			got = w.Time.Format(time.DateOnly)
		case !w.IsZero():
			got = w.Time.Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%q as %q = %q (%v), want %q", c.text, c.way, got, err, c.want)
		}
	}
	for _, way := range []string{"", "dd.mm", "dd.mm.jjjj", "dd.dd.mm.yyyy", "hello", "dd.mm.yyyy hh:mi:mm"} {
		if _, err := newDates([]string{way}, zone); err == nil {
			t.Errorf("the way %q was taken", way)
		}
	}
}

func TestSerialDates(t *testing.T) {
	d, err := newDates(nil, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		days, want string
		late       bool
	}{
		{"46351", "2026-11-25 00:00 day", false}, {"46351.75", "2026-11-25 18:00", false}, {"44889", "2026-11-25 00:00 day", true},
		{"46351.999999", "2026-11-26 00:00 day", false}, {"-1", "", false}, {"1e20", "", false}, {"1", "", false},
	} {
		w, err := d.serial(decimal.RequireFromString(c.days), c.late)
		got := w.Time.Format("2006-01-02 15:04")
		if w.Day {
			got += " day"
		}
		if err != nil {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s = %q (%v), want %q", c.days, got, err, c.want)
		}
	}
}
