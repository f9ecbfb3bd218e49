package node

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"
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

// clockTick is the unit of times in /proc (USER_HZ of Linux, on every architecture that a node runs on).
const clockTick = 10 * time.Millisecond

// cpuTime is what this process has used of its CPUs, from /proc/self/stat; 0 where there is none.
func cpuTime() time.Duration {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	sum := time.Duration(0)
	for _, f := range fields[11:13] { // utime and stime, the 14th and 15th of all
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * clockTick
	}
	return sum
}
