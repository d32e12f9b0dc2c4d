package mqtt

import "strings"

// The bounds of looking for leftover subscriptions.
const (
	maxLeftovers = 1000 // topics of one connection
	maxLevels    = 5    // that are tried with wildcards
)

// leftovers are the topics that came for no tag on one connection. The broker
// does not say which subscription brought them.
type leftovers struct{ seen map[string]bool }

// filters gives, once for each topic, all filters that may have brought it.
// None of them is in use: else the topic would have belonged to a tag.
func (l *leftovers) filters(topic string) []string {
	if l.seen[topic] || len(l.seen) >= maxLeftovers {
		return nil
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[topic] = true
	levels := strings.Split(topic, "/")
	if len(levels) > maxLevels {
		return []string{topic}
	}
	heads := []string{""}
	var all []string
	for i, level := range levels {
		var next []string
		for _, head := range heads {
			all = append(all, head+"#")
			for _, one := range [...]string{level, "+"} {
				if i < len(levels)-1 {
					one += "/"
				}
				next = append(next, head+one)
			}
		}
		heads = next
	}
	for _, head := range heads {
		all = append(all, head, head+"/#")
	}
	return all
}
