package board

import (
	"fmt"
	"path"
	"strings"
)

// Fact is something about a board in words: what it is called, and the text.
type Fact struct {
	Name, Text string
}

// Facts tells a person what there is to know of a board, the first things first. Each is one line.
func (b *Board) Facts() []Fact {
	var facts []Fact
	add := func(name, format string, args ...any) {
		facts = append(facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	if b.Arch != "" {
		add("processor", "%s", join(", ", b.Arch, b.SoC))
	}
	if b.FPGA != "" {
		add("FPGA", "%s", b.FPGA)
	}
	if b.MemoryMB > 0 {
		add("memory", "%d MB at least", b.MemoryMB)
	}
	if len(b.Formats) > 0 {
		add("images", "%s", strings.Join(b.Formats, ", "))
	}
	if b.Missing != "" {
		add("missing", "%s", b.Missing)
	}
	add("tested", "%s", tested[b.Tested])
	facts = append(facts, b.linuxFacts()...)
	facts = append(facts, b.consoleFacts()...)
	return append(facts, b.bootFacts()...)
}

// tested says what the values of Board.Tested mean.
var tested = map[string]string{
	"ci":    "ci: each run of the tests boots it in QEMU",
	"qemu":  "qemu: it was booted in QEMU by hand",
	"never": "never: nobody has tried it",
}

func (b *Board) linuxFacts() []Fact {
	if b.Linux == nil {
		return nil
	}
	facts := []Fact{{"Linux", join(", ", b.Linux.Package, path.Base(b.Linux.DTB))}}
	if b.Linux.DTB == "" {
		facts[0].Text = b.Linux.Package
	}
	if len(b.Linux.Modules) > 0 {
		facts = append(facts, Fact{"modules", strings.Join(b.Linux.Modules, " ")})
	}
	return facts
}

func (b *Board) consoleFacts() []Fact {
	var facts []Fact
	if b.Console != nil {
		text := b.Console.UART
		if b.Console.Screen {
			text += ", and the screen"
		}
		facts = append(facts, Fact{"console", text})
		if b.Console.Where != "" {
			facts = append(facts, Fact{"where", b.Console.Where})
		}
	}
	if b.LED != "" {
		facts = append(facts, Fact{"LED", b.LED})
	}
	if b.Ramoops != nil {
		facts = append(facts, Fact{"last log", fmt.Sprintf("ramoops, %d kB at %s", b.Ramoops.Size>>10, b.Ramoops.Address)})
	}
	return facts
}

// loaders says who reads the medium.
var loaders = map[string]string{
	LoaderRaspi: "the Raspberry Pi's firmware reads config.txt",
	LoaderUBoot: "U-Boot reads extlinux/extlinux.conf",
	LoaderUEFI:  "UEFI starts EFI/BOOT",
}

func (b *Board) bootFacts() []Fact {
	if b.Boot == nil {
		return nil
	}
	text := loaders[b.Boot.Loader]
	if b.Boot.BIOS {
		text += ", or a BIOS boots the disk"
	}
	facts := []Fact{{"boot", text}}
	for _, f := range b.Boot.Files {
		facts = append(facts, Fact{"boot file", fmt.Sprintf("%s, from %s", f.To, f.Package+f.Recipe)})
	}
	for _, r := range b.Boot.Raw {
		facts = append(facts, Fact{"partition", fmt.Sprintf("type %s, %s from %s", r.Type, r.From, r.Recipe)})
	}
	for _, g := range b.Boot.Given {
		name := "bring"
		if g.Optional {
			name = "perhaps bring"
		}
		facts = append(facts, Fact{name, fmt.Sprintf("%s: %s", g.To, g.Why)})
	}
	return facts
}

// join puts what is not empty together.
func join(between string, parts ...string) string {
	var full []string
	for _, p := range parts {
		if p != "" {
			full = append(full, p)
		}
	}
	return strings.Join(full, between)
}
