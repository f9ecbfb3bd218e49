package images

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
			if one.ContentBytes > largest && format != FormatNetboot { // where a client fetches only part of what is there
				t.Errorf("%d bytes of content, more than 40 MB", one.ContentBytes)
			}
		})
	}
}

// TestATokenChangesTheFleetsPartAlone makes images for two fleets whose parts have other lengths.
func TestATokenChangesTheFleetsPartAlone(t *testing.T) {
	need.Command(t, "apt-get")
	key, cert := signer(t)
	for name, o := range map[string]Options{
		"sd": {Board: kinds[FormatSD], Format: FormatSD}, "efi": {Board: kinds[FormatEFI], Format: FormatEFI},
		"signed": {Board: kinds[FormatEFI], Format: FormatEFI, SecureBootKey: key, SecureBootCert: cert},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(fleet string) ([]byte, *Result) {
				o.Fleet, o.Out = []byte(fleet), filepath.Join(t.TempDir(), "image")
				r, err := NewSource("", nil).Build(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(o.Out)
				if err != nil {
					t.Fatal(err)
				}
				return data, r
			}
			a, r := build(`{"token":"one"}`)
			b, _ := build(`{"token":"` + strings.Repeat("two", 700) + `"}`)
			if ranges := map[bool]int{false: 1, true: 2}[name == "signed"]; len(a) != len(b) || len(r.Own) != ranges {
				t.Fatalf("%d and %d bytes, own %v", len(a), len(b), r.Own)
			}
			own := r.Own[0]
			if text := string(a[own.From:own.To]); strings.TrimRight(text, " ") != `{"token":"one"}` || own.To-own.From != fleetRoom {
				t.Errorf("the fleet's part at %v is %.40q", own, text)
			}
			t.Logf("images differ in %v of %d bytes", r.Own, len(a))
			for _, own := range r.Own {
				clear(a[own.From:own.To])
				clear(b[own.From:own.To])
			}
			if !bytes.Equal(a, b) {
				t.Errorf("images of two fleets differ outside of the fleet's part")
			}
		})
	}
}

// signer makes a key and its certificate in two files.
func signer(t *testing.T) (keyFile, certFile string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, certFile = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for file, block := range map[string]*pem.Block{
		keyFile: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}, certFile: {Type: "CERTIFICATE", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return keyFile, certFile
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
