// Command tiles is the example that `make run` shows: a photograph is cut into tiles and appended
// to a stream of a running fleet; the job tiles.ts draws on all its nodes; the tiles come back and
// are put together again, and the picture is compared with the same computation done here.
//
// It speaks to the fleet with the command capo alone.
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
	"time"
)

// photograph is from the Debian package libjxl-testdata (its licence: BSD).
const photograph = "/usr/share/libjxl-testdata/jxl/flower/flower.png"

type config struct {
	capo, photo, out, job string
	shrink, tile          int
	limit                 time.Duration
}

func main() {
	var c config
	flag.StringVar(&c.capo, "capo", "capo", "the command capo")
	flag.StringVar(&c.photo, "photo", photograph, "a PNG")
	flag.StringVar(&c.out, "out", "tiles.png", "the picture to write")
	flag.StringVar(&c.job, "job", "examples/tiles/tiles.ts", "the job")
	flag.IntVar(&c.shrink, "shrink", 6, "make the photograph so many times smaller first: emulated boards are slow")
	flag.IntVar(&c.tile, "tile", 42, "width and height of a tile")
	flag.DurationVar(&c.limit, "limit", 5*time.Minute, "how long it may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	err := run(ctx, c, os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tiles:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config, w io.Writer) error {
	photo, err := readPhoto(c.photo, c.shrink)
	if err != nil {
		return err
	}
	tiles := cut(photo, c.tile)
	fmt.Fprintf(w, "%s: %d×%d pixels, %d tiles\n", filepath.Base(c.photo), photo.width, photo.height, len(tiles))
	f := fleet{capo: c.capo}
	if err := f.deploy(ctx, c.job, w); err != nil {
		return err
	}
	from, err := f.next(ctx, "tiles.done")
	if err != nil {
		return err
	}
	started := time.Now()
	if err := f.append(ctx, "tiles", tiles); err != nil {
		return err
	}
	done, err := f.collect(ctx, "tiles.done", from, tiles)
	if err != nil {
		return err
	}
	took := time.Since(started)
	picture := newPicture(photo.width, photo.height)
	for _, t := range done {
		picture.paste(t)
	}
	report(w, done, took)
	if err := writePNG(c.out, picture.image()); err != nil {
		return err
	}
	if at := picture.differs(drawAll(photo)); at >= 0 {
		return fmt.Errorf("the picture differs from the one computed here, first at byte %d", at)
	}
	fmt.Fprintf(w, "\n%s is written, and every byte is what the same computation gives here.\n", c.out)
	return nil
}

func writePNG(path string, img image.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
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
