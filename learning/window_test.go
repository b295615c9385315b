package learning

import (
	"net/netip"
	"testing"

	"glean/stack/loop"
)

// inFlight runs the manager until nothing moves now, and gives what is in flight.
func inFlight(f *fake) int {
	f.loop.RunUntil(f.loop.Now())
	return f.m.paths[0].flights.n
}

// TestSlowStart: the window doubles every round trip until its ceiling.
func TestSlowStart(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.Window = 1000
	f.host = func(key) (loop.Duration, bool) { return 10 * loop.Millisecond, true }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(20000)})
	for round, want := range []int{64, 128, 256, 512, 1000, 1000} {
		if got := inFlight(f); got != want {
			t.Errorf("round %d: %d in flight, want %d", round, got, want)
		}
		m.check(t)
		f.loop.RunFor(10 * loop.Millisecond)
	}
}

// TestSmallBudget: the window never exceeds what the inbox holds, however small.
func TestSmallBudget(t *testing.T) {
	for _, budget := range []int{-1, 0, 1, 7} {
		f, _, m := newManager(t, Options{})
		f.ifaces[1].budget.Window = budget
		f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
		r := start(t, m, Spec{Interface: ifc(1), Addresses: spread(50)})
		for f.loop.Step() {
			if n := len(f.replies.items); n > max(budget, 1) {
				t.Fatalf("budget %d: %d in flight", budget, n)
			}
			f.ifaces[1].budget.Drops++
		}
		if r.State() != StateCompleted {
			t.Errorf("budget %d: %v", budget, r.State())
		}
	}
}

// TestSilenceIsNoLossSign: a dead network is asked faster and faster.
func TestSilenceIsNoLossSign(t *testing.T) {
	f, _, m := newManager(t, Options{})
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(20000)})
	for round, want := range []int{64, 128, 256, 512, 1024, 2048, 4096, 4096} {
		if got := inFlight(f); got != want {
			t.Errorf("round %d: %d in flight, want %d", round, got, want)
		}
		f.loop.RunFor(initialRTO)
	}
	if p := m.paths[0]; p.window.epoch != 0 {
		t.Error("silence halved the window")
	}
}

// TestDropsHalve: a rise of the drop counter halves the window, once per burst.
func TestDropsHalve(t *testing.T) {
	f, _, m := newManager(t, Options{})
	budget := &f.ifaces[1].budget
	budget.Drops = 77 // lost before we came
	f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(100000)})
	f.loop.RunFor(8 * loop.Millisecond)
	w := &m.paths[0].window
	if w.size != 4096 || w.epoch != 0 {
		t.Fatalf("window %d, epoch %d", w.size, w.epoch)
	}
	for range 4 { // one burst, seen bit by bit
		budget.Drops += 10
		f.loop.RunFor(loop.Millisecond)
	}
	// Congestion avoidance has added one a round trip since.
	if w.epoch != 1 || w.size < 2048 || w.size > 2056 || w.threshold != 2048 {
		t.Errorf("window %d, threshold %d, epoch %d", w.size, w.threshold, w.epoch)
	}
	f.loop.RunFor(10 * loop.Millisecond)
	if w.epoch != 1 {
		t.Errorf("epoch %d without a new drop", w.epoch)
	}
	budget.Drops++
	f.loop.RunFor(loop.Millisecond)
	if w.epoch != 2 || w.size > 1040 {
		t.Errorf("window %d, epoch %d after a second burst", w.size, w.epoch)
	}
	m.check(t)
}

// TestAnsweredRepeatHalves: answers to repeated questions whose first one was lost
// in one burst halve the window once, also those repeated after the halving.
func TestAnsweredRepeatHalves(t *testing.T) {
	for _, rate := range []int{0, 1000} {
		f, _, m := newManager(t, Options{})
		f.ifaces[1].budget.RatePPS = rate
		keeper := ipv4(1 << 20) // never answers, so that the path stays
		asked := map[key]bool{}
		f.host = func(k key) (loop.Duration, bool) {
			first := !asked[k]
			asked[k] = true
			return 1500 * loop.Microsecond, k.hop != keeper && (!first || k.hop.As4()[3] > 10)
		}
		start(t, m, Spec{Interface: ifc(1), Addresses: append(spread(200), keeper)})
		f.loop.RunFor(loop.Second - 1)
		w := &m.paths[0].window
		if w.epoch != 0 {
			t.Fatal("silence halved the window")
		}
		before := w.size
		f.loop.RunFor(loop.Second / 2)
		if p := m.Requests()[0].Progress(); p.Resolving != 1 {
			t.Fatalf("%+v", p)
		}
		if w.epoch != 1 || w.size != before/2 {
			t.Errorf("rate %d: window %d, was %d, epoch %d", rate, w.size, before, w.epoch)
		}
	}
}

