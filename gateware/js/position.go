package js

import (
	"sort"
	"strings"

	"github.com/dop251/goja/file"
	"github.com/go-sourcemap/sourcemap"

	"github.com/capodekappa/capo/gateware/ir"
)

// positions takes places in a script back to the source.
type positions struct {
	file  string
	lines []int // offsets at which the script's lines begin
	m     *sourcemap.Consumer
	known map[file.Idx]ir.Pos
}

func newPositions(s *Script) *positions {
	p := &positions{file: s.File, lines: lineStarts(s.Code), known: map[file.Idx]ir.Pos{}}
	p.m, _ = sourcemap.Parse("", s.Map) // without a map, places in the script are told
	return p
}

func lineStarts(code []byte) []int {
	lines := []int{0}
	for i, c := range code {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// offset is where a line and column (both from 1) are.
func offset(lines []int, line, col int) int {
	if line < 1 || line > len(lines) {
		return 0
	}
	return lines[line-1] + max(col-1, 0)
}

// at is the source position of a place in the script. goja counts places from 1.
func (p *positions) at(idx file.Idx) ir.Pos {
	if pos, ok := p.known[idx]; ok {
		return pos
	}
	off := int(idx) - 1
	line := sort.SearchInts(p.lines, off+1)
	pos := ir.Pos{File: p.file, Line: 1, Col: 1}
	if line > 0 && p.m != nil {
		if source, _, l, c, ok := p.m.Source(line, off-p.lines[line-1]); ok {
			pos = ir.Pos{File: strings.TrimPrefix(source, "./"), Line: l, Col: c + 1}
		}
	}
	p.known[idx] = pos
	return pos
}
