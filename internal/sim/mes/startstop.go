package mes

import (
	"encoding/json"
	"net/http"
	"slices"
)

// startStop serves one call of the start/stop service.
func (s *Server) startStop(m *Machine, body []byte) answer {
	var in struct {
		Type    *string         `json:"type"`
		Running json.RawMessage `json:"running"`
	}
	if err := strictJSON(body, &in); err != nil {
		return s.refuse("Invalid JSON")
	}
	running, ok := s.running(in.Running)
	if !ok {
		return s.refuse("Running must be 0 or 1")
	}
	if in.Type == nil || *in.Type == "" {
		if !running || s.options.UntypedStart == UntypedStartReject {
			return s.refuse("The type is missing")
		}
		return s.start(m, nil)
	}
	i := slices.IndexFunc(m.Types, func(t TypeSetup) bool { return s.names(*in.Type, t) })
	switch {
	case i < 0 && s.options.UnknownType == UnknownTypeReject:
		return s.refuse("Downtime type %s is not assigned to machine %s", *in.Type, m.Code)
	case i < 0:
		return s.silent()
	case running:
		return s.start(m, &m.Types[i].Name)
	case m.Types[i].RequiresWorker && s.options.WorkerReason == WorkerReasonReject:
		return s.refuse("Downtime type %s requires a worker", m.Types[i].Name)
	}
	return s.stop(m, m.Types[i].Name)
}

// names says whether a text means a downtime type.
func (s *Server) names(text string, t TypeSetup) bool {
	code := t.Code
	if code == "" {
		code = t.Name
	}
	switch s.options.TypeKey {
	case TypeByCode:
		return text == code
	case TypeByEither:
		return text == code || text == t.Name
	}
	return text == t.Name
}

// silent is the answer to what is accepted and has nothing to say.
func (s *Server) silent() answer {
	switch s.options.SilentAnswer {
	case SilentObject:
		return answer{status: http.StatusOK, kind: "application/json", body: "{}"}
	case SilentNoContent:
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusOK}
}

// running decodes 0 and 1, and the looser forms if the option allows them.
func (s *Server) running(raw json.RawMessage) (bool, bool) {
	if n, ok := number(raw); ok {
		return n == 1, n == 0 || n == 1
	}
	if s.options.RunningForm != RunningLoose {
		return false, false
	}
	switch string(raw) {
	case `true`, `"1"`, `"true"`:
		return true, true
	case `false`, `"0"`, `"false"`:
		return false, true
	}
	return false, false
}

func (s *Server) stop(m *Machine, downtimeType string) answer {
	open := m.openDowntimes()
	for _, d := range open {
		if d.Type != downtimeType {
			continue
		}
		switch s.options.RepeatedStop {
		case RepeatedStopReject:
			return s.refuse("A downtime of type %s is open already", downtimeType)
		case RepeatedStopNew:
			s.openDowntime(m, downtimeType, 0)
		}
		return s.silent()
	}
	if len(open) > 0 {
		switch s.options.OtherStop {
		case OtherStopReject:
			return s.refuse("A downtime of type %s is open already", open[0].Type)
		case OtherStopReclassify:
			open[len(open)-1].Type = downtimeType
			s.downtimeChanged(m, open[len(open)-1])
			return s.silent()
		case OtherStopCloseAndOpen:
			for _, d := range open {
				s.closeDowntime(m, d, 0)
			}
		}
	}
	s.openDowntime(m, downtimeType, 0)
	return s.silent()
}

// start ends downtimes; downtimeType is nil if the call named none.
func (s *Server) start(m *Machine, downtimeType *string) answer {
	open := m.openDowntimes()
	if len(open) == 0 {
		if s.options.NeedlessStart == NeedlessStartReject {
			return s.refuse("No downtime is open on machine %s", m.Code)
		}
		return s.silent()
	}
	matching := 0
	for _, d := range open {
		if downtimeType == nil || d.Type == *downtimeType {
			matching++
		}
	}
	if matching == 0 && s.options.OtherStart == OtherStartReject {
		return s.refuse("The open downtime is of type %s", open[0].Type)
	}
	for _, d := range open {
		if d.ByWorker && s.options.WorkerDowntime == WorkerDowntimeLeaveOpen {
			continue
		}
		if downtimeType == nil || d.Type == *downtimeType || s.options.OtherStart == OtherStartCloseAny {
			s.closeDowntime(m, d, 0)
		}
	}
	return s.silent()
}
