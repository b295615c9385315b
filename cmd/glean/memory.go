package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"glean/server/engine"
)

// memoryBudget returns the default of limits.memory: a quarter of the memory of the
// machine or of the control group that glean runs in, and at most 1 GiB.
func memoryBudget() int64 {
	return min(engine.DefaultMemory, available("/proc/self/cgroup", "/sys/fs/cgroup")/4)
}

// available returns the memory in octets that the process may use: the machine's, or
// the smallest limit of the process's control groups. It reads both versions of them
// (cgroups(7)): memory.max of version 2 and memory.limit_in_bytes of version 1.
func available(membership, root string) int64 {
	octets := int64(math.MaxInt64)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		//nolint:unconvert // Totalram has 32 bits on some machines
		octets = int64(min(uint64(info.Totalram)*uint64(info.Unit), math.MaxInt64))
	}
	text, err := os.ReadFile(membership)
	if err != nil {
		return octets
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(parts) < 3 {
			continue
		}
		file, mount := "memory.max", root
		if parts[1] != "" {
			file, mount = "memory.limit_in_bytes", filepath.Join(root, "memory")
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
		}
		// In a container the mounted root may be the container's own group, although the
		// path names groups above it; so each parent is tried, too.
		for path := parts[2]; ; path = filepath.Dir(path) {
			octets = min(octets, limitIn(filepath.Join(mount, path, file)))
			if path == "/" || path == "." {
				break
			}
		}
	}
	return octets
}

// limitIn returns the limit in a file of a control group, the largest number if there
// is no limit.
func limitIn(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 { // "max"
		return math.MaxInt64
	}
	return n
}

// leastMemory is the smallest memory budget, in octets.
const leastMemory = 16 << 20

var memoryUnits = []struct {
	name   string
	octets int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// parseMemory reads an amount of memory, for example "2GiB", and returns octets.
func parseMemory(text string) (int64, error) {
	number, unit := text, int64(1)
	for _, u := range memoryUnits {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = strings.TrimSpace(n), u.octets
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/4/unit {
		return 0, fmt.Errorf("must be a number with KiB, MiB, GiB or TiB, as 2GiB, got %q", text)
	}
	if n*unit < leastMemory {
		return 0, fmt.Errorf("must be at least 16MiB, got %q", text)
	}
	return n * unit, nil
}

// limitHeap makes the garbage collector run more often when the heap exceeds the budget
// by a quarter and 64 MiB. By default garbage may grow to the size of the live heap.
func limitHeap(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budget + budget/4 + 64<<20)
	}
}
