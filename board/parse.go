package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how many folders may inherit from each other.
const maxDepth = 4

// Parse reads a board.json. Its field "inherits" names a folder whose base.json it changes, as a JSON merge patch does
// (RFC 7386): objects are merged, everything else is replaced, and null takes a field away. A base may inherit too. A
// field that the schema does not have is an error, so that a typing mistake is not a silent default.
func Parse(name string, data []byte) (*Board, error) {
	whole, err := inherit(data, 0)
	if err != nil {
		return nil, fmt.Errorf("board.json of %s: %w", name, err)
	}
	merged, err := json.Marshal(whole)
	if err != nil {
		return nil, fmt.Errorf("board.json of %s: %w", name, err)
	}
	b := &Board{}
	dec := json.NewDecoder(bytes.NewReader(merged))
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

// inherit returns the object with all that it inherits.
func inherit(data []byte, depth int) (map[string]any, error) {
	var own map[string]any
	if err := json.Unmarshal(data, &own); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	base, ok := own["inherits"]
	if !ok {
		return own, nil
	}
	delete(own, "inherits")
	folder, ok := base.(string)
	if !ok || depth == maxDepth {
		return nil, fmt.Errorf("it inherits from %v, which is no name, or is more than %d bases deep", base, maxDepth)
	}
	text, err := files.ReadFile(folder + "/base.json")
	if err != nil {
		return nil, fmt.Errorf("it inherits from %q, which has no base.json", folder)
	}
	under, err := inherit(text, depth+1)
	if err != nil {
		return nil, fmt.Errorf("base.json of %s: %w", folder, err)
	}
	return merge(under, own), nil
}

// merge applies a merge patch to an object.
func merge(under, patch map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, under)
	for k, v := range patch {
		object, isObject := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case isObject:
			old, _ := out[k].(map[string]any) // what is no object is replaced by one
			out[k] = merge(old, object)
		default:
			out[k] = v
		}
	}
	return out
}

func (b *Board) check() error {
	if !slices.Contains([]string{"ci", "qemu", "never"}, b.Tested) {
		return fmt.Errorf("tested is %q, not ci, qemu or never", b.Tested)
	}
	if len(b.Formats) == 0 {
		return nil
	}
	if b.Missing != "" {
		return fmt.Errorf("it has image formats, and missing says why it has none")
	}
	if !slices.Contains([]string{"amd64", "arm64", "arm"}, b.Arch) {
		return fmt.Errorf("arch is %q, not amd64, arm64 or arm", b.Arch)
	}
	if b.Linux == nil || b.Linux.Package == "" {
		return fmt.Errorf("it has image formats and no linux.package")
	}
	if b.Console == nil || b.Console.UART == "" {
		return fmt.Errorf("it has image formats and no console.uart")
	}
	for _, m := range b.Linux.Load {
		if !slices.Contains(b.Linux.Modules, m) {
			return fmt.Errorf("linux.load has %s, which linux.modules lacks", m)
		}
	}
	for _, check := range []func() error{b.checkFormats, b.checkBoot, b.checkRamoops} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Board) checkFormats() error {
	for _, f := range b.Formats {
		switch f {
		case "qemu":
			if b.QEMU == nil {
				return fmt.Errorf("it has the format qemu and no qemu section")
			}
		case "sd":
			if b.Boot == nil || (b.Boot.Loader != LoaderRaspi && b.Boot.Loader != LoaderUBoot) {
				return fmt.Errorf("it has the format sd, and boot.loader is neither %s nor %s", LoaderRaspi, LoaderUBoot)
			}
		case "efi":
			if b.Boot == nil || b.Boot.Loader != LoaderUEFI {
				return fmt.Errorf("it has the format efi, and boot.loader is not %s", LoaderUEFI)
			}
		case "netboot":
		default:
			return fmt.Errorf("formats has %q, which is not sd, efi, netboot or qemu", f)
		}
	}
	return nil
}

func (b *Board) checkBoot() error {
	if b.Boot == nil {
		return nil
	}
	if !slices.Contains([]string{LoaderRaspi, LoaderUBoot, LoaderUEFI}, b.Boot.Loader) {
		return fmt.Errorf("boot.loader is %q, not %s, %s or %s", b.Boot.Loader, LoaderRaspi, LoaderUBoot, LoaderUEFI)
	}
	for _, f := range b.Boot.Files {
		if (f.Package == "") == (f.Recipe == "") || f.From == "" || f.To == "" {
			return fmt.Errorf("boot.files has %+v: it needs from, to, and either package or recipe", f)
		}
	}
	for _, r := range b.Boot.Raw {
		if _, err := strconv.ParseUint(r.Type, 16, 8); err != nil || r.Recipe == "" || r.From == "" {
			return fmt.Errorf("boot.raw has %+v: it needs recipe, from and a type of two hexadecimal digits", r)
		}
	}
	for _, g := range b.Boot.Given {
		if g.To == "" || g.Why == "" {
			return fmt.Errorf("boot.given has %+v: it needs to and why", g)
		}
	}
	return nil
}

func (b *Board) checkRamoops() error {
	if b.Ramoops == nil {
		return nil
	}
	address, err := strconv.ParseUint(strings.TrimPrefix(b.Ramoops.Address, "0x"), 16, 64)
	if err != nil || address%4096 != 0 || b.Ramoops.Size < 64<<10 || b.Ramoops.Size&(b.Ramoops.Size-1) != 0 {
		return fmt.Errorf("ramoops has %+v: it needs a page's address in hexadecimal and a size that is a power of two, 64 KiB at least", *b.Ramoops)
	}
	return nil
}
