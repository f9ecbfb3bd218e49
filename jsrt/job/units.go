package job

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSize reads a size: "64M", "1G", "512K", "100" (bytes). K, M and G are powers of 1024.
func ParseSize(s string) (int64, error) {
	digits, factor := s, int64(1)
	if n := len(s); n > 0 {
		switch s[n-1] {
		case 'K', 'k':
			digits, factor = s[:n-1], 1<<10
		case 'M', 'm':
			digits, factor = s[:n-1], 1<<20
		case 'G', 'g':
			digits, factor = s[:n-1], 1<<30
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is not a size: write 512K, 64M, 1G or a number of bytes", s)
	}
	return int64(n) * factor, nil
}

// ParseDuration reads a time that is not negative, in whole milliseconds: "20ms", "30s", "10m", "1h".
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d%time.Millisecond != 0 || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("%q is not a time: write 20ms, 30s, 10m or 1h", s)
	}
	return d, nil
}

// ParseRange reads two times, "200ms..5s"; one time is both ends.
func ParseRange(s string) (from, to time.Duration, err error) {
	a, b, two := strings.Cut(s, "..")
	if from, err = ParseDuration(a); err != nil {
		return 0, 0, err
	}
	if !two {
		return from, from, nil
	}
	if to, err = ParseDuration(b); err != nil {
		return 0, 0, err
	}
	if to < from {
		return 0, 0, fmt.Errorf("%q is empty: its end is before its start", s)
	}
	return from, to, nil
}
