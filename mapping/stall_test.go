package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// What a stalled connection held back arrives at one instant; it was made during
// the stall and must all be counted.
func TestValuesHeldBackByAStall(t *testing.T) {
	const ms = time.Millisecond
	t.Run("two values", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(3*sec, 0, 101)
		r.after(ms, 0, 112)
		r.wantCount(12)
	})
	t.Run("a sign of life first", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.now = r.now.Add(3 * sec)
		r.step(Batch{Time: r.now, Connection: "c", Alive: true})
		r.after(ms, 0, 112)
		r.wantCount(12)
	})
	t.Run("a server's old value first", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.link(connectors.LinkDown)
		r.now = r.now.Add(10 * time.Minute)
		r.link(connectors.LinkUp)
		r.after(0, 0, 100)
		r.after(200*ms, 0, 900)
		r.wantCount(0) // it could be a glitch: a gap of ten minutes allows nearly anything
		r.alive(4 * sec)
		r.wantCount(800)
	})
	t.Run("a queue of messages", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.now = r.now.Add(10 * time.Minute)
		for v := 111; v <= 760; v += 11 {
			r.after(ms, 0, v)
		}
		r.after(4*sec, 0, 761)
		r.wantCount(761 - 100)
	})
	t.Run("but not more than was possible", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(3*sec, 0, 110)
		r.after(ms, 0, 120)
		r.wantCount(10)
		r.wantEvent("R11", "jumped by 10")
	})
}
