package mes

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

type counterCall struct {
	Count      json.RawMessage `json:"count"`
	Waste      []wasteCall     `json:"waste"`
	Parameters []parameterCall `json:"parameters"`
}

type wasteCall struct {
	Code     string          `json:"code"`
	Quantity json.RawMessage `json:"quantity"`
}

type parameterCall struct {
	Name  string          `json:"name"`
	Code  string          `json:"code"`
	Value json.RawMessage `json:"value"`
}

// change is what a counter call would do to the machine once it is accepted.
type change struct {
	hasCount   bool
	count      float64
	delta      float64
	waste      map[string]float64 // new totals
	wasteDelta map[string]float64
	newCodes   []string
	ignored    bool // accepted, and nothing of count and waste is taken over
}

// counter serves one counter call: it is applied as a whole or not at all.
func (s *Server) counter(m *Machine, c *Call, body []byte) answer {
	var in counterCall
	if err := strictJSON(body, &in); err != nil {
		return s.refuse("Invalid JSON")
	}
	s.newDay(m)
	ch := change{waste: map[string]float64{}, wasteDelta: map[string]float64{}}
	if a := s.readCount(m, c, in, &ch); a.status != 0 {
		return a
	}
	if a := s.readWaste(m, c, in, &ch); a.status != 0 {
		return a
	}
	if a := s.absent(m, in); a.status != 0 {
		return a
	}
	parameters, a := s.readParameters(m, in.Parameters)
	if a.status != 0 {
		return a
	}
	if a := s.compare(m, c, &ch); a.status != 0 {
		return a
	}
	if len(m.openProductions()) == 0 && s.options.NoProduction == NoProductionReject {
		return s.refuse("There is no production open on machine %s", m.Code)
	}
	if !ch.ignored {
		s.take(m, ch)
	}
	s.store(m, parameters)
	m.foreign = c.By == byForeign
	if ch.ignored && s.options.StaleAnswer == StaleAnswerSent {
		return s.counterAnswer(ch.count)
	}
	return s.counterAnswer(m.Counter)
}

// readCount decodes the count.
func (s *Server) readCount(m *Machine, c *Call, in counterCall, ch *change) answer {
	if len(in.Count) == 0 || string(in.Count) == "null" {
		if s.options.MissingCount == MissingCountReject {
			return s.refuse("The count is missing")
		}
		return answer{}
	}
	count, ok := s.number(in.Count)
	if !ok || count < 0 {
		return s.refuse("The count must be a number that is not negative")
	}
	if count != math.Trunc(count) {
		switch s.options.FractionalCount {
		case FractionReject:
			return s.refuse("The count must be a whole number")
		case FractionTruncate:
			count = math.Trunc(count)
		}
	}
	ch.hasCount, ch.count = true, count
	ch.delta = count - m.Counter
	if !m.Counted && s.options.FirstCount == FirstBaseline {
		ch.delta = 0
	}
	if m.Counted && count < m.Counter {
		s.violate(c, ViolationLower, "count %v after %v", count, m.Counter)
	}
	if m.Counted && count == m.Counter && len(in.Waste) == 0 {
		s.violate(c, ViolationEqual, "count %v again", count)
	}
	return answer{}
}

// readWaste decodes the waste and compares it with what is known.
func (s *Server) readWaste(m *Machine, c *Call, in counterCall, ch *change) answer {
	for _, w := range in.Waste {
		q, ok := s.number(w.Quantity)
		if w.Code == "" || !ok || q < 0 {
			return s.refuse("A waste entry needs a code and a quantity that is not negative")
		}
		if !slices.Contains(m.MachineSetup.Waste, w.Code) && !slices.Contains(ch.newCodes, w.Code) {
			switch s.options.UnknownWaste {
			case UnknownWasteReject:
				return s.refuse("Waste code %s is not known", w.Code)
			case UnknownWasteIgnore:
				continue
			}
			ch.newCodes = append(ch.newCodes, w.Code)
		}
		had := m.WasteOf[w.Code]
		if q < had {
			s.violate(c, ViolationLower, "waste %s %v after %v", w.Code, q, had)
			switch s.options.LowerCount {
			case LowerReject:
				return s.refuse("Waste %s must be greater than %v", w.Code, had)
			case LowerAsReset:
				ch.waste[w.Code], ch.wasteDelta[w.Code] = q, q
			}
			continue
		}
		if q == had {
			if s.options.EqualWaste == EqualWasteReject {
				return s.refuse("Waste %s must be greater than %v", w.Code, had)
			}
			continue
		}
		ch.waste[w.Code], ch.wasteDelta[w.Code] = q, q-had
	}
	return answer{}
}

