package prodsmart

import (
	"net/url"
	"time"
)

// putDate writes a filter by time, widened to whole seconds and by the given time,
// because neither fractions nor what becomes of the bound itself are documented.
func putDate(v url.Values, name string, t time.Time, widen time.Duration) {
	if !t.IsZero() {
		v.Set(name, t.UTC().Truncate(time.Second).Add(widen).Format(time.RFC3339))
	}
}

func putText(v url.Values, name, text string) {
	if text != "" {
		v.Set(name, text)
	}
}

func putFlag(v url.Values, name string, f Flag) {
	if f != Unsaid {
		v.Set(name, map[Flag]string{Yes: "true", No: "false"}[f])
	}
}

func putNumber(v url.Values, name string, n int64) {
	if n != 0 {
		v.Set(name, number(n))
	}
}

// between lets a time pass that is not known.
func between(t, after, before time.Time) bool {
	return t.IsZero() || !t.Before(after) && (before.IsZero() || !t.After(before))
}
