// Package doctor says what a machine lacks for a purpose, and which command mends it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/images/compile"
)

// The purposes that a machine can be looked at for.
const (
	ForRun  = "run"  // make run: a fleet in QEMU, and the picture
	ForTest = "test" // make test: all tests
	ForHost = "host" // capo up --board host
	// ForBuild is make linux: the kernels and the boot loaders of boards. All tests need them.
	ForBuild = "build"
	// ForKernel is what capo kernel build takes: the FPGA tools, installed or fetched.
	ForKernel = "kernel"
	// ForImage is what images take besides: GRUB, for those that a PC's BIOS starts.
	ForImage = "image"
)

// Need is something that a purpose takes.
type Need struct {
	Name    string   // what it is called
	Program string   // found on the PATH, or
	File    string   // there in the file system
	Package string   // Debian's and Ubuntu's package that has it
	For     []string // purposes
	Why     string

	// What no package has: whether it is here, how to get it, and the command for that.
	Here func() bool
	Get  func(ctx context.Context, out io.Writer) error
	Mend string
}

// Needs are all that any purpose takes.
func Needs() []Need {
	all := []string{ForRun, ForTest}
	fetch := []string{ForRun, ForTest, ForBuild, ForImage}
	test := []string{ForTest}
	return append([]Need{
		{Name: "QEMU for amd64", Program: "qemu-system-x86_64", Package: "qemu-system-x86", For: all, Why: "runs the virtual boards"},
		{Name: "apt-get", Program: "apt-get", Package: "apt", For: fetch, Why: "fetches the kernel package"},
		{Name: "Debian's archive keys", File: "/usr/share/keyrings/debian-archive-keyring.gpg", Package: "debian-archive-keyring", For: fetch, Why: "verifies the kernel package"},
		{Name: "a photograph", File: "/usr/share/doc/libjxl-testdata/copyright", Package: "libjxl-testdata", For: all, Why: "is the input of examples/tiles"},
		{Name: "ip", Program: "ip", Package: "iproute2", For: test, Why: "makes network namespaces"},
		{Name: "setpriv", Program: "setpriv", Package: "util-linux", For: test, Why: "runs tests as an unprivileged user"},
		{Name: "avahi-daemon", Program: "avahi-daemon", Package: "avahi-daemon", For: test, Why: "browses for nodes as others do"},
		{Name: "avahi-browse", Program: "avahi-browse", Package: "avahi-utils", For: test, Why: "browses for nodes as others do"},
		{Name: "dbus-daemon", Program: "dbus-daemon", Package: "dbus", For: test, Why: "avahi needs it"},
		{Name: "QEMU for ARM", Program: "qemu-system-arm", Package: "qemu-system-arm", For: test, Why: "runs the virtual boards with ARMv7"},
		{Name: "QEMU for arm64", Program: "qemu-system-aarch64", Package: "qemu-system-arm", For: test, Why: "runs the virtual boards with arm64"},
		{Name: "UEFI for amd64", File: "/usr/share/OVMF/OVMF_CODE_4M.fd", Package: "ovmf", For: test, Why: "starts images of disks"},
		{Name: "UEFI for arm64", File: "/usr/share/AAVMF/AAVMF_CODE.fd", Package: "qemu-efi-aarch64", For: test, Why: "starts images of disks"},
		{Name: "mtools", Program: "mdir", Package: "mtools", For: test, Why: "reads images as others do"},
		{Name: "fsck.fat", Program: "fsck.fat", Package: "dosfstools", For: test, Why: "checks images"},
		{Name: "sfdisk", Program: "sfdisk", Package: "fdisk", For: test, Why: "checks images"},
		{Name: "sbverify", Program: "sbverify", Package: "sbsigntool", For: test, Why: "checks signatures for Secure Boot"},
		{Name: "GRUB", Program: "grub-mkimage", Package: "grub-common", For: []string{ForTest, ForImage}, Why: "makes disks that a PC's BIOS starts"},
		{Name: "an EFI stub", File: "/usr/lib/systemd/boot/efi", Package: "systemd-boot-efi", For: test, Why: "is what others' unified kernel images begin with"},
		{Name: "objcopy", Program: "objcopy", Package: "binutils", For: test, Why: "reads unified kernel images as others do"},
		{Name: "losetup", Program: "losetup", Package: "mount", For: test, Why: "makes disks to write to"},
		{Name: "mkfs.ext4", Program: "mkfs.ext4", Package: "e2fsprogs", For: test, Why: "makes a disk that is in use"},
		{Name: "openssl", Program: "openssl", Package: "openssl", For: test, Why: "unlocks the key of a firmware that is for tests"},
		{Name: "ffmpeg", Program: "ffmpeg", Package: "ffmpeg", For: test, Why: "is compared with the library of kernels"},
		{Name: "libvips", Program: "vips", Package: "libvips-tools", For: test, Why: "is compared with the library of kernels"},
		{Name: "sox", Program: "sox", Package: "sox", For: test, Why: "is compared with the library of kernels"},
		{Name: "libjpeg", File: "/usr/include/jpeglib.h", Package: "libjpeg-dev", For: test, Why: "is compared with the library of kernels"},
		{Name: "python3", Program: "python3", Package: "python3", For: test, Why: "has zlib, which is compared with the library of kernels"},
		{Name: "speech", File: "/usr/share/pocketsphinx/test/data/goforward.raw", Package: "pocketsphinx-testdata", For: test, Why: "is what kernels of sound are tried on"},
		{Name: "dtc", Program: "dtc", Package: "device-tree-compiler", For: test, Why: "checks device trees"},
	}, slices.Concat(kernelNeeds(), buildNeeds())...)
}

