package prodsmart

import (
	"strings"
	"time"
)

// The years from and before which a time says that something has not happened:
// an end in 2099 or in the year 1.
const (
	neverFrom   = 2099
	neverBefore = 1971
)

// firstMillisecond is 1971 in milliseconds of Unix time. Smaller numbers are
// seconds, in which it is far in the future.
const firstMillisecond = 31_536_000_000

// never says that a time is none at which anything happens.
func never(t time.Time) bool { return t.Year() >= neverFrom || t.Year() < neverBefore }

// lasting reads when a record began and ended, and whether it goes on. That it is
// checked out, or is not, decides; only a record that does not say it is judged
// by its end. One of which this can not be known is over, without an end.
func (o object) lasting() (start, end time.Time, open bool) {
	start, known := o.moment("start-time")
	if never(start) {
		if name, raw := o.get("start-time"); raw != nil && known {
			o.notes.add(name, raw, "no time at which anything began")
		}
		start = time.Time{}
	}
	end, known = o.moment("end-time")
	if never(end) {
		end = time.Time{}
	}
	done, stated, readable := o.truth("checked-out", "finished")
	switch {
	case stated:
		return start, end, !done
	case !readable:
		return start, time.Time{}, false
	}
	return start, end, known && end.IsZero()
}

// moment reads a time; known is false if there is one that can not be read.
func (o object) moment(name string) (t time.Time, known bool) {
	_, raw := o.get(name)
	if raw == nil {
		return time.Time{}, true
	}
	text, _ := scalar(raw)
	problem := notATime
	if n := whole(text); n == nil {
		t, problem = parseMoment(text, o.notes.zone)
	} else if !isKind(raw, '"') {
		t, problem = unixMoment(*n), ""
	}
	if problem != "" {
		o.notes.add(name, raw, problem)
	}
	return t, problem == ""
}

// What parseMoment says of a text.
const (
	notATime = "no time"
	skipped  = "a time without a zone that the clocks skipped when they were put forward"
	twice    = "a time without a zone that came twice when the clocks were put back"
)

// parseMoment reads a time in any of the forms of the interface. One without a
// zone is of the company's; where the clocks are changed it may be none, or one
// of two.
func parseMoment(text string, zone *time.Location) (t time.Time, problem string) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	const seconds = "2006-01-02T15:04:05"
	for _, form := range []string{seconds + "Z07:00", seconds + "Z0700", seconds + "Z07"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, ""
		}
	}
	for _, form := range []string{seconds, "2006-01-02T15:04", time.DateOnly} {
		if wall, err := time.Parse(form, text); err == nil {
			return onTheWall(wall, zone)
		}
	}
	return time.Time{}, notATime
}

// onTheWall is when the clocks of a zone show what a time in UTC shows.
func onTheWall(wall time.Time, zone *time.Location) (t time.Time, problem string) {
	problem = skipped
	const day = 24 * time.Hour // more than any zone is off UTC, less than clocks stay changed
	for _, near := range []time.Time{wall.Add(-day), wall.Add(day)} {
		_, offset := near.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, there := at.Zone(); there != offset || at.Equal(t) {
			continue
		}
		if problem == "" {
			return time.Time{}, twice
		}
		t, problem = at, ""
	}
	return t, problem
}

// unixMoment is the time of a number of milliseconds or seconds since 1970.
func unixMoment(n int64) time.Time {
	if n >= firstMillisecond {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}
