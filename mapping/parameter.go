package mapping

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// parameterState is the newest value of a parameter that is worth telling.
type parameterState struct {
	Value   string    `json:"value"` // JSON literal
	Number  *Number   `json:"number,omitempty"`
	Version uint64    `json:"version"`
	At      time.Time `json:"at,omitzero"`
}

type parameter struct {
	spec  *ParameterSpec
	every time.Duration // spec's
	state parameterState
	// taken is the value last looked at, so that the same one is not looked at
	// again and again.
	taken connectors.Value
	// next is a value that came too early to be told, if waiting says so.
	next    connectors.Value
	waiting bool
}

// sample takes a new value. It is worth telling when it differs from the last
// one by the deadband and the interval has passed; a value that comes earlier
// waits, and only the newest does. It says whether there is something to tell.
func (p *parameter) sample(t time.Time, s *connectors.Sample, out *Outcome) bool {
	if s.Quality != connectors.Good {
		return false
	}
	if s.Value == p.taken && p.state.Version > 0 {
		p.waiting = false
		return false
	}
	if since := t.Sub(p.state.At); p.state.Version > 0 && since >= 0 && since < p.every {
		p.next, p.waiting = s.Value, true
		return false
	}
	return p.take(t, s.Value, out)
}

// due gives the instant at which a waiting value may be told; zero if none
// waits.
func (p *parameter) due() time.Time {
	if !p.waiting {
		return time.Time{}
	}
	return p.state.At.Add(p.every)
}

// tick takes a value whose wait is over. It says whether there is something to
// tell.
func (p *parameter) tick(t time.Time, out *Outcome) bool {
	due := p.due()
	return !due.IsZero() && !t.Before(due) && p.take(t, p.next, out)
}

// take says whether the value is worth telling.
func (p *parameter) take(t time.Time, v connectors.Value, out *Outcome) bool {
	p.waiting, p.taken = false, v
	literal, number := p.literal(v)
	if literal == "" {
		return false
	}
	st := &p.state
	if st.Version > 0 && !p.worthTelling(literal, number) {
		return false
	}
	st.Value, st.Number, st.At = literal, number, t
	st.Version++
	out.grown()
	return true
}

func (p *parameter) worthTelling(literal string, number *Number) bool {
	if literal == p.state.Value {
		return false
	}
	if number == nil || p.state.Number == nil {
		return true
	}
	diff := number.Sub(*p.state.Number)
	if diff.Sign() < 0 {
		diff = Number{}.Sub(diff)
	}
	return diff.Cmp(p.spec.Deadband) >= 0
}

// literal writes a value as Prodsmart takes it: numbers as numbers, bits as
// "yes" and "no", texts quoted. Empty if the value can not be told.
func (p *parameter) literal(v connectors.Value) (string, *Number) {
	switch v.Kind() {
	case connectors.KindBool:
		if v.AsBool() {
			return `"yes"`, nil
		}
		return `"no"`, nil
	case connectors.KindString:
		quoted, err := json.Marshal(v.AsString())
		if err != nil {
			return "", nil
		}
		return string(quoted), nil
	}
	n, err := numberOf(v)
	if err != nil {
		return "", nil
	}
	if !p.spec.Scale.IsZero() {
		n = n.Mul(p.spec.Scale)
	}
	literal := decimal(n)
	if literal == "" {
		return "", nil
	}
	return literal, &n
}

// decimal writes a number as JSON can carry it: exactly where a finite decimal
// exists, else with 15 significant digits, which is what the other side keeps.
// Empty if there are too many digits for any of it.
func decimal(n Number) string {
	if n.rat == nil {
		return n.String()
	}
	if prec, exact := n.rat.FloatPrec(); exact && prec <= 30 {
		return n.rat.FloatString(prec)
	}
	f, _ := n.rat.Float64()
	if math.IsInf(f, 0) {
		return ""
	}
	return fmt.Sprintf("%.15g", f)
}

func (p *parameter) report() prodsmart.Parameter {
	return prodsmart.Parameter{Name: p.spec.Name, Code: p.spec.Code, Value: p.state.Value, Version: p.state.Version}
}
