package js

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// snapshot is what a script's top level left: its kernels, and all values that they reach.
type snapshot struct {
	Kernels []exported `json:"kernels"`
	Golden  val        `json:"golden"`
	Nodes   []node     `json:"nodes"`
}

// exported is a kernel under a name.
type exported struct {
	Name   string      `json:"name"`
	Stages []stageCall `json:"stages"`
}

// stageCall is a call of kernel().
type stageCall struct {
	Descriptor val `json:"d"`
	Function   val `json:"f"`
	At         int `json:"at"` // where it stands in the script, from 1
}

// node is an object. One of its forms is set.
type node struct {
	Array    []val    `json:"a,omitempty"`
	Numbers  []int64  `json:"i,omitempty"` // an array of integers
	Keys     []string `json:"k,omitempty"` // a record, or what a function captures
	Values   []val    `json:"v,omitempty"`
	Long     int      `json:"l,omitempty"` // an array longer than a table may be
	Function int      `json:"f,omitempty"` // its number in the script, from 1
	Form     byte     `json:"t"`           // 'a', 'i', 'k', 'l', 'f'
}

// kind is what a val is.
type kind byte

const (
	undefinedKind kind = iota
	nullKind
	boolKind
	numberKind
	stringKind
	nodeKind    // Ref is its place in Nodes
	builtinKind // Text is its name: Math.min
	otherKind   // Text says what it is
)

// val is a JavaScript value.
type val struct {
	Kind   kind
	Number float64 // boolKind: 1 or 0
	Ref    int
	Text   string
}

// MarshalJSON writes [kind, content].
func (v val) MarshalJSON() ([]byte, error) {
	switch v.Kind {
	case undefinedKind, nullKind:
		return []byte(fmt.Sprintf("[%d]", v.Kind)), nil
	case boolKind, numberKind:
		return json.Marshal([]any{v.Kind, strconv.FormatFloat(v.Number, 'g', -1, 64)})
	case nodeKind:
		return []byte(fmt.Sprintf("[%d,%d]", v.Kind, v.Ref)), nil
	}
	return json.Marshal([]any{v.Kind, v.Text})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *val) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) == 0 || len(parts) > 2 {
		return fmt.Errorf("a value of %d parts", len(parts))
	}
	*v = val{}
	if err := json.Unmarshal(parts[0], &v.Kind); err != nil {
		return err
	}
	if len(parts) == 1 {
		return nil
	}
	if v.Kind == nodeKind {
		return json.Unmarshal(parts[1], &v.Ref)
	}
	if err := json.Unmarshal(parts[1], &v.Text); err != nil || v.Kind != boolKind && v.Kind != numberKind {
		return err
	}
	var err error
	v.Number, err = strconv.ParseFloat(v.Text, 64)
	v.Text = ""
	return err
}

// decodeSnapshot reads what [Describe] wrote, maybe in another process that ran foreign code.
func decodeSnapshot(b []byte) (*snapshot, error) {
	var s snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read what the script's top level left: %w", err)
	}
	for _, n := range s.Nodes {
		if n.Form != 'l' && n.Long != 0 {
			return nil, fmt.Errorf("read what the script's top level left: an array of %d elements that are not there", n.Long)
		}
		if n.Form != 'f' && n.Form != 'k' && len(n.Keys) != 0 || len(n.Keys) != len(n.Values) {
			return nil, fmt.Errorf("read what the script's top level left: a record of %d names and %d values", len(n.Keys), len(n.Values))
		}
	}
	return &s, nil
}

// node returns the object that a value is, or nil.
func (s *snapshot) node(v val) *node {
	if v.Kind != nodeKind || v.Ref < 0 || v.Ref >= len(s.Nodes) {
		return nil
	}
	return &s.Nodes[v.Ref]
}

// field is a record's field.
func (n *node) field(key string) val {
	for i, k := range n.Keys {
		if k == key {
			return n.Values[i]
		}
	}
	return val{}
}

// length is that of an array.
func (n *node) length() int { return max(len(n.Array), len(n.Numbers), n.Long) }

// elem is an array's element.
func (n *node) elem(i int) val {
	switch {
	case i < len(n.Numbers):
		return val{Kind: numberKind, Number: float64(n.Numbers[i])}
	case i < len(n.Array):
		return n.Array[i]
	}
	return val{}
}

// whole tells whether a number is an integer that a kernel can compute with; -0 is 0.
func whole(f float64) (int64, bool) {
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}
