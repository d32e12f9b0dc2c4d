package erp

import (
	"strings"
	"testing"
)

func TestStateWords(t *testing.T) {
	words, err := StateWords(map[string][]string{"closed": {"  Shipped  OUT "}, "open": {"Done"}})
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]State{"shipped out": Closed, "done": Open, "zamknięte": Closed, "черновик": Held, "storniert": Cancelled, "perhaps": Unknown} {
		if words[word] != want {
			t.Errorf("%q is %s, not %s", word, words[word], want)
		}
	}
	for text, set := range map[string]map[string][]string{
		`"gone" stands under cancelled and under closed`: {"closed": {"gone"}, "cancelled": {"Gone"}},
		`"over" is none of open`:                         {"over": {"x"}},
	} {
		if _, err := StateWords(set); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, not %s", err, text)
		}
	}
}

func TestKnownWordsStandOnce(t *testing.T) {
	owner := map[string]State{}
	for state, list := range knownWords() {
		for _, w := range list {
			if other, twice := owner[w]; twice || w != FoldWord(w) {
				t.Errorf("%q stands under %s and %s, or is not folded", w, state, other)
			}
			owner[w] = state
		}
	}
}
