// Package modules loads kernel modules: by name with what they depend on, and by the modalias with which the kernel
// announces a device.
package modules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/u-root/u-root/pkg/kmodule"
	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/init/uevent"
)

// Loader loads modules of the running kernel. It may be used by several goroutines.
type Loader struct {
	prober  *kmodule.Prober
	aliases []Alias
	cmdline string
	log     *slog.Logger

	mu   sync.Mutex
	seen map[string]bool // guards: modaliases that were handled
}

// Open reads modules.dep and modules.alias of the running kernel, whose command line has modules' parameters.
func Open(log *slog.Logger, cmdline string) (*Loader, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("ask for the kernel's release: %w", err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	prober, err := kmodule.NewProber(kmodule.ProbeOpts{KVer: release, IgnoreProcMods: true})
	if err != nil {
		return nil, fmt.Errorf("read the modules of Linux %s: %w", release, err)
	}
	text, err := os.ReadFile(filepath.Join("/lib/modules", release, "modules.alias"))
	if err != nil {
		return nil, fmt.Errorf("read the modules of Linux %s: %w", release, err)
	}
	return &Loader{prober: prober, aliases: ParseAliases(string(text)), cmdline: cmdline, log: log, seen: map[string]bool{}}, nil
}

// Load loads a module and what it depends on. One that is loaded already is fine.
func (l *Loader) Load(name string) error {
	if err := l.prober.Probe(name, Params(l.cmdline, name)); err != nil {
		return fmt.Errorf("load module %s: %w", name, err)
	}
	return nil
}

// LoadAll loads modules in order, going on after a failure.
func (l *Loader) LoadAll(names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, l.Load(name))
	}
	return errors.Join(errs...)
}

// Device loads what a device with this modalias needs. Nothing is done for one that came before.
func (l *Loader) Device(modalias string) {
	l.mu.Lock()
	known := l.seen[modalias]
	l.seen[modalias] = true
	l.mu.Unlock()
	if known || modalias == "" {
		return
	}
	for _, a := range l.aliases {
		if !Match(a.Pattern, modalias) {
			continue
		}
		if err := l.Load(a.Module); err != nil {
			l.log.Warn("a device has no driver", "modalias", modalias, "err", err)
		}
	}
}

// Follow loads what devices need, those that are there and those that come, until the context ends. It returns an error
// only if it cannot hear of devices; the loop runs in a goroutine that ends with ctx.
func (l *Loader) Follow(ctx context.Context) error {
	if len(l.aliases) == 0 {
		return nil // everything is built into the kernel
	}
	// First listen, then look: a device that comes in between is met twice rather than not at all.
	events, err := uevent.Listen(ctx)
	if err != nil {
		return err
	}
	go func() {
		for e := range events {
			if e.Action == "add" || e.Action == "change" {
				l.Device(e.Env["MODALIAS"])
			}
		}
	}()
	go Scan("/sys", l.Device)
	return nil
}

// Scan calls device with the modalias of every device on a bus. One that has gone or has none is passed over.
func Scan(sys string, device func(modalias string)) {
	buses, _ := os.ReadDir(filepath.Join(sys, "bus")) // without any there is no device
	for _, bus := range buses {
		if name := bus.Name(); name == "cpu" || name == "memory" {
			continue // there can be hundreds, and no driver of ours is for them
		}
		dir := filepath.Join(sys, "bus", bus.Name(), "devices")
		devices, _ := os.ReadDir(dir)
		for _, d := range devices {
			// What the kernel would announce; not every bus has a file modalias.
			text, err := os.ReadFile(filepath.Join(dir, d.Name(), "uevent"))
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(text)) {
				if alias, ok := strings.CutPrefix(strings.TrimSpace(line), "MODALIAS="); ok {
					device(alias)
				}
			}
		}
	}
}
