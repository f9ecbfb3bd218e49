package project

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/gateware/verilog"
	"github.com/capodekappa/capo/test/need"
)

// TestShellRunsAKernelFromMemoryToMemory writes the registers as a driver does: two frames, and one for whose output there is no room.
func TestShellRunsAKernelFromMemoryToMemory(t *testing.T) {
	need.Command(t, "iverilog")
	need.Command(t, "vvp")
	const tokens, width = 45, 9
	k, frame := fixture(t, tokens, width)
	target, err := TargetOf("pynq-z2")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "mean")
	if err := Folder(dir, k, target, "mean.ts#mean", []verilog.Frame{frame}); err != nil {
		t.Fatal(err)
	}
	var hex strings.Builder
	hex.WriteString("@400\n")
	for i := 0; i < len(frame.In)+64; i += 4 {
		word := make([]byte, 4)
		copy(word, frame.In[min(i, len(frame.In)):])
		fmt.Fprintf(&hex, "%08x\n", binary.LittleEndian.Uint32(word))
	}
	if err := os.WriteFile(filepath.Join(dir, "memory.hex"), []byte(hex.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	bench, err := filepath.Abs("testdata/board.v")
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, "iverilog", "-g2005", fmt.Sprintf("-DWIDTH=%d", width), fmt.Sprintf("-DBYTES=%d", len(frame.In)), "-o", "shell", "-s", "board",
		"rtl/core.v", "rtl/shell.v", "rtl/registers.v", "rtl/dma.v", "rtl/stream.v", bench)
	out := command(t, dir, "vvp", "-n", "shell")
	digest := k.Digest()
	want := []string{"id 4f504143", "bytes 00010003", "digest " + digest[:8], "digest " + digest[56:],
		fmt.Sprintf("status 00000002\nwritten %d\nstatus 00000002\nwritten %d\nstatus 00000006\nwritten 4\n", tokens, tokens)}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("%q is not in\n%.1500s", w, out)
		}
	}
	for i := 0; i+4 <= tokens; i += 4 {
		word := fmt.Sprintf("%08x", binary.LittleEndian.Uint32(frame.Out[i:]))
		line := fmt.Sprintf("out %s %s", word, word)
		if !strings.Contains(out, line) {
			t.Errorf("bytes %d to %d: %q is not in the memory", i, i+3, line)
		}
	}
	if last := fmt.Sprintf("xx%02x", frame.Out[tokens-1]); !strings.Contains(out, last) {
		t.Errorf("the last byte, and nothing behind it: %q is not in the memory", last)
	}
}
