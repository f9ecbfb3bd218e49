package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/spi"
	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// back is the module that a bitstream is turned back into.
const back = "chip"

// Bitstream is the design that a bitstream (what icepack writes) makes of a part. Reading one takes 5 to 30 seconds; the
// result is kept in the cache.
func Bitstream(ctx context.Context, bin []byte, p *part.Part) (*Design, error) {
	if p.Family != "ice40" {
		return nil, fmt.Errorf("a bitstream for %s cannot be turned back into a netlist: only those of iCE40 can", p.Name)
	}
	cells, err := cellModels(ctx)
	if err != nil {
		return nil, err
	}
	verilog, err := netlist(ctx, bin, p)
	if err != nil {
		return nil, fmt.Errorf("read the bitstream back: %w", err)
	}
	return &Design{Module: back, Verilog: []string{verilog}, Files: []string{cells}, Defines: []string{"NO_ICE40_DEFAULT_ASSIGNMENTS"}}, nil
}

func netlist(ctx context.Context, bin []byte, p *part.Part) (string, error) {
	cache, err := toolchain.CacheDir()
	if err != nil {
		text, err := unpack(ctx, bin, p)
		return string(text), err
	}
	sum := sha256.Sum256(append([]byte(p.Name+"\x00"), bin...))
	file := filepath.Join(cache, "synth", "netlists", hex.EncodeToString(sum[:])+".v")
	if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(strings.TrimSpace(string(text)), "endmodule") {
		return string(text), nil
	}
	text, err := unpack(ctx, bin, p)
	if err != nil {
		return "", err
	}
	_ = toolchain.Keep(file, text) // a cache that cannot be written to is done without
	return string(text), nil
}

func unpack(ctx context.Context, bin []byte, p *part.Part) ([]byte, error) {
	dir, err := os.MkdirTemp("", "capo-proof-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string][]byte{"x.bin": bin, "x.pcf": []byte(p.Constraints())} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	if _, err := run(ctx, dir, "iceunpack", "x.bin", "x.asc"); err != nil {
		return nil, err
	}
	text, err := run(ctx, dir, "icebox_vlog", "-s", "-n", back, "-p", "x.pcf", "x.asc")
	if err != nil {
		return nil, err
	}
	if unknown := strings.Index(string(text), "TODO"); unknown >= 0 {
		line, _, _ := strings.Cut(string(text)[unknown:], "\n")
		return nil, fmt.Errorf("icebox_vlog does not know a cell: %s", line)
	}
	return text, nil
}

// cellModels finds yosys's Verilog models of an iCE40's cells: those of the native yosys, or of the fetched one.
func cellModels(ctx context.Context) (string, error) {
	var tried []string
	if _, err := exec.LookPath("yosys-config"); err == nil {
		if out, err := run(ctx, "", "yosys-config", "--datdir"); err == nil {
			tried = append(tried, filepath.Join(strings.TrimSpace(string(out)), "ice40", "cells_sim.v"))
		}
	}
	tried = append(tried, "/usr/share/yosys/ice40/cells_sim.v")
	if share, err := toolchain.Share(toolchain.Yosys); err == nil {
		tried = append(tried, filepath.Join(share, "ice40", "cells_sim.v"))
	}
	for _, file := range tried {
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("yosys's models of cells (ice40/cells_sim.v): %w; %s", ErrMissing, advice)
}

// Frame runs a frame through a design behind the SPI wrapper: the core's bytes in and out.
func Frame(ctx context.Context, d *Design, l *spi.Link, in []byte, width int) ([]byte, error) {
	sent, err := l.Encode(in, width)
	if err != nil || len(sent) == 0 {
		return nil, err
	}
	frame, err := l.FrameOf(len(in), width)
	if err != nil {
		return nil, err
	}
	got, unknown, err := Simulate(ctx, *d, sent)
	if err != nil {
		return nil, err
	}
	slots, err := l.Slots(got, frame)
	if err != nil {
		return nil, err
	}
	for _, at := range slots {
		for i := at; i < at+l.OutBytes; i++ {
			if unknown[i] {
				return nil, fmt.Errorf("byte %d of the answer has bits that nothing drives", i)
			}
		}
	}
	return l.Decode(got, frame)
}
