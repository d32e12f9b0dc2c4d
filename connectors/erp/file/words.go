package file

import (
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// states are the words of states that are known without configuring any.
func states() map[erp.State][]string {
	return map[erp.State][]string{
		erp.Open: {"open", "released", "approved", "confirmed", "new", "active", "accepted", "in progress", "started", "running", "ready", "pending production",
			"offen", "freigegeben", "in arbeit", "aberta", "aberto", "aprovada", "confirmada", "abierto", "открыт", "открыта", "утвержден", "утверждён", "подтвержден", "подтверждён", "в работе", "новый", "ochiq"},
		erp.Held: {"held", "hold", "on hold", "draft", "forecast", "planned", "waiting", "blocked", "pending", "paused",
			"gesperrt", "entwurf", "geplant", "rascunho", "suspensa", "pendente", "borrador", "черновик", "на утверждении", "приостановлен", "qoralama"},
		erp.Closed: {"closed", "done", "completed", "complete", "finished", "delivered", "shipped", "invoiced", "archived",
			"geschlossen", "erledigt", "geliefert", "abgeschlossen", "fechada", "fechado", "concluida", "concluída", "entregue", "cerrado", "закрыт", "закрыта", "выполнен", "отгружен", "доставлен", "yopiq"},
		erp.Cancelled: {"cancelled", "canceled", "cancel", "deleted", "rejected", "void", "aborted", "storno",
			"storniert", "abgelehnt", "gelöscht", "cancelada", "cancelado", "anulada", "anulado", "отменен", "отменён", "отменена", "аннулирован", "удален", "bekor qilingan"},
	}
}

// stateWords gives the state of each word, in small letters. The plant's words
// come before the built-in ones.
func stateWords(set map[string][]string) (map[string]erp.State, error) {
	words := map[string]erp.State{}
	names := map[string]erp.State{"open": erp.Open, "held": erp.Held, "closed": erp.Closed, "cancelled": erp.Cancelled}
	for state, list := range states() {
		for _, w := range list {
			words[w] = state
		}
	}
	owner := map[string]string{}
	for key, list := range set {
		state, ok := names[key]
		if !ok {
			return nil, fmt.Errorf("states: %q is none of open, held, closed and cancelled", key)
		}
		for _, w := range list {
			w = word(w)
			if other := owner[w]; other != "" && other != key {
				return nil, fmt.Errorf("states: %q stands under %s and under %s", w, min(key, other), max(key, other))
			}
			owner[w] = key
			words[w] = state
		}
	}
	return words, nil
}

// word is a word for comparing.
func word(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// answer reads a yes or no.
func answer(s string) (erp.Answer, bool) {
	switch word(s) {
	case "":
		return erp.Unsaid, true
	case "1", "yes", "y", "true", "t", "x", "ja", "j", "wahr", "sim", "s", "verdadeiro", "sí", "si", "oui", "да", "истина", "ha", "make", "+":
		return erp.Yes, true
	case "0", "no", "n", "false", "f", "nein", "falsch", "não", "nao", "falso", "non", "нет", "ложь", "yo'q", "buy", "-":
		return erp.No, true
	}
	return erp.Unsaid, false
}
