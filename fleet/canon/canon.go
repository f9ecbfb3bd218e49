// Package canon encodes JSON in the one form that Capo signs and authenticates.
//
// Canonical JSON has its object keys sorted by their bytes, no insignificant space, no escaping
// beyond what RFC 8259 section 7 demands (", \ and control characters, the short escapes where
// there is one, else \u00xx in lower case), valid UTF-8 only, and integers only: a fraction, an
// exponent or a number beyond ±(2^53-1) is refused, so that every language reads the same value.
package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may nest.
const MaxDepth = 32

// maxInteger is the largest integer that every JSON implementation keeps exactly (2^53-1).
const maxInteger = 1<<53 - 1

// ErrNumber is returned for a number that is not an integer within ±(2^53-1).
var ErrNumber = errors.New("not an integer within 2^53")

// ErrDepth is returned for a value that nests deeper than MaxDepth.
var ErrDepth = fmt.Errorf("nests deeper than %d", MaxDepth)

// ErrText is returned for a string that is not valid UTF-8.
var ErrText = errors.New("string is not valid UTF-8")

// Marshal returns the canonical form of what encoding/json makes of v.
func Marshal(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical json: %w", err)
	}
	return Transform(raw)
}

// Transform returns the canonical form of one JSON value. Of an object's duplicate keys the last
// one counts, as in encoding/json.
func Transform(raw []byte) ([]byte, error) {
	v, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	return Encode(v)
}

// Parse reads one JSON value, and nothing after it, into the types of encoding/json with numbers
// as json.Number. The caller limits the length of raw.
func Parse(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("canonical json: %w", ErrText)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("canonical json: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("canonical json: more than one value")
	}
	return v, nil
}

// Encode writes what Parse returned in canonical form.
func Encode(v any) ([]byte, error) {
	b, err := encode(nil, v, 0)
	if err != nil {
		return nil, fmt.Errorf("canonical json: %w", err)
	}
	return b, nil
}

func encode(b []byte, v any, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, ErrDepth
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case json.Number:
		return number(b, v)
	case string:
		return text(b, v)
	case []any:
		return array(b, v, depth)
	case map[string]any:
		return object(b, v, depth)
	}
	return nil, fmt.Errorf("cannot encode a %T", v)
}

func number(b []byte, n json.Number) ([]byte, error) {
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || i > maxInteger || i < -maxInteger || n == "-0" {
		return nil, fmt.Errorf("%q: %w", n.String(), ErrNumber)
	}
	return strconv.AppendInt(b, i, 10), nil
}

func array(b []byte, list []any, depth int) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i, item := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = encode(b, item, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func object(b []byte, m map[string]any, depth int) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var err error
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = text(b, k); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = encode(b, m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// short holds the escapes of RFC 8259 that have a letter of their own.
func short(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

func text(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, ErrText
	}
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		switch e := short(c); {
		case e != 0:
			b = append(b, '\\', e)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), nil
}
