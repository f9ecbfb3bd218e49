package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/capodekappa/capo/init/clock"
	"github.com/capodekappa/capo/init/mounts"
	"github.com/capodekappa/capo/init/phase"
	"github.com/capodekappa/capo/init/prelude"
	"github.com/capodekappa/capo/init/pstore"
)

// ramoops is the module that keeps the last log in memory, where it is none of the kernel's own.
const ramoops = "ramoops"

// readPrevious tells how the previous boot ended, where the kernel kept it, frees the records, and has this boot's lines kept
// for the next one.
func (m *machine) readPrevious(context.Context) error {
	var errs []error
	if b := m.hw.board; b != nil && m.hw.loader != nil && slices.Contains(b.Linux.Modules, ramoops) {
		errs = append(errs, m.hw.loader.Load(ramoops))
	}
	if f, err := os.OpenFile(pstore.Pmsg, os.O_WRONLY, 0); err == nil {
		m.console.Record(f, clock.Boottime)
	}
	var previous pstore.Previous
	if _, err := os.Stat(pstore.Dir); err == nil { // a kernel without pstore has no such folder
		errs = append(errs, mounts.All([]mounts.Mount{mounts.Pstore(pstore.Dir)}))
		previous, err = pstore.Read(os.DirFS(pstore.Dir), m.dogs.Bit())
		errs = append(errs, err, pstore.Clear(pstore.Dir))
	} else if m.dogs.Bit() {
		previous.Cause = pstore.Watchdog
	}
	m.tellPrevious(previous)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the previous boot's log: %w", err)
	}
	return nil
}

func (m *machine) tellPrevious(p pstore.Previous) {
	report := p.Report()
	if p.Cause.Expected() {
		for _, l := range report {
			m.log.Info(l)
		}
		return
	}
	for _, l := range report {
		m.log.Warn(l)
	}
	m.out.Previous = report
}

// times are the parts of the boot up to now.
func (m *machine) times() phase.Times {
	firmware := prelude.Firmware(os.DirFS("/"), m.began, prelude.Now(clock.Boottime))
	return m.out.Status.Ready(firmware, prelude.RanInit(prelude.Records()))
}
