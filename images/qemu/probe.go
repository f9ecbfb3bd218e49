package qemu

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/capodekappa/capo/board"
)

// probeLimit is how long the kernel may take to panic for want of a root file system. With a KVM that works it takes less
// than two seconds.
const probeLimit = 6 * time.Second

// Probe chooses the accelerator for a board: KVM only when this computer has just booted the board's kernel with it,
// for /dev/kvm can be there, open, and be unusable. The answer is kept in dir until the computer boots again.
func Probe(ctx context.Context, b *board.Board, kernel, dir string) Accel {
	if !kvmPossible(b, "/") {
		return TCG
	}
	path := filepath.Join(dir, "accel-"+b.Name)
	if kept, err := os.ReadFile(path); err == nil {
		boot, accel, _ := strings.Cut(string(kept), "\n")
		if boot == bootID() && boot != "" && (Accel(accel) == KVM || Accel(accel) == TCG) {
			return Accel(accel)
		}
	}
	accel := TCG
	if boots(ctx, b, kernel) {
		accel = KVM
	}
	// Without the file the next command probes again.
	_ = os.MkdirAll(dir, 0o755)
	_ = os.WriteFile(path, []byte(bootID()+"\n"+string(accel)), 0o644)
	return accel
}

// kvmPossible excludes what needs no trial.
func kvmPossible(b *board.Board, root string) bool {
	if runtime.GOOS != "linux" || b.QEMU == nil || b.QEMU.KVMCPU == "" || b.Arch != runtime.GOARCH {
		return false
	}
	// Under this module stock kernels run in an emulator that is far slower than TCG.
	if _, err := os.Stat(filepath.Join(root, "sys/module/kvm_pvm")); err == nil {
		return false
	}
	f, err := os.OpenFile(filepath.Join(root, "dev/kvm"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// boots starts the kernel with KVM and without a root file system, and reports whether it came to panic about that.
func boots(ctx context.Context, b *board.Board, kernel string) bool {
	dir, err := os.MkdirTemp("", "capo-probe-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	console := filepath.Join(dir, "console")
	m, err := Start(ctx, Config{
		Board: b, Accel: KVM, Kernel: kernel, Console: console, NoReboot: true,
		Cmdline: strings.Join(append(b.ConsoleWords(), b.Linux.Cmdline...), " ") + " panic=-1",
	}, false)
	if err != nil {
		return false
	}
	err = m.Wait(ctx)
	text, readErr := os.ReadFile(console)
	return err == nil && readErr == nil && panicked(string(text))
}

// panicked reports whether a console shows a kernel that found no root file system: it got as far as that.
func panicked(console string) bool {
	return strings.Contains(console, "Kernel panic - not syncing: VFS") || strings.Contains(console, "No working init found")
}

// String returns the name as QEMU spells it, with the zero value as TCG.
func (a Accel) String() string {
	if a == KVM {
		return string(KVM)
	}
	return string(TCG)
}
