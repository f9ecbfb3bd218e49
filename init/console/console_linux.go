// Package console carries the log of PID 1 to the kernel's ring buffer, and with it to every console.
//
// A write to a serial port with flow control blocks for as long as nobody reads. So a line is handed to a goroutine, and
// lines that it does not get rid of in time are dropped and counted.
package console

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is less than LOG_LINE_MAX of Linux (kernel/printk/printk.c), which is where it cuts lines.
const maxLine = 960

// Console is a queue of lines. Lines logged before [Console.Attach] wait in it.
type Console struct {
	lines   chan line
	dropped atomic.Int64
	record  atomic.Pointer[record]
}

// record takes every line as well, for the next boot.
type record struct {
	w     io.Writer
	clock func() time.Duration
}

// line is a line, or a request to tell when all lines before it are written.
type line struct {
	text  []byte
	flush chan struct{}
}

// New returns a console with room for n lines.
func New(n int) *Console {
	return &Console{lines: make(chan line, n)}
}

// Attach starts the goroutine that writes the lines to w, one Write for each, as /dev/kmsg wants it. The goroutine ends
// with the process.
func (c *Console) Attach(w io.Writer) {
	go func() {
		for l := range c.lines {
			if l.flush != nil {
				close(l.flush)
				continue
			}
			c.keep(l.text)
			_, _ = w.Write(l.text) // there is nowhere to report it
			if n := c.dropped.Swap(0); n > 0 {
				_, _ = fmt.Fprintf(w, "<4>capo: %d lines dropped: the console is too slow\n", n)
			}
		}
	}()
}

// Record has every line from now on written to w as well, and before it goes to the consoles: in the form of the
// kernel's log, with the time that the clock gives. Writing to w must not block.
func (c *Console) Record(w io.Writer, clock func() time.Duration) { c.record.Store(&record{w, clock}) }

func (c *Console) keep(text []byte) {
	r := c.record.Load()
	if r == nil {
		return
	}
	if _, bare, ok := bytes.Cut(text, []byte(">")); ok { // without the priority
		text = bare
	}
	_, _ = fmt.Fprintf(r.w, "[%12.6f] %s", r.clock().Seconds(), text) // there is nowhere to report it
}

// Flush returns a channel that is closed when everything logged so far is written. It is nil, and never ready, while the
// queue is full.
func (c *Console) Flush() <-chan struct{} {
	done := make(chan struct{})
	select {
	case c.lines <- line{flush: done}:
		return done
	default:
		return nil
	}
}

// Handler returns a handler that writes lines of the form "capo: message key=value" with the kernel's priorities.
func (c *Console) Handler(min slog.Leveler) slog.Handler {
	return &handler{console: c, min: min}
}

func (c *Console) put(text []byte) {
	if len(text) > maxLine {
		text = append(text[:maxLine-3:maxLine-3], "..."...)
	}
	select {
	case c.lines <- line{text: append(text, '\n')}: // without a newline the kernel waits for the rest of the line
	default:
		c.dropped.Add(1)
	}
}

// Level sets which messages of the kernel's buffer are shown on the consoles: those with a priority below n (syslog(2),
// SYSLOG_ACTION_CONSOLE_LEVEL).
func Level(n int) error {
	const consoleLevel = 8
	if _, _, errno := unix.Syscall(unix.SYS_SYSLOG, consoleLevel, 0, uintptr(n)); errno != 0 {
		return fmt.Errorf("set the console's level to %d: %w", n, errno)
	}
	return nil
}
