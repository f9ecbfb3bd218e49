package main

import (
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/capodekappa/capo/examples/kernels"
	"github.com/capodekappa/capo/test/need"
)

// unseen are kernels of which nothing is to be seen: their results are codes, or halves of another's.
var unseen = map[string]bool{"crc32": true, "encode": true, "dctRows": true, "dctColumns": true, "quantise": true}

func TestEveryKernelHasAPicture(t *testing.T) {
	c := config{
		kernels: "..", out: t.TempDir(), limit: time.Minute,
		photo:  need.File(t, "/usr/share/libjxl-testdata/jxl/flower/flower_small.rgb.depth8.ppm", "libjxl-testdata"),
		speech: need.File(t, "/usr/share/pocketsphinx/test/data/goforward.raw", "pocketsphinx-testdata"),
	}
	if err := run(t.Context(), c, io.Discard); err != nil {
		t.Fatal(err)
	}
	all, err := kernels.Goldens("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if unseen[g.Kernel] {
			continue
		}
		f, err := os.Open(filepath.Join(c.out, g.Kernel+".png"))
		if err != nil {
			t.Error(err)
			continue
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 100 {
			t.Errorf("%s: %v %v", g.Kernel, img.Bounds(), err)
		}
	}
}

func TestTilesGoBackToTheirPlaces(t *testing.T) {
	seen := map[int]bool{}
	for i := range 3 * 64 {
		seen[place(i, 24)] = true
	}
	if len(seen) != 3*64 || place(64, 24) != 8 || place(8, 24) != 24 {
		t.Errorf("%d places; %d, %d", len(seen), place(64, 24), place(8, 24))
	}
}
