package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// New makes a machine without a history. It checks what the types of Spec can
// not say; the configuration is expected to have found all of that before, with
// the place of each mistake, so an error here names no line.
func New(spec Spec) (*Machine, error) {
	m := &Machine{spec: spec}
	m.spec.Signals = slices.Clone(spec.Signals) // without the room it had to grow
	if err := m.bindSignals(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", spec.Code, err)
	}
	m.bindOrder()
	if err := m.bindCounters(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", spec.Code, err)
	}
	if err := m.bindState(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", spec.Code, err)
	}
	m.reasons.specs = m.spec.Reasons
	m.reasons.lead = reasonLead + m.spec.State.IdleAfter
	reasons := make([][]int32, len(m.spec.Signals))
	for i := range m.spec.Reasons {
		signal := m.spec.Reasons[i].Signal
		reasons[signal] = append(reasons[signal], int32(i))
	}
	m.reasonsOf = newTable(reasons)
	params := slices.Clone(m.spec.Parameters)
	slices.SortStableFunc(params, func(a, b ParameterSpec) int { return cmp.Compare(a.Name, b.Name) })
	m.spec.Parameters = params
	m.params = make([]parameter, len(params))
	of := make([][]int32, len(m.spec.Signals))
	for i := range params {
		m.params[i] = parameter{spec: &params[i], every: params[i].Every}
		of[params[i].Signal] = append(of[params[i].Signal], int32(i))
	}
	m.paramsOf = newTable(of)
	return m, nil
}

func (m *Machine) bindSignals() error {
	n := len(m.spec.Signals)
	m.signals = make([]signalState, n)
	m.connOf = make([]int, n)
	for i, s := range m.spec.Signals {
		at := slices.IndexFunc(m.connections, func(c connection) bool { return c.name == s.Connection })
		if at < 0 {
			at = len(m.connections)
			m.connections = append(m.connections, connection{name: s.Connection})
		}
		m.connOf[i] = at
	}
	refs := slices.Concat([]int{m.spec.Online, m.spec.State.Signal}, m.spec.ResetEvidence)
	if m.spec.Order != nil {
		refs = append(refs, m.spec.Order.Signal)
	}
	for _, in := range m.spec.State.Inputs {
		refs = append(refs, in.Signal)
	}
	for _, r := range m.spec.Reasons {
		refs = append(refs, r.Signal)
	}
	for _, p := range m.spec.Parameters {
		refs = append(refs, p.Signal)
	}
	for _, r := range refs {
		if r != NoSignal && (r < 0 || r >= n) {
			return fmt.Errorf("signal %d does not exist: there are %d", r, n)
		}
	}
	for _, s := range m.spec.ResetEvidence {
		if m.proofOf(s) == nil {
			m.evidence, m.early = append(m.evidence, proof{signal: s}), true
		}
	}
	return nil
}

func (m *Machine) bindCounters() error {
	wastes := slices.Clone(m.spec.Waste)
	slices.SortStableFunc(wastes, func(a, b WasteSpec) int { return cmp.Compare(a.Code, b.Code) })
	m.spec.Waste = wastes
	if m.spec.Count != nil {
		d, err := m.bindTotal(&m.spec.Count.CounterSpec, "count")
		if err != nil {
			return err
		}
		switch {
		case m.spec.Count.Is == TotalParts && m.spec.Count.Post == GoodParts:
			d.waste = -1
		case m.spec.Count.Is == GoodParts && m.spec.Count.Post == TotalParts:
			d.waste = 1
		}
		m.count = &d
	}
	for i := range wastes {
		d, err := m.bindTotal(&wastes[i].CounterSpec, "waste "+wastes[i].Code)
		if err != nil {
			return err
		}
		m.waste = append(m.waste, wasteTotal{code: wastes[i].Code, derived: d})
	}
	m.bindUses()
	if m.count != nil {
		m.count.align(m.wastes(), m.spec.Count.InitialTotal)
	}
	return nil
}

func (m *Machine) bindTotal(spec *CounterSpec, subject string) (derived, error) {
	d := derived{subject: subject}
	var err error
	if d.own, err = m.bindCounter(spec, subject); err != nil {
		return d, err
	}
	if spec.Minus != nil {
		if d.minus, err = m.bindCounter(spec.Minus, subject+" minus"); err != nil {
			return d, err
		}
	}
	d.align(Number{}, spec.InitialTotal)
	d.posted = spec.InitialTotal.Int64()
	return d, nil
}

func (m *Machine) bindCounter(spec *CounterSpec, subject string) (*counter, error) {
	if spec.Signal < 0 || spec.Signal >= len(m.spec.Signals) {
		return nil, fmt.Errorf("%s: signal %d does not exist", subject, spec.Signal)
	}
	if spec.Latch >= len(m.spec.Signals) || spec.ScaleSignal >= len(m.spec.Signals) {
		return nil, fmt.Errorf("%s: the latch or scale signal does not exist", subject)
	}
	c, err := newCounter(spec, subject, sourceOf(m.spec.Signals[spec.Signal], spec))
	if err != nil {
		return nil, err
	}
	m.counters = append(m.counters, c)
	return c, nil
}

// bindUses notes what each signal is to the counters.
func (m *Machine) bindUses() {
	uses := make([][]use, len(m.spec.Signals))
	for _, c := range m.counters {
		uses[c.spec.Signal] = append(uses[c.spec.Signal], use{c, rawValue})
		if s := c.spec.ScaleSignal; s != NoSignal {
			uses[s] = append(uses[s], use{c, scaleFactor})
			m.early, m.factored = true, true
		}
		if s := c.spec.Latch; s != NoSignal {
			uses[s] = append(uses[s], use{c, finalValue})
			m.early = true
		}
		m.ending = m.ending || c.ends
	}
	m.countBy = newTable(uses)
}

// sourceOf names what a raw value means: where it is read and by which rules.
// A stored level of another source is no baseline. The scale is not part of
// it: a changed factor concerns what comes, not what was.
func sourceOf(s Signal, spec *CounterSpec) string {
	t := s.Tag
	return strings.Join([]string{
		s.Connection, t.Address, t.Type, t.Order, t.Path, fmt.Sprint(t.Bit, spec.Kind, spec.Decrease), spec.Modulus.String(), spec.ResetTo.String(),
	}, "|")
}

func (m *Machine) bindState() error {
	st := &m.spec.State
	switch {
	case st.Signal != NoSignal:
		m.evidenceOfState = []int{st.Signal}
	case st.RunningWhen != nil:
		for _, in := range st.Inputs {
			m.evidenceOfState = append(m.evidenceOfState, in.Signal)
		}
		m.inputs = make([]connectors.Value, len(st.Inputs))
	case st.IdleAfter > 0 && m.count != nil:
		m.idleOnly = true
		m.evidenceOfState = []int{m.count.own.spec.Signal}
	}
	if st.IdleAfter > 0 && m.count == nil {
		return fmt.Errorf("idle_after needs a count")
	}
	if st.RunCounts > 0 && m.count == nil {
		return fmt.Errorf("run_counts needs a count")
	}
	m.online = map[string]bool{}
	for _, text := range m.spec.OnlineIs {
		m.online[text] = true
	}
	return nil
}
