package node

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// machineMemory reads the machine's total and available memory in bytes from /proc/meminfo;
// zeroes where there is none.
func machineMemory() (total, free int64) {
	return procField("/proc/meminfo", "MemTotal:"), procField("/proc/meminfo", "MemAvailable:")
}

// resident is this process's memory in bytes.
func resident() int64 { return procField("/proc/self/status", "VmRSS:") }

// procField reads `name  N kB` from one of proc's files, in bytes.
func procField(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		rest, ok := strings.CutPrefix(scan.Text(), name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return n << 10
	}
	return 0
}
