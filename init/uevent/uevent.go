// Package uevent hears what the kernel says of devices that come, go and change.
package uevent

import (
	"errors"
	"strings"
)

// Event is one announcement.
type Event struct {
	// Action is add, remove, change, bind, unbind, move, online or offline.
	Action string
	// Path is the device's folder below /sys.
	Path string
	// Env holds the other values, such as MODALIAS and SUBSYSTEM.
	Env map[string]string
}

// ErrMalformed is returned for a message that is not the kernel's.
var ErrMalformed = errors.New("malformed uevent")

// Parse reads one message: "ACTION@PATH" and then KEY=VALUE, each ended by a zero byte (Linux, lib/kobject_uevent.c).
func Parse(msg []byte) (Event, error) {
	head, rest, ok := strings.Cut(string(msg), "\x00")
	action, path, at := strings.Cut(head, "@")
	if !ok || !at || action == "" || !strings.HasPrefix(path, "/") {
		return Event{}, ErrMalformed
	}
	e := Event{Action: action, Path: path, Env: map[string]string{}}
	for field := range strings.SplitSeq(rest, "\x00") {
		if k, v, ok := strings.Cut(field, "="); ok && k != "" {
			e.Env[k] = v
		}
	}
	return e, nil
}
