package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or doubtful, at one place.
type Problem struct {
	Pos
	// Path names the key: machines.BEND-2.count.max_rate. Empty for the file
	// as a whole.
	Path string `json:"path,omitempty"`
	// Text says what is wrong; what is allowed; and, where one is near, the
	// name that was probably meant.
	Text string `json:"text"`
}

// String writes file:line:col: path: text.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Pos.String() + ": " + p.Text
	}
	return p.Pos.String() + ": " + p.Path + ": " + p.Text
}

// Problems are in the order of the files as they were included, then of lines.
// None means that all is well: test len, not nil, when it is kept as an error.
type Problems []Problem

// Error writes one problem a line.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.String())
	}
	return b.String()
}

// Print writes one problem a line.
func (p Problems) Print(w io.Writer) error {
	for _, problem := range p {
		if _, err := fmt.Fprintln(w, problem); err != nil {
			return err
		}
	}
	return nil
}

// notes collects problems; the same one of a template reached through many
// machines is kept once.
type notes struct {
	seen map[Problem]bool
	list Problems
}

func (s *notes) add(p Problem) {
	if s.seen[p] {
		return
	}
	if s.seen == nil {
		s.seen = map[Problem]bool{}
	}
	s.seen[p] = true
	s.list = append(s.list, p)
}

// sorted gives the problems in the order of files, lines and columns.
func (s *notes) sorted(files []string) Problems {
	rank := make(map[string]int, len(files))
	for i, f := range files {
		rank[f] = i
	}
	slices.SortStableFunc(s.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col), cmp.Compare(a.Text, b.Text))
	})
	return s.list
}

// didYouMean is "; did you mean "x"?" for the nearest of the names, "" if none
// is near.
func didYouMean(word string, names []string) string {
	best, bestDistance := "", 1+max(1, len([]rune(word))/3)
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	if best == "" || best == word {
		return ""
	}
	return "; did you mean " + quote(best) + "?"
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to get from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 80 || len(y) > 80 {
		return 80
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			replace := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// oneOf lists names for a message: a, b or c.
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
