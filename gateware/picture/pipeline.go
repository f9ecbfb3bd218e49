package picture

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
)

// shown is how many values of a pipeline stage a picture lists.
const shown = 18

// Pipeline tells what each pipeline stage of a core computes: the values with their widths, when they are there after the clock, and
// where they stand in the source; between stages, the flip-flops that carry them on.
func Pipeline(c *verilog.Core) []Row {
	var rows []Row
	for i, st := range c.Stages {
		s := st.Unit.Stage
		row := Row{words("in", s.In)}
		if m, ok := memory(s); ok {
			row = append(row, m)
		}
		ranks := st.Schedule.Ranks(st.Unit.Graph)
		for k, r := range ranks {
			title := fmt.Sprintf("stage %d", k+1)
			if len(c.Stages) > 1 {
				title = fmt.Sprintf("stage %d.%d", i+1, k+1)
			}
			row = append(row, rank(title, r, k == len(ranks)-1, c))
		}
		rows = append(rows, append(row, words("out", s.Out)))
	}
	return rows
}

// rank is a pipeline stage.
func rank(title string, r sched.Rank, end bool, c *verilog.Core) Box {
	b := Box{Title: fmt.Sprintf("%s: %.1f of %.1f ns", title, r.Delay, c.Part.Period)}
	bits := 0
	for _, v := range r.Values {
		bits = max(bits, len(v.Text))
	}
	for k, v := range r.Values {
		if k == shown && len(r.Values) > shown+1 {
			b.Lines = append(b.Lines, fmt.Sprintf("and %d more", len(r.Values)-shown))
			break
		}
		text := v.Text
		if len(text) > 30 {
			text = text[:28] + ".."
		}
		b.Lines = append(b.Lines, strings.TrimRight(fmt.Sprintf("%-5s %-*s %3d bits %5.1f ns  %s", v.Name, min(bits, 30), text, v.Bits, v.Ready, place(v)), " "))
	}
	behind := count(r.Registers, "flip-flop") + " behind"
	if end {
		behind += ", and the output's"
	}
	b.Lines = append(b.Lines, behind)
	return b
}

// place is where in its file a value stands.
func place(v sched.Value) string {
	if v.Pos.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", filepath.Base(v.Pos.File), v.Pos.Line, v.Pos.Col)
}

// Stacked puts each box into a row of its own, for screens that are narrow.
func Stacked(rows []Row) []Row {
	var all []Row
	for _, row := range rows {
		for _, box := range row {
			all = append(all, Row{box})
		}
	}
	return all
}
