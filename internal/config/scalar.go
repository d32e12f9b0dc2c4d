package config

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// value is a scalar that was understood. Which member holds it follows from the
// kind of its field.
type value struct {
	text     string
	truth    bool
	whole    int64
	number   mapping.Number
	duration time.Duration
	rate     mapping.Number // a second
}

var (
	plainWhole    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	plainDecimal  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	plainHex      = regexp.MustCompile(`^0[xX][0-9a-fA-F]{1,16}$`)
	plainFraction = regexp.MustCompile(`^-?[0-9]+/[0-9]+$`)
	durationText  = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ms|s|m|min|h|d)$`)
	rateText      = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?(?:/[0-9]+)?) ?/ ?(s|m|min|h)$`)
	percentText   = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?%$`)
	sizeText      = regexp.MustCompile(`^([1-9][0-9]{0,8}) ?(KB|MB|GB)$`)
)

// yamlSwitch says whether a text is one of the words that some YAML readers
// take for true or false.
func yamlSwitch(text string) bool {
	switch strings.ToLower(text) {
	case "on", "off", "yes", "no":
		return true
	}
	return false
}

// trap explains an unquoted scalar that YAML readers change or disagree on; ""
// if it is what it looks like. wantsText says that a text is expected.
func trap(n *node, wantsText bool) string {
	if !n.plain {
		return ""
	}
	t := n.text
	switch {
	case t == "" || n.tag == "!!null":
		return "the value is missing; give one or remove the key"
	case yamlSwitch(t) && wantsText:
		return quote(t) + " without quotes is true or false to some YAML readers; write '" + t + "' in quotes"
	case n.tag == "!!bool" && wantsText:
		return quote(t) + " without quotes is not a text; write '" + t + "' in quotes"
	case n.tag != "!!int" && n.tag != "!!float" || plainDecimal.MatchString(t):
		return ""
	case len(t) > 1 && strings.Trim(t, "0123456789") == "" && t[0] == '0':
		return quote(t) + " without quotes is an octal number to YAML readers; write '" + t + "' in quotes if the zeros matter, else leave them out"
	case strings.ContainsAny(t, "eE") && !plainHex.MatchString(t):
		return quote(t) + " without quotes is a number with an exponent; write '" + t + "' in quotes if it is a text, else write the number out"
	}
	return quote(t) + " without quotes is changed by YAML readers; write '" + t + "' in quotes if it is a text, else the plain number"
}

// parseScalar understands one scalar, or says what is wrong and what is allowed.
func parseScalar(k kind, n *node) (value, string) {
	text := n.text
	switch k {
	case kindBool:
		return parseBool(n)
	case kindInt:
		if why := trap(n, false); why != "" {
			return value{}, why
		}
		whole, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !plainWhole.MatchString(text) {
			return value{}, "expected a whole number, got " + n.noun()
		}
		return value{whole: whole}, ""
	case kindNumber:
		return parseNumber(n)
	case kindShare:
		return parseShare(n)
	case kindDuration:
		d, why := parseDuration(n)
		return value{duration: d}, why
	case kindRate:
		r, why := parseRate(n)
		return value{rate: r}, why
	case kindSize:
		m := sizeText.FindStringSubmatch(text)
		if m == nil {
			return value{}, "expected a size such as 200MB, got " + n.noun()
		}
		whole, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return value{}, "expected a size such as 200MB, got " + n.noun()
		}
		return value{whole: whole * map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[m[2]]}, ""
	}
	return parseText(k, n)
}

func parseText(k kind, n *node) (value, string) {
	if why := trap(n, true); why != "" {
		return value{}, why
	}
	switch {
	case strings.TrimSpace(n.text) == "":
		return value{}, "the text is empty; give one or remove the key"
	case strings.ContainsFunc(n.text, isControl):
		return value{}, "the text holds a control character; write it in one line"
	case len(n.text) > 4096:
		return value{}, "the text is too long; at most 4096 bytes"
	case strings.Contains(n.text, "${") && k == kindText:
		return value{}, "references to secrets are replaced in key, secret, user and password only; write the text itself"
	}
	return value{text: n.text}, ""
}

func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

func parseBool(n *node) (value, string) {
	switch {
	case n.text == "true" || n.text == "false":
		if n.tag == "!!bool" || n.pos.File == "" { // the latter is the schema's own default
			return value{truth: n.text == "true"}, ""
		}
		return value{}, "expected true or false without quotes, got " + n.noun() + " in quotes"
	case n.plain && yamlSwitch(n.text):
		return value{}, "YAML readers disagree on " + quote(n.text) + "; write true or false"
	}
	return value{}, "expected true or false, got " + n.noun()
}

func parseNumber(n *node) (value, string) {
	if why := trap(n, false); why != "" {
		return value{}, why
	}
	if !plainDecimal.MatchString(n.text) && !plainFraction.MatchString(n.text) {
		return value{}, "expected a number such as 4, 0.5 or 1/12, got " + n.noun()
	}
	number, err := mapping.ParseNumber(n.text)
	if err != nil {
		return value{}, err.Error()
	}
	return value{number: number}, ""
}

// parseShare reads a number, or a percentage of 1.
func parseShare(n *node) (value, string) {
	if !percentText.MatchString(n.text) {
		v, why := parseNumber(n)
		if why != "" && trap(n, false) == "" {
			why = "expected a share such as 1/2, 0.5 or 50%, got " + n.noun()
		}
		return v, why
	}
	number, err := mapping.ParseNumber(strings.TrimSuffix(n.text, "%"))
	if err != nil {
		return value{}, err.Error()
	}
	return value{number: number.Div(mapping.Whole(100))}, ""
}

func parseDuration(n *node) (time.Duration, string) {
	m := durationText.FindStringSubmatch(n.text)
	if m == nil {
		switch {
		case plainDecimal.MatchString(n.text) && n.text != "0":
			return 0, "a time needs its unit; did you mean " + n.text + "s or " + n.text + "ms?"
		case n.text == "0":
			return 0, ""
		case strings.Contains(n.text, ":"):
			return 0, "expected a time span such as 90s, 5m or 2h, got the clock time " + n.noun()
		}
		return 0, "expected a time span such as 500ms, 60s, 5m, 24h or 90d, got " + n.noun()
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute,
		"min": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	number, err := mapping.ParseNumber(m[1])
	if err != nil {
		return 0, err.Error()
	}
	span := number.Mul(mapping.Whole(int64(unit))).Int64()
	if span > int64(100*365*24*time.Hour) {
		return 0, "the time " + n.noun() + " is longer than 100 years"
	}
	return time.Duration(span), ""
}

func parseRate(n *node) (mapping.Number, string) {
	m := rateText.FindStringSubmatch(n.text)
	if m == nil {
		if plainDecimal.MatchString(n.text) {
			return mapping.Number{}, "a rate needs its unit; did you mean " + n.text + "/s or " + n.text + "/min?"
		}
		return mapping.Number{}, "expected a rate such as 1/s, 5/min or 1200/h, got " + n.noun()
	}
	number, err := mapping.ParseNumber(m[1])
	if err != nil {
		return mapping.Number{}, err.Error()
	}
	seconds := map[string]int64{"s": 1, "m": 60, "min": 60, "h": 3600}[m[2]]
	return number.Div(mapping.Whole(seconds)), ""
}

// limits says how a value breaks the limits of its field, "" if it does not.
func (f *field) limits(v value) string {
	low := f.min != "" && compare(f.kind, v, f.lower) < 0
	high := f.max != "" && compare(f.kind, v, f.upper) > 0
	switch {
	case !low && !high:
		return ""
	case f.min != "" && f.max != "":
		return "allowed are " + f.min + " to " + f.max
	case f.min != "":
		return "the least is " + f.min
	}
	return "the most is " + f.max
}

func compare(k kind, a, b value) int {
	switch k {
	case kindNumber, kindShare:
		return a.number.Cmp(b.number)
	case kindRate:
		return a.rate.Cmp(b.rate)
	case kindDuration:
		return cmp.Compare(a.duration, b.duration)
	}
	return cmp.Compare(a.whole, b.whole)
}

// deviceText writes a value of a list as connectors.Value.Text writes what the
// device sends: numbers in plain decimal, bits as true and false.
func deviceText(n *node) (string, string) {
	if n.kind != scalarNode {
		return "", "expected a value, got " + n.noun()
	}
	if !n.plain {
		if n.text == "" {
			return "", "the text is empty"
		}
		return n.text, ""
	}
	switch {
	case n.tag == "!!bool" && (n.text == "true" || n.text == "false"):
		return n.text, ""
	case plainHex.MatchString(n.text):
		whole, err := strconv.ParseUint(n.text[2:], 16, 64)
		if err != nil {
			return "", "the number " + n.noun() + " is too large"
		}
		return strconv.FormatUint(whole, 10), ""
	case plainDecimal.MatchString(n.text):
		return plainNumberText(n.text), ""
	}
	if why := trap(n, true); why != "" {
		return "", why
	}
	return n.text, ""
}

// plainNumberText writes 1.50 as 1.5, and large numbers as a float's shortest
// decimal does.
func plainNumberText(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return text
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
