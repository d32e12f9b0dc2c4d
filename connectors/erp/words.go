package erp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// knownWords are the words of states that are known without configuring any.
func knownWords() map[State][]string {
	return map[State][]string{
		Open: {"open", "released", "approved", "confirmed", "new", "active", "accepted", "in progress", "started", "running", "ready", "pending production",
			"offen", "freigegeben", "in arbeit", "aberta", "aberto", "aprovada", "confirmada", "abierto", "открыт", "открыта", "утвержден", "утверждён", "подтвержден", "подтверждён", "в работе", "новый", "ochiq",
			"nowe", "przyjęte", "w realizacji", "potwierdzone", "otwarte", "zatwierdzone"},
		Held: {"held", "hold", "on hold", "draft", "forecast", "planned", "waiting", "blocked", "pending", "paused",
			"gesperrt", "entwurf", "geplant", "rascunho", "suspensa", "pendente", "borrador", "черновик", "на утверждении", "приостановлен", "qoralama",
			"szkic", "wstrzymane", "oczekujące", "robocze"},
		Closed: {"closed", "done", "completed", "complete", "finished", "delivered", "shipped", "invoiced", "archived",
			"geschlossen", "erledigt", "geliefert", "abgeschlossen", "fechada", "fechado", "concluida", "concluída", "entregue", "cerrado", "закрыт", "закрыта", "выполнен", "отгружен", "доставлен", "yopiq",
			"zrealizowane", "zamknięte", "zakończone", "wysłane"},
		Cancelled: {"cancelled", "canceled", "cancel", "deleted", "rejected", "void", "aborted", "storno",
			"storniert", "abgelehnt", "gelöscht", "cancelada", "cancelado", "anulada", "anulado", "отменен", "отменён", "отменена", "аннулирован", "удален", "bekor qilingan",
			"anulowane", "odrzucone", "usunięte"},
	}
}

// StateWords gives the state of each word, as FoldWord spells it. set are the plant's
// own words by the name of a state (open, held, closed, cancelled); they come before
// those that are known anyway. An error names a word that stands under two states.
func StateWords(set map[string][]string) (map[string]State, error) {
	words := map[string]State{}
	states := map[string]State{}
	for state, list := range knownWords() {
		states[state.String()] = state
		for _, w := range list {
			words[w] = state
		}
	}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		state, ok := states[name]
		if !ok {
			return nil, fmt.Errorf("states: %q is none of open, held, closed and cancelled", name)
		}
		for _, w := range set[name] {
			w = FoldWord(w)
			if other := owner[w]; other != "" && other != name {
				return nil, fmt.Errorf("states: %q stands under %s and under %s", w, other, name)
			}
			owner[w], words[w] = name, state
		}
	}
	return words, nil
}

// FoldWord is a word for comparing: in small letters, with single blanks.
func FoldWord(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
