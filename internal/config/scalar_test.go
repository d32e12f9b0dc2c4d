package config

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "60s": time.Minute, "5m": 5 * time.Minute, "2min": 2 * time.Minute, "1.5h": 90 * time.Minute,
		"90d": 90 * 24 * time.Hour, "0": 0, "0s": 0, "0.1s": 100 * time.Millisecond,
	} {
		if got, problem := parseDuration(&node{text: text}); got != want || problem != "" {
			t.Errorf("%s: got %s, %q", text, got, problem)
		}
	}
	for _, text := range []string{"", "5", "-5s", "5 s", "1h30m", "5S", "1e3s", "12:30", "99999999999d", ".5s", "5µs"} {
		if got, problem := parseDuration(&node{text: text}); problem == "" {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestRates(t *testing.T) {
	for text, want := range map[string]mapping.Number{
		"1/s": mapping.Whole(1), "5/min": mapping.Ratio(1, 12), "5/m": mapping.Ratio(1, 12), "1200/h": mapping.Ratio(1, 3),
		"0.5/s": mapping.Ratio(1, 2), "1/12/s": mapping.Ratio(1, 12), "1 / s": mapping.Whole(1),
	} {
		if got, problem := parseRate(&node{text: text}); got.Cmp(want) != 0 || problem != "" {
			t.Errorf("%s: got %s, %q", text, got, problem)
		}
	}
	for _, text := range []string{"", "1", "/s", "1/d", "-1/s", "1/0/s/s", "s"} {
		if got, problem := parseRate(&node{text: text}); problem == "" {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestRateOfADivisionByZero(t *testing.T) {
	if got, problem := parseRate(&node{text: "1/0/s"}); problem == "" {
		t.Errorf("1/0/s was taken for %s", got)
	}
}

// TestDeviceText holds that values of the file are written as a device's are.
func TestDeviceText(t *testing.T) {
	for _, c := range []struct{ text, tag, want string }{
		{"true", "!!bool", "true"}, {"6", "!!int", "6"}, {"-1", "!!int", "-1"}, {"0x10", "!!int", "16"}, {"0XfF", "!!int", "255"},
		{"7.0", "!!float", "7"}, {"1.50", "!!float", "1.5"}, {"AUTO", "!!str", "AUTO"}, {"MOLD-HEAT", "!!str", "MOLD-HEAT"},
	} {
		if got, problem := deviceText(&node{text: c.text, tag: c.tag, plain: true}); got != c.want || problem != "" {
			t.Errorf("%s: got %q, %q", c.text, got, problem)
		}
	}
	for _, c := range []struct{ text, tag string }{{"on", "!!str"}, {"No", "!!str"}, {"", "!!null"}, {"~", "!!null"}, {"010", "!!int"},
		{"1e3", "!!float"}, {"1_000", "!!int"}, {"True", "!!bool"}, {"0o17", "!!int"}, {".5", "!!float"}} {
		if got, problem := deviceText(&node{text: c.text, tag: c.tag, plain: true}); problem == "" {
			t.Errorf("%q was taken for %q", c.text, got)
		}
	}
	if got, problem := deviceText(&node{text: "010", tag: "!!str"}); got != "010" || problem != "" {
		t.Errorf("a text in quotes became %q, %q", got, problem)
	}
}

func TestArithmetic(t *testing.T) {
	unit := &template{params: []*param{{name: "unit", kind: "int"}, {name: "word", kind: "string"}}}
	args := map[string]*argument{
		"unit": {param: unit.params[0], text: "3", whole: 3},
		"word": {param: unit.params[1], text: "a b"},
	}
	for text, want := range map[string]string{
		"unit": "3", " unit ": "3", "100 + unit*10": "130", "(unit+1)*2": "8", "-unit": "-3", "10-unit-1": "6", "12/unit/2": "2",
		"word": "a b", "7": "7", "2*(unit-(1-2))": "8", "--unit": "3",
	} {
		expr, problem := parseArith(text, unit)
		if problem != "" {
			t.Errorf("%s: %s", text, problem)
			continue
		}
		if got, _, problem := expr.eval(args); got != want || problem != "" {
			t.Errorf("%s: got %q, %q", text, got, problem)
		}
	}
	for _, text := range []string{"", " ", "unit+", "(unit", "unit)", "unit unit", "1.5", "unit*word", "other", "unit%2", "99999999999999999999", "((((", "unit^2"} {
		if expr, problem := parseArith(text, unit); problem == "" {
			t.Errorf("%q was understood: %+v", text, expr)
		}
	}
	for _, text := range []string{"unit/0", "10/unit", "9007199254740992*2", "9007199254740992+1", "9007199254740992*9007199254740992*9007199254740992"} {
		expr, problem := parseArith(text, unit)
		if problem != "" {
			t.Errorf("%s: %s", text, problem)
			continue
		}
		if got, _, problem := expr.eval(args); problem == "" {
			t.Errorf("%s gave %s", text, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"running", "running_when", "run_after", "bit"}
	for word, want := range map[string]string{
		"ruuning": `; did you mean "running"?`, "runnign": `; did you mean "running"?`, "Running": `; did you mean "running"?`,
		"colour": "", "bti": `; did you mean "bit"?`, "x": "", "": "",
	} {
		if got := didYouMean(word, names); got != want {
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestWindowsOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"mon 10:00-11:00", "mon 11:00-12:00", false}, {"mon 10:00-11:00", "mon 10:59-12:00", true},
		{"mon 22:00-06:00", "tue 05:00-07:00", true}, {"mon 22:00-06:00", "mon 05:00-07:00", false},
		{"sat 22:00-06:00", "sun 05:00-07:00", true}, {"sun 05:00-07:00", "sat 22:00-06:00", true},
		{"mon-fri 10:00-10:15", "sat,sun 10:00-10:15", false}, {"fri-mon 10:00-10:15", "sun 10:14-10:20", true},
		{"daily 00:00-24:00", "wed 12:00-12:01", true},
	} {
		a, problemA := parseWindow(c.a)
		b, problemB := parseWindow(c.b)
		if problemA+problemB != "" {
			t.Fatal(problemA, problemB)
		}
		if got := overlap(a, b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
