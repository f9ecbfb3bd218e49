package toolchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// codeHost is the exit code of a child whose tool trapped or could not be started.
const codeHost = 125

// Main is the main function of a child process; args are what follows ChildArgument on the command line. It returns the
// exit code: the tool's, or codeHost when the tool did not come to an end by itself.
func Main(args []string) int {
	var j job
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &j) != nil || len(j.Args) == 0 {
		fmt.Fprintln(os.Stderr, "a tool is started by the program that needs it, not by hand")
		return codeHost
	}
	code, err := j.run(context.Background(), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return codeHost
	}
	return int(code)
}

// run runs a WASI command with the work folder as its root, its data at /share and a folder of its own at /tmp.
func (j *job) run(ctx context.Context, stdout, stderr io.Writer) (uint32, error) {
	code, err := os.ReadFile(j.Module)
	if err != nil {
		return 0, err
	}
	cache, err := j.compiled()
	if err != nil {
		return 0, fmt.Errorf("open the cache of compiled tools: %w", err)
	}
	defer cache.Close(ctx)
	tmp, err := os.MkdirTemp(j.Work, ".tmp-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache).WithMemoryLimitPages(uint32(min(j.Memory>>16, 65536))))
	defer rt.Close(ctx)
	mounts := []mount{{j.Work, "/"}, {j.Share, "/share"}, {tmp, "/tmp"}}
	if err := host(ctx, rt, mounts); err != nil {
		return 0, err
	}
	module, err := rt.CompileModule(ctx, code)
	if err != nil {
		return 0, fmt.Errorf("compile %s: %w", j.Module, err)
	}
	files := wazero.NewFSConfig().WithDirMount(j.Work, "/").WithReadOnlyDirMount(j.Share, "/share").WithDirMount(tmp, "/tmp")
	_, err = rt.InstantiateModule(ctx, module, wazero.NewModuleConfig().WithArgs(j.Args...).WithFSConfig(files).WithStdout(stdout).WithStderr(stderr))
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// compiled is where compiled modules are kept, in memory where no folder can be.
func (j *job) compiled() (wazero.CompilationCache, error) {
	if j.Cache == "" {
		return wazero.NewCompilationCache(), nil
	}
	return wazero.NewCompilationCacheWithDir(j.Cache)
}

// host gives the runtime WASI, with one function of our own.
func host(ctx context.Context, rt wazero.Runtime, mounts []mount) error {
	b := rt.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	b.NewFunctionBuilder().WithFunc(statter(mounts).pathFilestatGet).Export("path_filestat_get")
	_, err := b.Instantiate(ctx)
	return err
}
