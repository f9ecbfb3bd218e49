package board_test

import (
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
)

func TestEveryBoardLoads(t *testing.T) {
	names := board.Names()
	if len(names) < 2 {
		t.Fatalf("Names() = %v, want at least host and qemu-amd64", names)
	}
	for _, name := range names {
		b, err := board.Load(name)
		if err != nil {
			t.Errorf("Load(%q): %v", name, err)
			continue
		}
		if b.Name != name {
			t.Errorf("Load(%q).Name = %q", name, b.Name)
		}
	}
}

func TestLoadNamesTheNearestBoard(t *testing.T) {
	_, err := board.Load("qemu-adm64")
	if err == nil || !strings.Contains(err.Error(), "did you mean qemu-amd64") {
		t.Fatalf("Load(qemu-adm64) = %v, want a hint of qemu-amd64", err)
	}
	for _, name := range []string{"", "..", "/", "qemu-amd64/", "."} {
		if _, err := board.Load(name); err == nil {
			t.Errorf("Load(%q) succeeded", name)
		}
	}
}

func TestParseRejects(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"unknown field", `{"tested":"ci","colour":"red"}`, "colour"},
		{"no tested", `{}`, "tested"},
		{"bad arch", `{"tested":"ci","formats":["sd"],"arch":"mips"}`, "arch"},
		{"no linux", `{"tested":"ci","formats":["sd"],"arch":"arm"}`, "linux.package"},
		{"no console", `{"tested":"ci","formats":["qemu"],"arch":"arm","linux":{"package":"p"}}`, "console.uart"},
		{"no qemu", `{"tested":"ci","formats":["qemu"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"}}`, "no qemu section"},
		{"load not carried", `{"tested":"ci","formats":["sd"],"arch":"arm","linux":{"package":"p","load":["m"]},"console":{"uart":"u"}}`, "linux.load"},
		{"sd without a loader", `{"tested":"ci","formats":["sd"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"}}`, "boot.loader"},
		{"efi with another loader", `{"tested":"ci","formats":["efi"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"},"boot":{"loader":"uboot"}}`, "boot.loader"},
		{"unknown format", `{"tested":"ci","formats":["floppy"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"}}`, "floppy"},
		{"file of nothing", `{"tested":"ci","formats":["sd"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"},"boot":{"loader":"uboot","files":[{"from":"a","to":"b"}]}}`, "package or recipe"},
		{"raw without a type", `{"tested":"ci","formats":["sd"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"},"boot":{"loader":"uboot","raw":[{"recipe":"r","from":"a"}]}}`, "boot.raw"},
		{"given without a reason", `{"tested":"ci","formats":["sd"],"arch":"arm","linux":{"package":"p"},"console":{"uart":"u"},"boot":{"loader":"uboot","given":[{"to":"a"}]}}`, "boot.given"},
		{"ramoops astray", `{"inherits":"virt","arch":"arm","linux":{"package":"p"},"console":{"uart":"u"},"qemu":{},"ramoops":{"address":"0x1001","size":65536}}`, "ramoops"},
		{"missing and formats", `{"inherits":"virt","missing":"no driver"}`, "missing"},
		{"no base", `{"inherits":"no-such"}`, "no-such"},
		{"base is no name", `{"inherits":1}`, "no name"},
		{"not JSON", `{`, "parse"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := board.Parse("x", []byte(tt.json))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestFromImageReadsWhatJSONWrote(t *testing.T) {
	b, err := board.Load("qemu-amd64")
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := board.FromImage(data)
	if err != nil || got.Name != b.Name || got.Linux.Watchdog != b.Linux.Watchdog {
		t.Errorf("FromImage = %+v, %v", got, err)
	}
}

func TestParseMergesWhatItInherits(t *testing.T) {
	b, err := board.Parse("x", []byte(`{"inherits":"virt","arch":"arm","linux":{"package":"p","modules":null},"console":{"uart":"u","screen":true},"qemu":{"memory_mb":64}}`))
	if err != nil {
		t.Fatal(err)
	}
	if b.SoC != "virtual" || b.Linux.Package != "p" || len(b.Linux.Cmdline) == 0 || b.Linux.Modules != nil || b.QEMU.MemoryMB != 64 {
		t.Errorf("Parse = %+v, linux %+v, qemu %+v", b, b.Linux, b.QEMU)
	}
	if got := strings.Join(b.ConsoleWords(), " "); got != "console=tty0 console=u" {
		t.Errorf("ConsoleWords() = %q", got)
	}
}
