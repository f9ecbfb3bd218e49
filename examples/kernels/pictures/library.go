package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/capodekappa/capo/examples/kernels"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/soft"
)

// library is the kernels, compiled when they are first called.
type library struct {
	ctx     context.Context
	dir     string
	engines map[string]*soft.Engine // by FILE#NAME
}

// call runs a kernel on a frame.
func (l *library) call(file, kernel string, in kernels.Frame) (kernels.Frame, error) {
	e, err := l.engine(file, kernel)
	if err != nil {
		return kernels.Frame{}, err
	}
	plan, err := e.Plan(len(in.Words), in.Width)
	if err != nil {
		return kernels.Frame{}, err
	}
	out, err := e.Run(l.ctx, in.Words, in.Width)
	return kernels.Frame{Width: plan.Stages[len(plan.Stages)-1].Out.Width, Words: out}, err
}

func (l *library) engine(file, kernel string) (*soft.Engine, error) {
	if e := l.engines[file+"#"+kernel]; e != nil {
		return e, nil
	}
	list, err := js.Compile(l.ctx, filepath.Join(l.dir, file), js.Options{})
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Name != kernel {
			continue
		}
		e, err := soft.New(l.ctx, k.IR)
		if err == nil {
			l.engines[file+"#"+kernel] = e
		}
		return e, err
	}
	return nil, fmt.Errorf("%s exports no kernel %s", file, kernel)
}

// close gives back what the engines hold.
func (l *library) close() {
	for _, e := range l.engines {
		_ = e.Close(l.ctx)
	}
}
