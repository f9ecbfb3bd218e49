package uki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/test/need"
)

// stub is a PE32+ executable with one section of code that returns, and room for more.
func stub() []byte {
	const pe, headers = 0x80, 0x400
	b := make([]byte, headers+fileAlign)
	le := binary.LittleEndian
	copy(b, "MZ")
	le.PutUint32(b[peOffset:], pe)
	copy(b[pe:], "PE\x00\x00")
	le.PutUint16(b[pe+4:], 0x8664)
	le.PutUint16(b[pe+6:], 1)
	le.PutUint16(b[pe+20:], 112+16*8)
	le.PutUint16(b[pe+22:], 0x206)
	opt := pe + coffSize
	le.PutUint16(b[opt:], pe32plus)
	le.PutUint32(b[opt+16:], 0x1000) // the entry point
	le.PutUint32(b[opt+optSectionAlign:], 4096)
	le.PutUint32(b[opt+optFileAlign:], fileAlign)
	le.PutUint32(b[opt+optImageSize:], 0x2000)
	le.PutUint32(b[opt+optHeadersSize:], headers)
	le.PutUint16(b[opt+68:], 10) // an EFI application
	le.PutUint32(b[opt+optDirectories:], 16)
	s := opt + 112 + 16*8
	copy(b[s:], ".text")
	for i, v := range []uint32{1, 0x1000, fileAlign, headers, 0, 0, 0, 0x60000020} {
		le.PutUint32(b[s+8+4*i:], v)
	}
	b[headers] = 0xc3
	return b
}

func parts() Parts {
	return Parts{OSRelease: "ID=capo\n", Cmdline: "quiet", Uname: "6.1", Linux: bytes.Repeat([]byte("linux"), 3000), Initrd: bytes.Repeat([]byte("i"), 512)}
}

