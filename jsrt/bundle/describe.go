package bundle

import (
	"context"
	"time"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/jsrt/job"
)

// Limits of running a job's top level on the operator's machine.
const (
	DescribeTime   = 2 * time.Second
	DescribeMemory = 256 << 20
)

// Describe runs the bundle's top level in a cell, with an empty env, and returns the job's settings,
// checked and complete. exec is the executable to start as a cell; "" is this one, whose main
// function must then call cell.Main when its first argument is "cell". Errors: *cell.JSError with
// the position of a top level that throws, *cell.Error when it loops or eats memory, *job.FieldError, *[Problem] where it
// imports [AdminModule] without being an admin job.
func Describe(ctx context.Context, b *Bundle, exec string) (job.Job, error) {
	c, err := cell.Start(ctx, cell.Config{
		Name: b.Name, Exec: exec, Bundle: b.JS, Map: b.Map, File: b.File, Memory: DescribeMemory, LoadLimit: DescribeTime,
	})
	if err != nil {
		return job.Job{}, err
	}
	defer c.Close()
	about := c.Description()
	settings, err := job.Parse(about.Job, b.Name, about.Handlers)
	if err == nil && !settings.Admin {
		err = b.mayNotAdminister()
	}
	return settings, err
}
