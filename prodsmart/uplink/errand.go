package uplink

// Errand is the kind of a request that is no machine's. It spends from the same
// budget.
type Errand uint8

// The kinds, the more urgent first.
const (
	// OrderErrand is a request of the order mirror.
	OrderErrand Errand = iota
	// ReadErrand reads back what Prodsmart holds. It can wait.
	ReadErrand
)

// String is the name used in metrics and on pages.
func (e Errand) String() string {
	if e == ReadErrand {
		return "read"
	}
	return "order"
}
