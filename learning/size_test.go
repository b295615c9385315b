package learning

import (
	"fmt"
	"runtime"
	"testing"

	"glean/stack/loop"
)

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// within reports whether a figure is right to a factor of 1.5.
func within(figure, measured int64) bool {
	return 2*figure < 3*measured && 3*figure > 2*measured
}

// TestSizesMatchTheHeap: what requests and results are counted as, before,
// while and after they learn, is right to a factor of 1.5.
func TestSizesMatchTheHeap(t *testing.T) {
	for _, c := range []struct{ requests, wants int }{{1, 100_000}, {2000, 1}} {
		t.Run(fmt.Sprintf("%d of %d", c.requests, c.wants), func(t *testing.T) {
			s, m := newMirror(Options{})
			s.dead = func(Ref) bool { return true }
			lists := make([][]Want, c.requests)
			for n := range lists {
				lists[n] = wantsOf(c.wants)
			}
			before := liveHeap()
			for n, wants := range lists {
				spec := Spec{Timeout: loop.Second, Generators: []GeneratorWants{{ID: "g", Handle: uint32(n + 1), Interface: ifc(1), Wants: wants}}}
				if _, err := m.Start(spec); err != nil {
					t.Fatal(err)
				}
			}
			for m.pending.live < c.wants {
				s.loop.Step()
			}
			learning, counted := liveHeap()-before, m.Sizes()
			estimate := int64(c.requests) * Estimate(c.wants, c.wants, 1)
			t.Logf("learning: %d measured, %d counted, %d estimated", learning, counted.Requests+counted.Results, estimate)
			if c.requests == 1 && !within(estimate, learning) || !within(counted.Requests+counted.Results, learning) {
				t.Errorf("%d octets are counted as %+v and estimated as %d", learning, counted, estimate)
			}
			s.loop.RunFor(2 * loop.Second)
			kept, counted := liveHeap()-before, m.Sizes()
			t.Logf("finished: %d measured, %d counted", kept, counted.Requests+counted.Results)
			if !within(counted.Requests+counted.Results, kept) {
				t.Errorf("%d octets are counted as %+v", kept, counted)
			}
			m.DeleteFinishedRequests()
			m.DeleteFinishedResults()
			if got := m.Sizes(); got != (Sizes{}) {
				t.Errorf("%+v are accounted for when all is deleted", got)
			}
			runtime.KeepAlive(lists)
		})
	}
}

// TestResultsAreRetainedBySize: the oldest go first, and the newest stays whatever
// its size.
func TestResultsAreRetainedBySize(t *testing.T) {
	one := func(m *Manager, id string) {
		start(t, m, Spec{ID: id, Interface: ifc(1), Addresses: addresses("10.0.0.1")})
		m.Cancel(id)
	}
	_, _, m := newManager(t, Options{})
	one(m, "x")
	size := m.Sizes().Results
	for limit, want := range map[int64]int{1: 1, 3*size + size/2: 3, 100 * size: 5} {
		_, _, m := newManager(t, Options{RetainSize: limit})
		for n := range 5 {
			one(m, fmt.Sprint(n))
		}
		list := m.Results()
		if len(list) != want || m.Result(m.Request("4").ResultID()) == nil {
			t.Errorf("%d results are kept within %d octets, want the newest %d", len(list), limit, want)
		}
		m.check(t)
	}
}
