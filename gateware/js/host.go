package js

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"
)

// Kernels gives a script what it imports, and remembers the kernels that it makes.
type Kernels struct {
	made map[*goja.Object][]Made
}

// Made is one call of kernel(): a stage.
type Made struct {
	Descriptor goja.Value
	Function   goja.Value
	Line, Col  int // of the call in the script
}

// Load runs a script's top level in a runtime of its own, and returns what it exports.
func Load(rt *goja.Runtime, s *Script) (*Kernels, *goja.Object, error) {
	return load(rt, s.File, string(s.Code), nil, nil)
}

func load(rt *goja.Runtime, file, code string, tag, methods any) (*Kernels, *goja.Object, error) {
	k := &Kernels{made: map[*goja.Object][]Made{}}
	module, exports := rt.NewObject(), rt.NewObject()
	require := func(name string) (goja.Value, error) { return k.require(rt, name) }
	for key, v := range map[string]any{"module": module, "exports": exports, "require": require, tagger: tag, methodTagger: methods} {
		if err := rt.Set(key, v); err != nil {
			return nil, nil, fmt.Errorf("prepare a runtime: %w", err)
		}
	}
	if err := module.Set("exports", exports); err != nil {
		return nil, nil, fmt.Errorf("prepare a runtime: %w", err)
	}
	program, err := goja.Compile(file, code, false)
	if err != nil {
		return nil, nil, err
	}
	if _, err := rt.RunProgram(program); err != nil {
		return nil, nil, err
	}
	return k, module.Get("exports").ToObject(rt), nil
}

func (k *Kernels) require(rt *goja.Runtime, name string) (goja.Value, error) {
	m := rt.NewObject()
	switch name {
	case "capo:kernel":
		return m, m.Set("kernel", func(args ...goja.Value) (goja.Value, error) { return k.kernel(rt, args) })
	case "@capo/types":
		return m, nil
	}
	return nil, fmt.Errorf("there is no module %s here: give the file, not its text, if it imports others", name)
}

// kernel notes a stage. What is wrong with it is told when it is compiled.
func (k *Kernels) kernel(rt *goja.Runtime, args []goja.Value) (goja.Value, error) {
	args = append(args, goja.Undefined(), goja.Undefined())
	stage := Made{Descriptor: args[0], Function: args[1]}
	for _, frame := range rt.CaptureCallStack(0, nil) {
		if at := frame.Position(); at.Line > 0 {
			stage.Line, stage.Col = at.Line, at.Column
			break
		}
	}
	return k.object(rt, []Made{stage})
}

// object is what kernel() and pipe() return.
func (k *Kernels) object(rt *goja.Runtime, stages []Made) (goja.Value, error) {
	o := rt.NewObject()
	k.made[o] = stages
	return o, o.Set("pipe", func(next goja.Value) (goja.Value, error) {
		more, ok := k.Stages(next)
		if !ok {
			return nil, errors.New("pipe takes a kernel; this is none")
		}
		return k.object(rt, append(stages[:len(stages):len(stages)], more...))
	})
}

// Stages are the stages of a value that is a kernel.
func (k *Kernels) Stages(v goja.Value) ([]Made, bool) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	stages, ok := k.made[o]
	return stages, ok
}
