package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// states are the words of states that are known without configuring any.
func states() map[string][]string {
	return map[string][]string{
		"open":      {"open", "released", "approved", "confirmed", "new", "active", "accepted", "in progress", "started", "offen", "freigegeben", "aberta", "aberto", "abierto", "открыт", "в работе"},
		"held":      {"held", "hold", "on hold", "draft", "forecast", "planned", "waiting", "blocked", "pending", "gesperrt", "entwurf", "rascunho", "pendente", "borrador", "черновик"},
		"closed":    {"closed", "done", "completed", "complete", "finished", "delivered", "shipped", "invoiced", "archived", "geschlossen", "erledigt", "geliefert", "fechada", "fechado", "cerrado", "закрыт", "выполнен"},
		"cancelled": {"cancelled", "canceled", "cancel", "deleted", "rejected", "void", "storniert", "gelöscht", "cancelada", "cancelado", "anulada", "anulado", "отменен", "отменён"},
	}
}

// stateOf gives a state by its name in the configuration.
func stateOf(name string) (erp.State, bool) {
	for _, s := range []erp.State{erp.Open, erp.Held, erp.Closed, erp.Cancelled} {
		if s.String() == name {
			return s, true
		}
	}
	return erp.Unknown, false
}

// stateWords gives the state of each word, in small letters. The plant's words
// come before the built-in ones.
func stateWords(set map[string][]string) (map[string]erp.State, error) {
	words := map[string]erp.State{}
	for name, list := range states() {
		s, _ := stateOf(name)
		for _, w := range list {
			words[w] = s
		}
	}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		s, ok := stateOf(name)
		if !ok {
			return nil, fmt.Errorf("states: %q is none of open, held, closed and cancelled", name)
		}
		for _, w := range set[name] {
			w = fold(w)
			if other := owner[w]; other != "" && other != name {
				return nil, fmt.Errorf("states: %q stands under %s and under %s", w, other, name)
			}
			owner[w], words[w] = name, s
		}
	}
	return words, nil
}

// fold is a word for comparing.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
