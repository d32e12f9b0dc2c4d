package connectortest

import "time"

// Backoff is how a supervisor waits between two attempts. The gateway's own is
// the one of GatewayBackoff; a suite may try another.
type Backoff struct {
	// First is the pause after the first failure; it doubles up to Longest.
	First, Longest time.Duration
	// Steady is how long an attempt that came up must have lasted for its
	// failure to be a first one.
	Steady time.Duration
}

// GatewayBackoff is the gateway's policy, without its chance.
func GatewayBackoff() Backoff {
	return Backoff{First: 500 * time.Millisecond, Longest: 4 * time.Second, Steady: 10 * time.Second}
}

// pauses gives the waits of one connection, each a quarter longer than Backoff
// says: the most that the gateway's chance adds.
func (b Backoff) pauses() pauses {
	pause := b.First
	return func(took time.Duration, up bool) time.Duration {
		if up && took > b.Steady {
			pause = b.First
		}
		wait := pause + pause/4
		pause = min(2*pause, b.Longest)
		if took > b.Longest {
			return b.First // a slow failure was its own pause
		}
		return wait
	}
}
