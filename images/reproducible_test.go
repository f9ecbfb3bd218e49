package images

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/disk"
	"github.com/capodekappa/capo/test/need"
)

// kinds has a board for each kind of image.
var kinds = map[string]string{FormatSD: "zedboard", FormatEFI: "pc", FormatNetboot: "qemu-amd64", FormatQEMU: "qemu-amd64"}

func buildImage(t *testing.T, format string, fleet []byte) (string, *Result) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	r, err := NewSource("", nil).Build(t.Context(), Options{Board: kinds[format], Format: format, Out: out, Fleet: fleet})
	if err != nil {
		t.Fatal(err)
	}
	return out, r
}

// TestAnImageBuiltTwiceIsTheSame makes each kind of image twice; [TestTheSameInputGivesTheSameBytes] does so with the initramfs.
func TestAnImageBuiltTwiceIsTheSame(t *testing.T) {
	need.Command(t, "apt-get")
	for format := range kinds {
		t.Run(format, func(t *testing.T) {
			_, one := buildImage(t, format, nil)
			_, two := buildImage(t, format, nil)
			if one.SHA256 != two.SHA256 || one.Bytes != two.Bytes {
				t.Errorf("two builds differ: %+v, %+v", one, two)
			}
			t.Logf("%s of %s: %.1f MB of content in %.1f MB, %d ms", format, kinds[format], float64(one.ContentBytes)/1e6, float64(one.Bytes)/1e6, two.TookMS)
			if one.ContentBytes > 40e6 && format != FormatNetboot { // where a client fetches only part of what is there
				t.Errorf("%d bytes of content, more than 40 MB", one.ContentBytes)
			}
		})
	}
}

// TestATokenChangesTheFleetsPartAlone makes images for two fleets whose parts have other lengths.
func TestATokenChangesTheFleetsPartAlone(t *testing.T) {
	need.Command(t, "apt-get")
	for _, format := range []string{FormatSD, FormatEFI} {
		t.Run(format, func(t *testing.T) {
			one, r := buildImage(t, format, []byte(`{"token":"one"}`))
			two, _ := buildImage(t, format, []byte(`{"token":"`+strings.Repeat("two", 700)+`"}`))
			a, err := os.ReadFile(one)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(two)
			if err != nil {
				t.Fatal(err)
			}
			if len(a) != len(b) || len(r.Own) != 1 {
				t.Fatalf("%d and %d bytes, own %v", len(a), len(b), r.Own)
			}
			own := r.Own[0]
			if text := string(a[own.From:own.To]); strings.TrimRight(text, " ") != `{"token":"one"}` || own.To-own.From != fleetRoom {
				t.Errorf("the fleet's part at %v is %.40q", own, text)
			}
			t.Logf("%s differs from byte %d to %d of %d", format, own.From, own.To, len(a))
			clear(a[own.From:own.To])
			clear(b[own.From:own.To])
			if !bytes.Equal(a, b) {
				t.Errorf("images of two fleets differ outside of the fleet's part")
			}
		})
	}
}

func TestNothingIsTwiceOnADiskForABIOS(t *testing.T) {
	need.Command(t, "grub-mkimage")
	image, r := buildImage(t, FormatEFI, nil)
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := board.Load(kinds[FormatEFI])
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewSource("", nil).Linux(t.Context(), pc)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile(l.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, kernel[mebibyte:mebibyte+64]); n != 1 {
		t.Errorf("Linux is on the disk %d times, want once", n)
	}
	if out := tool(t, "sfdisk", "--verify", image); !strings.Contains(out, "No errors detected") {
		t.Errorf("sfdisk: %s", out)
	}
	esp := filepath.Join(t.TempDir(), "esp")
	if err := os.WriteFile(esp, data[mebibyte:len(data)-mebibyte], 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "fsck.fat", "-n", esp)
	config := tool(t, "mtype", "-i", esp, "::"+grubConfig)
	if !strings.Contains(config, "loopback uki /EFI/BOOT/BOOTX64.EFI\nlinux (uki)") || !strings.Contains(config, "'console=ttyS0,115200'") {
		t.Errorf("grub.cfg:\n%s", config)
	}
	if r.Bytes%disk.SectorSize != 0 {
		t.Errorf("%d bytes are no whole sectors", r.Bytes)
	}
}
