package modules

import "strings"

// Alias is a line of modules.alias: a pattern of modalias strings and the module that serves them.
type Alias struct {
	Pattern string
	Module  string
}

// ParseAliases reads modules.alias as depmod(8) writes it. Other lines are skipped.
func ParseAliases(text string) []Alias {
	var out []Alias
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "alias" {
			out = append(out, Alias{Pattern: f[1], Module: f[2]})
		}
	}
	return out
}

// Match reports whether a modalias fits a pattern of shell wildcards: '*', '?' and '[a-z]', as fnmatch(3) without flags.
// A bracket that is not closed stands for itself.
func Match(pattern, s string) bool {
	// After a mismatch, go back to the last star and let it take one byte more; no earlier star can help.
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
			continue
		}
		if n := matchOne(pattern[p:], s[i]); n > 0 {
			p += n
			i++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches one byte against the first element of a pattern that is not a star, and returns that element's length,
// or 0.
func matchOne(pattern string, c byte) int {
	if pattern == "" {
		return 0
	}
	switch pattern[0] {
	case '?':
		return 1
	case '[':
		if n, ok := matchClass(pattern, c); n > 0 {
			if ok {
				return n
			}
			return 0
		}
	}
	if pattern[0] == c {
		return 1
	}
	return 0
}

// matchClass matches "[abc]", "[a-f]" and "[!a]". n is 0 if the bracket is not closed.
func matchClass(pattern string, c byte) (n int, ok bool) {
	i, negate := 1, false
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		negate = true
		i++
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, ok != negate
		}
		low, high := pattern[i], pattern[i]
		i++
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			high = pattern[i+1]
			i += 2
		}
		if low <= c && c <= high {
			ok = true
		}
	}
	return 0, false
}
