package store

import (
	"path/filepath"
	"testing"
)

// TestBook: rows of a book are replaced and removed, and each source has its own.
func TestBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	s := open(t, path, small())
	put := func(rows ...BookRow) {
		t.Helper()
		if err := s.Commit(t.Context(), Write{Book: rows}); err != nil {
			t.Fatal(err)
		}
	}
	put(BookRow{"a", "entry", "1", []byte("x")}, BookRow{"a", "entry", "2\x1fl", []byte("y")}, BookRow{"b", "entry", "1", []byte("z")})
	put(BookRow{"a", "entry", "1", nil}, BookRow{"a", "entry", "2\x1fl", []byte("y2")}, BookRow{"a", "head", "head", []byte("{}")})
	closeStore(t, s)
	s = open(t, path, small())
	got, err := s.Book(t.Context(), "a")
	if err != nil || len(got) != 2 || got[0].Key != "2\x1fl" || string(got[0].Body) != "y2" || got[1].Kind != "head" {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := s.Book(t.Context(), "b"); err != nil || len(got) != 1 {
		t.Errorf("%+v %v", got, err)
	}
}
