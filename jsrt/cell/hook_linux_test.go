package cell

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func pointer(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

func rawCall(a []uintptr) (uintptr, string) {
	r, _, errno := syscall.Syscall6(a[0], a[1], a[2], a[3], a[4], a[5], a[6])
	if errno != 0 {
		return 0, unix.ErrnoName(errno)
	}
	return r, ""
}
