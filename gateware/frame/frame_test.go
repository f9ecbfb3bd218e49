package frame

import (
	"errors"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/ir"
)

// stage makes a kernel's text of one stage whose body gives a constant for each word.
func kernel(t *testing.T, stages ...string) *ir.Kernel {
	text := "kernel \"k\"\n"
	for _, s := range stages {
		text += "stage " + s + "\n"
	}
	k, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const (
	word   = "word 1 1\nin u8\nout u8\nv0 = const 1\ngive v0\nend"
	column = "word 1 1\nin u8\nout u16\nv0 = x\ngive v0\nend"
	rgb    = "word 1 1\nin {\"r\": u8, \"g\": u8, \"b\": u8}\nout u8\nv0 = const 1\ngive v0\nend"
	taps   = "taps 1 5\nin i16\nout i16\nhop 1 3\nv0 = const 1\ngive v0\nend"
	window = "window 3 3\nin u8\nout u8\nedge clamp\nmaxwidth 64\nv0 = const 1\ngive v0\nend"
	half   = "window 3 3\nin u8\nout u8\nhop 2 2\nedge clamp\nmaxwidth 64\nv0 = const 1\ngive v0\nend"
	last   = "fold 1 1\nin u8\nout u32\nstate u8\ninit 0\nlast\nv0 = const 1\ngive v0\nnext v0\nend"
	tile   = "block 2 4\nin u8\nout u8\nmaxwidth 16\nv0 = const 1\ngive v0 v0 v0 v0 v0 v0 v0 v0\nend"
	packed = "block 2 4\nin u8\nout [i16, 3]\nmaxwidth 16\nv0 = const 1\ngive v0 v0 v0\nend"
)

func TestPlan(t *testing.T) {
	tests := []struct {
		name         string
		stages       []string
		bytes, width int
		want         Size // of the last stage's output
		out          int
	}{
		{"a word in one row", []string{word}, 100, 0, Size{100, 1}, 100},
		{"nothing", []string{window}, 0, 7, Size{7, 0}, 0},
		{"nothing, and no width", []string{word}, 0, 0, Size{1, 0}, 0},
		{"a record", []string{rgb}, 30, 5, Size{5, 2}, 10},
		{"a long row where x is not used", []string{word}, 1 << 20, 0, Size{1 << 20, 1}, 1 << 20},
		{"taps with a hop", []string{taps}, 20, 0, Size{4, 1}, 8},
		{"half of 7 by 5", []string{half}, 35, 7, Size{4, 3}, 12},
		{"half of half", []string{half, half}, 35, 7, Size{2, 2}, 4},
		{"the last of a fold", []string{word, last}, 35, 7, Size{1, 1}, 4},
		{"the last of none", []string{last}, 0, 0, Size{1, 0}, 0},
		{"tiles", []string{tile}, 64, 16, Size{16, 4}, 64},
		{"a tile's own width", []string{tile}, 16, 0, Size{4, 4}, 16},
		{"a token for each tile", []string{packed}, 64, 16, Size{4, 2}, 48},
	}
	for _, tt := range tests {
		p, err := New(kernel(t, tt.stages...), tt.bytes, tt.width)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := p.Stages[len(p.Stages)-1].Out; got != tt.want || p.OutBytes != tt.out {
			t.Errorf("%s: %v and %d bytes, want %v and %d", tt.name, got, p.OutBytes, tt.want, tt.out)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	tests := []struct {
		name         string
		stages       []string
		bytes, width int
		want         string
	}{
		{"half a record", []string{rgb}, 31, 0, "not whole words"},
		{"a row that ends early", []string{word}, 31, 7, "not whole rows of 7"},
		{"a negative width", []string{word}, 31, -1, "width is -1"},
		{"a row longer than the line buffer", []string{window}, 130, 65, "longer than maxWidth, 64"},
		{"one row where a width is needed", []string{window}, 130, 0, "longer than maxWidth, 64"},
		{"a long row where x is used", []string{column}, 70_000, 0, "uses x"},
		{"half a tile", []string{tile}, 24, 8, "not whole blocks of 4 by 2"},
		{"the second stage", []string{word, tile}, 24, 8, "stage 2: "},
	}
	for _, tt := range tests {
		_, err := New(kernel(t, tt.stages...), tt.bytes, tt.width)
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
