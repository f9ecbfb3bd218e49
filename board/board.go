// Package board describes the machines that Capo runs on, as data: one folder for each board,
// holding board.json and whatever else the board needs (boot files, notes).
//
// Nothing in the program switches on a board's name. What differs between boards is a field of
// [Board]; a new board is a new folder.
package board

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
)

//go:embed */board.json
var files embed.FS

// Host is the name of the pseudo-board for plain processes on a machine that already runs an
// operating system.
const Host = "host"

// Board is the content of one board.json.
type Board struct {
	// Name is the folder's name. It is not in the file.
	Name string `json:"name"`
	// Arch is a Go architecture (amd64, arm64, arm), or empty for the architecture of the machine
	// that the process runs on.
	Arch string `json:"arch,omitempty"`
	// SoC names the chip, or is "virtual".
	SoC string `json:"soc,omitempty"`
	// FPGA names the part beside or in the SoC, or is empty.
	FPGA string `json:"fpga,omitempty"`
	// Formats are the image formats that can be made for it (sd, efi, netboot, qemu), its default
	// first. A board without any, such as host, has no image.
	Formats []string `json:"formats,omitempty"`
	// Tested says how far the board was tested: ci, qemu or never.
	Tested string `json:"tested"`
	// Linux says which kernel the board boots; nil for host.
	Linux *Linux `json:"linux,omitempty"`
	// QEMU says how QEMU emulates it; nil where it cannot.
	QEMU *QEMU `json:"qemu,omitempty"`
	// Notes are for people, such as what has never been tried.
	Notes []string `json:"notes,omitempty"`
}

// Linux is the kernel of a board and what it must be told.
type Linux struct {
	// Package is the kernel's name in images/linux.lock.
	Package string `json:"package"`
	// Modules are carried in the initramfs together with what they depend on. Those listed in Load
	// are loaded at once; the others when a device asks for them by its modalias.
	Modules []string `json:"modules,omitempty"`
	// Load names the modules to load before any device is looked at, in order.
	Load []string `json:"load,omitempty"`
	// Watchdog is the module that makes /dev/watchdog, or empty if the kernel has it built in.
	Watchdog string `json:"watchdog,omitempty"`
	// Cmdline is the board's part of the kernel's command line.
	Cmdline []string `json:"cmdline,omitempty"`
}

// QEMU is how to emulate a board.
type QEMU struct {
	// System is the suffix of the program: qemu-system-SYSTEM.
	System string `json:"system"`
	// Machine and CPU are the arguments of -machine and -cpu under TCG.
	Machine string `json:"machine"`
	CPU     string `json:"cpu"`
	// KVMCPU is the argument of -cpu under KVM, or empty if the board has no use for KVM.
	KVMCPU string `json:"kvm_cpu,omitempty"`
	// MemoryMB is the memory of a machine unless the caller says otherwise.
	MemoryMB int `json:"memory_mb"`
	// NIC is the -device model of a network interface, with its options; a netdev and a MAC address
	// are added.
	NIC string `json:"nic"`
	// RNG is the -device model of a random number generator, or empty.
	RNG string `json:"rng,omitempty"`
	// Args are further arguments, as they are.
	Args []string `json:"args,omitempty"`
}

// Names returns the names of all boards, sorted.
func Names() []string {
	matches, _ := fs.Glob(files, "*/board.json") // the pattern is a constant and valid
	names := make([]string, 0, len(matches))
	for _, m := range matches {
		names = append(names, path.Dir(m))
	}
	sort.Strings(names)
	return names
}

// Load returns the board of that name. The error for a name that does not exist lists the names
// nearest to it.
func Load(name string) (*Board, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("no board is called %q; did you mean %s?", name, strings.Join(nearest(name, Names(), 2), " or "))
	}
	data, err := files.ReadFile(name + "/board.json")
	if err != nil {
		return nil, fmt.Errorf("read board %s: %w", name, err)
	}
	return Parse(name, data)
}

// Parse reads a board.json. A field that the schema does not have is an error, so that a typing
// mistake is not a silent default.
func Parse(name string, data []byte) (*Board, error) {
	b := &Board{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(b); err != nil {
		return nil, fmt.Errorf("parse board.json of %s: %w", name, err)
	}
	b.Name = name
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("board.json of %s: %w", name, err)
	}
	return b, nil
}

func (b *Board) check() error {
	if !slices.Contains([]string{"ci", "qemu", "never"}, b.Tested) {
		return fmt.Errorf("tested is %q, not ci, qemu or never", b.Tested)
	}
	if len(b.Formats) == 0 {
		return nil
	}
	if !slices.Contains([]string{"amd64", "arm64", "arm"}, b.Arch) {
		return fmt.Errorf("arch is %q, not amd64, arm64 or arm", b.Arch)
	}
	if b.Linux == nil || b.Linux.Package == "" {
		return fmt.Errorf("it has image formats and no linux.package")
	}
	if slices.Contains(b.Formats, "qemu") && b.QEMU == nil {
		return fmt.Errorf("it has the format qemu and no qemu section")
	}
	for _, m := range b.Linux.Load {
		if !slices.Contains(b.Linux.Modules, m) {
			return fmt.Errorf("linux.load has %s, which linux.modules lacks", m)
		}
	}
	return nil
}

// JSON returns the board as it stands in an image, in /capo/board.json.
func (b *Board) JSON() ([]byte, error) {
	return json.Marshal(b)
}

// FromImage reads the board.json of an image, as [Board.JSON] wrote it.
func FromImage(data []byte) (*Board, error) {
	b := &Board{}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("parse the image's board.json: %w", err)
	}
	return b, nil
}
