package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// String is the kernel's canonical text; [Parse] reads it.
func (k *Kernel) String() string {
	var b strings.Builder
	if k.Name != "" {
		fmt.Fprintf(&b, "kernel %q\n", k.Name)
	} else {
		b.WriteString("kernel\n")
	}
	for _, s := range k.Stages {
		s.print(&b)
	}
	return b.String()
}

func (s *Stage) print(b *strings.Builder) {
	fmt.Fprintf(b, "stage %s %d %d\n", s.Shape, s.Rows, s.Cols)
	fmt.Fprintf(b, "  in %s\n  out %s\n", s.In, s.Out)
	if s.HopRows != 1 || s.HopCols != 1 {
		fmt.Fprintf(b, "  hop %d %d\n", s.HopRows, s.HopCols)
	}
	if s.Shape == WindowShape {
		fmt.Fprintf(b, "  edge %s\n", s.Edge)
	}
	if s.MaxWidth != 0 {
		fmt.Fprintf(b, "  maxwidth %d\n", s.MaxWidth)
	}
	if s.Shape == FoldShape {
		fmt.Fprintf(b, "  state %s\n  init%s\n", s.State, numbers(s.Init))
		if s.Last {
			b.WriteString("  last\n")
		}
	}
	if s.Body != nil {
		s.Body.print(b)
	}
	b.WriteString("end\n")
}

func numbers(list []int64) string {
	var b strings.Builder
	for _, n := range list {
		b.WriteByte(' ')
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return b.String()
}

func (f *Func) print(b *strings.Builder) {
	for i, t := range f.Tables {
		fmt.Fprintf(b, "  table %d%s\n", i, numbers(t))
	}
	for i := range f.Values {
		f.Values[i].print(b, i)
	}
	b.WriteString("  give" + names(f.Outs) + "\n")
	if len(f.Next) > 0 {
		b.WriteString("  next" + names(f.Next) + "\n")
	}
}

func names(ids []ID) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, " v%d", id)
	}
	return b.String()
}

func (v *Value) print(b *strings.Builder, id int) {
	fmt.Fprintf(b, "  v%d = %s%s", id, v.Op, names(v.Operands()))
	switch {
	case v.Op == In:
		fmt.Fprintf(b, " %d %d %d", v.Port.Leaf, v.Port.Row, v.Port.Col)
	case v.Op == State:
		fmt.Fprintf(b, " %d", v.Port.Leaf)
	case v.Op == Bound:
		fmt.Fprintf(b, " %d %d", v.Lo, v.Hi)
	case ops[v.Op].imm:
		fmt.Fprintf(b, " %d", v.Imm)
	}
	if v.Op != Const && v.Op != Bound {
		fmt.Fprintf(b, " ; %d..%d", v.Lo, v.Hi)
	}
	b.WriteByte('\n')
}
