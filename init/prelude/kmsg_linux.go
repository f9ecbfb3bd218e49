package prelude

import "golang.org/x/sys/unix"

// Records reads the records of the kernel's log that there are now; the first ones, if they are many.
func Records() []string {
	const most = 2000
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var all []string
	buf := make([]byte, 8<<10)
	for len(all) < most {
		n, err := unix.Read(fd, buf)
		if err == unix.EPIPE { // a record was overwritten before it was read
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		all = append(all, string(buf[:n]))
	}
	return all
}
