package linktest

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// Leaks counts goroutines and descriptors. check fails the test if their number does not
// return to that; it permits allowed more goroutines, such as a loop that ends after the
// test.
func Leaks(t *testing.T) (check func(allowed int)) {
	descriptors := func() int { entries, _ := os.ReadDir("/proc/self/fd"); return len(entries) }
	descriptors() // opens once all that stays open
	goroutines, files := runtime.NumGoroutine(), descriptors()
	return func(allowed int) {
		t.Helper()
		for end := time.Now().Add(giveUp); runtime.NumGoroutine() > goroutines+allowed || descriptors() > files; runtime.Gosched() {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<16)
				t.Fatalf("%d goroutines, %d before; %d descriptors, %d before\n%s", runtime.NumGoroutine(), goroutines,
					descriptors(), files, stacks[:runtime.Stack(stacks, true)])
			}
		}
	}
}
