package opcua

import (
	"cmp"
	"slices"
	"sync"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// conditionsMost bounds what a connector remembers about its own trouble. A
// condition beyond it is left out; those that are known are kept up to date.
const conditionsMost = 64

// notes are the conditions that hold. They outlive an attempt: what makes an
// attempt fail holds until another one shows that it no longer does. The zero
// value is empty and may be used by several goroutines.
type notes struct {
	mu   sync.Mutex
	held map[subject]string
}

// subject is what a condition is about.
type subject struct {
	kind connectors.Trouble
	name string // Condition.Subject
}

// set says that something holds. A condition that is known gets the detail of
// now.
func (n *notes) set(kind connectors.Trouble, name, detail string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	about := subject{kind, name}
	if _, known := n.held[about]; !known && len(n.held) >= conditionsMost {
		return
	}
	if n.held == nil {
		n.held = make(map[subject]string)
	}
	n.held[about] = detail
}

// clear says that something does not hold, whether it did before or not.
func (n *notes) clear(kind connectors.Trouble, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.held, subject{kind, name})
}

// list is what holds, in an order that stays; nil if nothing does.
func (n *notes) list() []connectors.Condition {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []connectors.Condition
	for about, detail := range n.held {
		all = append(all, connectors.Condition{Trouble: about.kind, Subject: about.name, Detail: detail})
	}
	slices.SortFunc(all, func(a, b connectors.Condition) int {
		return cmp.Or(cmp.Compare(a.Trouble, b.Trouble), cmp.Compare(a.Subject, b.Subject))
	})
	return all
}
