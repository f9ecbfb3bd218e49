package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/init/boot"
	"github.com/capodekappa/capo/init/build"
	"github.com/capodekappa/capo/init/clock"
	"github.com/capodekappa/capo/node"
)

// runNode is the seam between the machine and the node: it turns what the machine hands over into a node's
// configuration and runs the node until ctx ends.
func runNode(ctx context.Context, h boot.Handover) error {
	raw, err := os.ReadFile(h.FleetFile)
	if err != nil {
		h.Status.NoFleet()
		h.Log.Error("this image belongs to no fleet; nothing will run", "err", err)
		<-ctx.Done()
		return nil
	}
	member, err := fleet.ParseMembership(raw)
	if err != nil {
		h.Status.NoFleet()
		h.Log.Error("the image's fleet cannot be read; nothing will run", "file", h.FleetFile, "err", err)
		<-ctx.Done()
		return nil
	}
	return node.Run(ctx, node.Config{
		ID: h.ID, Name: h.Name, Board: h.Board, Arch: h.Arch, Version: h.Version, Membership: member, Labels: h.Settings.Labels,
		Size: h.Settings.Size, Expect: h.Settings.Expect, Servers: h.Settings.Servers, Peers: h.Settings.Peers,
		StoreDir: h.StoreDir, CgroupParent: h.CellsCgroup, Logs: h.Settings.Logs, Changes: h.Net.Watch(ctx), SinceBoot: sinceStart(h.Started), Built: build.Time(), SetClock: clock.Set,
		Previous: h.Previous, OnJoin: h.Status.Joined, OnState: func(state string) { h.Status.Node(hasJoined(state)) }, ReadyAttrs: func() []slog.Attr { return h.Times().Attrs() },
		Reboot: h.Reboot, Poweroff: h.Poweroff, Log: h.Log, Level: h.Level,
	})
}

// hasJoined tells of a node's state whether it was let into its fleet, and whether it is in a log that answers.
func hasJoined(state string) (approved, answers bool) {
	return state != fleet.StateUnapproved, state == fleet.StateReady || state == fleet.StateDraining
}

// sinceStart gives the time since PID 1 began.
func sinceStart(started time.Duration) func() time.Duration {
	return func() time.Duration {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
			return 0
		}
		return time.Duration(now.Nano()) - started
	}
}
