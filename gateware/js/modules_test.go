package js

import (
	"strings"
	"testing"
)

func TestModulesMethodsEnumsAndFactories(t *testing.T) {
	kernels, err := Compile(t.Context(), "testdata/modules/a.ts", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range kernels {
		names = append(names, k.Name+"@"+k.Pos.String())
	}
	const want = "m1@more.js:2:21 m2@more.js:2:21 one@a.ts:11:20 uno@a.ts:11:20 two@a.ts:12:20 three@a.ts:13:22 default@a.ts:14:16"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
