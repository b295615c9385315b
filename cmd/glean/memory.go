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

// memoryBudget is the budget where limits.memory does not say: a quarter of what
// the machine has, or the control group that glean runs in, and at most 1 GiB.
func memoryBudget() int64 {
	return min(engine.DefaultMemory, available("/proc/self/cgroup", "/sys/fs/cgroup")/4)
}

// available is the memory in octets that the process may use: the least of the
// machine's and of the limits of its control groups, of both versions of them
// (cgroups(7): memory.max of version 2, memory.limit_in_bytes of version 1).
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
		// A container may see its own group as the root, whatever its path says.
		for path := parts[2]; ; path = filepath.Dir(path) {
			octets = min(octets, limitIn(filepath.Join(mount, path, file)))
			if path == "/" || path == "." {
				break
			}
		}
	}
	return octets
}

// limitIn is the limit in a file of a control group, the largest number if there is
// none.
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

// leastMemory is the smallest budget that glean works with.
const leastMemory = 16 << 20

var memoryUnits = []struct {
	name   string
	octets int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// parseMemory reads a number of octets, as "2GiB".
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

// limitHeap has the collector work harder when the heap goes far beyond the budget,
// because by default it lets garbage grow to the size of what is in use.
func limitHeap(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budget + budget/4 + 64<<20)
	}
}
