package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/jsrt"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/jsrt/job"
)

// kernelTask is what a cell is asked to do for [Kernels].
const kernelTask = "kernels"

// Tasks are what a program must give to cell.Main so that its cells can do what this package asks of them.
func Tasks() []cell.Task { return []cell.Task{{Name: kernelTask, Do: describeKernels}} }

// Kernels compiles all kernels that a file exports. Its top level runs in a cell, as that of a job; exec is as for [Describe]. Errors:
// *[js.Problem], several joined; *cell.Error when the top level loops or eats memory.
func Kernels(ctx context.Context, file, exec string) ([]*js.Kernel, error) {
	return js.Compile(ctx, file, js.Options{Describe: inCell(exec)})
}

// JobKernels compiles the kernels that a job's settings name, under these names and sorted by them. Errors: as [Kernels].
func JobKernels(ctx context.Context, b *Bundle, settings job.Job, exec string) ([]*js.Kernel, error) {
	if len(settings.Kernels) == 0 {
		return nil, nil
	}
	all, err := js.Compile(ctx, filepath.Join(b.dir, b.File), js.Options{Job: true, Describe: inCell(exec)})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *js.Kernel) int { return strings.Compare(a.Name, b.Name) })
	for i, k := range all {
		if len(all) != len(settings.Kernels) || k.Name != settings.Kernels[i] {
			return nil, fmt.Errorf("%s: its settings name the kernels %q, and its top level made others", b.File, settings.Kernels)
		}
	}
	return all, nil
}

// described is what a cell answers.
type described struct {
	Left    []byte      `json:"left,omitempty"`
	Problem *js.Problem `json:"problem,omitempty"`
}

// describeKernels is the task, in the cell.
func describeKernels(ctx context.Context, input []byte) ([]byte, error) {
	var s js.Script
	if err := json.Unmarshal(input, &s); err != nil {
		return nil, err
	}
	var out described
	var err error
	out.Left, err = js.DescribeIn(ctx, &s, jsrt.New(jsrt.Options{}).VM())
	if err != nil && !errors.As(err, &out.Problem) {
		return nil, err
	}
	return json.Marshal(out)
}

// inCell runs a script's top level in a cell.
func inCell(exec string) func(context.Context, *js.Script) ([]byte, error) {
	return func(ctx context.Context, s *js.Script) ([]byte, error) {
		input, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		cfg := cell.Config{Name: s.File, Exec: exec, Memory: DescribeMemory, Output: cell.MaxFrame}
		answer, err := cell.Do(ctx, cfg, kernelTask, input, js.DescribeTime+time.Second)
		if err != nil {
			return nil, fmt.Errorf("run the top level of %s: %w", s.File, err)
		}
		var out described
		if err := json.Unmarshal(answer, &out); err != nil {
			return nil, fmt.Errorf("run the top level of %s: its answer cannot be read: %w", s.File, err)
		}
		if out.Problem != nil {
			return nil, out.Problem
		}
		return out.Left, nil
	}
}
