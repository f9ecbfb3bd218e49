package flash

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// System is where this computer tells about its disks; tests have other folders.
type System struct {
	Sys, Proc, Dev string
	// device returns the number (major:minor) of a block device.
	device func(path string) (string, error)
}

// Local is this computer.
func Local() System {
	return System{Sys: "/sys", Proc: "/proc", Dev: "/dev", device: deviceNumber}
}

func deviceNumber(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", fmt.Errorf("%s is no disk", path)
	}
	return fmt.Sprintf("%d:%d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))), nil
}

// Disks lists the computer's disks, those without a medium left out.
func (s System) Disks() ([]Disk, error) {
	entries, err := os.ReadDir(filepath.Join(s.Sys, "block"))
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	uses, err := s.uses()
	if err != nil {
		return nil, err
	}
	var disks []Disk
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, "ram") || strings.Contains(name, "boot") && strings.HasPrefix(name, "mmcblk") {
			continue
		}
		if d := s.disk(name, uses); d.Bytes > 0 {
			disks = append(disks, d)
		}
	}
	return disks, nil
}

// Find returns the disk at a path, which may be a symbolic link. A partition is refused.
func (s System) Find(path string) (*Disk, error) {
	number, err := s.device(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(s.Sys, "dev/block", number))
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		return nil, fmt.Errorf("%w: %s is a partition; name the whole disk, %s", ErrRefused, path, filepath.Join(s.Dev, filepath.Base(filepath.Dir(dir))))
	}
	uses, err := s.uses()
	if err != nil {
		return nil, err
	}
	d := s.disk(filepath.Base(dir), uses)
	return &d, nil
}

// disk reads about one disk.
func (s System) disk(name string, uses map[string][]string) Disk {
	dir := filepath.Join(s.Sys, "block", name)
	sectors, _ := strconv.ParseInt(s.read(dir, "size"), 10, 64) // of 512 bytes; without a medium it is 0
	d := Disk{
		Path: filepath.Join(s.Dev, name), Bytes: sectors * 512, ReadOnly: s.read(dir, "ro") == "1", Uses: []string{},
		Model: strings.TrimSpace(s.read(dir, "device/vendor") + " " + s.read(dir, "device/model")),
	}
	if d.Model == "" {
		d.Model = s.read(dir, "device/name") // of a card
	}
	link, _ := filepath.EvalSymlinks(dir) // where it is not a link, it is on no bus either
	d.Removable = s.read(dir, "removable") == "1" || strings.Contains(link, "/usb") || s.read(dir, "device/type") == "SD"
	s.collect(&d, dir, uses, 0)
	return d
}

// collect finds what uses a disk: its partitions, and what is built on them (RAID, LVM, encryption).
func (s System) collect(d *Disk, dir string, uses map[string][]string, depth int) {
	if depth > 8 {
		return
	}
	for _, use := range uses[s.read(dir, "dev")] {
		d.Uses = append(d.Uses, use)
		where := strings.TrimPrefix(use, mounted)
		d.System = d.System || use == swap || slices.Contains(systemMounts, where)
	}
	parts, _ := filepath.Glob(filepath.Join(dir, "*", "partition")) // the pattern is valid
	for _, p := range parts {
		s.collect(d, filepath.Dir(p), uses, depth+1)
	}
	holders, _ := os.ReadDir(filepath.Join(dir, "holders")) // absent where nothing can hold it
	for _, h := range holders {
		before := len(d.Uses)
		s.collect(d, filepath.Join(s.Sys, "block", h.Name()), uses, depth+1)
		if len(d.Uses) == before {
			d.Uses = append(d.Uses, "part of "+h.Name())
		}
	}
}

func (s System) read(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name)) // absent: empty
	return strings.TrimSpace(string(text))
}

const (
	mounted = "mounted at "
	swap    = "swap"
)

// uses are what the computer does with its block devices, by their numbers: mountinfo and swaps of proc(5).
func (s System) uses() (map[string][]string, error) {
	uses := map[string][]string{}
	text, err := os.ReadFile(filepath.Join(s.Proc, "self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("see what is mounted: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 7 {
			continue
		}
		number := fields[2]
		// A file system over several devices, such as btrfs, has a number of its own: its source tells one of them.
		if at := slices.Index(fields, "-"); at > 0 && at+2 < len(fields) && strings.HasPrefix(number, "0:") {
			if n, err := s.device(unescape(fields[at+2])); err == nil {
				number = n
			}
		}
		if use := mounted + unescape(fields[4]); !slices.Contains(uses[number], use) {
			uses[number] = append(uses[number], use)
		}
	}
	text, _ = os.ReadFile(filepath.Join(s.Proc, "swaps")) // absent in a kernel without swap
	for line := range strings.Lines(string(text)) {
		if n, err := s.device(unescape(strings.Fields(line + " x")[0])); err == nil {
			uses[n] = append(uses[n], swap)
		}
	}
	return uses, nil
}

// unescape turns the octal numbers of proc(5) into characters.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
