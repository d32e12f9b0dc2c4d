package gateway

import (
	"fmt"
	"net/http"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/repzo"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// hooks are the paths at which business systems say by themselves that something
// changed: the source's changes are read soon then. What they send is not used.
func (g *Gateway) hooks(sources []config.OrderSource) (map[string]http.Handler, error) {
	doors := map[string]http.Handler{}
	for _, s := range sources {
		secret := s.Hook()
		if !secret.IsSet() {
			continue
		}
		door, err := repzo.Hook(secret.Reveal(), func() { g.orders.mirror.Hint(s.Name) })
		if err != nil {
			return nil, fmt.Errorf("%s: orders.sources.%s.repzo.hook_secret: %w", s.Pos, s.Name, err)
		}
		doors[s.HookPath()] = door
	}
	return doors, nil
}

// Webhook is the handler of the door for what Prodsmart and business systems send by
// themselves; nil if there is none. The caller serves it at the address of the
// configuration and nothing else.
func (g *Gateway) Webhook() http.Handler {
	var own http.Handler
	if g.follow != nil && g.follow.door != nil {
		own = g.follow.door
	}
	if len(g.doors) == 0 {
		return own
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch door := g.doors[r.URL.Path]; {
		case door != nil:
			door.ServeHTTP(w, r)
		case own != nil:
			own.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}
