package boot

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/images/qemu"
	"github.com/capodekappa/capo/images/qemu/qemutest"
	"github.com/capodekappa/capo/test/need"
)

// TestSecureBootStartsWhatTheOwnerSignedAloneLong boots firmware that enforces Secure Boot. It has the key that Debian's package ovmf brings for tests:
// "snakeoil", with the same word as its passphrase.
func TestSecureBootStartsWhatTheOwnerSignedAloneLong(t *testing.T) {
	need.Long(t)
	cert := need.File(t, "/usr/share/ovmf/PkKek-1-snakeoil.pem", "ovmf")
	key := filepath.Join(t.TempDir(), "snakeoil.key")
	if out, err := exec.Command(need.Command(t, "openssl"), "pkey", "-in", "/usr/share/ovmf/PkKek-1-snakeoil.key", "-passin", "pass:snakeoil", "-out", key).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	otherKey, otherCert := stranger(t)

	o := alone(t, "qemu-amd64", images.FormatEFI)
	o.SecureBootKey, o.SecureBootCert = key, cert
	vm := enforcing(t, qemutest.Image(t, o))
	ready(t, vm)

	for name, pair := range map[string][2]string{"unsigned": {}, "signed by another": {otherKey, otherCert}} {
		o.SecureBootKey, o.SecureBootCert = pair[0], pair[1]
		vm := enforcing(t, qemutest.Image(t, o))
		vm.Expect(`Access Denied|Security Violation`, limit)
		time.Sleep(5 * time.Second) // for Linux to show, if it came up nevertheless
		if text := vm.Console(); strings.Contains(text, "capo: phase") {
			t.Errorf("%s: it was started:\n%s", name, text)
		}
		vm.Stop()
	}
}

// enforcing starts a machine whose firmware enforces Secure Boot, from a disk.
func enforcing(t *testing.T, disk string) *qemutest.VM {
	t.Helper()
	code := need.File(t, "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "ovmf")
	vars := filepath.Join(t.TempDir(), "vars")
	if err := qemu.CopyFlash(vars, "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"); err != nil {
		t.Fatal(err)
	}
	c := pc(t, qemu.Firmware{Code: code, Vars: vars})
	c.Board.QEMU.Machine = "q35,smm=on"
	c.Board.QEMU.NIC = "virtio-net-pci,romfile="
	c.Args = []string{"-global", "driver=cfi.pflash01,property=secure,value=on"}
	return qemutest.BootDisk(t, qemutest.Options{Machine: c}, disk)
}

// stranger makes a key and a certificate that the firmware does not know.
func stranger(t *testing.T) (keyFile, certFile string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a stranger"}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(24 * time.Hour)}
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
