package cmd

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar shows on a terminal how far something is.
type bar struct {
	w     io.Writer
	what  string
	begun time.Time
	last  time.Time
	shown bool
}

func newBar(w io.Writer, what string) *bar { return &bar{w: w, what: what, begun: time.Now()} }

// set draws the bar, at most ten times a second and at the end.
func (b *bar) set(done, total int64) {
	now := time.Now()
	if total <= 0 || now.Sub(b.last) < 100*time.Millisecond && done < total {
		return
	}
	b.last, b.shown = now, true
	const width = 30
	full := int(done * width / total)
	rate := float64(done) / 1e6 / max(now.Sub(b.begun).Seconds(), 0.001)
	fmt.Fprintf(b.w, "\r%s [%s%s] %3d%%  %.0f MB/s\x1b[K", b.what, strings.Repeat("=", full), strings.Repeat(" ", width-full), done*100/total, rate)
}

// next begins another bar on a line of its own.
func (b *bar) next(what string) {
	b.end()
	b.what, b.begun, b.last = what, time.Now(), time.Time{}
}

// end leaves the bar's line, if there is one.
func (b *bar) end() {
	if b.shown {
		fmt.Fprintln(b.w)
	}
	b.shown = false
}
