// Package entropy makes the kernel's random numbers ready.
//
// A board without a random number generator that the kernel trusts would wait in getrandom(2) for ever, and with it DHCP
// and everything with keys. Such a board's pool is credited from a hardware generator if there is one, else from the
// jitter of its own execution times.
package entropy

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The sources that [Ensure] reports.
const (
	Kernel   = "kernel"   // the kernel was ready by itself
	Hardware = "hardware" // read from /dev/hwrng
	Jitter   = "jitter"   // measured
)

// Device is the kernel's pool of random numbers.
const Device = "/dev/random"

// seedBytes is a full pool: 256 bits.
const seedBytes = 32

// Ensure makes sure that getrandom does not block and says where the randomness came from.
func Ensure(ctx context.Context) (source string, err error) {
	if Ready() {
		return Kernel, nil
	}
	source = Hardware
	seed, err := hardware(ctx, "/dev/hwrng")
	if err != nil {
		source = Jitter
		seed = jitter()
	}
	if err := credit(seed); err != nil {
		return "", err
	}
	if !Ready() {
		return "", errors.New("the kernel's random numbers are not ready, though they were credited")
	}
	return source, nil
}

// CreditJitter credits the kernel's pool from jitter alone.
func CreditJitter() error { return credit(jitter()) }

// Ready reports whether getrandom(2) answers at once.
func Ready() bool {
	var b [1]byte
	_, err := unix.Getrandom(b[:], unix.GRND_NONBLOCK)
	return err == nil
}

// hardware reads from a generator, for at most a second: some never answer.
func hardware(ctx context.Context, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	type result struct {
		seed []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer f.Close()
		seed := make([]byte, seedBytes)
		for n := 0; n < len(seed); {
			m, err := f.Read(seed[n:])
			if err != nil || m == 0 {
				done <- result{err: fmt.Errorf("read %s: %w", path, err)}
				return
			}
			n += m
		}
		done <- result{seed: seed}
	}()
	select {
	case r := <-done:
		return r.seed, r.err
	case <-time.After(time.Second):
		return nil, fmt.Errorf("%s does not answer", path)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// jitter hashes how long small pieces of work took. Each of the 8192 samples needs to hold only a thirty-second of a bit.
func jitter() []byte {
	const samples = 8192
	h := sha256.New()
	memory := make([]byte, 64<<10)
	var b [8]byte
	at, last := 0, time.Now()
	for range samples {
		for range 8 { // the memory's timing depends on caches, interrupts and, in a guest, on the host
			at = (at*1103515245 + 12345 + int(b[0])) & (len(memory) - 1)
			memory[at]++
		}
		now := time.Now()
		binary.LittleEndian.PutUint64(b[:], uint64(now.Sub(last).Nanoseconds()))
		last = now
		h.Write(b[:])
	}
	h.Write(memory)
	return h.Sum(nil)
}

// poolInfo is struct rand_pool_info of random(4).
type poolInfo struct {
	bits int32
	size int32
	buf  [seedBytes]byte
}

func credit(seed []byte) error {
	info := poolInfo{bits: seedBytes * 8, size: seedBytes}
	copy(info.buf[:], seed)
	f, err := os.OpenFile(Device, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("credit random numbers: %w", err)
	}
	defer f.Close()
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return fmt.Errorf("credit random numbers (RNDADDENTROPY): %w", errno)
	}
	return nil
}
