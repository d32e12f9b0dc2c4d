package mes

import (
	"fmt"
	"slices"
	"strings"
)

// Machine gives a snapshot of one machine; false if there is none.
func (s *Server) Machine(code string) (Machine, bool) {
	s.lock()
	defer s.mu.Unlock()
	m := s.machines[code]
	if m == nil {
		return Machine{}, false
	}
	return m.copy(), true
}

// Machines gives snapshots of all machines, sorted by code.
func (s *Server) Machines() []Machine {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Machine, 0, len(s.machines))
	for _, m := range s.machines {
		list = append(list, m.copy())
	}
	slices.SortFunc(list, func(a, b Machine) int { return strings.Compare(a.Code, b.Code) })
	return list
}

// Calls gives the calls with a number above after, oldest first.
func (s *Server) Calls(after uint64) []Call {
	s.lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.calls, after+1, func(c Call, n uint64) int {
		return int(int64(c.Number) - int64(n))
	})
	return slices.Clone(s.calls[i:])
}

// Options gives the present options.
func (s *Server) Options() Options {
	s.lock()
	defer s.mu.Unlock()
	return s.options
}

// SetOptions changes the options from the next call on. Another limit begins
// with nothing taken from it; another foreign client alone leaves the limit as
// it is.
func (s *Server) SetOptions(o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	s.lock()
	defer s.mu.Unlock()
	has, wants := s.limitOptions(s.options), s.limitOptions(o)
	if has.Foreign != wants.Foreign {
		if err := s.limit.SetForeign(s.now(), wants.Foreign); err != nil {
			return err
		}
		has.Foreign = wants.Foreign
	}
	if has != wants {
		if s.limit, err = NewLimit(wants); err != nil {
			return err
		}
	}
	s.options = o
	return nil
}

func (s *Server) limitOptions(o Options) LimitOptions {
	return LimitOptions{PerMinute: o.Limit, Window: o.Window, Refused: o.RefusedCalls, Foreign: o.Foreign, Seed: s.config.Seed}
}

// Limit says who took how much from the company's limit.
func (s *Server) Limit() LimitCounts {
	s.lock()
	defer s.mu.Unlock()
	return s.limit.Counts(s.now())
}

// SetProfile changes options and faults to those of a profile.
func (s *Server) SetProfile(p Profile) error {
	if err := s.SetOptions(p.Options); err != nil {
		return err
	}
	s.ClearFaults()
	for _, f := range p.Faults {
		if _, err := s.AddFault(f); err != nil {
			return err
		}
	}
	return nil
}

// StartProduction opens a production as a worker would, and returns its number.
func (s *Server) StartProduction(machine string, w Work) (int, error) {
	s.lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return 0, unknown(machine)
	}
	return s.startProduction(m, w), nil
}

// FinishProductions finishes all productions open on a machine.
func (s *Server) FinishProductions(machine string) (int, error) {
	s.lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return 0, unknown(machine)
	}
	return s.finishProductions(m), nil
}

// AddMachine sets up one more machine, as the back office would while the
// company works.
func (s *Server) AddMachine(setup MachineSetup) error {
	s.lock()
	defer s.mu.Unlock()
	if setup.Code == "" || s.machines[setup.Code] != nil {
		return fmt.Errorf("machine code %q is empty or occurs twice", setup.Code)
	}
	s.setUp(newMachine(setup))
	return nil
}

// WorkerStops begins a downtime as a worker would; 0 means worker 1.
func (s *Server) WorkerStops(machine, downtimeType string, worker int) error {
	s.lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return unknown(machine)
	}
	s.openDowntime(m, downtimeType, max(worker, 1))
	return nil
}

// WorkerStarts ends all downtimes of a machine as a worker would, and says how
// many; 0 means worker 1.
func (s *Server) WorkerStarts(machine string, worker int) (int, error) {
	s.lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return 0, unknown(machine)
	}
	open := m.openDowntimes()
	for _, d := range open {
		s.closeDowntime(m, d, max(worker, 1))
	}
	return len(open), nil
}

func unknown(machine string) error { return fmt.Errorf("machine %q does not exist", machine) }
