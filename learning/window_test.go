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
	if p := m.paths[0]; p.window.shrunk {
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
	if w.size != 4096 || w.shrunk {
		t.Fatalf("window %d", w.size)
	}
	for range 4 { // one burst, seen bit by bit
		budget.Drops += 10
		f.loop.RunFor(loop.Millisecond)
	}
	// Congestion avoidance has added one a round trip since.
	if w.size < 2048 || w.size > 2056 || w.threshold != 2048 {
		t.Errorf("window %d, threshold %d", w.size, w.threshold)
	}
	f.loop.RunFor(10 * loop.Millisecond)
	if w.size < 2048 || w.size > 2066 {
		t.Errorf("window %d without a new drop", w.size)
	}
	budget.Drops++
	f.loop.RunFor(loop.Millisecond)
	if w.size > 1040 {
		t.Errorf("window %d after a second burst", w.size)
	}
	m.check(t)
}

// TestLostQuestions: what tells that a window was too large is the share of an
// epoch's questions that were lost, and the window becomes what was answered of
// that epoch's, however late that comes to light.
func TestLostQuestions(t *testing.T) {
	for _, c := range []struct{ answered, lost, size int }{
		{1000, 31, 1024}, // too few
		{20, 31, 1024},   // too few, whatever their share
		{96, 32, 1024},   // a quarter is borne
		{93, 33, 1024 * 93 / 126},
		{100, 100, 512},
		{32, 992, 32},
		{0, 1000, leastWindow},
	} {
		w := newWindow(0)
		w.raise(4096, 0)
		w.size = 1024
		epoch := w.ask(0, loop.Second, true)
		w.size = 2000
		if w.ask(loop.Time(loop.Second), loop.Second, true) == epoch {
			t.Fatal("an epoch lasts longer than a RetransTimer")
		}
		for range c.answered {
			w.answered(epoch)
		}
		w.size = 1024
		for range c.lost {
			w.lost(epoch, 0)
		}
		if w.size != c.size || w.lossy != (c.size < 1024) {
			t.Errorf("%d answered, %d lost: window %d, want %d", c.answered, c.lost, w.size, c.size)
		}
	}
}

// TestGrowthAfterLoss: news of loss is a RetransTimer old, so that the window
// grows by an eighth in that time, however short the round trip.
func TestGrowthAfterLoss(t *testing.T) {
	w := newWindow(0)
	w.raise(4096, 0)
	w.size = 1024
	epoch := w.ask(0, loop.Second, true)
	for range 100 {
		w.answered(epoch)
		w.lost(epoch, 0)
	}
	for k, want := range []int{512, 576, 648, 729} {
		w.ask(loop.Time(k)*loop.Time(loop.Second), loop.Second, true)
		for range 1 << 20 {
			w.grow(true)
		}
		if w.size != want {
			t.Errorf("after %d s: window %d, want %d", k, w.size, want)
		}
	}
	for range numEpochs {
		w.ask(w.begins, loop.Second, true)
	}
	size := w.size
	for range 1000 {
		w.lost(epoch, 0) // too long ago
	}
	if w.size != size {
		t.Errorf("window %d for what another epoch lost", w.size)
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
	w.raise(4096, 0)
	for range 100 {
		w.shrink(w.limit() / 2)
	}
	if w.limit() != leastWindow {
		t.Errorf("window %d", w.limit())
	}
	w.raise(8192, 0)
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
