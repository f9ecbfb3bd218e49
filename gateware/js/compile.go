// Package js is the kernel compiler's front end: it turns the JavaScript or TypeScript that calls kernel() into ir.Kernels.
//
// esbuild makes one script of a source, goja runs its top level once ([Describe]), and the functions that kernel() was called
// with are evaluated symbolically on their syntax tree: what is known is computed, loops are unrolled, helpers are put in
// place, and what depends on the input becomes values of the ir with exact ranges. What a kernel cannot be is refused as a
// [Problem], with its place in what the user wrote.
package js

import (
	"context"
	"errors"
	"fmt"

	"github.com/dop251/goja/file"

	"github.com/capodekappa/capo/gateware/ir"
)

// Options change how a source is compiled. The zero value is complete.
type Options struct {
	// Describe runs a script's top level, in place of [Describe] in this process.
	Describe func(ctx context.Context, s *Script) ([]byte, error)
	// Job has the kernels be those that the file names in its export job, as kernels: { name }, under these names.
	Job bool
}

// Kernel is one kernel of a source.
type Kernel struct {
	Name   string // it is exported under
	IR     *ir.Kernel
	Script *Script // the whole source, for who calls the functions themselves ([Load])
	Pos    ir.Pos
	Golden []Golden
}

// Golden is an input with the output that an independent formula gave for it. The files are relative to the source's folder.
type Golden struct {
	Kernel, In, Out string
	Width           int // 0: the file's header says, or one row
}

// Compile compiles all kernels that a file exports (or its job names), in the order of the source. The file and what it imports is read; nothing
// else is. Errors: *[Problem], several joined; what reading the file ended with.
func Compile(ctx context.Context, file string, o Options) ([]*Kernel, error) {
	s, err := bundle(file, o.Job)
	if err != nil {
		return nil, err
	}
	return compile(ctx, s, o)
}

// CompileSource compiles a source in memory, which imports only built-in modules. name is what positions have as the file; .js
// and .mjs are JavaScript, all others TypeScript. Errors: as [Compile].
func CompileSource(ctx context.Context, name, source string, o Options) ([]*Kernel, error) {
	s, err := transform(name, source)
	if err != nil {
		return nil, err
	}
	return compile(ctx, s, o)
}

// compile compiles a script. A fault of the compiler's own is an error that says so.
func compile(ctx context.Context, s *Script, o Options) (kernels []*Kernel, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("compile %s: internal error: %v", s.File, r)
		}
	}()
	describe := o.Describe
	if describe == nil {
		describe = Describe
	}
	left, err := describe(ctx, s)
	if err != nil {
		return nil, err
	}
	snap, err := decodeSnapshot(left)
	if err != nil {
		return nil, err
	}
	m, err := parse(s)
	if err != nil {
		return nil, err
	}
	return m.kernels(ctx, snap)
}

func (m *module) kernels(ctx context.Context, snap *snapshot) ([]*Kernel, error) {
	if len(snap.Kernels) == 0 {
		return nil, &Problem{m.script.start(), "the source exports no kernel", "", "write export const name = kernel({ in: 'u8', out: 'u8' }, x => …), with kernel from 'capo:kernel'"}
	}
	stages := map[stageCall]stageResult{}
	var all []*Kernel
	var problems []error
	for _, x := range snap.Kernels {
		k, err := m.kernel(ctx, snap, x, stages)
		if err != nil {
			problems = appendNew(problems, err)
			continue
		}
		all = append(all, k)
	}
	golden, err := m.golden(snap)
	if err != nil {
		problems = append(problems, err)
	}
	for _, k := range all {
		for _, g := range golden {
			if g.Kernel == k.Name {
				k.Golden = append(k.Golden, g)
			}
		}
	}
	return all, errors.Join(problems...)
}

// appendNew leaves out what was said of a stage that several kernels have.
func appendNew(list []error, err error) []error {
	for _, e := range list {
		if e.Error() == err.Error() {
			return list
		}
	}
	return append(list, err)
}