// buildNeeds are what the recipes of buildroot take, each once.
func buildNeeds() []Need {
	var needs []Need
	seen := map[compile.Tool]bool{}
	for _, name := range buildroot.Names() {
		r, err := buildroot.Load(name)
		if err != nil {
			continue // a test of that package sees to it that all can be read
		}
		for _, t := range compile.Tools(r) {
			if seen[t] {
				continue
			}
			seen[t] = true
			called := t.Program
			if called == "" {
				called = t.File
			}
			needs = append(needs, Need{Name: called, Program: t.Program, File: t.File, Package: t.Package,
				For: []string{ForTest, ForBuild}, Why: "builds Linux and boot loaders for boards"})
		}
	}
	return needs
}

// Finding is a need and whether it is met here.
type Finding struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Why  string `json:"why"`
	Mend string `json:"mend"` // the command, empty when OK
}

// Look checks a machine for a purpose; an empty one is all of them. It returns what it found and which needs are not met.
func Look(purpose string) ([]Finding, []Need) {
	var findings []Finding
	var missing []Need
	for _, n := range Needs() {
		if purpose != "" && !slices.Contains(n.For, purpose) {
			continue
		}
		f := Finding{Name: n.Name, OK: n.met(), Why: n.Why}
		if !f.OK {
			missing = append(missing, n)
			if f.Mend = n.Mend; f.Mend == "" {
				f.Mend = strings.Join(installCommand([]string{n.Package}), " ")
			}
		}
		findings = append(findings, f)
	}
	return findings, missing
}

func (n Need) met() bool {
	if n.Here != nil {
		return n.Here()
	}
	if n.Program != "" {
		if _, err := exec.LookPath(n.Program); err == nil {
			return true
		}
		_, err := os.Stat("/usr/sbin/" + n.Program)
		return err == nil
	}
	_, err := os.Stat(n.File)
	return err == nil
}

// installCommand is how packages are installed here, with sudo where that is needed.
func installCommand(packages []string) []string {
	cmd := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, packages...)
	if runtime.GOOS == "linux" && os.Geteuid() != 0 {
		cmd = append([]string{"sudo"}, cmd...)
	}
	return cmd
}

// ErrNoApt: packages cannot be installed here.
var ErrNoApt = errors.New("there is no apt-get here; install them by hand")

// Install meets needs: packages come from apt-get, the rest as each need says.
func Install(ctx context.Context, missing []Need, out io.Writer) error {
	var packages []string
	for _, n := range missing {
		if n.Get == nil && !slices.Contains(packages, n.Package) {
			packages = append(packages, n.Package)
		}
	}
	if err := installPackages(ctx, packages, out); err != nil {
		return err
	}
	for _, n := range missing {
		if n.Get == nil || n.met() {
			continue
		}
		if err := n.Get(ctx, out); err != nil {
			return fmt.Errorf("get %s: %w", n.Name, err)
		}
	}
	return nil
}

// installPackages installs packages with apt-get, after fetching its lists.
func installPackages(ctx context.Context, packages []string, out io.Writer) error {
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(packages, " "), ErrNoApt)
	}
	update := []string{"apt-get", "update"}
	if os.Geteuid() != 0 {
		update = append([]string{"sudo"}, update...)
	}
	for _, args := range [][]string{update, installCommand(packages)} {
		fmt.Fprintf(out, "+ %s\n", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr, cmd.Stdin = out, out, os.Stdin
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
	}
	return nil
}
