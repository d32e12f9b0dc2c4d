package mqtt

import (
	"slices"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestCheckTag(t *testing.T) {
	for want, bad := range map[string]connectors.Tag{
		"the topic is empty":           tag("", ""),
		"longer than 65535":            tag(strings.Repeat("a", 65536), ""),
		"not valid UTF-8":              tag("a\xff", ""),
		"control character":            tag("a\x00b", ""),
		"begins or ends with a space":  tag("a/b ", ""),
		"shared subscription":          tag("$share/g/a", ""),
		"# must be the last level":     tag("a/#/b", ""),
		"# must be the last level and": tag("a/b#", ""),
		"+ must stand alone":           tag("a/b+/c", ""),
		"a name is missing":            tag("a", "x..y"),
		`type "uint32" is unknown`:     {Address: "a", Type: "uint32", Bit: connectors.NoBit},
		"order CDAB does not apply":    {Address: "a", Order: "CDAB", Bit: connectors.NoBit},
		"length does not apply":        {Address: "a", Length: 4, Bit: connectors.NoBit},
		"bit 64 does not exist":        {Address: "a", Bit: 64},
		"bit -2 does not exist":        {Address: "a", Bit: -2},
		"a float has no bits":          {Address: "a", Type: "float", Bit: 3},
	} {
		if err := (Config{}).CheckTag(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40v: got %v, want ...%s...", bad, err, want)
		}
	}
	for _, filter := range []string{"a", "/", "/a", "a/", "#", "+", "+/+", "a/#", "a/+/b", "$SYS/#", "Halle 1/Säge", "a//b"} {
		if err := (Config{}).CheckTag(tag(filter, "")); err != nil {
			t.Errorf("%q: %v", filter, err)
		}
	}
}

func TestTopics(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/b", "a/B", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/+/c", "a/b/c", true},
		{"+", "a", true},
		{"+", "a/b", false},
		{"+/+", "/a", true},
		{"/+", "/a", true},
		{"+", "/a", false},
		{"#", "a/b/c", true},
		{"#", "/", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"#", "$SYS/load", false},
		{"+/load", "$SYS/load", false},
		{"$SYS/#", "$SYS/load", true},
		{"$SYS/+", "$SYS/load", true},
		{"a/#", "a/$x", true},
		{"a/+", "a/$x", true},
		{"a//b", "a//b", true},
		{"a/+/b", "a//b", true},
	} {
		var all topics
		all.add(c.filter, 7)
		found := all.match(nil, c.topic)
		if got := slices.Equal(found, []int{7}); got != c.want || !got && len(found) > 0 {
			t.Errorf("filter %q, topic %q: found %v, want %t", c.filter, c.topic, found, c.want)
		}
		if got := overlap(c.filter, c.topic); got != c.want {
			t.Errorf("overlap of %q and %q is %t, want %t", c.filter, c.topic, got, c.want)
		}
	}
}

func TestTopicsFindEveryTagOnce(t *testing.T) {
	var all topics
	for i, filter := range []string{"a/b", "a/+", "a/#", "#", "a/b", "+/b", "b/#", "+/+/c", "a/b/#"} {
		all.add(filter, i)
	}
	found := all.match(nil, "a/b")
	slices.Sort(found)
	if want := []int{0, 1, 2, 3, 4, 5, 8}; !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a/+", "+/b", true},
		{"a/+", "b/+", false},
		{"a/#", "a/+/c", true},
		{"a/#", "+", true},
		{"a/+/c", "a/b/+", true},
		{"a/+/c", "a/b", false},
		{"#", "$SYS/#", false},
		{"+/x", "$SYS/x", false},
	} {
		if got, back := overlap(c.a, c.b), overlap(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q and %q: %t and %t, want %t", c.a, c.b, got, back, c.want)
		}
	}
}

func TestCheckTags(t *testing.T) {
	if err := (Config{}).CheckTags([]connectors.Tag{pulse("saw/+/pulse"), tag("saw/#", "")}); err == nil ||
		!strings.Contains(err.Error(), `topics "saw/#" and "saw/+/pulse" overlap`) {
		t.Errorf("overlapping pulses: %v", err)
	}
	if err := (Config{}).CheckTags([]connectors.Tag{pulse("saw/1/pulse"), pulse("saw/2/pulse"), tag("saw/1/pulse", "n"),
		tag("press/#", ""), tag("press/+/count", "")}); err != nil {
		t.Errorf("tags that go together: %v", err)
	}
	if err := (Config{}).CheckTags([]connectors.Tag{tag("a", ""), tag("a+", "")}); err == nil || !strings.Contains(err.Error(), "tag 2") {
		t.Errorf("the second tag is bad: %v", err)
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("a/+/#", "a/b/c")
	f.Add("#", "$SYS/x")
	f.Add("+//", "///")
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if checkFilter(filter) != nil || checkFilter(topic) != nil {
			return
		}
		var all topics
		all.add(filter, 0)
		matched := len(all.match(nil, topic)) == 1
		if !strings.ContainsAny(topic, "+#") && matched != overlap(filter, topic) {
			t.Fatalf("filter %q, topic %q: match %t, overlap %t", filter, topic, matched, !matched)
		}
	})
}
