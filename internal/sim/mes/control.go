package mes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Machine gives a snapshot of one machine; false if there is none.
func (s *Server) Machine(code string) (Machine, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[code]
	if m == nil {
		return Machine{}, false
	}
	return m.copy(), true
}

// Machines gives snapshots of all machines, sorted by code.
func (s *Server) Machines() []Machine {
	s.mu.Lock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.calls, after+1, func(c Call, n uint64) int {
		return int(int64(c.Number) - int64(n))
	})
	return slices.Clone(s.calls[i:])
}

// Options gives the present options.
func (s *Server) Options() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options
}

// SetOptions changes the options from the next call on.
func (s *Server) SetOptions(o Options) error {
	o, err := o.filled()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = o
	return nil
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
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return 0, unknown(machine)
	}
	return s.startProduction(m, w), nil
}

// FinishProductions finishes all productions open on a machine.
func (s *Server) FinishProductions(machine string) (int, error) {
	s.mu.Lock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if setup.Code == "" || s.machines[setup.Code] != nil {
		return fmt.Errorf("machine code %q is empty or occurs twice", setup.Code)
	}
	s.setUp(newMachine(setup))
	return nil
}

// WorkerStops begins a downtime as a worker would; 0 means worker 1.
func (s *Server) WorkerStops(machine, downtimeType string, worker int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[machine]
	if m == nil {
		return unknown(machine)
	}
	s.openDowntime(m, downtimeType, max(worker, 1))
	return nil
}

func unknown(machine string) error { return fmt.Errorf("machine %q does not exist", machine) }

// Control is the interface for people and tests, apart from what clients see:
//
//	GET    /state                         machines, limit, violations
//	GET    /calls?after=N                 received calls
//	GET    /options, PATCH /options       some or all options as JSON
//	POST   /profile                       {"name": "hostile"}
//	GET    /faults, POST /faults, DELETE /faults
//	POST   /reset, POST /expire-tokens
//	POST   /machines/{code}/production    {"worker": 7}; DELETE finishes
//	POST   /machines/{code}/downtime      {"type": "BREAK"}, as a worker
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"machines": s.Machines(), "busiest_minute": s.Busiest(), "violations": s.Violations()}, nil)
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.ParseUint("0"+r.URL.Query().Get("after"), 10, 64)
		reply(w, s.Calls(after), err)
	})
	mux.HandleFunc("GET /options", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Options(), nil) })
	mux.HandleFunc("PATCH /options", func(w http.ResponseWriter, r *http.Request) {
		o := s.Options()
		err := decode(r, &o)
		if err == nil {
			err = s.SetOptions(o)
		}
		reply(w, s.Options(), err)
	})
	mux.HandleFunc("POST /profile", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name string }
		err := decode(r, &in)
		if err == nil {
			var p Profile
			if p, err = ProfileNamed(in.Name); err == nil {
				err = s.SetProfile(p)
			}
		}
		reply(w, s.Options(), err)
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Faults(), nil) })
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		err := decode(r, &f)
		if err == nil {
			_, err = s.AddFault(f)
		}
		reply(w, s.Faults(), err)
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		reply(w, s.Faults(), nil)
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) { reply(w, "reset", s.Reset()) })
	mux.HandleFunc("POST /expire-tokens", func(w http.ResponseWriter, _ *http.Request) {
		s.ExpireTokens()
		reply(w, "expired", nil)
	})
	s.controlMachines(mux)
	return mux
}

func (s *Server) controlMachines(mux *http.ServeMux) {
	mux.HandleFunc("POST /machines/{code}/production", func(w http.ResponseWriter, r *http.Request) {
		var in Work
		err := decode(r, &in)
		id := 0
		if err == nil {
			id, err = s.StartProduction(r.PathValue("code"), in)
		}
		reply(w, map[string]int{"id": id}, err)
	})
	mux.HandleFunc("DELETE /machines/{code}/production", func(w http.ResponseWriter, r *http.Request) {
		n, err := s.FinishProductions(r.PathValue("code"))
		reply(w, map[string]int{"finished": n}, err)
	})
	mux.HandleFunc("POST /machines/{code}/downtime", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Type   string
			Worker int
		}
		err := decode(r, &in)
		if err == nil {
			err = s.WorkerStops(r.PathValue("code"), in.Type, in.Worker)
		}
		reply(w, "stopped", err)
	})
}

// decode reads a JSON body into v; an empty body leaves v as it is.
func decode(r *http.Request, v any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && err != io.EOF {
		return fmt.Errorf("the body does not fit: %w", err)
	}
	return nil
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(v)
}
