package engine

import (
	"slices"
	"testing"
)

// TestEventRingKeepsTheNewest compares rings of some sizes with a plain list.
func TestEventRingKeepsTheNewest(t *testing.T) {
	for _, size := range []int{1, 2, 7, 64} {
		r := newEventRing(size)
		var all []uint64
		for n := range 3 * size {
			r.add(Event{})
			all = append(all, uint64(n+1))
			for seq := range uint64(n + 2) {
				want := all[max(len(all)-size, int(seq)):]
				var got []uint64
				for _, e := range r.since(seq, 1000) {
					got = append(got, e.Seq)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("ring of %d after %d events, since %d: %v, want %v", size, n+1, seq, got, want)
				}
			}
		}
	}
}

// TestEventRingGrowsAsNeeded: a limit of a thousand million events allocates no memory for
// them at the start.
func TestEventRingGrowsAsNeeded(t *testing.T) {
	r := newEventRing(1 << 30)
	r.add(Event{})
	if n := cap(r.slots); n > DefaultLimits().Events {
		t.Errorf("a ring with one event has room for %d", n)
	}
}
