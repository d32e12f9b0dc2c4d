package mes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Control is the interface for people and tests, apart from what clients see:
//
//	GET    /state                         machines, who took how much of the limit, violations
//	GET    /calls?after=N                 received calls
//	GET    /options, PATCH /options       some or all options as JSON: {"equal_count": "accept_noop"}
//	GET    /questions                     the options that are questions, with their answers
//	POST   /profile                       {"name": "hostile"}
//	GET    /faults, DELETE /faults        what is switched on; all off
//	POST   /faults                        {"kind": "late_answer", "delay": 2000000000, "service": "counter",
//	                                      "machine": "M1", "times": 3, "chance": 0.1, "for": 60000000000}
//	POST   /reset, POST /expire-tokens
//	POST   /machines/{code}/production    {"worker": 7, "order": "WO-1", "operation": "OP10", "product": "P1"}
//	DELETE /machines/{code}/production    finishes
//	POST   /machines/{code}/downtime      {"type": "BREAK", "worker": 7}, as a worker
//	DELETE /machines/{code}/downtime      {"worker": 7} ends it
//	POST   /machines/{code}/foreign/{service}  a call by another writer: the body as a client sends it
//	PATCH  /downtimes/{id}                {"type": "JAM", "start": "…", "end": "…"} by hand; DELETE removes it
//	PATCH  /productions/{id}              {"quantity": 5, "waste": {"SCRAP": 1}, "end": "…"} by hand; DELETE removes it
//
// and what controlOrders says about orders, channels and webhooks.
//
// Durations are nanoseconds. The kinds of faults are those of FaultKind. One of
// the options is the client that spends from the same limit: {"foreign":
// {"per_minute": 60, "pattern": "poisson", "retries": true}}, with the patterns
// even, poisson, burst and top_of_minute; per_minute 0 sends it away.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"machines": s.Machines(), "busiest_minute": s.Busiest(), "limit": s.Limit(), "violations": s.Violations()}, nil)
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.ParseUint("0"+r.URL.Query().Get("after"), 10, 64)
		reply(w, s.Calls(after), err)
	})
	mux.HandleFunc("GET /options", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Options(), nil) })
	mux.HandleFunc("GET /questions", func(w http.ResponseWriter, _ *http.Request) { reply(w, Questions(), nil) })
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
	s.controlRecords(mux)
	s.controlOrders(mux)
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
	mux.HandleFunc("DELETE /machines/{code}/downtime", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Worker int }
		err := decode(r, &in)
		n := 0
		if err == nil {
			n, err = s.WorkerStarts(r.PathValue("code"), in.Worker)
		}
		reply(w, map[string]int{"ended": n}, err)
	})
	mux.HandleFunc("POST /machines/{code}/foreign/{service}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		var out struct {
			Status int    `json:"status"`
			Body   string `json:"body"`
		}
		if err == nil {
			out.Status, out.Body = s.ForeignCall(r.PathValue("service"), r.PathValue("code"), string(body))
		}
		reply(w, out, err)
	})
}

// controlRecords is what a person does by hand to a record.
func (s *Server) controlRecords(mux *http.ServeMux) {
	mux.HandleFunc("PATCH /downtimes/{id}", edit(s.EditDowntime))
	mux.HandleFunc("DELETE /downtimes/{id}", byNumber(s.DeleteDowntime))
	mux.HandleFunc("PATCH /productions/{id}", edit(s.EditProduction))
	mux.HandleFunc("DELETE /productions/{id}", byNumber(s.DeleteProduction))
}

func edit[T any](change func(int, T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var e T
		id, err := strconv.Atoi(r.PathValue("id"))
		if err == nil {
			err = decode(r, &e)
		}
		if err == nil {
			err = change(id, e)
		}
		reply(w, "changed", err)
	}
}

// byNumber does something to what a path names by its number.
func byNumber(do func(int) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err == nil {
			err = do(id)
		}
		reply(w, "done", err)
	}
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
