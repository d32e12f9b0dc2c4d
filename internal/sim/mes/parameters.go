package mes

import (
	"encoding/json"
	"slices"
)

// value is a parameter on its way into the machine.
type value struct {
	name string
	raw  json.RawMessage
}

// parameters serves one call of the parameters service.
func (s *Server) parameters(m *Machine, body []byte) answer {
	var in struct {
		Parameters []parameterCall `json:"parameters"`
	}
	if err := strictJSON(body, &in); err != nil {
		return s.refuse("Invalid JSON")
	}
	if len(in.Parameters) == 0 {
		return s.refuse("There are no parameters")
	}
	var values []value
	for _, p := range in.Parameters {
		d, known := s.byCode(m, p)
		if !known {
			switch s.options.UnknownCode {
			case UnknownCodeReject:
				return s.refuse("Parameter %s is not known", p.Code+p.Name)
			case UnknownCodeIgnore:
				continue
			}
			d.Name = p.Code
			if d.Name == "" {
				d.Name = p.Name
			}
		}
		use, a := s.fits(d, p.Value)
		if a.status != 0 {
			return a
		}
		if use {
			values = append(values, value{d.Name, p.Value})
		}
	}
	if len(m.openProductions()) == 0 {
		switch s.options.ParametersIdle {
		case ParametersIdleReject:
			return s.refuse("There is no production open on machine %s", m.Code)
		case ParametersIdleIgnore:
			return s.silent()
		}
	}
	s.store(m, values)
	return s.silent()
}

func (s *Server) byCode(m *Machine, p parameterCall) (ParameterSetup, bool) {
	for _, d := range m.Parameters {
		if p.Code != "" && d.Code == p.Code {
			return d, true
		}
		if s.options.NameAlias == NameAliasAccepted && p.Code == "" && p.Name != "" && d.Name == p.Name {
			return d, true
		}
	}
	return ParameterSetup{}, false
}

// readParameters decodes the parameters of a counter call, keyed by name.
func (s *Server) readParameters(m *Machine, in []parameterCall) ([]value, answer) {
	var values []value
	for _, p := range in {
		if p.Name == "" {
			return nil, s.refuse("A parameter needs a name")
		}
		d := ParameterSetup{Name: p.Name}
		if i := slices.IndexFunc(m.Parameters, func(d ParameterSetup) bool { return d.Name == p.Name }); i >= 0 {
			d = m.Parameters[i]
		} else {
			switch s.options.UnknownParameter {
			case UnknownParameterReject:
				return nil, s.refuse("Parameter %s is not known", p.Name)
			case UnknownParameterIgnore:
				continue
			}
		}
		use, a := s.fits(d, p.Value)
		if a.status != 0 {
			return nil, a
		}
		if use {
			values = append(values, value{p.Name, p.Value})
		}
	}
	return values, answer{}
}

// fits says whether a value is taken for a parameter, or refuses it.
func (s *Server) fits(d ParameterSetup, raw json.RawMessage) (bool, answer) {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return false, s.refuse("Parameter %s has no value", d.Name)
	}
	kind := ""
	switch v.(type) {
	case string:
		kind = "text"
	case float64:
		kind = "number"
	case bool:
		if s.options.BooleanValue == BooleanAccept {
			return true, answer{}
		}
	}
	if kind == "" {
		return false, s.refuse("The value of parameter %s must be a text or a number", d.Name)
	}
	if d.Kind == "" || d.Kind == kind {
		return true, answer{}
	}
	if s.options.WrongValue == WrongValueReject {
		return false, s.refuse("The value of parameter %s must be a %s", d.Name, d.Kind)
	}
	return s.options.WrongValue == WrongValueAccept, answer{}
}

// store keeps values, with the machine and with the productions open on it. A
// parameter that is new by now is created.
func (s *Server) store(m *Machine, values []value) {
	for _, v := range values {
		known := func(d ParameterSetup) bool { return d.Name == v.name }
		if !slices.ContainsFunc(m.Parameters, known) {
			m.Parameters = append(m.Parameters, ParameterSetup{Name: v.name, Code: v.name})
		}
		m.Values[v.name] = v.raw
		if s.options.RepeatedParameter == RepeatedAppend {
			m.History[v.name] = append(m.History[v.name], v.raw)
		}
		for _, p := range m.openProductions() {
			p.Parameters[v.name] = v.raw
		}
	}
	if len(values) == 0 {
		return
	}
	for _, p := range m.openProductions() {
		s.productionChanged(m, p)
	}
}
