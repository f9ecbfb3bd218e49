package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dependencyLine is how docs/dependencies.md begins the line of a module.
var dependencyLine = regexp.MustCompile("(?m)^\\* `([a-z0-9.]+/[^`]+)`")

func TestDependenciesAreTheOnesThatTheDocumentNames(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range dependencyLine.FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
	}
	used := map[string]bool{}
	for _, f := range goFiles(t) {
		for _, imp := range f.imports() {
			if module := moduleOf(imp); module != "" {
				used[module] = true
			}
		}
	}
	var problems []string
	for module := range used {
		if !named[module] {
			problems = append(problems, module+" is used and has no line in docs/dependencies.md")
		}
	}
	for module := range named {
		if !used[module] {
			problems = append(problems, module+" has a line in docs/dependencies.md and nothing imports it")
		}
	}
	report(t, problems)
}

func TestDependenciesAreRequiredByTheModule(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for module := range foreign {
		if !strings.Contains(string(mod), "\t"+module+" ") {
			t.Errorf("test/house knows %s, and go.mod does not require it", module)
		}
	}
}
