package bundle

import (
	"github.com/evanw/esbuild/pkg/api"
)

// AdminModule is the module with which an admin job reaches the node that it runs on.
const AdminModule = "capo:admin"

// adminSource is that module. The node gives its part when a handler is called (package cell, Binding): what the node
// is, and the methods, which ask the node's process. While the settings of a job are read there is none.
const adminSource = `
const bound = () => {
	const modules = globalThis[Symbol.for('capo:modules')]
	if (!modules || !modules['capo:admin']) throw new Error("node of capo:admin can be used while run() is called, not at the file's top level")
	return modules['capo:admin']
}
const ask = async (method, argument) => {
	const place = new Error() // where the program called, which the answer does not know
	try {
		return await bound()[method](argument)
	} catch (e) {
		place.message = e.message
		throw place
	}
}
const loaded = Date.now()
let labels
export const node = {
	get id() { return bound().id },
	get name() { return bound().name },
	get board() { return bound().board },
	get arch() { return bound().arch },
	get image() { return bound().image },
	get fpgas() { return bound().fpgas },
	get labels() { return labels ?? bound().labels },
	get uptime() { return Math.round(1000 * bound().uptime + Date.now() - loaded) / 1000 },
	label: async change => labels = await ask('label', change),
	drain: options => ask('drain', options),
	reboot: options => ask('reboot', options),
	poweroff: options => ask('poweroff', options),
	boot: (image, options) => ask('boot', options),
	logLevel: level => ask('logLevel', level),
	diagnostics: () => ask('diagnostics'),
}
`

// adminNamespace is esbuild's name for where the module's text comes from.
const adminNamespace = "capo-admin"

// admin notes that a bundle uses the module. Where that is refused, the error stands at the import.
type admin struct {
	used    bool
	refused bool
}

func (a *admin) resolve(api.OnResolveArgs) (api.OnResolveResult, error) {
	a.used = true
	if a.refused {
		return refuse("%s is for admin jobs: write admin: true into the job's settings, and run it with capo run", AdminModule), nil
	}
	return api.OnResolveResult{Path: AdminModule, Namespace: adminNamespace}, nil
}

func (a *admin) load(api.OnLoadArgs) (api.OnLoadResult, error) {
	text := adminSource
	return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
}

// mayNotAdminister returns the errors, with their positions, of a file that imports the module and whose job is no admin
// job; nil where it does not import it. Whether it is one is known only once the bundle has been run.
func (b *Bundle) mayNotAdminister() error {
	if !b.admin || b.dir == "" {
		return nil
	}
	return (&Bundle{}).build(options(b.dir, &admin{refused: true}), b.File, 0)
}
