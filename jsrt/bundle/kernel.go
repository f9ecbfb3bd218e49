package bundle

import (
	"github.com/evanw/esbuild/pkg/api"

	"github.com/capodekappa/capo/jsrt/job"
)

// KernelModule is the module that kernels are written with.
const KernelModule = "capo:kernel"

// kernelSource is that module in a job: kernel() gives an object that stands for a kernel, for `kernels` in the job's settings. What the
// kernel computes is compiled from the source by package gateware/js and travels beside the script.
const kernelSource = `
class Kernel {
	constructor() {
		this['` + job.KernelMark + `'] = true
		Object.freeze(this)
	}
	pipe(next) {
		if (!(next instanceof Kernel)) throw new TypeError('pipe takes a kernel')
		return new Kernel()
	}
}
export const kernel = (type, f) => {
	if (typeof type !== 'object' || type === null || typeof f !== 'function') throw new TypeError('kernel takes a description and a function, as in kernel({ in: "u8", out: "u8" }, x => 255 - x)')
	return new Kernel()
}
`

// kernelNamespace is esbuild's name for where the module's text comes from.
const kernelNamespace = "capo-kernel"

// addKernel gives the module to esbuild.
func addKernel(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `^` + KernelModule + `$`}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: KernelModule, Namespace: kernelNamespace}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: kernelNamespace}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
		text := kernelSource
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
	})
}
