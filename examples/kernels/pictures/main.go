// Command pictures draws what the kernels of the library do: a photograph before and after, and the waves and spectra of sound.
//
//	go run ./examples/kernels/pictures --out out/kernels
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/capodekappa/capo/examples/kernels"
	"github.com/capodekappa/capo/gateware/soft"
)

type config struct {
	kernels, photo, speech, out, only string
	limit                             time.Duration
}

func main() {
	var c config
	flag.StringVar(&c.kernels, "kernels", "examples/kernels", "the folder of the library")
	flag.StringVar(&c.photo, "photo", "/usr/share/libjxl-testdata/jxl/flower/flower.pnm", "a photograph, PPM (Debian's libjxl-testdata)")
	flag.StringVar(&c.speech, "speech", "/usr/share/pocketsphinx/test/data/goforward.raw", "16-bit samples at 16 kHz (Debian's pocketsphinx-testdata)")
	flag.StringVar(&c.out, "out", "out/kernels", "the folder for the pictures")
	flag.StringVar(&c.only, "only", "", "the kernel to draw; all unless said")
	flag.DurationVar(&c.limit, "limit", 2*time.Minute, "how long it may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	err := run(ctx, c, os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config, w io.Writer) error {
	photo, err := kernels.ReadFrame(c.photo)
	if err != nil {
		return err
	}
	speech, err := os.ReadFile(c.speech)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.out, 0o777); err != nil {
		return err
	}
	l := library{ctx: ctx, dir: c.kernels, engines: map[string]*soft.Engine{}}
	defer l.close()
	for _, p := range all(&l, shrink(photo, 4), speech) {
		if c.only != "" && c.only != p.kernel {
			continue
		}
		img, err := p.draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", p.kernel, err)
		}
		path := filepath.Join(c.out, p.kernel+".png")
		if err := writePNG(path, img); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s  %s\n", path, strings.TrimSpace(p.shows))
	}
	return nil
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
