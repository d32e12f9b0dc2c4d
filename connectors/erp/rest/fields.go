package rest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/tidwall/gjson"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// fields reads the fields of a record, or of a line within it. bad is the first
// thing that could not be read, at is its path.
type fields struct {
	*Source
	of      gjson.Result
	bad, at string
}

// value is what is there by its meaning; null and empty text are nothing.
func (f *fields) value(meaning string) gjson.Result {
	path := f.Fields[meaning]
	if path == "" {
		path = meaning
	}
	r := f.of.Get(path)
	if r.Type == gjson.Null || r.Type == gjson.String && strings.TrimSpace(r.Str) == "" {
		return gjson.Result{}
	}
	return r
}

func (f *fields) fail(meaning, what string) {
	if f.bad == "" {
		f.bad, f.at = web.Shorten(what, 200), meaning
		if p := f.Fields[meaning]; p != "" {
			f.at = p
		}
	}
}

func (f *fields) text(meaning string) string {
	t, err := textOf(f.value(meaning))
	if err != nil {
		f.fail(meaning, err.Error())
	}
	return t
}

// textOf is a text; a number is as it is written.
func textOf(r gjson.Result) (string, error) {
	switch r.Type {
	case gjson.Number:
		return r.Raw, nil
	case gjson.JSON:
		return "", fmt.Errorf("a text is expected, not a list or record")
	case gjson.String:
		if len(r.Str) > web.LongestText {
			return "", fmt.Errorf("a text of %d bytes, %d are the most", len(r.Str), web.LongestText)
		}
		// A slice of the answer would keep all of it.
		return strings.Clone(strings.TrimSpace(strings.ToValidUTF8(r.Str, "\ufffd"))), nil
	}
	return r.String(), nil
}

// decimal is an exact number, zero where there is none.
func (f *fields) decimal(meaning string) (decimal.Decimal, bool) {
	r := f.value(meaning)
	if !r.Exists() {
		return decimal.Decimal{}, false
	}
	text, mark := r.Raw, erp.Point
	switch r.Type {
	case gjson.String:
		text, mark = r.Str, f.mark
	case gjson.Number:
	default:
		f.fail(meaning, "a number is expected")
		return decimal.Decimal{}, true
	}
	d, err := erp.ParseDecimal(text, mark)
	if err != nil {
		f.fail(meaning, err.Error())
	}
	return d, true
}

func (f *fields) instant(meaning string) (at time.Time, day bool) {
	r := f.value(meaning)
	if !r.Exists() {
		return at, false
	}
	text, err := textOf(r)
	if err == nil {
		at, day, err = parseTime(text, f.Zone)
	}
	if err != nil {
		f.fail(meaning, err.Error())
	}
	return at, day
}

func (f *fields) when(meaning string) erp.When {
	at, day := f.instant(meaning)
	if at.IsZero() {
		return erp.When{}
	}
	local := at.In(f.Zone)
	if h, m, s := local.Clock(); day || h == 0 && m == 0 && s == 0 {
		return erp.DayOf(local.Year(), local.Month(), local.Day())
	}
	return erp.Moment(at)
}

// parseTime reads ISO 8601, a day, and seconds or milliseconds since 1970.
func parseTime(text string, zone *time.Location) (at time.Time, day bool, err error) {
	if len(text) > 40 {
		return at, false, fmt.Errorf("%.40q is no date: too long", text)
	}
	if n, bad := strconv.ParseInt(text, 10, 64); bad == nil && (len(text) == 10 || len(text) == 13) {
		if at = time.Unix(n, 0); len(text) == 13 {
			at = time.UnixMilli(n)
		}
	} else {
		iso := strings.Replace(text, " ", "T", 1)
		for _, layout := range []string{"2006-01-02", "20060102", time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
			if at, err = time.ParseInLocation(layout, iso, zone); err == nil {
				day = len(layout) <= 10
				break
			}
		}
	}
	if err != nil || at.Year() < 1990 || at.Year() > 2199 {
		return time.Time{}, false, fmt.Errorf("%q is no date; 2026-11-23 and 2026-11-23T07:30:00Z are", text)
	}
	return at, day, nil
}

func (f *fields) answer(meaning string) erp.Answer {
	text := f.text(meaning)
	switch strings.ToLower(text) {
	case "":
		return erp.Unsaid
	case "true", "1", "y", "yes", "t":
		return erp.Yes
	case "false", "0", "n", "no", "f":
		return erp.No
	}
	f.fail(meaning, fmt.Sprintf("%.20q is neither yes nor no", text))
	return erp.Unsaid
}
