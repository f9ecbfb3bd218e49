package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/gateware/band"
	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/wasm"
)

var (
	//go:embed testdata/kernels/peers.c
	peersC string
	//go:embed testdata/kernels/peers.mjs
	peersNode string
)

// peers are the programs that kernels are compared with; what is not installed is left out.
type peers struct {
	programs []program
	ffmpeg   string
	frame    string // a file with an RGB frame
	skipped  error
}

// program is a peer: it is called with a kernel's name and a number of frames.
type program struct {
	system string
	args   []string
	frames int
	// The ratio of capo to it is to be at least wanted, for each kernel; 0: nothing is wanted.
	wanted map[string]float64
}

func newPeers(ctx context.Context, l *lab) (*peers, error) {
	p := &peers{}
	source, err := l.file("peers.c", peersC)
	if err != nil {
		return nil, err
	}
	script, err := l.file("peers.mjs", peersNode)
	if err != nil {
		return nil, err
	}
	if p.frame, err = l.file("frame.rgb", string(noise(3*frameWidth*frameRows))); err != nil {
		return nil, err
	}
	third := map[string]float64{"gray": 1.0 / 3, "fir": 1.0 / 3, "sobel": 1.0 / 3}
	for _, c := range []program{
		{"C, gcc -O3 -msse4.1 -mno-avx", []string{"-msse4.1", "-mno-avx"}, 200, third}, {"C, gcc -O3 -march=native", []string{"-march=native"}, 200, nil}} {
		out := source + strconv.Itoa(len(p.programs))
		if text, err := exec.CommandContext(ctx, "gcc", append(c.args, "-O3", "-o", out, source)...).CombinedOutput(); err != nil {
			p.skip(l, fmt.Errorf("gcc: %w\n%s", err, text))
			continue
		}
		c.args = []string{out}
		p.programs = append(p.programs, c)
	}
	if node, err := exec.LookPath("node"); err == nil {
		once := map[string]float64{"gray": 1, "fir": 1, "sobel": 1}
		p.programs = append(p.programs, program{"node, the same handler", []string{node, script, "handler"}, 12, map[string]float64{"gray": 1.5, "fir": 30, "sobel": 30}},
			program{"node, loop by hand", []string{node, script, "loop"}, 40, once})
	} else {
		p.skip(l, err)
	}
	if p.ffmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		p.skip(l, err)
	}
	return p, nil
}

func (p *peers) skip(l *lab, err error) {
	fmt.Fprintf(l.cfg.Log, "%s: left out: %v\n", l.name, err)
	p.skipped = errors.Join(p.skipped, err)
}

// compare measures the peers that know a kernel, and the ratios.
func (p *peers) compare(ctx context.Context, l *lab, kernel string, rate float64) error {
	if !slices.Contains([]string{"gray", "fir", "sobel"}, kernel) {
		return nil
	}
	for _, peer := range p.programs {
		args := append(slices.Clone(peer.args[1:]), kernel, strconv.Itoa(peer.frames))
		out, err := exec.CommandContext(ctx, peer.args[0], args...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", peer.system, err)
		}
		first, _, _ := strings.Cut(string(out), " ")
		value, err := strconv.ParseFloat(first, 64)
		if err != nil {
			return fmt.Errorf("%s says %q: %w", peer.system, out, err)
		}
		l.peer(peer.system, kernel, "Mwords/s", value)
		l.reach(kernel+": capo : "+peer.system, "ratio", peer.wanted[kernel], rate/value)
	}
	return nil
}

// videoFrames is how many frames of raw video are streamed.
const videoFrames = 500

// video streams raw frames from a file to nowhere, through ffmpeg and through capo, and compares the CPU time.
func (p *peers) video(ctx context.Context, l *lab, list []*js.Kernel) error {
	if p.ffmpeg == "" {
		return nil
	}
	for _, v := range []struct{ kernel, pixels, filter string }{
		{"gray", "rgb24", "format=gray"},
		{"sharpen", "gray", "convolution=0 -1 0 -1 5 -1 0 -1 0:0 -1 0 -1 5 -1 0 -1 0:0 -1 0 -1 5 -1 0 -1 0:0 -1 0 -1 5 -1 0 -1 0"},
	} {
		var took [2]time.Duration
		for i, frames := range []int{1, videoFrames} {
			var err error
			if took[i], err = p.film(ctx, v.pixels, v.filter, frames); err != nil {
				return err
			}
		}
		theirs := (took[1] - took[0]).Seconds()
		ours, err := p.stream(ctx, list, v.kernel)
		if err != nil {
			return err
		}
		metric := fmt.Sprintf("%s over %d raw frames", v.kernel, videoFrames)
		l.note(metric, "CPU s", 0, ours)
		l.peer("ffmpeg", metric, "CPU s", theirs)
		l.note(metric+": capo : ffmpeg", "ratio", 1, ours/theirs)
	}
	return nil
}

// film is the CPU time of ffmpeg for some frames.
func (p *peers) film(ctx context.Context, pixels, filter string, frames int) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, p.ffmpeg, "-v", "error", "-nostdin", "-threads", "1", "-filter_threads", "1", "-f", "rawvideo", "-pix_fmt", pixels,
		"-s", fmt.Sprintf("%dx%d", frameWidth, frameRows), "-stream_loop", "-1", "-i", p.frame, "-frames:v", strconv.Itoa(frames), "-vf", filter,
		"-pix_fmt", "gray", "-threads", "1", "-f", "rawvideo", "-y", os.DevNull)
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("ffmpeg %s: %w\n%s", filter, err, text)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// stream is the CPU time in seconds of a kernel for as many frames: read from the same file, written to the same place.
func (p *peers) stream(ctx context.Context, list []*js.Kernel, name string) (float64, error) {
	k := list[slices.IndexFunc(list, func(k *js.Kernel) bool { return k.Name == name })].IR
	e, err := wasm.New(ctx, k, wasm.Limits(band.Limits{Workers: 1}))
	if err != nil {
		return 0, err
	}
	in, err := os.Open(p.frame)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	frame, answer := make([]byte, frameWidth*frameRows*k.In().Bytes()), []byte(nil)
	begun := ownTime()
	for range videoFrames {
		if _, err = in.ReadAt(frame, 0); err != nil {
			break
		}
		if answer, err = e.RunInto(ctx, answer, frame, frameWidth); err != nil {
			break
		}
		if _, err = out.Write(answer); err != nil {
			break
		}
	}
	return (ownTime() - begun).Seconds(), errors.Join(err, e.Close(ctx))
}