// stageResult is what became of a call of kernel().
type stageResult struct {
	stage *ir.Stage
	at    file.Idx
	err   error
}

func (m *module) kernel(ctx context.Context, snap *snapshot, x exported, done map[stageCall]stageResult) (*Kernel, error) {
	k := &Kernel{Name: x.Name, IR: &ir.Kernel{Name: x.Name}, Script: m.script}
	for i, c := range x.Stages {
		r, ok := done[c]
		if !ok {
			r.stage, r.at, r.err = m.stage(ctx, snap, c, x.Name)
			done[c] = r
		}
		if r.err != nil {
			return nil, r.err
		}
		if i == 0 {
			k.Pos = m.pos.at(r.at)
		} else if err := ir.Fits(k.IR.Stages[i-1].Out, r.stage.In); err != nil {
			return nil, &Problem{m.pos.at(r.at), fmt.Sprintf("%s is piped into what does not take it: %v", x.Name, err), "the words that come out must be those that go in", "change out of the one or in of the other"}
		}
		k.IR.Stages = append(k.IR.Stages, r.stage)
	}
	if err := k.IR.Check(); err != nil {
		return nil, &Problem{Pos: k.Pos, What: fmt.Sprintf("%s: %v", x.Name, err)}
	}
	return k, nil
}

func (m *module) stage(ctx context.Context, snap *snapshot, c stageCall, name string) (*ir.Stage, file.Idx, error) {
	s, at, err := stageOf(m, snap, c)
	if err != nil {
		return nil, at, err
	}
	e := newEval(ctx, m, snap, s)
	e.here = at
	f, ok := e.local(c.Function, name).(*closure)
	if !ok {
		return nil, at, m.notFunction(at)
	}
	return s, at, e.body(s, f, at)
}

// notFunction says why kernel()'s second argument cannot be compiled.
func (m *module) notFunction(at file.Idx) error {
	p := &Problem{m.pos.at(at), "kernel() without a function of the source", "its second argument says what comes out", "write kernel({ in: 'u8', out: 'u8' }, x => …)"}
	call := m.names.calls[at]
	if call == nil || len(call.ArgumentList) < 2 {
		return p
	}
	p.Pos = m.pos.at(call.ArgumentList[1].Idx0())
	for fn := range m.names.ids {
		if fn.Idx0() != call.ArgumentList[1].Idx0() {
			continue
		}
		switch {
		case fn.Async:
			p.What, p.Why, p.Instead = "an async function", "a kernel answers at once", "leave out async"
		case fn.Generator:
			p.What, p.Why, p.Instead = "a generator", "a kernel answers at once", "return the values in an array"
		}
	}
	return p
}

// golden reads what the source exports as golden.
func (m *module) golden(snap *snapshot) ([]Golden, error) {
	if snap.Golden.Kind == undefinedKind {
		return nil, nil
	}
	refuse := func(what string) ([]Golden, error) {
		return nil, &Problem{m.script.start(), "golden: " + what, "", "write export const golden = [{ kernel: 'gray', in: 'in.ppm', out: 'out.pgm' }]"}
	}
	list := snap.node(snap.Golden)
	if list == nil || list.Form != 'a' {
		return refuse("it is not an array of records")
	}
	var all []Golden
	for _, v := range list.Array {
		n := snap.node(v)
		if n == nil || n.Form != 'k' {
			return refuse("an entry is not a record")
		}
		g := Golden{Kernel: n.field("kernel").Text, In: n.field("in").Text, Out: n.field("out").Text, Width: int(n.field("width").Number)}
		if g.Kernel == "" || g.In == "" || g.Out == "" || g.Width < 0 {
			return refuse("an entry lacks its kernel, in or out, or its width is negative")
		}
		all = append(all, g)
	}
	return all, nil
}
