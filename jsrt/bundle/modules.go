package bundle

import (
	"fmt"

	"github.com/evanw/esbuild/pkg/api"
)

// laterModules are built-in modules of the design that this version does not have.
var laterModules = map[string]string{
	"capo:streams": "the dataflow form",
	"capo:test":    "the test harness",
}

// capoModules resolves what is imported as capo:… and @capo/….
func capoModules(uses *admin) api.Plugin {
	return api.Plugin{Name: "capo", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^` + AdminModule + `$`}, uses.resolve)
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: adminNamespace}, uses.load)
		addKernel(build)
		build.OnResolve(api.OnResolveOptions{Filter: `^capo:`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if what, ok := laterModules[a.Path]; ok {
				return refuse("%s is not there yet: a later version of Capo has %s", a.Path, what), nil
			}
			return refuse("there is no module %s", a.Path), nil
		})
		build.OnResolve(api.OnResolveOptions{Filter: `^@capo/types$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: a.Path, Namespace: "capo-types"}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "capo-types"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
			contents := "export {}"
			return api.OnLoadResult{Contents: &contents, Loader: api.LoaderJS}, nil
		})
		build.OnResolve(api.OnResolveOptions{Filter: `^node:`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return refuse("%s is a module of Node.js: a cell has no files, no network and no processes", a.Path), nil
		})
	}}
}

// refuse is an error at the import that asked.
func refuse(format string, args ...any) api.OnResolveResult {
	return api.OnResolveResult{Errors: []api.Message{{Text: fmt.Sprintf(format, args...)}}}
}
