package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// floor is a folder and what its packages may import of the tree.
type floor struct {
	name string
	may  []string // folders; a folder may always import what is in it
}

// floors is the house of DESIGN.md from the ground up: a folder imports only from those above it in this table.
// "*" is all of those.
var floors = []floor{
	{"board", nil},
	{"buildroot", nil},
	{"fleet", nil},
	{"gateware", nil},
	{"jsrt", []string{"gateware"}},
	{"queue", []string{"fleet/canon", "fleet/trust"}},
	{"images", []string{"board", "buildroot"}},
	{"node", []string{"fleet", "gateware", "jsrt", "queue"}},
	{"init", []string{"board", "fleet", "jsrt/cell", "node"}},
	{"tools", []string{"*"}},
	{"examples", []string{"*"}},
	{"test", []string{"*"}},
}

// fenced are packages that only some may import, above what the floors say.
var fenced = map[string][]string{
	"jsrt/bundle":   {"tools", "examples", "test"}, // it brings esbuild
	"gateware/js":   {"gateware/ref", "gateware/fuzz", "jsrt/bundle", "tools", "examples", "test"},
	"gateware/ref":  {"gateware/fuzz", "tools", "examples", "test"}, // it calls the user's code, which no node does
	"gateware/fuzz": {"tools", "test"},
	"tools":         {"tools", "test"},
	"examples":      {"examples", "test"},
	"test":          {"test"},
}

// foreign says which folders may import what comes from outside. A module that is not here has no line in
// docs/dependencies.md either.
var foreign = map[string][]string{
	"github.com/dop251/goja":            {"jsrt", "gateware/js", "gateware/ref"},
	"github.com/evanw/esbuild":          {"jsrt/bundle", "gateware/js"},
	"github.com/go-sourcemap/sourcemap": {"jsrt", "gateware/js"},
	"github.com/google/go-cmp":          {},
	"filippo.io/age":                    {"tools/capo"},
	"github.com/grandcat/zeroconf":      {"fleet/look"},
	"github.com/insomniacslk/dhcp":      {"init/netup"},
	"github.com/klauspost/compress":     {"images"},
	"github.com/miekg/dns":              {"fleet"},
	"github.com/nats-io/nats-server/v2": {"queue"},
	"github.com/nats-io/nats.go":        {"queue"},
	"github.com/spf13/cobra":            {"tools/capo"},
	"github.com/tetratelabs/wazero":     {"gateware/wasm", "gateware/synth"},
	"github.com/u-root/u-root":          {"init", "images"},
	"github.com/ulikunitz/xz":           {"images"},
	"github.com/vishvananda/netlink":    {"init", "test/netlab"},
	"github.com/vishvananda/netns":      {"test/netlab"},
	"golang.org/x/net":                  {"fleet", "jsrt/cell"},
	"golang.org/x/sys":                  {"init", "jsrt/cell", "images", "node", "queue", "tools/capo"},
	"golang.org/x/tools":                {"test/house"},
	"golang.org/x/term":                 {"tools/capo"},
	"gopkg.in/yaml.v3":                  {"tools/capo"},
}

// foreignTests are imports from outside that tests may have besides.
var foreignTests = map[string][]string{
	"github.com/google/go-cmp":     {"*"},
	"github.com/miekg/dns":         {"test"},
	"github.com/nats-io/nats.go":   {"test/house"}, // to see what the queue writes
	"github.com/insomniacslk/dhcp": {"init"},
}

// within tells whether a package or folder is one of the listed folders, or in one.
func within(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return f == "*" || dir == f || strings.HasPrefix(dir, f+"/")
	})
}

// floorOf returns a folder's index in the table, -1 if it has none.
func floorOf(dir string) int {
	return slices.IndexFunc(floors, func(f floor) bool { return within(dir, []string{f.name}) })
}

func TestFloorsStandOnLowerOnes(t *testing.T) {
	for i, f := range floors {
		for _, dir := range f.may {
			if dir != "*" && (floorOf(dir) < 0 || floorOf(dir) >= i) {
				t.Errorf("%s may import %s, which is not below it", f.name, dir)
			}
		}
	}
}

func TestImportsPointDown(t *testing.T) {
	var problems []string
	for _, f := range goFiles(t) {
		for _, imp := range f.imports() {
			to, ours := strings.CutPrefix(imp, modulePath+"/")
			if !ours {
				continue
			}
			if why := mayImport(f, to); why != "" {
				problems = append(problems, fmt.Sprintf("%s imports %s: %s", f.path, to, why))
			}
		}
	}
	report(t, problems)
}

// mayImport says why a file must not import a package of the tree, or "". Tests, and packages whose names end in
// test (fakes beside an interface), may import what they like but tools.
func mayImport(f goFile, to string) string {
	from := floorOf(f.dir)
	if from < 0 {
		return "the folder has no floor; give it one in test/house"
	}
	if f.test || strings.HasSuffix(f.dir, "test") {
		if within(to, []string{"tools", "examples"}) && !within(f.dir, []string{"tools", "examples", "test"}) {
			return "nothing imports tools"
		}
		return ""
	}
	for dir, only := range fenced {
		if within(to, []string{dir}) && !within(f.dir, append(slices.Clone(only), dir)) {
			return dir + " is only for " + strings.Join(only, ", ")
		}
	}
	if within(to, []string{floors[from].name}) || within(to, floors[from].may) {
		return ""
	}
	return fmt.Sprintf("%s may import only %q", floors[from].name, floors[from].may)
}

func TestLibrariesAreImportedWhereTheyBelong(t *testing.T) {
	var problems []string
	for _, f := range goFiles(t) {
		for _, imp := range f.imports() {
			module := moduleOf(imp)
			if module == "" {
				continue
			}
			folders := foreign[module]
			if f.test || within(f.dir, []string{"test"}) {
				folders = append(slices.Clone(folders), foreignTests[module]...)
			}
			if _, known := foreign[module]; !known {
				problems = append(problems, fmt.Sprintf("%s imports %s: a new dependency; say in docs/dependencies.md what for, and here where", f.path, imp))
			} else if !within(f.dir, folders) {
				problems = append(problems, fmt.Sprintf("%s imports %s, which is only for %q", f.path, imp, folders))
			}
		}
	}
	report(t, problems)
}

// moduleOf returns the module in the table that a package from outside belongs to, the package itself when none does,
// and "" for the standard library and the tree.
func moduleOf(imp string) string {
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") || imp == modulePath || strings.HasPrefix(imp, modulePath+"/") {
		return ""
	}
	for module := range foreign {
		if within(imp, []string{module}) {
			return module
		}
	}
	return imp
}
