package server

import (
	"bufio"
	"bytes"
	"maps"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"
)

// goroutines counts the goroutines that run code of this module, by their innermost
// function.
func goroutines(t testing.TB) map[string]int {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	counts, n := make(map[string]int), 0
	for lines := bufio.NewScanner(&text); lines.Scan(); {
		line := lines.Text()
		if count, _, ok := strings.Cut(line, " @ "); ok { // "3 @ 0x43..." begins a group of equal stacks
			n, _ = strconv.Atoi(count)
			continue
		}
		if _, function, ok := strings.Cut(line, "glean/"); ok && n > 0 {
			function, _, _ = strings.Cut(function, "+")
			counts[function] += n
			n = 0
		}
	}
	return counts
}

// noMoreGoroutines waits until no more goroutines run code of this module than before.
// They end soon, because all that they wait for has happened.
func noMoreGoroutines(t testing.TB, before map[string]int) {
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		now := goroutines(t)
		if maps.Equal(now, before) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines before %v, now %v", before, now)
		}
	}
}
