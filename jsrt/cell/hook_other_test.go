//go:build !linux

package cell

func pointer([]byte) uintptr                { return 0 }
func rawCall(a []uintptr) (uintptr, string) { return 0, "ENOSYS" }
