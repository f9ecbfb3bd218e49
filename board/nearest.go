package board

import (
	"sort"
	"strings"
)

// nearest returns the candidates that somebody who typed name may have meant, best first and n at most: those that have its
// letters in its order (rpi4 for raspberrypi4), then those with the smallest edit distance.
func nearest(name string, candidates []string, n int) []string {
	type guess struct {
		name     string
		shortens bool
		distance int
	}
	name = strings.ToLower(name)
	guesses := make([]guess, 0, len(candidates))
	for _, c := range candidates {
		guesses = append(guesses, guess{c, len(name) > 1 && shortens(name, c), distance(name, c)})
	}
	sort.SliceStable(guesses, func(i, j int) bool {
		if guesses[i].shortens != guesses[j].shortens {
			return guesses[i].shortens
		}
		return guesses[i].distance < guesses[j].distance
	})
	var names []string
	for _, g := range guesses[:min(n, len(guesses))] {
		if g.shortens == guesses[0].shortens && g.distance <= guesses[0].distance+2 {
			names = append(names, g.name)
		}
	}
	return names
}

// shortens tells whether what is left of long when letters are taken away can be short.
func shortens(short, long string) bool {
	for i := 0; i < len(long) && short != ""; i++ {
		if long[i] == short[0] {
			short = short[1:]
		}
	}
	return short == ""
}

// distance counts the bytes to insert, delete or replace, and the neighbours to swap (optimal string alignment).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
