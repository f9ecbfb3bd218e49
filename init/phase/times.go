package phase

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Times are the parts of a boot, one after the other.
type Times struct {
	// Firmware is the time from reset to the kernel's first moment. It is 0 where nothing tells it.
	Firmware time.Duration
	// Linux is from there until the kernel runs PID 1.
	Linux time.Duration
	// Init is from there until all phases are over and the node begins.
	Init time.Duration
	// Network is what it takes from there until there is the first address that can be used; it is 0 if there was one before.
	Network time.Duration
	// Join is from there until the node is in a log.
	Join time.Duration
	// Begin is from there until its jobs have begun and it is ready.
	Begin time.Duration
	// Total is all but Firmware: what the kernel's clock shows when the node is ready.
	Total time.Duration
}

// Marks are when parts of a boot ended, since the kernel started. Those that come in another order are taken to have ended
// when the one before them did.
type Marks struct {
	Firmware                          time.Duration // how long it took
	Linux, Init, Network, Join, Ready time.Duration
}

// Times are the parts between the marks.
func (m Marks) Times() Times {
	at := m.Linux
	until := func(end time.Duration) time.Duration {
		took := max(0, end-at)
		at += took
		return took
	}
	return Times{Firmware: m.Firmware, Linux: m.Linux, Init: until(m.Init), Network: until(m.Network), Join: until(m.Join), Begin: until(m.Ready), Total: at}
}

// part is a time with its name in a line.
type part struct {
	name string
	took *time.Duration
}

func (t *Times) parts() []part {
	return []part{
		{"firmware", &t.Firmware}, {"linux", &t.Linux}, {"init", &t.Init}, {"network", &t.Network}, {"join", &t.Join}, {"begin", &t.Begin},
		{"total", &t.Total},
	}
}

// Attrs are the times as attributes of a line of the log: seconds with two digits, such as linux=0.41s. A firmware of
// which nothing is known is left out.
func (t Times) Attrs() []slog.Attr {
	var attrs []slog.Attr
	for _, p := range t.parts() {
		if p.took == &t.Firmware && t.Firmware == 0 {
			continue
		}
		attrs = append(attrs, slog.String(p.name, fmt.Sprintf("%.2fs", p.took.Seconds())))
	}
	return attrs
}

// ParseReady finds the times in a line of a console, such as
//
//	[    1.204711] capo: ready linux=0.41s init=0.12s network=0.00s join=0.60s begin=0.02s total=1.15s log=… id=…
//
// and reports whether it is such a line. Words that it does not know are passed over.
func ParseReady(line string) (Times, bool) {
	_, rest, ok := strings.Cut(line, "capo: ready ")
	if !ok {
		return Times{}, false
	}
	words := map[string]string{}
	for _, w := range strings.Fields(rest) {
		if key, value, ok := strings.Cut(w, "="); ok {
			words[key] = value
		}
	}
	var t Times
	for _, p := range t.parts() {
		value, there := words[p.name]
		if !there && p.took == &t.Firmware {
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return Times{}, false
		}
		*p.took = d
	}
	return t, true
}
