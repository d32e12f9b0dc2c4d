package mqtt

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The seconds since 1970 that a device's clock may show: 2001 to 2100. Outside
// of them a number is no time, and the unit would be guesswork.
const (
	earliestSecond = 1e9
	latestSecond   = 4.2e9
)

// isoForms are the notations of ISO 8601 that devices use; fractions of a
// second may follow in each. The last two have no zone and mean local time.
var isoForms = [...]string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
}

// stamp reads the time of a message; zero if it holds none that can be
// understood, which says nothing against its values.
func (p path) stamp(doc *document) time.Time {
	if len(doc.payload) == 0 || len(doc.payload) > maxPayload || !doc.isJSON() {
		return time.Time{}
	}
	raw, found := p.find(doc.payload)
	if !found || len(raw) > 64 {
		return time.Time{}
	}
	text := string(raw)
	if raw[0] == '"' {
		var ok bool
		if text, ok = unquote(raw); !ok {
			return time.Time{}
		}
	}
	return parseStamp(strings.TrimSpace(text))
}

// parseStamp reads seconds, milliseconds or microseconds since 1970, told apart
// by their size, or ISO 8601. A time without a zone is this machine's.
func parseStamp(text string) time.Time {
	if isNumber(text) {
		return sinceEpoch(text)
	}
	for _, form := range isoForms {
		t, err := time.ParseInLocation(form, text, time.Local)
		if err == nil && t.Unix() >= earliestSecond && t.Unix() < latestSecond {
			return t
		}
	}
	return time.Time{}
}

func sinceEpoch(text string) time.Time {
	for _, perSecond := range [...]int64{1, 1e3, 1e6} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			if s := n / perSecond; s >= earliestSecond && s < latestSecond {
				return time.Unix(s, n%perSecond*(1e9/perSecond))
			}
			continue
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return time.Time{}
		}
		if s := f / float64(perSecond); s >= earliestSecond && s < latestSecond {
			// A double holds these to a microsecond; what follows is noise.
			return time.UnixMicro(int64(math.Round(s * 1e6)))
		}
	}
	return time.Time{}
}
