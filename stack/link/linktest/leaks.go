package linktest

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// Leaks counts goroutines and descriptors. What it gives fails the test if
// there do not come to be as few again; allowed is how many goroutines more
// there may be, as for a loop that ends after the test.
func Leaks(t *testing.T) (check func(allowed int)) {
	descriptors := func() int { entries, _ := os.ReadDir("/proc/self/fd"); return len(entries) }
	descriptors() // whatever this opens once is open now
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
