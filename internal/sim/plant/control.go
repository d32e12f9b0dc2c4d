package plant

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Switch makes one fault of the plant happen now. Names lists what there is.
func (p *Plant) Switch(name string) error {
	for _, t := range troubles() {
		if t.Name == name {
			p.carryOut(t)
			return nil
		}
	}
	return fmt.Errorf("fault %q is not known; allowed: %v", name, FaultNames())
}

// FaultNames lists the faults that Switch knows.
func FaultNames() []string {
	var names []string
	for _, t := range troubles() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// Mend ends all faults that last.
func (p *Plant) Mend(ctx context.Context) error { return p.mendAll(ctx) }

// controlHandler is the interface for people and tests:
//
//	GET    /truth, /table, /history, /addresses
//	GET    /faults                names of the faults
//	POST   /faults/{name}         makes one happen; DELETE /faults ends all
//	POST   /settle                halts production; answers when it stands
//	       /prodsmart/…           the control interface of the pretend Prodsmart
func (p *Plant) controlHandler() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, value func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { reply(w, value(), nil) })
	}
	get("/truth", func() any { return p.Truth() })
	get("/table", func() any { return p.Table() })
	get("/history", func() any { return p.History() })
	get("/faults", func() any { return FaultNames() })
	get("/addresses", func() any {
		o, m, q, s, c := p.Addresses()
		return map[string]string{"opcua": o, "modbus": m, "mqtt": q, "prodsmart": s, "control": c}
	})
	mux.HandleFunc("POST /faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, "done", p.Switch(r.PathValue("name")))
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		reply(w, "mended", p.Mend(ctx))
	})
	mux.HandleFunc("POST /settle", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
		defer cancel()
		err := p.Settle(ctx)
		reply(w, p.Table(), err)
	})
	mux.Handle("/prodsmart/", http.StripPrefix("/prodsmart", p.mes.Control()))
	return mux
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
