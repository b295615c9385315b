package congestion

import (
	"testing"

	"glean/stack/loop"
)

// TestRepeatsAreSpreadWhileRepliesLast: a policer replies to about as many
// solicitations of an epoch as of the one before, a lossy network to ever fewer.
func TestRepeatsAreSpreadWhileRepliesLast(t *testing.T) {
	for _, c := range []struct {
		name         string
		last, before epochStats
		backlog      int
		gap          loop.Duration
	}{
		{"as many", epochStats{sent: 1000, answered: 6}, epochStats{answered: 6}, 0, loop.Second * 7 / 8 / 994},
		{"two thirds", epochStats{sent: 1000, answered: 200}, epochStats{answered: 300}, 0, loop.Second * 7 / 8 / 800},
		{"more wait", epochStats{sent: 20, answered: 20}, epochStats{answered: 20}, 400, loop.Second * 7 / 8 / 400},
		{"fewer", epochStats{sent: 1000, answered: 199}, epochStats{answered: 300}, 0, 0},
		{"none", epochStats{sent: 1000}, epochStats{}, 0, 0},
		{"first solicitations", epochStats{sent: 1000, first: 1, answered: 6}, epochStats{answered: 6}, 0, 0},
		{"few silent", epochStats{sent: 13, answered: 6}, epochStats{answered: 6}, minPerRetrans - 1, 0},
	} {
		for _, before := range []phase{unbounded, spreading} {
			r := rate{phase: before}
			if r.spread(&c.last, &c.before, c.backlog, loop.Second, 0); r.Gap != c.gap || r.bounded() != (c.gap > 0) {
				t.Errorf("%s: gap %v in phase %d, want %v", c.name, r.Gap, r.phase, c.gap)
			}
		}
	}
	r := rate{phase: steady, Pacer: Pacer{Gap: loop.Millisecond}}
	if r.spread(&epochStats{sent: 1000, answered: 6}, &epochStats{}, 0, loop.Second, 0); r.phase != steady || r.Gap != loop.Millisecond {
		t.Errorf("a rate that was found became gap %v in phase %d", r.Gap, r.phase)
	}
}

// TestFirstSolicitationEndsSpreading: a new request does not wait for the repeats of
// another.
func TestFirstSolicitationEndsSpreading(t *testing.T) {
	w := New(0)
	w.Raise(100, 0)
	w.rate.set(spreading, loop.Second/8, 0)
	w.rate.Pace(0)
	if w.NextAt() == 0 {
		t.Fatal("spreading keeps no gap")
	}
	w.FirstQueued(1)
	if w.NextAt() > 1 || w.rate.bounded() {
		t.Errorf("the next solicitation may leave at %v, in phase %d", w.NextAt(), w.rate.phase)
	}
}

// TestWindowAllocatesNothing: solicitations and replies allocate nothing, whatever the
// phase of the rate.
func TestWindowAllocatesNothing(t *testing.T) {
	for _, p := range []phase{unbounded, searching, rising, measuring, checking, steady, spreading} {
		w := New(0)
		w.Raise(4096, 8192)
		w.SetBacklog(1<<15, loop.Second)
		now, n := loop.Time(0), 0
		if p != unbounded {
			w.rate.set(p, minGap, now)
		}
		allocs := testing.AllocsPerRun(2000, func() {
			now = max(now.Add(loop.Millisecond), w.NextAt())
			for range w.InFlight(w.Limit()) {
				n++
				attempt := uint16(1 + n/5%3)
				epoch, round := w.Sent(attempt, now)
				answered := n%3 > 0
				w.Left(round, attempt, answered, now.Add(loop.Millisecond))
				w.Grow(answered)
				if answered {
					w.Answered(epoch)
				}
			}
			w.Lost(w.epoch, now)
			w.SawDrops(uint64(n/100000), now)
			w.SampleRTT(loop.Millisecond)
		})
		if allocs > 0 {
			t.Errorf("phase %d: %v allocations", p, allocs)
		}
	}
}