// absent looks for waste codes that the machine has had and the call has not.
func (s *Server) absent(m *Machine, in counterCall) answer {
	if s.options.AbsentWaste != AbsentWasteReject {
		return answer{}
	}
	for _, code := range slices.Sorted(maps.Keys(m.WasteOf)) {
		if !slices.ContainsFunc(in.Waste, func(w wasteCall) bool { return w.Code == code }) {
			return s.refuse("Waste %s is missing", code)
		}
	}
	return answer{}
}

// compare judges the count against the accepted one.
func (s *Server) compare(m *Machine, c *Call, ch *change) answer {
	switch {
	case !ch.hasCount || ch.count > m.Counter:
		return answer{}
	case ch.count < m.Counter:
		switch s.options.LowerCount {
		case LowerReject:
			return s.refuse("The count must be greater than %v", m.Counter)
		case LowerIgnore:
			ch.ignored = true
		case LowerAsReset:
			ch.delta = ch.count
		}
		return answer{}
	case len(ch.waste) > 0:
		if s.options.WasteOnly == WasteOnlyReject {
			return s.refuse("The count must be greater than %v", m.Counter)
		}
		return answer{}
	}
	// A first count of 0 is compared with the counter that a machine is born
	// with, and so is equal to it.
	if s.options.EqualCount == EqualReject {
		return s.refuse("The count must be greater than %v", m.Counter)
	}
	return answer{}
}

// take moves the machine and the productions that are open on it.
func (s *Server) take(m *Machine, ch change) {
	delta := ch.delta
	if s.options.WasteIn == WasteIncluded && ch.hasCount {
		for _, d := range ch.wasteDelta {
			delta -= d
		}
	}
	if s.options.Ratio == RatioScaled && m.QuantityRatio > 0 {
		delta *= m.QuantityRatio
	}
	s.credit(m, delta, ch.wasteDelta)
	if ch.hasCount {
		m.Counter, m.Counted = ch.count, true
	}
	m.MachineSetup.Waste = append(m.MachineSetup.Waste, ch.newCodes...)
	for code, q := range ch.waste {
		m.WasteOf[code] = q
	}
}

func (s *Server) credit(m *Machine, delta float64, waste map[string]float64) {
	open := slices.DeleteFunc(m.openProductions(), func(p *Production) bool { return p.Paused })
	if len(open) == 0 {
		if s.options.NoProduction == NoProductionCredit {
			m.Uncredited += delta
			for code, d := range waste {
				m.UncreditedWaste[code] += d
			}
		}
		return
	}
	part := 1.0
	switch s.options.SeveralProductions {
	case SeveralFirst:
		open = open[:1]
	case SeveralSplit:
		part = 1 / float64(len(open))
	}
	for _, p := range open {
		p.Quantity += delta * part
		for code, d := range waste {
			p.Waste[code] += d * part
		}
		s.quantityChanged(m, p)
	}
}

// newDay sets the counter back where the option says that days do.
func (s *Server) newDay(m *Machine) {
	day := s.now().UTC().Format("2006-01-02")
	if s.options.CounterScope == ScopeDaily && m.counterDay != "" && m.counterDay != day {
		m.Counter, m.Counted = 0, false
		clear(m.WasteOf)
	}
	m.counterDay = day
}

func (s *Server) counterAnswer(count float64) answer {
	n := strconv.FormatFloat(count, 'f', -1, 64)
	switch s.options.CounterAnswer {
	case AnswerJSON:
		return answer{status: 200, kind: "application/json", body: n}
	case AnswerObject:
		return answer{status: 200, kind: "application/json", body: `{"count":` + n + `}`}
	case AnswerEmpty:
		return answer{status: 200}
	}
	return text(200, n)
}

// strictJSON decodes one JSON object and nothing after it.
func strictJSON(body []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return errors.New("not an object")
	}
	if !utf8.Valid(body) {
		return errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// number decodes a JSON number, and a text that looks like one if the option
// allows it.
func (s *Server) number(raw json.RawMessage) (float64, bool) {
	var digits string
	if s.options.NumberForm == NumberLoose && json.Unmarshal(raw, &digits) == nil {
		raw = json.RawMessage(digits)
	}
	return number(raw)
}

// number decodes a JSON number; texts that look like one are none.
func number(raw json.RawMessage) (float64, bool) {
	var f float64
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &f) != nil {
		return 0, false
	}
	return f, true
}
