package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSmallestControlGroupLimitCounts: a limit of a parent group counts, too, in both
// versions of control groups.
func TestSmallestControlGroupLimitCounts(t *testing.T) {
	machine := available("/nonexistent", "/nonexistent")
	if machine <= 0 || machine == math.MaxInt64 {
		t.Fatalf("the machine has %d octets", machine)
	}
	for _, c := range []struct {
		name, membership string
		files            map[string]string
		want             int64
	}{
		{"no limit", "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n"}, machine},
		{"version 2", "0::/a/b\n", map[string]string{"a/b/memory.max": "100000000\n"}, 100_000_000},
		{"a group above", "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "5000000\n"}, 5_000_000},
		{"seen as the root", "0::/docker/1234\n", map[string]string{"memory.max": "7000000\n"}, 7_000_000},
		{"version 1", "5:cpu:/x\n4:memory:/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "9000000\n", "cpu/x/memory.limit_in_bytes": "1\n"}, 9_000_000},
		{"more than there is", "4:memory:/x\n", map[string]string{"memory/x/memory.limit_in_bytes": "9223372036854771712\n"}, machine},
		{"not a membership", "nonsense\n", nil, machine},
	} {
		dir := t.TempDir()
		put := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		for name, text := range c.files {
			put("root/"+name, text)
		}
		if got := available(put("membership", c.membership), filepath.Join(dir, "root")); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestLimitsMemoryTakesUnits: limits.memory takes a number with a unit.
func TestLimitsMemoryTakesUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"limits: {memory: 2GiB}": 2 << 30, `limits: {memory: "512 MiB"}`: 512 << 20, "limits: {memory: 33554432}": 32 << 20,
	} {
		c, err := parseConfig([]byte(text), false)
		if err != nil || c.Limits.Memory != want {
			t.Errorf("%s: %d, %v", text, c.Limits.Memory, err)
		}
	}
	for text, want := range map[string]string{
		"limits: {memory: 2GB}": "as 2GiB, got \"2GB\"", "limits: {memory: 1MiB}": "at least 16MiB",
		"limits: {memory: -1GiB}": "must be a number", "limits: {memory: 99999999TiB}": "must be a number",
		"limits: {memory: 64MiB, events: 1073741824}": "events",
		"limits: {events: 1073741824}":                "more than a quarter of the memory budget",
	} {
		if _, err := parseConfig([]byte(text), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
