package prodsmart

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strconv"
)

// ErrMorePages ends Pages when the last page it may read was not the last one
// there is: what was read is not all.
var ErrMorePages = errors.New("prodsmart: the list goes on after the last page that may be read")

// Record is a record of a list that Pages can read.
type Record interface {
	// Key tells records apart: by their number, or else by what is in them.
	Key() string
}

// Pages reads a list page by page, from page 1 to at most page most, and gives
// each record that fits once. fetch reads one page; it is called when the
// records before it are used up, so that it may wait for a free request. Pages
// ends after a page without any record that was not on the pages before; pages
// that shift while they are read give a record twice, and a server that has only
// one page gives it again. A page with fewer than PageSize records is not taken
// for the last one, because that size is not documented for all lists; but after
// it a refusal is the end, and so is the last page that may be read. A page that is
// not there (404) after one that was is the end too. Pages ends with the error of
// fetch, or with ErrMorePages.
func Pages[T Record](most int, fits func(T) bool, fetch func(page int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[string]bool{}
		short := false
		for page := 1; page <= most; page++ {
			records, err := fetch(page)
			var failed *Error
			if errors.As(err, &failed) && failed.Answer.Verdict == Refused && (short || page > 1 && Gone(err)) {
				return
			}
			if err != nil {
				yield(none, err)
				return
			}
			unseen := false
			for _, r := range records {
				if seen[r.Key()] {
					continue
				}
				seen[r.Key()], unseen = true, true
				if fits(r) && !yield(r, nil) {
					return
				}
			}
			if !unseen {
				return
			}
			short = len(records) < PageSize
		}
		if !short {
			yield(none, ErrMorePages)
		}
	}
}

// Key is the same for the same downtime.
func (d Downtime) Key() string { return keyOf(d.ID, d) }

// Key is the same for the same production record.
func (p Production) Key() string { return keyOf(p.ID, p) }

func keyOf(id int64, record any) string {
	if id != 0 {
		return strconv.FormatInt(id, 10)
	}
	sum := sha256.Sum256(fmt.Append(nil, record))
	return string(sum[:])
}
