package job

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// node is a value in the settings, with the path that names it.
type node struct {
	path  string
	value any
	given bool
}

func (p *parser) text(n node, or string) string {
	if !n.given {
		return or
	}
	s, ok := n.value.(string)
	if !ok {
		p.fail(n.path, "is not a text")
		return or
	}
	return s
}

// oneOf reads one of some words; or is taken when it is not given, and is allowed too.
func (p *parser) oneOf(n node, or string, words ...string) string {
	s := p.text(n, or)
	if n.given && (s == "" || s != or && !slices.Contains(words, s)) {
		if or != "" {
			words = append([]string{or}, words...)
		}
		p.fail(n.path, "%q is not one of %s", s, strings.Join(words, ", "))
		return or
	}
	return s
}

// yes reads a switch that is off unless it is given.
func (p *parser) yes(n node) bool {
	if !n.given {
		return false
	}
	on, ok := n.value.(bool)
	if !ok {
		p.fail(n.path, "is neither true nor false")
	}
	return on
}

func (p *parser) list(n node) []node {
	if !n.given {
		return nil
	}
	items, ok := n.value.([]any)
	if !ok {
		p.fail(n.path, "is not a list")
		return nil
	}
	out := make([]node, len(items))
	for i, v := range items {
		out[i] = node{fmt.Sprintf("%s[%d]", n.path, i), v, true}
	}
	return out
}

// entries yields the members of an object, sorted.
func (p *parser) entries(n node) iter.Seq2[string, node] {
	m, ok := n.value.(map[string]any)
	if n.given && !ok {
		p.fail(n.path, "is not an object")
	}
	return func(yield func(string, node) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, node{n.path + "." + k, m[k], true}) {
				return
			}
		}
	}
}

// object reads the members of an object and refuses those that are not known.
func (p *parser) object(n node, known, later []string) map[string]node {
	out := map[string]node{}
	for _, k := range known {
		out[k] = node{path: n.path + "." + k}
	}
	for k, v := range p.entries(n) {
		switch {
		case slices.Contains(known, k):
			out[k] = v
		case slices.Contains(later, k):
			p.fail(v.path, "is not there yet: a later version of Capo has it")
		default:
			p.fail(v.path, "is not a setting; there are %s", strings.Join(known, ", "))
		}
	}
	return out
}
