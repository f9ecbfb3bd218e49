package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseType reads what Type.String prints.
func ParseType(s string) (Type, error) {
	p := typeParser{rest: s}
	t, err := p.parse(0)
	if err == nil && p.rest != "" {
		err = fmt.Errorf("type %q: %q is left over", s, p.rest)
	}
	if err == nil {
		err = t.Check()
	}
	return t, err
}

// typeParser eats a type from the front of a text.
type typeParser struct{ rest string }

func (p *typeParser) eat(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *typeParser) parse(depth int) (Type, error) {
	switch {
	case depth > 8:
		return Type{}, fmt.Errorf("the type is nested more than 8 deep")
	case p.eat("{"):
		return p.record(depth)
	case p.eat("["):
		return p.array(depth)
	}
	end := strings.IndexAny(p.rest, ",}] ")
	if end < 0 {
		end = len(p.rest)
	}
	w, err := ParseWord(p.rest[:end])
	p.rest = p.rest[end:]
	return WordType(w), err
}

func (p *typeParser) record(depth int) (Type, error) {
	var t Type
	for {
		quoted, err := strconv.QuotedPrefix(p.rest)
		if err != nil {
			return t, fmt.Errorf("a field's name is missing before %q", p.rest)
		}
		p.rest = p.rest[len(quoted):]
		name, err := strconv.Unquote(quoted)
		if err != nil || !p.eat(": ") {
			return t, fmt.Errorf("field %s has no type", quoted)
		}
		field, err := p.parse(depth + 1)
		if err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, Field{name, field})
		if p.eat("}") {
			return t, nil
		}
		if !p.eat(", ") {
			return t, fmt.Errorf("a record does not end at %q", p.rest)
		}
	}
}

func (p *typeParser) array(depth int) (Type, error) {
	elem, err := p.parse(depth + 1)
	if err != nil {
		return Type{}, err
	}
	if !p.eat(", ") {
		return Type{}, fmt.Errorf("an array's length is missing at %q", p.rest)
	}
	text, rest, ok := strings.Cut(p.rest, "]")
	n, err := strconv.Atoi(text)
	if !ok || err != nil {
		return Type{}, fmt.Errorf("an array's length is missing at %q", p.rest)
	}
	p.rest = rest
	return Type{Elem: &elem, N: n}, nil
}
