// Package selector picks nodes by their labels: the SEL of the command line and of a job's
// place.on.
//
// A selector is terms joined by commas, all of which must hold: `k=v`, `k!=v`, `k in (a,b)`,
// `k` (the label is there) and `!k` (it is not). The empty selector holds for every node.
package selector

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Selector is a parsed selector; the zero value holds for everything.
type Selector struct {
	terms []term
	text  string
}

type term struct {
	key    string
	values []string // nil: presence alone
	negate bool
}

var (
	keyForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	listForm = regexp.MustCompile(`^(\S+)\s+in\s*\(([^()]*)\)$`)
)

// maxText bounds what is parsed, in bytes.
const maxText = 4096

// Parse reads a selector.
func Parse(text string) (Selector, error) {
	s := Selector{text: strings.TrimSpace(text)}
	if len(text) > maxText {
		return s, fmt.Errorf("selector is longer than %d bytes", maxText)
	}
	if s.text == "" {
		return s, nil
	}
	parts, err := split(s.text)
	if err != nil {
		return Selector{}, err
	}
	for _, part := range parts {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return Selector{}, fmt.Errorf("selector %q: %w", text, err)
		}
		s.terms = append(s.terms, t)
	}
	return s, nil
}

// split cuts at the commas that are not inside parentheses.
func split(text string) ([]string, error) {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
		if depth < 0 || depth > 1 {
			return nil, fmt.Errorf("selector %q: parentheses do not match", text)
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("selector %q: parentheses do not match", text)
	}
	return append(parts, text[start:]), nil
}

func parseTerm(text string) (term, error) {
	if m := listForm.FindStringSubmatch(text); m != nil {
		t := term{key: m[1], values: []string{}}
		for v := range strings.SplitSeq(m[2], ",") {
			t.values = append(t.values, strings.TrimSpace(v))
		}
		return t, checkKey(t.key)
	}
	if k, v, ok := strings.Cut(text, "!="); ok {
		k = strings.TrimSpace(k)
		return term{key: k, values: []string{strings.TrimSpace(v)}, negate: true}, checkKey(k)
	}
	if k, v, ok := strings.Cut(text, "="); ok {
		k = strings.TrimSpace(k)
		return term{key: k, values: []string{strings.TrimSpace(v)}}, checkKey(k)
	}
	if k, ok := strings.CutPrefix(text, "!"); ok {
		k = strings.TrimSpace(k)
		return term{key: k, negate: true}, checkKey(k)
	}
	return term{key: text}, checkKey(text)
}

func checkKey(k string) error {
	if !keyForm.MatchString(k) {
		return fmt.Errorf("%q is not k=v, k!=v, k in (a,b), k or !k", k)
	}
	return nil
}

// Matches tells whether all terms hold for a node with these labels.
func (s Selector) Matches(labels map[string]string) bool {
	for _, t := range s.terms {
		value, there := labels[t.key]
		held := there && (t.values == nil || slices.Contains(t.values, value))
		if held == t.negate {
			return false
		}
	}
	return true
}

// String is the selector as it was written.
func (s Selector) String() string { return s.text }
