// Package picture draws a kernel as the pipeline that it is: a row of boxes for each stage, from the words that come in to those that go
// out, as text and as SVG.
package picture

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// Box is a step that words go through.
type Box struct {
	Title string
	Lines []string
}

// Row is a stage of the kernel.
type Row []Box

// Hardware is what is known of a stage as a circuit.
type Hardware struct {
	Registers int // pipeline registers between input and output
	Latency   int // clocks from the newest word to its output
}

// Rows tells a kernel's stages; hw may be nil, or has an entry for each of them.
func Rows(k *ir.Kernel, hw []Hardware) []Row {
	var rows []Row
	for i, s := range k.Stages {
		row := Row{words("in", s.In)}
		if m, ok := memory(s); ok {
			row = append(row, m)
		}
		f := function(s)
		if i < len(hw) {
			f.Lines = append(f.Lines, fmt.Sprintf("%s, %s", count(hw[i].Registers, "register stage"), count(hw[i].Latency, "clock")))
		}
		rows = append(rows, append(row, f, words("out", s.Out)))
	}
	return rows
}

// words is an end of a stage.
func words(title string, t ir.Type) Box {
	return Box{title, []string{describe(t), count(t.Bytes(), "byte")}}
}

// describe is a type in few words.
func describe(t ir.Type) string {
	if len(t.Fields) == 0 {
		return t.String()
	}
	same := true
	for _, f := range t.Fields {
		same = same && f.Type.String() == t.Fields[0].Type.String()
	}
	text := ""
	for i, f := range t.Fields {
		if i == 4 {
			return text + "…"
		}
		text += f.Name
		if !same {
			text += " " + f.Type.String()
		}
		if i < len(t.Fields)-1 {
			text += " "
		}
	}
	if same {
		text += ": " + t.Fields[0].Type.String()
	}
	return text
}

// memory is what a stage keeps of the stream, if it does.
func memory(s *ir.Stage) (Box, bool) {
	bits := 0
	for _, l := range s.In.Leaves() {
		bits += l.Word.Bits
	}
	switch s.Shape {
	case ir.TapsShape:
		b := Box{fmt.Sprintf("%d taps", s.Cols), []string{"a shift register", fmt.Sprintf("%d × %d bits", s.Cols-1, bits)}}
		return hop(b, s), true
	case ir.WindowShape:
		b := Box{fmt.Sprintf("window %d × %d", s.Rows, s.Cols), []string{"edge: " + s.Edge.String()}}
		if s.Rows > 1 {
			b.Lines = append(b.Lines, count(s.Rows-1, "line buffer"), fmt.Sprintf("of %d × %d bits", s.MaxWidth, bits))
		}
		return hop(b, s), true
	case ir.FoldShape:
		lines := []string{describe(s.State)}
		if s.Last {
			lines = append(lines, "gives its last")
		}
		return Box{"state", lines}, true
	case ir.BlockShape:
		return Box{fmt.Sprintf("block %d × %d", s.Rows, s.Cols), []string{"a tile memory", fmt.Sprintf("%d × %d bits", s.Rows*max(s.MaxWidth, s.Cols), bits)}}, true
	}
	return Box{}, false
}

func hop(b Box, s *ir.Stage) Box {
	switch {
	case s.Shape == ir.WindowShape && (s.HopRows > 1 || s.HopCols > 1):
		b.Lines = append(b.Lines, fmt.Sprintf("hop %d × %d", s.HopRows, s.HopCols))
	case s.Shape == ir.TapsShape && s.HopCols > 1:
		b.Lines = append(b.Lines, fmt.Sprintf("hop %d", s.HopCols))
	}
	return b
}

// function is the body: how many operations it has, and the widest value between them.
func function(s *ir.Stage) Box {
	operations, widest := 0, 0
	for i := range s.Body.Values {
		v := &s.Body.Values[i]
		if bits, _ := v.Bits(); bits > widest {
			widest = bits
		}
		switch v.Op {
		case ir.Const, ir.In, ir.State, ir.X, ir.Y, ir.I, ir.Bound:
		default:
			operations++
		}
	}
	b := Box{"function", []string{count(operations, "operation"), fmt.Sprintf("up to %d bits", widest)}}
	for _, t := range s.Body.Tables {
		b.Lines = append(b.Lines, fmt.Sprintf("a table of %d", len(t)))
		if len(b.Lines) == 5 {
			break
		}
	}
	return b
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
