package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

var (
	timesText = regexp.MustCompile(`^([A-Za-z,-]+) +([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})$`)
	clockOnly = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2}$`)
)

const timesHint = `write it like "mon-fri 10:00-10:15", "sat,sun 08:00-12:00" or "daily 22:00-06:00"`

// planned is one entry of the calendar.
type planned struct {
	node     *node
	machines map[string]bool
	windows  []window
}

type window struct {
	mapping.Window
	node *node
}

func (l *loader) readCalendar(c *Config) {
	var entries []planned
	for _, item := range l.set.calendar {
		v := l.view(item, l.schema.root.index["calendar"].sub)
		if v.node.kind == mapNode && !v.node.dead {
			entries = append(entries, l.readPlanned(v))
		}
	}
	l.checkOverlaps(entries)
	for i := range c.Machines {
		calendar := mapping.Calendar{Location: c.Location}
		for _, e := range entries {
			if e.machines[c.Machines[i].Spec.Code] {
				for _, w := range e.windows {
					calendar.Windows = append(calendar.Windows, w.Window)
				}
			}
		}
		if len(calendar.Windows) > 0 {
			c.Machines[i].Spec.Calendar = calendar
		}
	}
}

func (l *loader) readPlanned(v *view) planned {
	p := planned{node: v.node, machines: l.matching(v.child("machines"))}
	kind := v.text("type")
	if v.valid("type") {
		if problem := codeProblem(kind, "the downtime type"); problem != "" {
			l.bad(v.at("type"), problem)
		}
	}
	only, except := l.dates(v.child("only")), l.dates(v.child("except"))
	if v.has("times") && !v.child("times").dead && len(itemsOf(v.child("times"))) == 0 {
		l.bad(v.child("times"), "the list is empty; "+timesHint)
	}
	for _, item := range itemsOf(v.child("times")) {
		if item.kind != scalarNode || item.dead {
			l.bad(item, "expected a text, got "+item.noun()+"; "+timesHint)
			continue
		}
		w, problem := parseWindow(item.text)
		if problem != "" {
			l.bad(item, problem)
			continue
		}
		w.Type, w.Only, w.Except = kind, only, except
		p.windows = append(p.windows, window{w, item})
	}
	return p
}

// matching gives the codes of the machines that the patterns name.
func (l *loader) matching(n *node) map[string]bool {
	out := map[string]bool{}
	var codes []string
	for _, e := range l.set.machines {
		codes = append(codes, e.key.text)
		out[e.key.text] = n == nil
	}
	for _, item := range itemsOf(n) {
		if item.kind != scalarNode || item.dead {
			l.bad(item, "expected a machine code, got "+item.noun())
			continue
		}
		found := false
		for _, code := range codes {
			// A slash in a code is a letter like any other here.
			hit, err := path.Match(strings.ReplaceAll(item.text, "/", "\x01"), strings.ReplaceAll(code, "/", "\x01"))
			if err == nil && hit || code == item.text {
				out[code], found = true, true
			}
		}
		if !found {
			l.bad(item, "no machine is called "+quote(item.text)+didYouMean(item.text, codes))
		}
	}
	return out
}

func (l *loader) dates(n *node) map[string]bool {
	if n == nil {
		return nil
	}
	out := map[string]bool{}
	for _, item := range itemsOf(n) {
		if _, err := time.Parse(time.DateOnly, item.text); err != nil || item.kind != scalarNode {
			l.bad(item, "expected a date such as 2026-12-24, got "+item.noun())
			continue
		}
		out[item.text] = true
	}
	return out
}

func parseWindow(text string) (mapping.Window, string) {
	var w mapping.Window
	m := timesText.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		if clockOnly.MatchString(text) {
			return w, quote(text) + ` says no day; write "daily ` + printable(text) + `"`
		}
		return w, quote(text) + " is not understood; " + timesHint
	}
	days, problem := parseDays(strings.ToLower(m[1]))
	if problem != "" {
		return w, problem
	}
	w.Days = days
	var clock [4]int
	for i := range clock {
		n, err := strconv.Atoi(m[2+i])
		if err != nil {
			return w, quote(text) + " is not understood; " + timesHint
		}
		clock[i] = n
	}
	w.From, w.To = clock[0]*60+clock[1], clock[2]*60+clock[3]
	switch {
	case clock[1] > 59 || clock[3] > 59 || w.From >= 24*60 || w.To > 24*60:
		return w, quote(text) + " holds no time of day; allowed are 00:00 to 24:00"
	case w.From == w.To:
		return w, quote(text) + ` begins when it ends; for a whole day write 00:00-24:00`
	}
	return w, ""
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func parseDays(text string) (days [7]bool, problem string) {
	known := append(slices.Clone(dayNames[:]), "daily")
	for piece := range strings.SplitSeq(text, ",") {
		if piece == "daily" {
			days = [7]bool{true, true, true, true, true, true, true}
			continue
		}
		from, to, isRange := strings.Cut(piece, "-")
		if !isRange {
			to = from
		}
		first, last := slices.Index(dayNames[:], from), slices.Index(dayNames[:], to)
		for _, name := range []string{from, to} {
			if slices.Index(dayNames[:], name) < 0 {
				return days, quote(name) + " is no day; allowed are mon, tue, wed, thu, fri, sat, sun and daily" + didYouMean(name, known)
			}
		}
		for day := first; ; day = (day + 1) % 7 {
			days[day] = true
			if day == last {
				break
			}
		}
	}
	return days, ""
}

const week = 7 * 24 * 60

// checkOverlaps finds times that are planned twice for one machine: within an
// entry a mistake, between entries a doubt, since the first listed wins.
func (l *loader) checkOverlaps(entries []planned) {
	for i, a := range entries {
		for x, w := range a.windows {
			for _, earlier := range a.windows[:x] {
				if overlap(earlier.Window, w.Window) {
					l.bad(w.node, quote(w.node.text)+" overlaps "+quote(earlier.node.text)+" of the same entry; join them")
					break
				}
			}
		}
		for _, b := range entries[:i] {
			l.checkPair(b, a)
		}
	}
}

func (l *loader) checkPair(first, second planned) {
	shared := ""
	for _, code := range sortedKeys(second.machines) {
		if second.machines[code] && first.machines[code] {
			shared = code
			break
		}
	}
	if shared == "" {
		return
	}
	for _, w := range second.windows {
		for _, earlier := range first.windows {
			if overlap(earlier.Window, w.Window) {
				l.warn(w.node, fmt.Sprintf("%s overlaps %s (line %s) for machine %s; where they do, the first listed, %s, wins",
					quote(w.node.text), quote(earlier.node.text), lineOf(earlier.node), shared, earlier.Type))
				return
			}
		}
	}
}

func overlap(a, b mapping.Window) bool {
	if len(a.Only) > 0 && len(b.Only) > 0 {
		shared := false
		for date := range a.Only {
			shared = shared || b.Only[date]
		}
		if !shared {
			return false
		}
	}
	for day := range a.Days {
		for other := range b.Days {
			if !a.Days[day] || !b.Days[other] {
				continue
			}
			for _, shift := range []int{-week, 0, week} {
				from, to := span(a, day)
				from2, to2 := span(b, other)
				if from < to2+shift && from2+shift < to {
					return true
				}
			}
		}
	}
	return false
}

// span gives a window in minutes of the week.
func span(w mapping.Window, day int) (from, to int) {
	from, to = day*24*60+w.From, day*24*60+w.To
	if w.To <= w.From {
		to += 24 * 60
	}
	return from, to
}

func (l *loader) timezone(n *node) *time.Location {
	if n.text != "Local" {
		if loc, err := time.LoadLocation(n.text); err == nil {
			return loc
		}
	}
	hint := didYouMean(n.text, strings.Fields(zoneNames))
	if hint == "" {
		hint = "; such as Europe/Istanbul, Europe/Berlin or UTC"
	}
	l.bad(n, "there is no time zone "+quote(n.text)+"; expected an IANA name"+hint)
	return time.Local
}

// zoneNames are the zones worth proposing; any zone of the database is allowed.
const zoneNames = `UTC Europe/Istanbul Europe/Lisbon Europe/London Europe/Dublin Europe/Madrid Europe/Paris
Europe/Brussels Europe/Amsterdam Europe/Luxembourg Europe/Berlin Europe/Zurich Europe/Vienna Europe/Rome
Europe/Copenhagen Europe/Oslo Europe/Stockholm Europe/Helsinki Europe/Tallinn Europe/Riga Europe/Vilnius
Europe/Warsaw Europe/Prague Europe/Bratislava Europe/Budapest Europe/Ljubljana Europe/Zagreb Europe/Belgrade
Europe/Sarajevo Europe/Skopje Europe/Sofia Europe/Bucharest Europe/Chisinau Europe/Athens Europe/Kyiv
Europe/Minsk Europe/Moscow Asia/Nicosia Asia/Tbilisi Asia/Yerevan Asia/Baku Asia/Jerusalem Asia/Amman
Asia/Baghdad Asia/Riyadh Asia/Kuwait Asia/Dubai Asia/Tehran Asia/Karachi Asia/Tashkent Asia/Samarkand
Asia/Almaty Asia/Bishkek Asia/Dushanbe Asia/Ashgabat Asia/Kolkata Asia/Dhaka Asia/Bangkok Asia/Jakarta
Asia/Ho_Chi_Minh Asia/Singapore Asia/Kuala_Lumpur Asia/Manila Asia/Hong_Kong Asia/Shanghai Asia/Taipei
Asia/Seoul Asia/Tokyo Africa/Cairo Africa/Casablanca Africa/Tunis Africa/Lagos Africa/Nairobi
Africa/Johannesburg America/Sao_Paulo America/Argentina/Buenos_Aires America/Santiago America/Bogota
America/Lima America/Mexico_City America/New_York America/Chicago America/Denver America/Los_Angeles
America/Phoenix America/Toronto America/Vancouver Australia/Perth Australia/Sydney Pacific/Auckland`
