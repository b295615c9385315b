package sim

import (
	"fmt"
	"strings"
)

// repeats is how often RunTwice tries to catch a difference again with the log
// on. What depends on chance outside the seed may take a few runs to show.
const repeats = 5

// RunTwice makes two worlds of the same seed, runs both, and returns their
// fingerprint. If the two differ, so that something besides the seed had a
// say, the error shows the first event that differs. run must start from
// nothing: whatever it keeps from one call to the next is a difference.
func RunTwice(seed uint64, run func(w *World)) (uint64, error) {
	first := runOnce(seed, run, nil)
	if second := runOnce(seed, run, nil); second == first {
		return first, nil
	}
	want, got := &Log{}, &Log{}
	runOnce(seed, run, want)
	for range repeats {
		got.Lines = nil
		runOnce(seed, run, got)
		if d := firstDifference(want.Lines, got.Lines); d != "" {
			return 0, fmt.Errorf("sim: two runs of seed %d differ:\n%s", seed, d)
		}
	}
	return 0, fmt.Errorf("sim: two runs of seed %d differed, but not with the log on (%d more runs)",
		seed, repeats+1)
}

func runOnce(seed uint64, run func(w *World), log *Log) uint64 {
	w := NewWorld(seed)
	if log != nil {
		log.follow(w)
	}
	run(w)
	return w.Fingerprint()
}

// firstDifference shows the first line that differs with what came before it,
// or "" if none does.
func firstDifference(a, b []string) string {
	const before = 3
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	if at == len(a) && at == len(b) {
		return ""
	}
	var s strings.Builder
	for i := max(0, at-before); i < at; i++ {
		fmt.Fprintf(&s, "  both:   %s\n", a[i])
	}
	fmt.Fprintf(&s, "  first:  %s\n  second: %s\n  (event %d)", line(a, at), line(b, at), at+1)
	return s.String()
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(ended)"
}
