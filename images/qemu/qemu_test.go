package qemu

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

func load(t *testing.T, name string) *board.Board {
	t.Helper()
	b, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestArgs(t *testing.T) {
	args, err := Args(Config{
		Board: load(t, "qemu-amd64"), Kernel: "k", Initrd: "i", Cmdline: "a b", UUID: "u", Console: "c", QMP: "q", NoReboot: true, RTC: "base=x",
		NICs: []NIC{{MAC: MAC(0x1234, 5), SegmentPort: 7}, {MAC: "m", HostPort: 8, GuestPort: 9}, {MAC: "n"}}, Args: []string{"-x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(args, " ")
	for _, want := range []string{
		"-nodefaults", "-display none", "-machine q35", "-accel tcg", "-cpu max", "-m 256", "-smp 1", "-kernel k", "-initrd i", "-append a b",
		"-chardev file,id=console,path=c -serial chardev:console", "-qmp unix:q,server=on,wait=off", "-uuid u", "-no-reboot", "-rtc base=x", "-device virtio-rng-pci",
		"-netdev socket,id=net0,mcast=230.77.0.1:7,localaddr=127.0.0.1 -device virtio-net-pci,romfile=,id=nic0,netdev=net0,mac=52:54:00:12:34:05",
		"-netdev user,id=net1,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:8-:9 -device virtio-net-pci,romfile=,id=nic1,netdev=net1,mac=m",
		"-netdev user,id=net2,restrict=on,ipv6=off -device",
	} {
		if !strings.Contains(got+" ", want+" ") && !strings.Contains(got, want) {
			t.Errorf("the arguments lack %q:\n%s", want, got)
		}
	}
	if args[len(args)-1] != "-x" {
		t.Error("the caller's own arguments are not the last")
	}
}

func TestArgsRefuses(t *testing.T) {
	if _, err := Args(Config{Board: load(t, "host")}); err == nil {
		t.Error("the host runs in QEMU")
	}
	if _, err := Args(Config{Board: load(t, "qemu-amd64"), NICs: []NIC{{SegmentPort: 1, HostPort: 2}}}); err == nil {
		t.Error("a network interface is on two networks")
	}
}

// anyBoard is an ARM board such as the emulated Zynq: interfaces soldered on, its console on the second port, a card slot.
func anyBoard() *board.Board {
	return &board.Board{Name: "any", QEMU: &board.QEMU{System: "arm", Machine: "m", MemoryMB: 512, NIC: "onboard:gem", NICs: 1, UART: 1, Disk: "sd",
		Loader: &board.QEMULoader{MemoryMB: 1024}}}
}

func TestArgsOfABoardWithItsOwnParts(t *testing.T) {
	tests := []struct {
		name         string
		change       func(*Config)
		want, absent string
	}{
		{"console on the second port", func(*Config) {}, "-serial null -chardev file,id=console,path=c -serial chardev:console", "-cpu"},
		{"card", func(c *Config) { c.Disk = "d" }, "-drive if=sd,format=raw,file=d", "-device"},
		{"network interface", func(c *Config) { c.NICs = []NIC{{MAC: "n"}} }, "-nic user,id=net0,restrict=on,ipv6=off,model=gem,mac=n", "-netdev"},
		{"device tree", func(c *Config) { c.DTB = "t" }, "-dtb t", "pflash"},
		{"loader", func(c *Config) { c.Kernel, c.Firmware.Loader = "", "u" }, "-m 1024 -smp 1 -kernel u", "-append"},
		{"flash", func(c *Config) { c.Kernel, c.Firmware = "", Firmware{Code: "f", Vars: "v"} },
			"-drive if=pflash,format=raw,unit=0,readonly=on,file=f -drive if=pflash,format=raw,unit=1,file=v", "-kernel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{Board: anyBoard(), Kernel: "k", Console: "c"}
			tt.change(&c)
			args, err := Args(c)
			got := strings.Join(args, " ")
			if err != nil || !strings.Contains(got, tt.want) || strings.Contains(got, tt.absent) {
				t.Errorf("Args = %q, %v; want %q and no %q", got, err, tt.want, tt.absent)
			}
		})
	}
	if _, err := Args(Config{Board: anyBoard(), Kernel: "k", NICs: make([]NIC, 2)}); err == nil {
		t.Error("two interfaces on a board that has one")
	}
	disk := anyBoard()
	disk.QEMU.Disk = "virtio-blk-device"
	args, err := Args(Config{Board: disk, Disk: "d"})
	if got := strings.Join(args, " "); err != nil || !strings.Contains(got, "-drive if=none,id=disk,format=raw,file=d -device virtio-blk-device,drive=disk,bootindex=0") {
		t.Errorf("Args with a disk = %q, %v", got, err)
	}
	disk.QEMU.Disk = ""
	if _, err := Args(Config{Board: disk, Disk: "d"}); err == nil {
		t.Error("a disk in a board that has none")
	}
}

func TestMachinesHaveDifferentMACs(t *testing.T) {
	seen := map[string]bool{}
	for machine := range 300 {
		for nic := range 3 {
			mac := MAC(uint16(machine), uint8(nic))
			if seen[mac] {
				t.Fatalf("%s twice", mac)
			}
			seen[mac] = true
		}
	}
}

func TestAProcessIsKnownByMoreThanItsNumber(t *testing.T) {
	cmd := exec.Command(need.Command(t, "sleep"), "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Alive() {
		t.Error("a running process is not alive")
	}
	later := p
	later.Started += "1"
	if later.Alive() {
		t.Error("another process with the same number counts as it")
	}
	if err := later.Stop(time.Second); err != nil || !p.Alive() {
		t.Errorf("Stop of another process: %v, and ours is alive: %v", err, p.Alive())
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	if err := p.Stop(5 * time.Second); err != nil {
		t.Error(err)
	}
	<-done
	if _, err := Identify(p.PID); !errors.Is(err, ErrGone) {
		t.Errorf("Identify = %v, want ErrGone", err)
	}
	if (Process{}).Alive() {
		t.Error("no process is alive")
	}
}

func TestKVMIsOnlyConsideredWhereItCanWork(t *testing.T) {
	b := load(t, "qemu-amd64")
	root := t.TempDir()
	if kvmPossible(b, root) {
		t.Error("KVM without /dev/kvm")
	}
	for _, name := range []string{"dev/kvm", "sys/module/kvm_pvm/x"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kvmPossible(b, root) {
		t.Error("KVM under kvm_pvm")
	}
	if err := os.RemoveAll(filepath.Join(root, "sys")); err != nil {
		t.Fatal(err)
	}
	want := b.Arch == runtime.GOARCH
	if got := kvmPossible(b, root); got != want {
		t.Errorf("kvmPossible = %v with /dev/kvm", got)
	}
}

func TestStartSaysWhatQEMUDoesNotLike(t *testing.T) {
	b := load(t, "qemu-amd64")
	need.Command(t, "qemu-system-x86_64")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m, err := Start(ctx, Config{Board: b, Kernel: "/nowhere"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Wait(ctx); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("Wait = %v", err)
	}
}
