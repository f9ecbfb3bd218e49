// Package board describes the machines that Capo runs on, as data: one folder for each board,
// holding board.json and NOTES.md, which is for people.
//
// Nothing in the program switches on a board's name. What differs between boards is a field of
// [Board]; a new board is a new folder. What several boards share stands once, in the base.json of
// a folder that they inherit from (see [Parse]).
package board

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
)

//go:embed */board.json */base.json
var files embed.FS

// Host is the name of the pseudo-board for plain processes on a machine that already runs an
// operating system.
const Host = "host"

// Board is the content of one board.json.
type Board struct {
	// Name is the folder's name. It is not in the file.
	Name string `json:"name"`
	// Title is what people call it, with its maker.
	Title string `json:"title,omitempty"`
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
	// MemoryMB is the memory of the smallest variety of it that Capo runs on; 0 where that is the user's choice.
	MemoryMB int `json:"memory_mb,omitempty"`
	// Tested says how far the board was tested: ci (a test of `make test` boots it in QEMU), qemu (it was booted in QEMU by
	// hand) or never.
	Tested string `json:"tested"`
	// Missing says why no image can be made of a board that is in the catalogue all the same.
	Missing string `json:"missing,omitempty"`
	// Linux says which kernel the board boots; nil for host.
	Linux *Linux `json:"linux,omitempty"`
	// Console is where the board says what it does; nil for host.
	Console *Console `json:"console,omitempty"`
	// LED names the one that tells how the board is, as in /sys/class/leds; empty if it has none that
	// Linux can switch.
	LED string `json:"led,omitempty"`
	// Ramoops is the memory that keeps the last log over a reset; nil where there is none.
	Ramoops *Ramoops `json:"ramoops,omitempty"`
	// Boot is what stands on a medium besides Linux; nil where nothing does.
	Boot *Boot `json:"boot,omitempty"`
	// QEMU says how QEMU emulates it; nil where it cannot.
	QEMU *QEMU `json:"qemu,omitempty"`
	// Notes are for people, such as what has never been tried.
	Notes []string `json:"notes,omitempty"`
}

// Linux is the kernel of a board and what it must be told.
type Linux struct {
	// Package is the kernel's name in images/linux.lock, or a recipe's in buildroot.
	Package string `json:"package"`
	// DTB is the device tree, a path below the kernel's own ones, such as
	// broadcom/bcm2711-rpi-4-b.dtb; empty where the firmware or QEMU brings one.
	DTB string `json:"dtb,omitempty"`
	// DTBs are device trees of near relatives, which a boot loader chooses instead of DTB when it finds itself on one. They
	// stand beside it on the medium.
	DTBs []string `json:"dtbs,omitempty"`
	// Tree are texts to set in the device tree: for the path of a node, property by property. It is for what a later Linux
	// has, such as /aliases ethernet0, through which a boot loader hands over the MAC address.
	Tree map[string]map[string]string `json:"tree,omitempty"`
	// Modules are carried in the initramfs together with what they depend on. Those listed in Load
	// are loaded at once; the others when a device asks for them by its modalias.
	Modules []string `json:"modules,omitempty"`
	// Load names the modules to load before any device is looked at, in order.
	Load []string `json:"load,omitempty"`
	// Watchdog is the module that makes /dev/watchdog, or empty if the kernel has it built in.
	Watchdog string `json:"watchdog,omitempty"`
	// Cmdline is the board's part of the kernel's command line, without the consoles.
	Cmdline []string `json:"cmdline,omitempty"`
}

// Console says where a board prints.
type Console struct {
	// UART is the serial console as Linux names it, with its speed, such as ttyPS0,115200. It is the
	// last console= of the command line and so becomes /dev/console.
	UART string `json:"uart"`
	// Screen is true where Linux prints on a screen as well (HDMI or VGA, console=tty0).
	Screen bool `json:"screen,omitempty"`
	// Where tells where to plug in: a connector's or pins' names.
	Where string `json:"where,omitempty"`
}

// Ramoops is a piece of memory that a reset leaves as it is (Linux, Documentation/admin-guide/ramoops.rst).
type Ramoops struct {
	// Address is physical, in hexadecimal; Size is in bytes.
	Address string `json:"address"`
	Size    int    `json:"size"`
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

// ConsoleWords are the consoles' part of the kernel's command line.
func (b *Board) ConsoleWords() []string {
	if b.Console == nil {
		return nil
	}
	var words []string
	if b.Console.Screen {
		words = append(words, "console=tty0")
	}
	return append(words, "console="+b.Console.UART)
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
