package qemutest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
)

// Image makes an image in a folder of the test and returns its path.
func Image(t testing.TB, o images.Options) string {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "image")
	r, err := source(t).Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s of %s: %.1f MB of content, made in %d ms", r.Format, r.Board, float64(r.ContentBytes)/1e6, r.TookMS)
	return o.Out
}

// BootDisk starts a machine from a disk or card, through the board's firmware unless the options have another one. The machine may
// write to it.
func BootDisk(t testing.TB, o Options, disk string) *VM {
	t.Helper()
	c := machine(t, o)
	c.Disk = disk
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	dir := t.TempDir()
	if c.Board.QEMU.Loader != nil && c.Firmware == (qemu.Firmware{}) {
		var err error
		recipe := func(name string) (string, error) { return source(t).Recipe(ctx, name) }
		if c.Firmware, err = qemu.OpenFirmware(c.Board, recipe, dir, "machine"); err != nil {
			t.Fatal(err)
		}
	}
	return start(ctx, t, c, dir)
}

// source is where the parts of images come from in tests.
func source(t testing.TB) *images.Source {
	return images.NewSource("", slog.New(slog.NewTextHandler(t.Output(), nil)))
}

// Cut ends the machine as a power cut does: QEMU gets no chance to write anything that it still has.
func (v *VM) Cut() {
	v.t.Helper()
	p, err := v.Process()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		v.t.Fatal(err)
	}
	<-v.Done()
}
