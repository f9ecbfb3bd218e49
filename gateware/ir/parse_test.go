package ir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts are the kernels in testdata, by file.
func texts(t testing.TB) map[string]string {
	files, err := filepath.Glob("testdata/*.ir")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata: %d files, %v", len(files), err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(text)
	}
	return out
}

func TestTextIsCanonical(t *testing.T) {
	for name, text := range texts(t) {
		k, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(text, k.String()); diff != "" {
			t.Errorf("%s (-file +printed):\n%s", name, diff)
		}
	}
}

func TestDigestIsOfTheMeaning(t *testing.T) {
	text := texts(t)["gray.ir"]
	digest := func(text string) string {
		k, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return k.Digest()
	}
	want := digest(text)
	if got := digest(strings.Replace(text, `"gray"`, `"grey"`, 1)); got != want {
		t.Error("another name is another digest")
	}
	if got := digest(strings.Replace(text, "0..255", "?", 1)); got != want {
		t.Error("another comment is another digest")
	}
	if got := digest(strings.Replace(text, "77", "76", 1)); got == want {
		t.Error("another factor is the same digest")
	}
}

func TestParseRefuses(t *testing.T) {
	gray := texts(t)["gray.ir"]
	change := func(old, new string) string {
		if !strings.Contains(gray, old) {
			t.Fatalf("gray.ir has no %q", old)
		}
		return strings.Replace(gray, old, new, 1)
	}
	tests := []struct{ name, text, want string }{
		{"nothing", "", "ends before"},
		{"another word", "hello", "line 1: a kernel begins"},
		{"half", gray[:len(gray)-4], "ends before"},
		{"no operation", change("= mul", "= mull"), `no operation "mull"`},
		{"an operand of the future", change("mul v0 v1", "mul v0 v9"), "no value v9"},
		{"an input that is not there", change("in 1 0 0", "in 3 0 0"), "no input 3"},
		{"a result outside its type", change("out u8", "out u7"), "not a u7"},
		{"a large window", change("stage word 1 1", "stage window 1001 1001"), "a window's sides"},
		{"a size where none is", change("stage word 1 1", "stage word 2 1"), "has no size"},
		{"a type", change("out u8", "out u33"), "not a word type"},
		{"a number", change("const 77", "const 7e1"), "not a number"},
		{"behind the result", change("end", "  v99 = x\nend"), "behind the result"},
	}
	for _, tt := range tests {
		if _, err := Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(k.String())
		if err != nil {
			t.Fatalf("what was printed is not read: %v\n%s", err, k)
		}
		if diff := cmp.Diff(k.String(), again.String()); diff != "" {
			t.Errorf("printing is not stable:\n%s", diff)
		}
		for _, s := range k.Stages {
			state := make([]int64, s.State.Len())
			copy(state, s.Init)
			s.Body.Eval(Call{In: func(Port) int64 { return 0 }, State: state}, nil)
		}
	})
}
