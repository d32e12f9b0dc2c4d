package file

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// dates reads dates in the ways that a plant writes them.
type dates struct {
	ways    []string
	layouts []layout
	zone    *time.Location
}

// layout is a way in the words of the standard library; clock says that it has a
// time of day.
type layout struct {
	text  string
	clock bool
}

// newDates turns ways such as "dd.mm.yyyy hh:mi" into layouts.
func newDates(ways []string, zone *time.Location) (dates, error) {
	d := dates{ways: ways, zone: zone}
	for _, way := range ways {
		l, err := newLayout(way)
		if err != nil {
			return d, err
		}
		d.layouts = append(d.layouts, l)
		if short, cut := strings.CutSuffix(l.text, ":5"); cut {
			d.layouts = append(d.layouts, layout{short, true})
		}
	}
	return d, nil
}

// piece is a part of a date as plants write it, and in the two forms of the
// standard library: any width, and with leading zeros.
type piece struct{ plant, any, fixed string }

// pieces of a date. The longer of two that begin alike comes first.
func pieces() []piece {
	return []piece{
		{"yyyy", "2006", "2006"}, {"yy", "06", "06"}, {"mi", "4", "04"}, {"mm", "1", "01"}, {"m", "1", "01"}, {"dd", "2", "02"}, {"d", "2", "02"},
		{"hh24", "15", "15"}, {"hh", "15", "15"}, {"h", "15", "15"}, {"ss", "5", "05"}, {"z", "Z07:00", "Z07:00"},
	}
}

// newLayout reads a way. mm behind the hour is minutes, as is mi. Pieces that
// touch each other have leading zeros, others may have them.
func newLayout(way string) (layout, error) {
	var list []piece // those without plant are what stands between
	clock, has := false, map[string]bool{}
	for rest := strings.ToLower(way); rest != ""; {
		p := piece{}
		for _, one := range pieces() {
			if strings.HasPrefix(rest, one.plant) {
				p = one
				break
			}
		}
		length := len(p.plant)
		if length == 0 {
			if !strings.Contains("-./: ,t", rest[:1]) {
				return layout{}, fmt.Errorf("the date %q is to be made of yyyy, yy, mm, dd, hh, mi, ss and z", way)
			}
			length, p = 1, piece{any: strings.ToUpper(rest[:1])}
		}
		if p.any == "1" && clock {
			p = piece{"mi", "4", "04"}
		}
		clock = clock || p.any == "15"
		if p.plant != "" && has[p.any] {
			return layout{}, fmt.Errorf("the date %q has %s twice", way, p.plant)
		}
		has[p.any] = true
		list, rest = append(list, p), rest[length:]
	}
	if !has["2"] || !has["1"] || !has["2006"] && !has["06"] {
		return layout{}, fmt.Errorf("the date %q needs a year, a month and a day", way)
	}
	var b strings.Builder
	for i, p := range list {
		touches := i > 0 && list[i-1].plant != "" || i+1 < len(list) && list[i+1].plant != "" && list[i+1].plant != "z"
		if p.plant != "" && touches {
			p.any = p.fixed
		}
		b.WriteString(p.any)
	}
	return layout{b.String(), clock}, nil
}

// read gives the date of a text; empty text and a date of zeros are none.
func (d dates) read(text string) (erp.When, error) {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "0-./: T") == "" {
		return erp.When{}, nil
	}
	if len(text) > 40 {
		return erp.When{}, fmt.Errorf("%.40q is no date: too long", text)
	}
	for _, l := range d.layouts {
		at, err := time.ParseInLocation(l.text, text, d.zone)
		if err == nil {
			return plausible(text, at, l.clock, d.zone)
		}
	}
	// What ISO 8601 says is clear in any plant.
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return plausible(text, at, true, d.zone)
	}
	if at, err := time.ParseInLocation("2006-01-02T15:04:05", text, d.zone); err == nil {
		return plausible(text, at, true, d.zone)
	}
	return erp.When{}, fmt.Errorf("%q is no date in one of the ways %s; write the way of this file under dates", text, strings.Join(d.ways, ", "))
}

// plausible refuses years that are typing errors. Midnight without more is a day:
// many systems write a day that way.
func plausible(text string, at time.Time, clock bool, zone *time.Location) (erp.When, error) {
	if y := at.Year(); y < 1990 || y > 2199 {
		return erp.When{}, fmt.Errorf("%q: the year %d can not be right", text, y)
	}
	local := at.In(zone)
	if !clock || local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 && local.Nanosecond() == 0 {
		if !clock {
			local = at
		}
		return erp.DayOf(local.Year(), local.Month(), local.Day()), nil
	}
	return erp.Moment(at), nil
}

// serial gives the date that a workbook keeps as a count of days. late says that
// the count begins in 1904.
func (d dates) serial(days decimal.Decimal, late bool) (erp.When, error) {
	if days.IsZero() {
		return erp.When{}, nil
	}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if late {
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if days.Sign() < 0 || days.GreaterThan(decimal.NewFromInt(200_000)) {
		return erp.When{}, fmt.Errorf("%s is no date of a workbook", days)
	}
	seconds := days.Mul(decimal.NewFromInt(86400)).Round(0).IntPart()
	at := first.AddDate(0, 0, int(seconds/86400)).Add(time.Duration(seconds%86400) * time.Second)
	wall := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, d.zone)
	return plausible(days.String(), wall, true, d.zone)
}
