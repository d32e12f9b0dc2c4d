package modbus

import (
	"fmt"
	"strings"
)

// nearest is "; did you mean X?" for the allowed word that the written one is
// most like, or nothing if none is close. others maps words of other systems to
// allowed ones.
func nearest(written string, allowed []string, others map[string]string) string {
	low := strings.ToLower(strings.TrimSpace(written))
	if word, ok := others[low]; ok {
		return fmt.Sprintf("; did you mean %s?", word)
	}
	best, distance := "", 3
	for _, word := range allowed {
		if d := editDistance(low, strings.ToLower(word)); d < distance {
			best, distance = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance is the number of letters to insert, remove or replace. Words far
// longer than any allowed one are not measured.
func editDistance(a, b string) int {
	const longest = 32
	if len(a) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
