package mes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// controlOrders is what a planner does, and what an administrator sets up:
//
//	GET    /orders, POST /orders          all orders; a new one, with the body of a client's POST
//	PATCH  /orders/{id}                   {"ended": true, "archived": false, "due-date": "…"}; DELETE deletes it
//	POST   /orders/{id}/close, /orders/{id}/archive
//	POST   /orders/{id}/production        {"machine": "M1", "worker": 7, "operation": "OP10", "product": "P1"}
//	DELETE /orders/{id}/production        finishes all that are open for the order
//	POST   /seed                          {"orders": 100, "seed": 7}
//	POST   /clock                         {"advance": 3600000000000}
//	GET    /channels, POST /channels      {"name": "c1", "type": "PRODUCTION_ORDER"}; DELETE /channels/{name}
//	GET    /webhooks                      subscriptions, and what was sent
//	POST   /webhooks                      {"url": "http://…", "topics": ["productionOrder/*"]}; DELETE /webhooks/{id}
//	POST   /webhooks/send                 {"topic": "lot/create", "body": […]} sends any body
func (s *Server) controlOrders(mux *http.ServeMux) {
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Orders(), nil) })
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		var in json.RawMessage
		err := decode(r, &in)
		id := 0
		if err == nil {
			id, err = s.PlanOrder(in)
		}
		reply(w, map[string]int{"id": id}, err)
	})
	mux.HandleFunc("PATCH /orders/{id}", edit(s.EditOrder))
	mux.HandleFunc("DELETE /orders/{id}", byNumber(s.DeleteOrder))
	mux.HandleFunc("POST /orders/{id}/close", byNumber(s.CloseOrder))
	mux.HandleFunc("POST /orders/{id}/archive", byNumber(s.ArchiveOrder))
	mux.HandleFunc("POST /orders/{id}/production", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Machine string
			Work
		}
		err := decode(r, &in)
		id := 0
		if err == nil {
			id, err = strconv.Atoi(r.PathValue("id"))
		}
		if err == nil {
			id, err = s.StartOrder(id, in.Machine, in.Work)
		}
		reply(w, map[string]int{"id": id}, err)
	})
	mux.HandleFunc("DELETE /orders/{id}/production", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		n := 0
		if err == nil {
			n, err = s.FinishOrder(id)
		}
		reply(w, map[string]int{"finished": n}, err)
	})
	s.controlSeed(mux)
	s.controlFeeds(mux)
}

// controlSeed is about the data set and the clock.
func (s *Server) controlSeed(mux *http.ServeMux) {
	mux.HandleFunc("POST /seed", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Orders int
			Seed   uint64
		}
		err := decode(r, &in)
		if err == nil {
			err = s.SeedOrders(in.Orders, in.Seed)
		}
		reply(w, "seeded", err)
	})
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Advance time.Duration }
		err := decode(r, &in)
		if err == nil {
			err = s.Advance(in.Advance)
		}
		reply(w, "advanced", err)
	})
}

// controlFeeds is about channels and webhooks.
func (s *Server) controlFeeds(mux *http.ServeMux) {
	mux.HandleFunc("GET /channels", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Channels(), nil) })
	mux.HandleFunc("POST /channels", func(w http.ResponseWriter, r *http.Request) {
		var in ChannelSetup
		err := decode(r, &in)
		if err == nil {
			err = s.AddChannel(in)
		}
		reply(w, s.Channels(), err)
	})
	mux.HandleFunc("DELETE /channels/{name}", func(w http.ResponseWriter, r *http.Request) {
		err := s.RemoveChannel(r.PathValue("name"))
		reply(w, s.Channels(), err)
	})
	mux.HandleFunc("GET /webhooks", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"subscriptions": s.Subscriptions(), "sent": s.Hooks()}, nil)
	})
	mux.HandleFunc("POST /webhooks", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			URL    string
			Topics []string
		}
		err := decode(r, &in)
		id := 0
		if err == nil {
			id, err = s.Subscribe(in.URL, in.Topics)
		}
		reply(w, map[string]int{"id": id}, err)
	})
	mux.HandleFunc("DELETE /webhooks/{id}", byNumber(s.Unsubscribe))
	mux.HandleFunc("POST /webhooks/send", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Topic string
			Body  json.RawMessage
		}
		err := decode(r, &in)
		n := 0
		if err == nil {
			n, err = s.SendHook(in.Topic, in.Body)
		}
		if err == nil && n == 0 {
			err = fmt.Errorf("nobody follows the topic %q", in.Topic)
		}
		reply(w, map[string]int{"sent": n}, err)
	})
}
