package learning

import (
	"testing"

	"glean/stack/loop"
)

// TestRepeatsAreSpreadWhileAnswersDoNotDryUp: a policer answers about as many
// questions of an epoch as of the one before, a lossy network ever fewer.
func TestRepeatsAreSpreadWhileAnswersDoNotDryUp(t *testing.T) {
	for _, c := range []struct {
		name         string
		last, before cohort
		waiting      int
		gap          loop.Duration
	}{
		{"as many", cohort{asked: 1000, answered: 6}, cohort{answered: 6}, 0, loop.Second * 7 / 8 / 994},
		{"two thirds", cohort{asked: 1000, answered: 200}, cohort{answered: 300}, 0, loop.Second * 7 / 8 / 800},
		{"more wait", cohort{asked: 20, answered: 20}, cohort{answered: 20}, 400, loop.Second * 7 / 8 / 400},
		{"fewer", cohort{asked: 1000, answered: 199}, cohort{answered: 300}, 0, 0},
		{"none", cohort{asked: 1000}, cohort{}, 0, 0},
		{"first questions", cohort{asked: 1000, first: 1, answered: 6}, cohort{answered: 6}, 0, 0},
		{"few silent", cohort{asked: 13, answered: 6}, cohort{answered: 6}, mostGap - 1, 0},
	} {
		for _, before := range []phase{unbounded, spreading} {
			r := rate{phase: before}
			if r.spread(&c.last, &c.before, c.waiting, loop.Second, 0); r.gap != c.gap || r.bounded() != (c.gap > 0) {
				t.Errorf("%s: gap %v in phase %d, want %v", c.name, r.gap, r.phase, c.gap)
			}
		}
	}
	r := rate{phase: steady, pacer: pacer{gap: loop.Millisecond}}
	if r.spread(&cohort{asked: 1000, answered: 6}, &cohort{}, 0, loop.Second, 0); r.phase != steady || r.gap != loop.Millisecond {
		t.Errorf("a rate that was found became gap %v in phase %d", r.gap, r.phase)
	}
}

// TestFirstQuestionsEndSpreading: a new request does not wait for the repeats of
// another.
func TestFirstQuestionsEndSpreading(t *testing.T) {
	f, _, m := newManager(t, Options{})
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(20), Timeout: MaxTimeout})
	f.loop.RunFor(loop.Millisecond)
	m.paths[0].window.rate.set(spreading, loop.Second/8, f.loop.Now())
	start(t, m, Spec{Interface: ifc(1), Addresses: addresses("10.9.0.1", "10.9.0.2", "10.9.0.3"), Timeout: MaxTimeout})
	if f.loop.RunFor(loop.Millisecond); len(f.sent) != 23 {
		t.Errorf("%d of 3 new addresses were asked for at once", len(f.sent)-20)
	}
}

// TestRateAllocatesNothing: asking and answering at a bounded rate allocates nothing,
// whatever the rate does.
func TestRateAllocatesNothing(t *testing.T) {
	for _, p := range []phase{unbounded, searching, rising, measuring, checking, steady, spreading} {
		s, m := newMirror(Options{})
		s.dead = func(r Ref) bool { return r%3 == 0 }
		r := startWants(t, m, wantsOf(1<<15))
		for m.targets.live < 1<<14 || r.Progress().Completed < 4096 {
			s.loop.Step()
		}
		rate := &m.paths[0].window.rate
		if p != unbounded {
			rate.set(p, leastGap, s.loop.Now())
		}
		step := func() {
			for range 200 {
				s.loop.Step()
			}
		}
		before, asked := r.Progress().Completed, r.RequestsSent()
		if n := testing.AllocsPerRun(10, step); n > 0 || r.Progress().Completed == before || r.RequestsSent() == asked {
			t.Errorf("phase %d: %v allocations for %d answers", p, n, r.Progress().Completed-before)
		}
	}
}
