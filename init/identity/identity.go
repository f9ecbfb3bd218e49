// Package identity makes a node's id out of what the hardware says of itself, so that it is the same at every boot and
// needs no configuration.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net"
	"path"
	"sort"
	"strconv"
	"strings"
)

// maxID keeps ids short enough to be read in a table; a longer serial number is hashed.
const maxID = 20

// FromFirmware returns the id that the firmware gives, or "" if it gives none that can be one: the device tree's serial
// number, the system's or the board's serial number of DMI, or the product's UUID. The tree is the root of the file
// systems with /proc and /sys.
func FromFirmware(root fs.FS) string {
	for _, file := range []string{
		"proc/device-tree/serial-number",
		"sys/class/dmi/id/product_serial",
		"sys/class/dmi/id/board_serial",
	} {
		if id := fromSerial(read(root, file)); id != "" {
			return id
		}
	}
	return fromUUID(read(root, "sys/class/dmi/id/product_uuid"))
}

// FromMAC returns the id that a hardware address gives, or "" for one that is not a device's own.
func FromMAC(mac net.HardwareAddr) string {
	if len(mac) != 6 || mac[0]&1 != 0 || allSame(hex.EncodeToString(mac)) {
		return ""
	}
	return hex.EncodeToString(mac)
}

// FromInterfaces returns the id of the interface with the lowest index that stands for a device, by its permanent
// address. The tree is /sys/class/net.
func FromInterfaces(sysClassNet fs.FS) string {
	names, _ := fs.Glob(sysClassNet, "*/device") // the pattern is valid
	type candidate struct {
		index int
		id    string
	}
	var found []candidate
	for _, name := range names {
		name = path.Dir(name)
		// addr_assign_type 0 is a permanent address (Linux, Documentation/ABI/testing/sysfs-class-net).
		if read(sysClassNet, name+"/addr_assign_type") != "0" {
			continue
		}
		mac, err := net.ParseMAC(read(sysClassNet, name+"/address"))
		index, atoi := strconv.Atoi(read(sysClassNet, name+"/ifindex"))
		if id := FromMAC(mac); err == nil && atoi == nil && id != "" {
			found = append(found, candidate{index, id})
		}
	}
	if len(found) == 0 {
		return ""
	}
	sort.Slice(found, func(i, j int) bool { return found[i].index < found[j].index })
	return found[0].id
}

// FromImage returns the id of a machine that has none of its own: one made of the fleet's part of its image, of which each card that
// was flashed has another. Without a fleet there is none.
func FromImage(fleet []byte) string {
	if len(fleet) == 0 {
		return ""
	}
	return hash("image\n" + string(fleet))
}

// FromCard returns an id made of the number of the card or chip that the board boots from, for boards that have nothing of their own: it
// goes where the card goes. The tree is /sys/block.
func FromCard(sysBlock fs.FS) string {
	names, _ := fs.Glob(sysBlock, "mmcblk*/device/cid") // the pattern is valid; names are sorted
	for _, name := range names {
		// 16 bytes: maker, product, serial number, date (SD Physical Layer Simplified Specification, section 5.2).
		cid := strings.ToLower(read(sysBlock, name))
		if _, err := hex.DecodeString(cid); err == nil && len(cid) == 32 && !allSame(cid) {
			return hash(cid)
		}
	}
	return ""
}

// fromSerial makes an id of a serial number that is not a vendor's placeholder.
func fromSerial(serial string) string {
	serial = strings.ToLower(strings.Trim(serial, " \x00"))
	if len(serial) < 4 || placeholder(serial) {
		return ""
	}
	if len(serial) > maxID || !isLabel(serial) {
		return hash(serial)
	}
	return serial
}

// placeholder knows what stands in the firmware of boards that nobody gave a number.
func placeholder(serial string) bool {
	if allSame(serial) {
		return true
	}
	for _, p := range []string{"o.e.m", "oem", "serial", "default", "none", "not ", "unknown", "n/a", "0123456789", "123456789", "system"} {
		if strings.Contains(serial, p) {
			return true
		}
	}
	return false
}

func fromUUID(uuid string) string {
	digits := strings.ToLower(strings.ReplaceAll(uuid, "-", ""))
	if len(digits) != 32 || allSame(digits) || strings.HasPrefix(digits, "03000200040005000006000700080009") {
		return "" // the last one is on a whole vendor's boards
	}
	if _, err := hex.DecodeString(digits); err != nil {
		return ""
	}
	return hash(digits)
}

// hash makes twelve hexadecimal digits of a longer name.
func hash(text string) string {
	sum := sha256.Sum256([]byte("capo id\n" + text))
	return hex.EncodeToString(sum[:6])
}

func allSame(s string) bool { return s == "" || strings.Trim(s, s[:1]) == "" }

func isLabel(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-') {
			return false
		}
	}
	return s != "" && s[0] != '-' && s[len(s)-1] != '-'
}

func read(root fs.FS, name string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil || len(text) > 4096 {
		return ""
	}
	return strings.Trim(strings.TrimSpace(string(text)), "\x00")
}
