package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of types.
const (
	MaxBits   = 32
	MaxLeaves = 4096 // words in a token
)

// Word is a fixed-width integer: u1…u32, i2…i32. Storing wraps as a typed array does, or clamps as a Uint8ClampedArray does.
type Word struct {
	Bits   int
	Signed bool
	Clamp  bool // where it is stored
}

// ParseWord reads "u8", "i16", "u8c".
func ParseWord(s string) (Word, error) {
	var w Word
	text := s
	switch {
	case strings.HasPrefix(text, "u"):
	case strings.HasPrefix(text, "i"):
		w.Signed = true
	default:
		return w, fmt.Errorf("%q is not a word type: it is u1 to u32 or i2 to i32, with a c behind it to clamp", s)
	}
	text, w.Clamp = strings.CutSuffix(text[1:], "c")
	bits, err := strconv.Atoi(text)
	least := 1
	if w.Signed {
		least = 2
	}
	if err != nil || bits < least || bits > MaxBits || text[0] == '0' || text[0] == '+' {
		return w, fmt.Errorf("%q is not a word type: it is u1 to u32 or i2 to i32, with a c behind it to clamp", s)
	}
	w.Bits = bits
	return w, nil
}

// String is the form that ParseWord reads.
func (w Word) String() string {
	s := "u"
	if w.Signed {
		s = "i"
	}
	s += strconv.Itoa(w.Bits)
	if w.Clamp {
		s += "c"
	}
	return s
}

// Range returns the least and the greatest value.
func (w Word) Range() (lo, hi int64) {
	if w.Signed {
		return -1 << (w.Bits - 1), 1<<(w.Bits-1) - 1
	}
	return 0, 1<<w.Bits - 1
}

// Bytes is what the word takes on the wire: 1, 2 or 4.
func (w Word) Bytes() int {
	switch {
	case w.Bits <= 8:
		return 1
	case w.Bits <= 16:
		return 2
	}
	return 4
}

// Type is what a token is: a word, a record or a fixed array. Exactly one of its forms is set.
type Type struct {
	Word   Word    // if Bits is not 0
	Fields []Field // a record, in declared order
	Elem   *Type   // an array of N
	N      int
}

// Field is a record's part.
type Field struct {
	Name string
	Type Type
}

// WordType makes the type of a single word.
func WordType(w Word) Type { return Type{Word: w} }

// Leaf is a word of a token, with the way to it ("r", "h[3]"; "" if the token is a word).
type Leaf struct {
	Path string
	Word Word
}

// Leaves lists a token's words in the order of the wire.
func (t Type) Leaves() []Leaf { return t.leaves("", nil) }

func (t Type) leaves(path string, out []Leaf) []Leaf {
	switch {
	case t.Word.Bits != 0:
		return append(out, Leaf{path, t.Word})
	case t.Elem != nil:
		for i := range t.N {
			out = t.Elem.leaves(fmt.Sprintf("%s[%d]", path, i), out)
		}
	default:
		for _, f := range t.Fields {
			name := f.Name
			if path != "" {
				name = path + "." + name
			}
			out = f.Type.leaves(name, out)
		}
	}
	return out
}

// Len is the number of leaves.
func (t Type) Len() int {
	switch {
	case t.Word.Bits != 0:
		return 1
	case t.Elem != nil:
		return t.N * t.Elem.Len()
	}
	n := 0
	for _, f := range t.Fields {
		n += f.Type.Len()
	}
	return n
}

// Bytes is what a token takes on the wire.
func (t Type) Bytes() int {
	n := 0
	for _, l := range t.Leaves() {
		n += l.Word.Bytes()
	}
	return n
}

// String is the form that ParseType reads: u8, {r: u8, g: u8}, [i16, 64].
func (t Type) String() string {
	switch {
	case t.Word.Bits != 0:
		return t.Word.String()
	case t.Elem != nil:
		return fmt.Sprintf("[%s, %d]", t.Elem, t.N)
	}
	parts := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		parts[i] = strconv.Quote(f.Name) + ": " + f.Type.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// Check tells what is wrong with a type: no leaf, too many, a name that stands twice.
func (t Type) Check() error {
	if err := t.check(0); err != nil {
		return err
	}
	if n := t.Len(); n == 0 || n > MaxLeaves {
		return fmt.Errorf("a token has 1 to %d words; this one has %d", MaxLeaves, n)
	}
	return nil
}

func (t Type) check(depth int) error {
	switch {
	case depth > 8:
		return fmt.Errorf("the type is nested more than 8 deep")
	case t.Word.Bits != 0:
		return nil
	case t.Elem != nil:
		if t.N < 1 || t.N > MaxLeaves {
			return fmt.Errorf("an array has 1 to %d elements, not %d", MaxLeaves, t.N)
		}
		return t.Elem.check(depth + 1)
	case len(t.Fields) == 0 || len(t.Fields) > 256:
		return fmt.Errorf("a record has 1 to 256 fields, not %d", len(t.Fields))
	}
	seen := map[string]bool{}
	total := 0
	for _, f := range t.Fields {
		if seen[f.Name] {
			return fmt.Errorf("field %q stands twice", f.Name)
		}
		seen[f.Name] = true
		if err := f.Type.check(depth + 1); err != nil {
			return err
		}
		if total += f.Type.Len(); total > MaxLeaves {
			return fmt.Errorf("a token has at most %d words", MaxLeaves)
		}
	}
	return nil
}
