package ir

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxText is the largest text that is read, in bytes.
const MaxText = 8 << 20

// SyntaxError is what is wrong with a text.
type SyntaxError struct {
	Line int // from 1
	Err  error
}

// Error is "line N: what".
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads what Kernel.String prints, computes all ranges anew and checks the whole. The text may come from anybody.
// Errors: *SyntaxError, those of Kernel.Check.
func Parse(text string) (*Kernel, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a kernel's text has at most %d bytes; this one has %d", MaxText, len(text))
	}
	p := &parser{k: &Kernel{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, MaxText)
	for line := 1; lines.Scan(); line++ {
		if err := p.line(lines.Text()); err != nil {
			return nil, &SyntaxError{line, err}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if p.stage != nil || !p.started {
		return nil, errors.New("the text ends before its kernel does")
	}
	return p.k, p.k.Check()
}

// parser is the state between lines.
type parser struct {
	k       *Kernel
	started bool
	stage   *Stage   // between stage and end
	b       *Builder // since the first table or value
	tables  [][]int64
	ids     []ID // of v0, v1, …
	outs    []ID
	next    []ID
	given   bool
}

func (p *parser) line(line string) error {
	code, _, _ := strings.Cut(line, ";")
	word, rest, _ := strings.Cut(strings.TrimSpace(code), " ")
	switch {
	case word == "" && !p.started:
		return errors.New("a kernel begins with the word kernel")
	case word == "":
		return nil
	case word == "kernel" && !p.started:
		p.started = true
		return p.kernel(rest)
	case !p.started:
		return errors.New("a kernel begins with the word kernel")
	case word == "stage" && p.stage == nil:
		return p.begin(rest)
	case p.stage == nil:
		return fmt.Errorf("%q does not stand in a stage", word)
	case word == "end":
		return p.end()
	case p.given && word != "next":
		return fmt.Errorf("%q stands behind the result", word)
	}
	return p.inStage(word, rest)
}

func (p *parser) kernel(rest string) error {
	if rest == "" {
		return nil
	}
	name, err := strconv.Unquote(rest)
	if err != nil || len(name) > 256 {
		return fmt.Errorf("%s is not a name in quotes", rest)
	}
	p.k.Name = name
	return nil
}

func (p *parser) begin(rest string) error {
	name, size, _ := strings.Cut(rest, " ")
	shape := slices.Index(shapeNames[:], name)
	n, err := ints(size, 2)
	if shape < 0 || err != nil {
		return fmt.Errorf("stage %s: a shape, rows and columns are wanted", rest)
	}
	if len(p.k.Stages) == MaxStages {
		return fmt.Errorf("a kernel has at most %d stages", MaxStages)
	}
	p.stage = &Stage{Shape: Shape(shape), Rows: int(n[0]), Cols: int(n[1]), HopRows: 1, HopCols: 1}
	p.b, p.tables, p.ids, p.outs, p.next, p.given = nil, nil, nil, nil, nil, false
	return nil
}

func (p *parser) end() error {
	if !p.given {
		return errors.New("the stage has no result")
	}
	p.stage.Body = p.b.Finish(p.outs, p.next)
	p.k.Stages = append(p.k.Stages, p.stage)
	p.stage = nil
	return nil
}

// inStage reads a line between stage and end.
func (p *parser) inStage(word, rest string) (err error) {
	if p.b == nil {
		if done, err := p.header(word, rest); done || err != nil {
			return err
		}
		if err := p.stage.CheckShape(); err != nil {
			return err
		}
		if err := errors.Join(p.stage.In.Check(), p.stage.Out.Check()); err != nil {
			return err
		}
		p.b = NewBuilder(p.stage)
	}
	switch {
	case word == "table":
		return p.table(rest)
	case word == "give":
		p.given = true
		p.outs, err = p.refs(strings.Fields(rest))
	case word == "next" && p.given:
		p.next, err = p.refs(strings.Fields(rest))
	case word == "v"+strconv.Itoa(len(p.ids)):
		op, args, _ := strings.Cut(strings.TrimPrefix(rest, "= "), " ")
		var id ID
		id, err = p.value(op, strings.Fields(args))
		p.ids = append(p.ids, id)
	default:
		return fmt.Errorf("%q is not expected; the next value is v%d", word, len(p.ids))
	}
	return err
}

// header reads what a stage says before its body; done is false where the body begins.
func (p *parser) header(word, rest string) (done bool, err error) {
	s := p.stage
	var n []int64
	switch word {
	case "in":
		s.In, err = ParseType(rest)
	case "out":
		s.Out, err = ParseType(rest)
	case "state":
		s.State, err = ParseType(rest)
	case "init":
		s.Init, err = ints(rest, -1)
	case "last":
		s.Last = true
	case "edge":
		e := slices.Index(edgeNames[:], rest)
		if e < 0 {
			err = fmt.Errorf("there is no edge rule %q", rest)
		}
		s.Edge = Edge(max(e, 0))
	case "hop":
		if n, err = ints(rest, 2); err == nil {
			s.HopRows, s.HopCols = int(n[0]), int(n[1])
		}
	case "maxwidth":
		if n, err = ints(rest, 1); err == nil {
			s.MaxWidth = int(n[0])
		}
	default:
		return false, nil
	}
	return true, err
}

// ints reads numbers; count -1 takes any.
func ints(text string, count int) ([]int64, error) {
	fields := strings.Fields(text)
	if count >= 0 && len(fields) != count || len(fields) > MaxTableEntries {
		return nil, fmt.Errorf("%d numbers stand where %d are wanted", len(fields), count)
	}
	out := make([]int64, len(fields))
	for i, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < -Far || n > Far {
			return nil, fmt.Errorf("%q is not a number within ±2^62", f)
		}
		out[i] = n
	}
	return out, nil
}
