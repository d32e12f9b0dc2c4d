package mqtt

import "strings"

// topics finds the tags whose filter matches a topic. Its cost grows with the
// levels of the topic, not with the number of filters.
type topics struct {
	names map[string]*topics
	plus  *topics // +
	tags  []int   // filters that end here
	rest  []int   // filters that go on with #, which includes this level
}

// add files a tag under its filter.
func (t *topics) add(filter string, tag int) {
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		switch level {
		case "#":
			t.rest = append(t.rest, tag)
			return
		case "+":
			if t.plus == nil {
				t.plus = &topics{}
			}
			t = t.plus
		default:
			if t.names == nil {
				t.names = map[string]*topics{}
			}
			if t.names[level] == nil {
				t.names[level] = &topics{}
			}
			t = t.names[level]
		}
	}
	t.tags = append(t.tags, tag)
}

// match appends the tags of a topic to found. Wildcards at the top do not match
// topics that begin with $, which are the broker's own.
func (t *topics) match(found []int, topic string) []int {
	return t.descend(found, topic, strings.HasPrefix(topic, "$"))
}

func (t *topics) descend(found []int, topic string, own bool) []int {
	level, rest, more := strings.Cut(topic, "/")
	if !own {
		found = append(found, t.rest...)
	}
	if next := t.names[level]; next != nil {
		found = next.arrive(found, rest, more)
	}
	if t.plus != nil && !own {
		found = t.plus.arrive(found, rest, more)
	}
	return found
}

func (t *topics) arrive(found []int, rest string, more bool) []int {
	if more {
		return t.descend(found, rest, false)
	}
	return append(append(found, t.tags...), t.rest...)
}