// TestPaceDoesNotOpenTheWindow: only a full window is a reason to enlarge it.
func TestPaceDoesNotOpenTheWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.RatePPS = 1000
	f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(1000)})
	f.loop.RunFor(loop.Second / 2)
	if w := &m.paths[0].window; w.size != initialWindow {
		t.Errorf("window %d", w.size)
	}
}

// TestLeastWindow: no number of losses closes the window.
func TestLeastWindow(t *testing.T) {
	w := newWindow(0)
	w.raise(4096)
	for i := range 100 {
		w.lost(loop.Time(i))
	}
	if w.limit() != leastWindow {
		t.Errorf("window %d", w.limit())
	}
	w.raise(8192)
	if w.threshold != leastWindow {
		t.Errorf("a new interface brought slow start back, threshold %d", w.threshold)
	}
	for range leastWindow {
		w.grow(false)
	}
	if w.limit() != leastWindow {
		t.Error("silence opened the window beyond slow start")
	}
	for range leastWindow {
		w.grow(true)
	}
	if w.limit() != leastWindow+1 {
		t.Errorf("window %d after a round trip", w.limit())
	}
}

func TestEstimator(t *testing.T) {
	e := estimator{rto: initialRTO}
	for _, c := range []struct{ sample, smoothed, variation, rto loop.Duration }{
		{16 * loop.Millisecond, 16 * loop.Millisecond, 8 * loop.Millisecond, 48 * loop.Millisecond},
		{16 * loop.Millisecond, 16 * loop.Millisecond, 6 * loop.Millisecond, 40 * loop.Millisecond},
		{24 * loop.Millisecond, 17 * loop.Millisecond, 6500 * loop.Microsecond, 43 * loop.Millisecond},
	} {
		if e.sample(c.sample); e.smoothed != c.smoothed || e.variation != c.variation || e.rto != c.rto {
			t.Errorf("after %v: %+v, want %+v", c.sample, e, c)
		}
	}
	for range 200 {
		e.sample(100 * loop.Microsecond)
	}
	if e.rto != leastRTO {
		t.Errorf("rto %v, want the least", e.rto)
	}
	e.sample(-5)
	if e.smoothed < 0 {
		t.Error("a negative round trip was believed")
	}
}

// TestAmbiguousAnswersAreNoSamples: Karn's rule.
func TestAmbiguousAnswersAreNoSamples(t *testing.T) {
	f, _, m := newManager(t, Options{})
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(3)})
	f.loop.RunFor(loop.Second)
	f.due(f.byKey[key{1, ipv4(0)}])
	f.loop.RunFor(3 * loop.Millisecond)
	f.answer(1, "10.0.0.0")
	if e := &m.paths[0].window.rtt; e.sampled {
		t.Error("the answer to a repeated question was a sample")
	}
	f.answer(1, "10.0.0.1") // late, after it left the window
	if e := &m.paths[0].window.rtt; e.smoothed != loop.Second+3*loop.Millisecond {
		t.Errorf("round trip %v", e.smoothed)
	}
}

// TestRetransTimerBoundsTheWindow: a question counts no longer than RetransTimer.
func TestRetransTimerBoundsTheWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.RetransTimer = 7 * loop.Millisecond
	f.ifaces[1].budget.Window = 1
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(10)})
	f.loop.RunUntil(loop.Time(7*loop.Millisecond) - 1)
	if len(f.sent) != 1 {
		t.Fatalf("%d questions", len(f.sent))
	}
	f.loop.RunFor(1)
	if len(f.sent) != 2 {
		t.Errorf("%d questions after RetransTimer", len(f.sent))
	}
	// The shortest on the path holds for all.
	f.addInterface(2).budget.RetransTimer = 3 * loop.Millisecond
	start(t, m, Spec{Interface: ifc(2), Addresses: spread(1)})
	f.addInterface(3)
	start(t, m, Spec{Interface: ifc(3), Addresses: spread(1)})
	if got := m.paths[0].hold(); got != 3*loop.Millisecond {
		t.Errorf("a question counts for %v", got)
	}
}

// TestOvertaken: the answer to a later question takes earlier silent ones out of
// the window, unless answers are spread wider than the distance.
func TestOvertaken(t *testing.T) {
	for _, c := range []struct {
		variation loop.Duration
		left      int
	}{{0, 0}, {10 * loop.Millisecond, 1}} {
		f, _, m := newManager(t, Options{})
		start(t, m, Spec{Interface: ifc(1), Addresses: spread(1)})
		f.loop.RunFor(loop.Millisecond)
		start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{ipv4(1), ipv4(2)}})
		f.loop.RunFor(loop.Millisecond)
		p := m.paths[0]
		p.window.rtt = estimator{sampled: true, rto: 100 * loop.Millisecond,
			smoothed: loop.Millisecond, variation: c.variation}
		f.answer(1, "10.0.0.1")
		p.expire(f.loop.Now())
		if got := p.flights.n; got != 1+c.left {
			t.Errorf("variation %v: %d in flight, want %d", c.variation, got, 1+c.left)
		}
	}
}
