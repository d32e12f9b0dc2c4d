package mapping

import "time"

// Calendar holds the planned windows of a machine in one time zone. The zero
// Calendar plans nothing.
type Calendar struct {
	Location *time.Location
	// Windows in order of priority: where two overlap, the first listed wins.
	Windows []Window
}

// Window is a planned time that comes again on some days of the week.
type Window struct {
	// Type is the downtime type. It must not be one of Prodsmart's calendar
	// reasons, which are meant for workers.
	Type string
	// Days tells for each time.Weekday whether a window begins on it.
	Days [7]bool
	// From and To are minutes after midnight by the wall clock, 0 to 1440. A
	// window whose To is not after its From ends on the next day.
	From, To int
	// Only, if not empty, restricts the window to these dates, and Except takes
	// dates out; both written 2006-01-02, meaning the day a window begins.
	Only, Except map[string]bool
}

const minutesADay = 24 * 60

// at gives the downtime type planned at t ("" for none) and the next instant,
// after t, at which that may change; the zero time if it never does.
func (c Calendar) at(t time.Time) (string, time.Time) {
	if len(c.Windows) == 0 {
		return "", time.Time{}
	}
	local := t.In(c.Location)
	planned := ""
	var next time.Time
	for _, w := range c.Windows {
		// A window reaches into the next day at most; eight days ahead see
		// every day of the week.
		for day := -1; day <= 8; day++ {
			from, to, ok := w.on(local, day, c.Location)
			if !ok {
				continue
			}
			if planned == "" && !t.Before(from) && t.Before(to) {
				planned = w.Type
			}
			for _, edge := range [2]time.Time{from, to} {
				if edge.After(t) && (next.IsZero() || edge.Before(next)) {
					next = edge
				}
			}
		}
	}
	if next.IsZero() { // windows of certain dates only: look again tomorrow
		next = local.Round(0).Add(24 * time.Hour)
	}
	return planned, next
}

// on gives the window that begins the given number of days after the day of t.
// Wall-clock times that daylight saving skips move forward; of repeated ones it
// is the one that the standard library chooses.
func (w Window) on(t time.Time, days int, loc *time.Location) (from, to time.Time, ok bool) {
	day := time.Date(t.Year(), t.Month(), t.Day()+days, 12, 0, 0, 0, loc)
	date := day.Format(time.DateOnly)
	if !w.Days[day.Weekday()] || w.Except[date] || (len(w.Only) > 0 && !w.Only[date]) {
		return from, to, false
	}
	clock := func(minutes, extra int) time.Time {
		at := time.Date(day.Year(), day.Month(), day.Day()+extra, 0, minutes, 0, 0, loc)
		if short := (minutes - at.Hour()*60 - at.Minute() + 2*minutesADay) % minutesADay; short > 0 && short < minutesADay/2 {
			at = at.Add(time.Duration(short) * time.Minute)
		}
		return at
	}
	extra := 0
	if w.To <= w.From {
		extra = 1
	}
	return clock(w.From, 0), clock(w.To, extra), true
}