func TestBuildAddsSections(t *testing.T) {
	image, err := Build(stub(), parts())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Build(stub(), parts())
	if err != nil || !bytes.Equal(image, again) {
		t.Errorf("the same parts gave two images (%v)", err)
	}
	sections, err := Sections(image)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{".osrel": "ID=capo\n", ".cmdline": "quiet", ".uname": "6.1", ".linux": string(parts().Linux), ".initrd": string(parts().Initrd)}
	end := uint32(0x1200)
	for _, s := range sections[1:] {
		if diff := cmp.Diff(want[s.Name], string(image[s.Offset:s.Offset+s.Size])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.Name, diff)
		}
		if s.Offset%fileAlign != 0 || s.Address%pageSize != 0 || s.Address < end {
			t.Errorf("%s is at %#x of the file and %#x of memory, after %#x", s.Name, s.Offset, s.Address, end)
		}
		end = s.Address + s.Size
		delete(want, s.Name)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestOthersReadWhatIsBuilt(t *testing.T) {
	real, err := os.ReadFile(need.File(t, "/usr/lib/systemd/boot/efi/linuxx64.efi.stub", "systemd-boot-efi"))
	if err != nil {
		t.Fatal(err)
	}
	p := parts()
	p.DTB = []byte("device tree")
	image, err := Build(real, p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, out := filepath.Join(dir, "image"), filepath.Join(dir, "linux")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(need.Command(t, "objcopy"), "--dump-section", ".linux="+out, file, file+".copy").CombinedOutput(); err != nil {
		t.Fatalf("objcopy: %v\n%s", err, text)
	}
	if have, err := os.ReadFile(out); err != nil || !bytes.HasPrefix(have, p.Linux) {
		t.Errorf("objcopy finds another .linux (%v)", err)
	}
	if text, err := exec.Command("objdump", "-h", file).CombinedOutput(); err != nil || strings.Contains(string(text), "arning") || !strings.Contains(string(text), ".dtb") {
		t.Errorf("objdump: %v\n%s", err, text)
	}
}

func TestBuildRefuses(t *testing.T) {
	signed := stub()
	binary.LittleEndian.PutUint32(signed[0x80+coffSize+optCertificates+4:], 8)
	full := stub()
	binary.LittleEndian.PutUint16(full[0x80+6:], 14) // as many sections as there is room for, all but one empty
	gap := append(stub(), make([]byte, fileAlign)...)
	binary.LittleEndian.PutUint32(gap[0x80+coffSize+112+16*8+20:], 0x600)
	unaligned := stub()
	binary.LittleEndian.PutUint32(unaligned[0x80+coffSize+optSectionAlign:], 0)
	for name, tt := range map[string]struct {
		stub []byte
		p    Parts
		want string
	}{
		"no Linux":       {stub(), Parts{}, "no Linux"},
		"no stub":        {nil, parts(), "MZ"},
		"a signed stub":  {signed, parts(), "signed"},
		"a full stub":    {full, parts(), "no room"},
		"no alignment":   {unaligned, parts(), "aligned"},
		"a stub's gap":   {gap, parts(), "does not begin where"},
		"not executable": {[]byte(strings.Repeat("x", 1000)), parts(), "MZ"},
	} {
		if _, err := Build(tt.stub, tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for n := range stub() {
		if _, err := Build(stub()[:n], parts()); !errors.Is(err, ErrFormat) {
			t.Errorf("the stub's first %d bytes: %v", n, err)
		}
	}
}

// pair makes a key and a certificate of its own in two files.
func pair(t *testing.T, name string) (keyFile, certFile string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, certFile = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for file, block := range map[string]*pem.Block{keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}, certFile: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return keyFile, certFile
}

func TestOthersVerifyASignature(t *testing.T) {
	sbverify := need.Command(t, "sbverify")
	keyFile, certFile := pair(t, "ours")
	_, other := pair(t, "another")
	key, cert, err := LoadKey(keyFile, certFile)
	if err != nil {
		t.Fatal(err)
	}
	image, err := Build(stub(), parts())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Sign(image, key, cert)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Sign(signed, key, cert); err != nil || !bytes.Equal(signed, again) {
		t.Errorf("signing once more gave other bytes (%v)", err)
	}
	file := filepath.Join(t.TempDir(), "image.efi")
	verify := func(data []byte, cert string) bool {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(sbverify, "--cert", cert, file).CombinedOutput()
		t.Logf("%s", out)
		return err == nil
	}
	if !verify(signed, certFile) {
		t.Error("sbverify does not believe the signature")
	}
	if verify(signed, other) {
		t.Error("sbverify believes the signature of another key")
	}
	at := bytes.Index(signed, []byte("quiet"))
	signed[at] = 'Q'
	if verify(signed, certFile) {
		t.Error("sbverify believes the signature of a changed command line")
	}
}

func TestSignRefuses(t *testing.T) {
	keyFile, certFile := pair(t, "ours")
	_, other := pair(t, "another")
	key, cert, err := LoadKey(keyFile, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(stub(), key, cert); err == nil || !strings.Contains(err.Error(), "CN=another is for another key") {
		t.Errorf("another's certificate: %v", err)
	}
	if _, cert, err = LoadKey(keyFile, certFile); err != nil {
		t.Fatal(err)
	}
	if _, err := Sign([]byte("MZ"), key, cert); !errors.Is(err, ErrFormat) {
		t.Errorf("no executable: %v", err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(stub(), curve, cert); err == nil || !strings.Contains(err.Error(), "RSA alone") {
		t.Errorf("an elliptic key: %v", err)
	}
	for _, files := range [][2]string{{certFile, certFile}, {keyFile, keyFile}, {"/nowhere", certFile}, {keyFile, "/nowhere"}} {
		if _, _, err := LoadKey(files[0], files[1]); err == nil || !strings.Contains(err.Error(), "Secure Boot") {
			t.Errorf("LoadKey(%q): %v", files, err)
		}
	}
}

func FuzzSections(f *testing.F) {
	image, err := Build(stub(), Parts{Linux: []byte("linux")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image)
	f.Add(stub())
	f.Add(stub()[:0x90])
	f.Fuzz(func(t *testing.T, data []byte) {
		sections, err := Sections(data)
		if err != nil {
			return
		}
		for _, s := range sections {
			if s.Raw > 0 {
				_ = data[s.Offset : s.Offset+s.Raw]
			}
		}
		if built, err := Build(data, parts()); err == nil {
			if _, err := Sections(built); err != nil {
				t.Errorf("what was built cannot be read: %v", err)
			}
		}
		if m, err := unsigned(data); err == nil {
			_, _ = m.digest() // it must not panic
		}
	})
}
