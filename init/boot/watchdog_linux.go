package boot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/capodekappa/capo/init/watchdog"
)

// softdog is the kernel's own watchdog, for boards that have none.
const softdog = "softdog"

// How long to look for a watchdog whose driver comes late, such as one that waits for a clock.
const (
	dogSearch = 30 * time.Second
	dogEvery  = 500 * time.Millisecond
)

// openWatchdog has a watchdog run from here on: the board's own, else the kernel's.
func (m *machine) openWatchdog(context.Context) error {
	err := m.loadWatchdog()
	hardware, openErr := m.takeWatchdog()
	if !hardware {
		go m.awaitWatchdog(openErr != nil)
	}
	return errors.Join(err, openErr)
}

// loadWatchdog loads the board's driver, and the kernel's own where that makes no device.
func (m *machine) loadWatchdog() error {
	b := m.hw.board
	if b == nil || m.hw.loader == nil {
		return nil
	}
	var err error
	if b.Linux.Watchdog != "" {
		err = m.hw.loader.Load(b.Linux.Watchdog)
	}
	if !watchdog.There() && b.Linux.Watchdog != softdog && slices.Contains(b.Linux.Modules, softdog) {
		err = errors.Join(err, m.hw.loader.Load(softdog))
	}
	return err
}

// takeWatchdog opens the best watchdog that there is now, and feeds it.
func (m *machine) takeWatchdog() (hardware bool, err error) {
	dog, err := watchdog.Open()
	if err != nil {
		return false, err
	}
	m.dogs.Add(dog)
	timeout, err := dog.SetTimeout(watchdog.Timeout)
	m.log.Info("watchdog", "device", dog.Name, "is", dog.Identity, "timeout", timeout.String(), "hardware", dog.Hardware())
	go watchdog.Feed(m.untilPowerIsCut(), m.log, dog, timeout/4, m.probe)
	return dog.Hardware(), err
}

// awaitWatchdog takes a watchdog in hardware whose driver comes late, beside that of the kernel. Where there is none of
// either, it says so.
func (m *machine) awaitWatchdog(none bool) {
	for end := time.Now().Add(dogSearch); time.Now().Before(end); time.Sleep(dogEvery) {
		if !watchdog.HardwareThere() && !(none && watchdog.There()) {
			continue
		}
		if _, err := m.takeWatchdog(); err != nil {
			m.log.Warn("a watchdog that came late", "err", err)
		}
		return
	}
	if none {
		m.log.Warn("this board has no watchdog: if it hangs, somebody has to reset it")
	}
}
