package doctor

import (
	"slices"
	"strings"
	"testing"
)

func TestEachNeedIsOneThingOfAPackageForAPurpose(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range Needs() {
		if (n.Program == "") == (n.File == "") || n.Package == "" || n.Why == "" || len(n.For) == 0 {
			t.Errorf("%+v is not one program or file of a package for a purpose", n)
		}
		if seen[n.Program+n.File] {
			t.Errorf("%s is there twice", n.Name)
		}
		seen[n.Program+n.File] = true
	}
}

func TestWhatBuildsLinuxIsNeededForTestsButNotToRun(t *testing.T) {
	for _, n := range Needs() {
		if strings.HasSuffix(n.Program, "gcc") && (!slices.Contains(n.For, ForBuild) || !slices.Contains(n.For, ForTest) || slices.Contains(n.For, ForRun)) {
			t.Errorf("%s is for %v", n.Name, n.For)
		}
	}
	if findings, _ := Look(ForBuild); len(findings) < 10 {
		t.Errorf("to build takes only %d things", len(findings))
	}
}
