package file

import (
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// answer reads a yes or no.
func answer(s string) (erp.Answer, bool) {
	switch erp.FoldWord(s) {
	case "":
		return erp.Unsaid, true
	case "1", "yes", "y", "true", "t", "x", "ja", "j", "wahr", "sim", "s", "verdadeiro", "sí", "si", "oui", "да", "истина", "ha", "make", "+":
		return erp.Yes, true
	case "0", "no", "n", "false", "f", "nein", "falsch", "não", "nao", "falso", "non", "нет", "ложь", "yo'q", "buy", "-":
		return erp.No, true
	}
	return erp.Unsaid, false
}
