package proof

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Limit is how long a simulator may take for one call.
const Limit = 10 * time.Minute

// ErrMissing: a program or a file that a proof takes is not here. The message says how to get it.
var ErrMissing = errors.New("is not here")

// advice gets what a proof takes.
const advice = "apt-get install yosys fpga-icestorm iverilog, or capo doctor --install"

// Design is something with the wrapper's four pins.
type Design struct {
	Module  string   // its name
	Verilog []string // texts
	Files   []string // models of cells
	Defines []string
}

// bench drives the pins: a byte is eight clocks, most significant bit first; what comes back is written as bytes in
// hexadecimal. Before the transfer chip select is high for a while.
const bench = `%stimescale 1ns/1ps
module capo_bench;
  reg sck = 0, ss = 0, mosi = 0;
  wire miso;
  reg [7:0] stimulus [0:%d];
  reg [7:0] got;
  integer i, j, file;
  %s dut (.sck(sck), .ss(ss), .mosi(mosi), .miso(miso));
  initial begin
    $readmemh("in.hex", stimulus);
    file = $fopen("out.hex", "w");
    #100 ss = 1;
    #100 ss = 0;
    #100;
    for (i = 0; i <= %d; i = i + 1) begin
      for (j = 7; j >= 0; j = j - 1) begin
        mosi = stimulus[i][j];
        #50 got[j] = miso;
        sck = 1;
        #50 sck = 0;
      end
      $fwrite(file, "%%x\n", got);
    end
    $fclose(file);
    $finish;
  end
endmodule
`

// Simulate sends bytes to a design and returns as many: what came back meanwhile, and in which bytes there are bits that
// the simulator does not know.
func Simulate(ctx context.Context, d Design, sent []byte) (got []byte, unknown []bool, err error) {
	if len(sent) == 0 {
		return nil, nil, nil
	}
	dir, err := os.MkdirTemp("", "capo-proof-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	text := fmt.Sprintf(bench, "`", len(sent)-1, d.Module, len(sent)-1)
	args := []string{"-g2005-sv", "-o", "sim", "-s", "capo_bench"}
	for _, define := range d.Defines {
		args = append(args, "-D"+define)
	}
	for i, verilog := range append([]string{text}, d.Verilog...) {
		name := fmt.Sprintf("d%d.v", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(verilog), 0o644); err != nil {
			return nil, nil, err
		}
		args = append(args, name)
	}
	if err := os.WriteFile(filepath.Join(dir, "in.hex"), lines(sent), 0o644); err != nil {
		return nil, nil, err
	}
	if _, err := run(ctx, dir, "iverilog", append(args, d.Files...)...); err != nil {
		return nil, nil, err
	}
	if _, err := run(ctx, dir, "vvp", "-n", "sim"); err != nil {
		return nil, nil, err
	}
	out, err := os.ReadFile(filepath.Join(dir, "out.hex"))
	if err != nil {
		return nil, nil, fmt.Errorf("the simulation ended early: %w", err)
	}
	return received(string(out), len(sent))
}

// lines writes bytes as $readmemh takes them.
func lines(sent []byte) []byte {
	var b bytes.Buffer
	for _, c := range sent {
		fmt.Fprintf(&b, "%02x\n", c)
	}
	return b.Bytes()
}

// received reads what the test bench wrote.
func received(text string, n int) ([]byte, []bool, error) {
	fields := strings.Fields(text)
	if len(fields) != n {
		return nil, nil, fmt.Errorf("the simulation ended after %d bytes of %d", len(fields), n)
	}
	got, unknown := make([]byte, n), make([]bool, n)
	for i, f := range fields {
		b, err := hex.DecodeString(f)
		if unknown[i] = err != nil || len(b) != 1; !unknown[i] {
			got[i] = b[0]
		}
	}
	return got, unknown, nil
}

// run runs one of the programs in a folder.
func run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s %w; %s", program, ErrMissing, advice)
	}
	inner, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(inner, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &out, &complaint, time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if inner.Err() != nil {
			return nil, fmt.Errorf("%s took longer than %v", program, Limit)
		}
		return nil, fmt.Errorf("%s: %w: %s", program, err, firstLines(complaint.String()+out.String(), 5))
	}
	return out.Bytes(), nil
}

func firstLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[:min(n, len(all))], " | ")
}
