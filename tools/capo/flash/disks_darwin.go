package flash

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// System is this computer. Nobody has tried it on macOS yet.
type System struct{}

// Local is this computer.
func Local() System { return System{} }

// Disks lists the whole disks that diskutil knows.
func (s System) Disks() ([]Disk, error) {
	out, err := exec.Command("diskutil", "list", "-plist", "physical").Output()
	if err != nil {
		return nil, fmt.Errorf("diskutil list: %w", err)
	}
	var disks []Disk
	for _, name := range plistAll(out, "WholeDisks") {
		d, err := s.Find("/dev/" + name)
		if err != nil {
			return nil, err
		}
		disks = append(disks, *d)
	}
	return disks, nil
}

// Find asks diskutil for one disk.
func (System) Find(path string) (*Disk, error) {
	name := strings.TrimPrefix(filepath.Base(path), "r")
	out, err := exec.Command("diskutil", "info", "-plist", name).Output()
	if err != nil {
		return nil, fmt.Errorf("diskutil info %s: %w", name, err)
	}
	v := plistValues(out)
	if v["WholeDisk"] != "true" {
		return nil, fmt.Errorf("%w: %s is a partition; name the whole disk, /dev/%s", ErrRefused, path, v["ParentWholeDisk"])
	}
	size, _ := strconv.ParseInt(v["TotalSize"], 10, 64) // absent: no medium
	d := &Disk{Path: "/dev/r" + name, Model: v["MediaName"], Bytes: size, Uses: []string{},
		Removable: v["RemovableMediaOrExternalDevice"] == "true", ReadOnly: v["WritableMedia"] == "false", System: v["SystemImage"] == "true" || v["Internal"] == "true"}
	list, err := exec.Command("diskutil", "list", "-plist", name).Output()
	if err != nil {
		return nil, fmt.Errorf("diskutil list %s: %w", name, err)
	}
	for _, at := range plistAll(list, "MountPoint") {
		d.Uses = append(d.Uses, "mounted at "+at)
		d.System = d.System || at == "/"
	}
	return d, nil
}

// plistPairs calls fn for each key of a property list with the value that follows it, as text.
func plistPairs(data []byte, fn func(key, kind, value string)) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	key := ""
	for {
		token, err := dec.Token()
		if err != nil {
			return
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch kind := start.Name.Local; kind {
		case "key", "string", "integer":
			var text string
			if dec.DecodeElement(&text, &start) != nil {
				return
			}
			if kind == "key" {
				key = text
			} else {
				fn(key, kind, text)
			}
		case "true", "false":
			fn(key, kind, kind)
		}
	}
}

func plistValues(data []byte) map[string]string {
	values := map[string]string{}
	plistPairs(data, func(key, _, value string) { values[key] = value })
	return values
}

func plistAll(data []byte, key string) []string {
	var all []string
	plistPairs(data, func(k, _, value string) {
		if k == key {
			all = append(all, value)
		}
	})
	return all
}
