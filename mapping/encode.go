package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// encoder writes the JSON of a snapshot, byte for byte as encoding/json would.
// Snapshots are what a plant that merely counts costs the disk; by reflection
// they cost more than the counting.
type encoder struct {
	to  []byte
	err error
	// some says that the object that is being written has a member already.
	some bool
}

// open begins an object, close ends it.
func (e *encoder) open() { e.to, e.some = append(e.to, '{'), false }

func (e *encoder) close() { e.to, e.some = append(e.to, '}'), true }

// name begins a member.
func (e *encoder) name(name string) {
	if e.some {
		e.to = append(e.to, ',')
	}
	e.quote(name)
	e.to, e.some = append(e.to, ':'), true
}

// quote writes a text. What needs escapes is rare.
func (e *encoder) quote(text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			e.any(text)
			return
		}
	}
	e.to = append(append(append(e.to, '"'), text...), '"')
}

// any writes what encoding/json can write.
func (e *encoder) any(v any) {
	data, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.to = append(e.to, data...)
}

func (e *encoder) flag(name string, v bool) {
	e.name(name)
	e.to = strconv.AppendBool(e.to, v)
}

// set writes a flag that is left out when it is false.
func (e *encoder) set(name string, v bool) {
	if v {
		e.flag(name, v)
	}
}

// text writes a text that is left out when it is empty.
func (e *encoder) text(name, v string) {
	if v != "" {
		e.name(name)
		e.quote(v)
	}
}

func (e *encoder) int(name string, v int64) {
	e.name(name)
	e.to = strconv.AppendInt(e.to, v, 10)
}

func (e *encoder) uint(name string, v uint64) {
	e.name(name)
	e.to = strconv.AppendUint(e.to, v, 10)
}

// number writes a number as the text that MarshalText makes of it.
func (e *encoder) number(name string, v Number) {
	e.name(name)
	if v.rat != nil {
		e.quote(v.String())
		return
	}
	e.to = append(strconv.AppendInt(append(e.to, '"'), v.small, 10), '"')
}

// time writes a time that is left out when it is zero.
func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	e.name(name)
	to, err := t.AppendText(append(e.to, '"'))
	if err != nil {
		e.err = err
		return
	}
	e.to = append(to, '"')
}

// encode writes the snapshot.
func (s *snapshot) encode() ([]byte, error) {
	e := &encoder{to: make([]byte, 0, 2048)}
	e.open()
	e.int("v", int64(s.Version))
	e.time("seen", s.Seen)
	e.flag("known", s.Known)
	members(e, "counters", s.Counters, func(st *counterState) { e.counter(st) })
	members(e, "posted", s.Posted, func(n int64) { e.to = strconv.AppendInt(e.to, n, 10) })
	members(e, "sums", s.Sums, func(n Number) { e.quote(n.String()) })
	members(e, "frozen", s.Frozen, func(n int64) { e.to = strconv.AppendInt(e.to, n, 10) })
	e.name("state")
	e.memory(&s.State)
	members(e, "parameters", s.Parameters, func(st *parameterState) { e.parameter(st) })
	members(e, "evidence", s.Evidence, e.quote)
	if s.Order != nil {
		e.name("order")
		e.order(s.Order)
	}
	e.close()
	return e.to, e.err
}

// members writes an object of a map, left out when it is empty, sorted by key.
func members[T any](e *encoder, name string, m map[string]T, value func(T)) {
	if len(m) == 0 {
		return
	}
	e.name(name)
	e.open()
	for _, key := range slices.Sorted(maps.Keys(m)) {
		e.name(key)
		value(m[key])
	}
	e.close()
}

func (e *encoder) counter(st *counterState) {
	e.open()
	e.name("source")
	e.quote(st.Source)
	e.flag("based", st.Based)
	e.number("raw", st.Raw)
	e.time("at", st.At)
	e.number("total", st.Total)
	if st.Pending != nil {
		e.name("pending")
		e.any(st.Pending)
	}
	if st.Left != nil {
		e.name("left")
		e.any(st.Left)
	}
	if st.Factor != nil {
		e.number("factor", *st.Factor)
	}
	if st.Latch != nil {
		e.number("latch", *st.Latch)
	}
	if len(st.Keys) > 0 {
		e.name("keys")
		e.any(st.Keys)
	}
	e.time("last_pulse", st.LastPulse)
	e.close()
}

func (e *encoder) parameter(st *parameterState) {
	e.open()
	e.name("value")
	e.quote(st.Value)
	if st.Number != nil {
		e.number("number", *st.Number)
	}
	e.uint("version", st.Version)
	e.time("at", st.At)
	e.close()
}

func (e *encoder) order(o *orderMark) {
	e.open()
	e.name("source")
	e.quote(o.Source)
	e.name("text")
	e.quote(o.Text)
	e.int("count", o.Count)
	e.time("since", o.Since)
	e.set("open", o.Open)
	e.close()
}

func (e *encoder) memory(s *stateMemory) {
	e.open()
	e.int("state", int64(s.State))
	e.text("type", s.Type)
	e.time("since", s.Since)
	e.set("by_calendar", s.ByCalendar)
	if s.Signalled != 0 {
		e.int("signalled", int64(s.Signalled))
	}
	e.text("signalled_type", s.SignalledType)
	e.time("signalled_since", s.SignalledSince)
	e.time("lost_since", s.LostSince)
	e.time("standing_since", s.StandingSince)
	e.time("stopped_at", s.StoppedAt)
	e.time("running_since", s.RunningSince)
	e.number("run_made", s.RunMade)
	e.time("last_count", s.LastCount)
	e.set("moved", s.Moved)
	e.name("stop")
	e.stop(s.Stop)
	e.text("class", s.Class)
	e.uint("episodes", s.Episodes)
	e.time("held_since", s.HeldSince)
	e.set("contradiction", s.Contradiction)
	e.close()
}

func (e *encoder) stop(s prodsmart.Stop) {
	e.open()
	if s.Episode != 0 {
		e.uint("episode", s.Episode)
	}
	e.text("type", s.Type)
	e.time("since", s.Since)
	e.close()
}
