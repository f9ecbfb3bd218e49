package uevent

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// bufferBytes is room for the burst that follows when every device is announced again.
const bufferBytes = 4 << 20

// Listen subscribes to the kernel's announcements. The channel is closed when ctx ends.
func Listen(ctx context.Context) (<-chan Event, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open a uevent socket: %w", err)
	}
	// FORCE needs CAP_NET_ADMIN; without it the default size has to do.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferBytes)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("subscribe to uevents: %w", err)
	}
	f := os.NewFile(uintptr(fd), "uevents") // non-blocking: reads wait in Go's poller, and Close ends them
	out := make(chan Event, 64)
	stop := context.AfterFunc(ctx, func() { f.Close() })
	go func() {
		defer close(out)
		defer stop()
		defer f.Close()
		read(ctx, f, out)
	}()
	return out, nil
}

func read(ctx context.Context, f *os.File, out chan<- Event) {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR) {
			continue // some were lost; what they announced can be asked for again
		}
		if err != nil {
			return
		}
		e, err := Parse(buf[:n])
		if err != nil {
			continue
		}
		select {
		case out <- e:
		case <-ctx.Done():
			return
		}
	}
}
