package js

import (
	"errors"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/capodekappa/capo/gateware/ir"
)

// Problem is something in a source that a kernel cannot be made of.
type Problem struct {
	Pos     ir.Pos // in what the user wrote; columns count from 1
	What    string // what stands there
	Why     string // why it is refused; may be empty
	Instead string // what to write; may be empty
}

// Error is "file:line:column: what; why; what to write instead".
func (p *Problem) Error() string {
	text := p.Pos.String() + ": " + p.What
	for _, more := range []string{p.Why, p.Instead} {
		if more != "" {
			text += "; " + more
		}
	}
	return text
}

// fromMessages turns what esbuild says into problems, in the order of the source.
func fromMessages(messages []api.Message, file string) error {
	var all []error
	for _, m := range messages {
		p := &Problem{Pos: ir.Pos{File: file, Line: 1, Col: 1}, What: lowerFirst(m.Text)}
		if at := m.Location; at != nil {
			p.Pos = ir.Pos{File: at.File, Line: at.Line, Col: at.Column + 1}
		}
		if strings.HasPrefix(m.Text, "Cannot assign to") {
			p.Why, p.Instead = noMemory, insteadOfState
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(x, y error) int {
		a, b := x.(*Problem).Pos, y.(*Problem).Pos
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return errors.Join(all...)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// Reasons and ways out that many refusals share.
const (
	noMemory       = "a kernel has no memory of its own"
	insteadOfState = "declare it inside the function, or keep it in a fold's state"
	onlyIntegers   = "a kernel computes with whole numbers"
	insteadOfFloat = "scale it to a whole number (Math.round(0.299 * 256)) and shift the result (>> 8)"
)
