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
		name, known := s.byCode(m, p)
		if !scalar(p.Value) {
			return s.refuse("The value of parameter %s must be a text or a number", p.Code)
		}
		if !known {
			switch s.options.UnknownCode {
			case UnknownCodeReject:
				return s.refuse("Parameter %s is not known", p.Code)
			case UnknownCodeIgnore:
				continue
			}
			name = p.Code
			if name == "" {
				name = p.Name
			}
		}
		values = append(values, value{name, p.Value})
	}
	if len(m.openProductions()) == 0 {
		switch s.options.ParametersIdle {
		case ParametersIdleReject:
			return s.refuse("There is no production open on machine %s", m.Code)
		case ParametersIdleIgnore:
			return answer{status: 200}
		}
	}
	s.store(m, values)
	return answer{status: 200}
}

func (s *Server) byCode(m *Machine, p parameterCall) (string, bool) {
	for _, d := range m.Parameters {
		if p.Code != "" && d.Code == p.Code {
			return d.Name, true
		}
		if s.options.NameAlias == NameAliasAccepted && p.Code == "" && p.Name != "" && d.Name == p.Name {
			return d.Name, true
		}
	}
	return "", false
}

// readParameters decodes the parameters of a counter call, keyed by name.
func (s *Server) readParameters(m *Machine, in []parameterCall) ([]value, answer) {
	var values []value
	for _, p := range in {
		if p.Name == "" || !scalar(p.Value) {
			return nil, s.refuse("A parameter needs a name, and a value that is a text or a number")
		}
		known := false
		for _, d := range m.Parameters {
			known = known || d.Name == p.Name
		}
		if !known {
			switch s.options.UnknownParameter {
			case UnknownParameterReject:
				return nil, s.refuse("Parameter %s is not known", p.Name)
			case UnknownParameterIgnore:
				continue
			}
		}
		values = append(values, value{p.Name, p.Value})
	}
	return values, answer{}
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
}

func scalar(raw json.RawMessage) bool {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return false
	}
	switch v.(type) {
	case string, float64:
		return true
	}
	return false
}
