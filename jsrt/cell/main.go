package cell

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/jsrt"
)

// Main is the main function of the child process; args are what follows "cell" on the command
// line. It returns the exit code. tasks are what [Do] may ask of this program.
func Main(args []string, tasks ...Task) int { return mainWith(args, nil, tasks...) }

// mainWith is Main with a hook that a test may add functions to the program's globals with.
func mainWith(args []string, hook func(*goja.Runtime), tasks ...Task) int {
	var s setup
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &s) != nil || s.Version != frameVersion {
		fmt.Fprintln(os.Stderr, "a cell is started by its node, not by hand")
		return 2
	}
	debug.SetMemoryLimit(s.Memory + Overhead/2)
	debug.SetMaxStack(maxStack(s.Memory))
	c := &child{setup: s, in: input(), out: os.Stdout, requests: make(chan frame), tasks: tasks, end: func() {}, replies: map[uint32]func(Value, error){}}
	c.logs = newThrottle(time.Now, lineBudget)
	c.rt = jsrt.New(jsrt.Options{Log: c.print, MaxCallStack: callDepth(s.Memory)})
	if hook != nil {
		hook(c.rt.VM())
	}
	time.AfterFunc(time.Millisecond, func() {}).Stop() // the poller has to exist before the system calls go
	missing, err := confine(s, c.openKernels)
	if err != nil {
		fmt.Fprintln(os.Stderr, "confine the cell:", err)
		return 1
	}
	ready, err := json.Marshal(map[string][]string{"missing": missing})
	if err != nil || c.write(kindReady, 0, ready) != nil {
		return 1
	}
	go c.read()
	return c.serve()
}

// maxStack bounds the Go stack of a builtin that recurses, as JSON.parse does.
func maxStack(memory int64) int { return int(min(memory/2, 128<<20)) }

// callDepth is how deep JavaScript may call; a frame of the VM is about 300 bytes.
func callDepth(memory int64) int { return int(min(max(memory>>14, 512), 8000)) }
