package flash

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/test/need"
)

// tree is a computer's /sys, /proc and /dev as files.
type tree struct {
	t       *testing.T
	dir     string
	numbers map[string]string // of devices, by path
}

func (tr *tree) write(name, text string) {
	tr.t.Helper()
	path := filepath.Join(tr.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

// disk makes a disk below /sys/devices/BUS, with its partitions, as the kernel shows it.
func (tr *tree) disk(bus, name, number string, gigabytes int, parts ...string) {
	tr.t.Helper()
	dir := filepath.Join("sys/devices", bus, "block", name)
	tr.write(dir+"/dev", number)
	tr.write(dir+"/size", fmt.Sprint(gigabytes<<21))
	tr.write(dir+"/ro", "0")
	tr.write(dir+"/removable", "0")
	tr.link(filepath.Join("sys/block", name), dir)
	tr.link(filepath.Join("sys/dev/block", number), dir)
	tr.numbers[filepath.Join(tr.dir, "dev", name)] = number
	major, minor, _ := strings.Cut(number, ":")
	for i, p := range parts {
		n := fmt.Sprintf("%s:%s%d", major, minor, i+1)
		tr.write(filepath.Join(dir, p, "dev"), n)
		tr.write(filepath.Join(dir, p, "partition"), fmt.Sprint(i+1))
		tr.link(filepath.Join("sys/dev/block", n), filepath.Join(dir, p))
		tr.numbers[filepath.Join(tr.dir, "dev", p)] = n
	}
}

func (tr *tree) link(name, to string) {
	tr.t.Helper()
	path := filepath.Join(tr.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(tr.dir, to), path); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) system() System {
	return System{Sys: filepath.Join(tr.dir, "sys"), Proc: filepath.Join(tr.dir, "proc"), Dev: filepath.Join(tr.dir, "dev"),
		device: func(path string) (string, error) {
			if n, ok := tr.numbers[path]; ok {
				return n, nil
			}
			return "", fmt.Errorf("%s is no disk", path)
		}}
}

func TestDisksAreKnownByWhatTheyAreUsedFor(t *testing.T) {
	tr := &tree{t: t, dir: t.TempDir(), numbers: map[string]string{}}
	tr.disk("pci0/nvme", "nvme0n1", "259:0", 500, "nvme0n1p1", "nvme0n1p2", "nvme0n1p3")
	tr.disk("pci0/usb1/1-1", "sda", "8:0", 32, "sda1")
	tr.disk("pci0/usb1/1-2", "sdb", "8:1", 64, "sdb1")
	tr.disk("pci0/ata1", "sdc", "8:2", 1000)
	tr.disk("platform/mmc", "mmcblk0", "179:0", 16, "mmcblk0p1")
	tr.disk("platform/emmc", "mmcblk1", "179:8", 8)
	tr.disk("pci0/usb1/1-3", "sdd", "8:3", 0)
	tr.disk("pci0/ata2", "sde", "8:4", 100, "sde1")
	tr.disk("pci0/usb1/1-4", "sdf", "8:5", 4, "sdf1")
	tr.disk("virtual", "dm-0", "253:0", 499)
	tr.disk("virtual", "dm-1", "253:1", 1)
	tr.write("sys/block/sda/device/vendor", "SanDisk ")
	tr.write("sys/block/sda/device/model", "Ultra  ")
	tr.write("sys/block/mmcblk0/device/type", "SD")
	tr.write("sys/block/mmcblk0/device/name", "SC16G")
	tr.write("sys/block/mmcblk1/device/type", "MMC")
	tr.write("sys/block/sdf/ro", "1")
	tr.link("sys/block/nvme0n1/nvme0n1p3/holders/dm-0", "sys/block/dm-0")
	tr.link("sys/block/sde/sde1/holders/dm-1", "sys/block/dm-1")
	dev := tr.dir + "/dev/"
	tr.write("proc/self/mountinfo", strings.Join([]string{
		"22 1 253:0 / / rw - ext4 /dev/mapper/root rw",
		"23 22 259:01 / /boot/efi rw - vfat " + dev + "nvme0n1p1 rw",
		`24 22 8:11 / /media/my\040card rw shared:1 - vfat ` + dev + "sdb1 rw",
		"25 22 0:40 / /data rw - btrfs " + dev + "mmcblk0p1 rw",
		"26 22 0:5 / /proc rw - proc proc rw",
		"short",
	}, "\n"))
	tr.write("proc/swaps", "Filename Type Size Used Priority\n"+dev+"nvme0n1p2 partition 1 0 -2")

	disks, err := tr.system().Disks()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range disks {
		why := "may be written"
		if err := d.Check(false); err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v is no refusal", d.Path, err)
			}
			why = strings.ReplaceAll(err.Error(), tr.dir, "")
		}
		got[filepath.Base(d.Path)] = fmt.Sprintf("%s %d: %s", d.Model, d.Bytes>>30, why)
	}
	want := map[string]string{
		"nvme0n1": " 500: refused: this computer runs from /dev/nvme0n1 (mounted at /boot/efi, swap, mounted at /)",
		"sda":     "SanDisk Ultra 32: may be written",
		"sdb":     " 64: refused: /dev/sdb is in use (mounted at /media/my card); unmount it first",
		"sdc":     " 1000: refused: /dev/sdc () cannot be removed, so it is hardly the card that you mean; --force writes it all the same",
		"mmcblk0": "SC16G 16: refused: /dev/mmcblk0 is in use (mounted at /data); unmount it first",
		"mmcblk1": " 8: refused: /dev/mmcblk1 () cannot be removed, so it is hardly the card that you mean; --force writes it all the same",
		"sde":     " 100: refused: /dev/sde is in use (part of dm-1); unmount it first",
		"sdf":     " 4: refused: /dev/sdf is write protected; cards have a switch for that",
		"dm-0":    " 499: refused: this computer runs from /dev/dm-0 (mounted at /)",
		"dm-1":    " 1: refused: /dev/dm-1 () cannot be removed, so it is hardly the card that you mean; --force writes it all the same",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("disks (-want +got):\n%s", diff)
	}

	if d, err := tr.system().Find(dev + "sda"); err != nil || d.Check(false) != nil {
		t.Errorf("the card: %+v, %v", d, err)
	}
	if _, err := tr.system().Find(dev + "sda1"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "name the whole disk, "+dev+"sda") {
		t.Errorf("a partition: %v", err)
	}
	if d, err := tr.system().Find(dev + "sdc"); err != nil || d.Check(true) != nil {
		t.Errorf("a disk that cannot be removed, by force: %+v, %v", d, err)
	}
	if d, err := tr.system().Find(dev + "nvme0n1"); err != nil || d.Check(true) == nil {
		t.Errorf("the system's disk, by force: %+v, %v", d, err)
	}
	if _, err := tr.system().Find(dev + "tty"); err == nil {
		t.Error("what is no disk: no error")
	}
}

func TestThisComputersOwnDiskIsRefused(t *testing.T) {
	disks, err := Local().Disks()
	if err != nil {
		need.Missing(t, "disks: "+err.Error())
	}
	for _, d := range disks {
		if d.System && d.Check(true) == nil {
			t.Errorf("%+v would be written", d)
		}
	}
	t.Logf("%+v", disks)
}
