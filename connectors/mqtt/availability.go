package mqtt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// deviceOffline is the reason of values whose device has announced that it is
// away.
const deviceOffline = "device offline"

// devicePlace stands for one level in Availability.Topic.
const devicePlace = "{device}"

// watches are the topics on which the devices of the tags tell whether they are
// there.
type watches struct {
	list  []watch
	index map[string][]int // of list, by topic
	byTag map[int][]int    // of list, by tag

	mu   sync.Mutex
	gone []bool // as long as list
}

// watch is one device and the topic that tells about it.
type watch struct {
	topic, subject, offline string
	path                    *path
	tags                    []int
}

// newWatches finds the devices by the topics of their tags, so that nothing is
// subscribed to that concerns no tag.
func newWatches(rules []Availability, tags []connectors.Tag) (*watches, error) {
	w := &watches{index: map[string][]int{}, byTag: map[int][]int{}}
	for i, rule := range rules {
		if err := w.add(rule, tags); err != nil {
			return nil, fmt.Errorf("availability %d: %w", i+1, err)
		}
	}
	for n, watch := range w.list {
		w.index[watch.topic] = append(w.index[watch.topic], n)
		for _, tag := range watch.tags {
			w.byTag[tag] = append(w.byTag[tag], n)
		}
		if err := checkAlone(watch.topic, tags); err != nil {
			return nil, err
		}
	}
	w.gone = make([]bool, len(w.list))
	return w, nil
}

// add files one watch for each device that a rule concerns.
func (w *watches) add(rule Availability, tags []connectors.Tag) error {
	level, err := rule.place()
	if err != nil {
		return err
	}
	base := watch{topic: rule.Topic, subject: rule.Topic, offline: rule.Offline}
	if base.offline == "" {
		base.offline = "offline"
	}
	if rule.Path != "" {
		p, err := parsePath(rule.Path)
		if err != nil {
			return err
		}
		base.path = &p
	}
	devices := map[string][]int{}
	var order []string
	for i, tag := range tags {
		device := ""
		if level >= 0 {
			levels := strings.Split(tag.Address, "/")
			if level >= len(levels) || levels[level] == "+" || levels[level] == "#" || levels[level] == "" {
				continue
			}
			device = levels[level]
		}
		if devices[device] == nil {
			order = append(order, device)
		}
		devices[device] = append(devices[device], i)
	}
	for _, device := range order {
		one := base
		one.tags = devices[device]
		if level >= 0 {
			one.topic, one.subject = strings.Replace(rule.Topic, devicePlace, device, 1), device
		}
		w.list = append(w.list, one)
	}
	return nil
}

// place is the level of {device} in the topic, -1 if it has none.
func (a Availability) place() (int, error) {
	if err := checkFilter(a.Topic); err != nil {
		return 0, err
	}
	if strings.ContainsAny(a.Topic, "+#") {
		return 0, fmt.Errorf("topic %q: write %s for the level that names the device, not a wildcard", a.Topic, devicePlace)
	}
	levels := strings.Split(a.Topic, "/")
	level := slices.Index(levels, devicePlace)
	if n := strings.Count(a.Topic, devicePlace); n > 1 || n == 1 && level < 0 {
		return 0, fmt.Errorf("topic %q: %s must stand once and alone in its level", a.Topic, devicePlace)
	}
	return level, nil
}

// checkAlone refuses a topic that a counting tag receives by a wildcard too: a
// broker may then deliver its messages twice.
func checkAlone(topic string, tags []connectors.Tag) error {
	for _, tag := range tags {
		if tag.EachMessage && tag.Address != topic && overlap(tag.Address, topic) {
			return fmt.Errorf("availability: topic %q is a part of %q, whose messages count: a broker may deliver each message twice; narrow the tag's topic", topic, tag.Address)
		}
	}
	return nil
}

// check says what is wrong with rules, whatever the tags are.
func checkAvailability(rules []Availability) error {
	var problems []error
	for i, rule := range rules {
		_, err := rule.place()
		if err == nil && rule.Path != "" {
			_, err = parsePath(rule.Path)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("availability %d: %w", i+1, err))
		}
	}
	return errors.Join(problems...)
}

// topics gives each topic once.
func (w *watches) topics() []string {
	var list []string
	for _, watch := range w.list {
		list = append(list, watch.topic)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// forget is called at a connection's begin: the retained states come again.
func (w *watches) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.gone)
}

// hear takes a message and gives the tags that have just become offline.
// watched says that the topic is one of availability.
func (w *watches) hear(topic string, doc *document) (gone []int, watched bool) {
	for _, n := range w.index[topic] {
		watch := w.list[n]
		away := watch.says(doc)
		for _, tag := range watch.tags {
			if away && !w.away(tag) {
				gone = append(gone, tag)
			}
		}
		w.mu.Lock()
		w.gone[n] = away
		w.mu.Unlock()
		watched = true
	}
	return gone, watched
}

// says whether a payload means away.
func (w watch) says(doc *document) bool {
	r := reader{kind: "string", bit: connectors.NoBit, path: w.path}
	v, reason := r.read(doc)
	return reason == "" && strings.EqualFold(strings.TrimSpace(v.AsString()), w.offline)
}

// away says whether one of the devices of a tag is offline. Only Run's
// goroutine, which also writes, calls it.
func (w *watches) away(tag int) bool {
	for _, n := range w.byTag[tag] {
		if w.gone[n] {
			return true
		}
	}
	return false
}

// maxSubjects bounds the conditions of one kind.
const maxSubjects = 100

func (w *watches) conditions() []connectors.Condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []connectors.Condition
	for n, watch := range w.list {
		if w.gone[n] && len(list) < maxSubjects {
			list = append(list, connectors.Condition{Trouble: connectors.SourceOffline, Subject: watch.subject,
				Detail: fmt.Sprintf("the topic %s says %q; check the device's power and network", watch.topic, watch.offline)})
		}
	}
	return list
}
