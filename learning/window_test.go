package learning

import (
	"net/netip"
	"testing"

	"glean/stack/loop"
)

// inFlight runs all that is due now, and returns the number of solicitations in flight.
func inFlight(f *fake) int {
	f.loop.RunUntil(f.loop.Now())
	return f.m.schedulers[0].outstanding.n
}

// TestSlowStartDoublesTheWindow: the window doubles every round trip up to the
// maximum window.
func TestSlowStartDoublesTheWindow(t *testing.T) {
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

// TestWindowStaysWithinBudget: the window never exceeds what the inbox holds, however small.
func TestWindowStaysWithinBudget(t *testing.T) {
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

// TestSilenceIsNoLossSign: a dead network is solicited faster and faster.
func TestSilenceIsNoLossSign(t *testing.T) {
	f, _, m := newManager(t, Options{})
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(20000)})
	for round, want := range []int{64, 128, 256, 512, 1024, 2048, 4096, 4096} {
		if got := inFlight(f); got != want {
			t.Errorf("round %d: %d in flight, want %d", round, got, want)
		}
		f.loop.RunFor(20 * loop.Millisecond) // the initial RTO
	}
	if s := m.schedulers[0].window.State(); s.Ssthresh != s.MaxWindow {
		t.Error("silence halved the window")
	}
}

// TestDropsHalveTheWindow: a rise of the drop counter halves the window, once per burst.
func TestDropsHalveTheWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	budget := &f.ifaces[1].budget
	budget.Drops = 77 // lost before the request
	f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(100000)})
	f.loop.RunFor(8 * loop.Millisecond)
	w := m.schedulers[0].window.State
	if w().Cwnd != 4096 || w().Ssthresh != 4096 {
		t.Fatalf("window %d", w().Cwnd)
	}
	for range 4 { // one burst, seen bit by bit
		budget.Drops += 10
		f.loop.RunFor(loop.Millisecond)
	}
	// Congestion avoidance has added one a round trip since.
	if w().Cwnd < 2048 || w().Cwnd > 2056 || w().Ssthresh != 2048 {
		t.Errorf("window %d, threshold %d", w().Cwnd, w().Ssthresh)
	}
	f.loop.RunFor(10 * loop.Millisecond)
	if w().Cwnd < 2048 || w().Cwnd > 2066 {
		t.Errorf("window %d without a new drop", w().Cwnd)
	}
	budget.Drops++
	f.loop.RunFor(loop.Millisecond)
	if w().Cwnd > 1040 {
		t.Errorf("window %d after a second burst", w().Cwnd)
	}
	m.check(t)
}

// TestPaceDoesNotOpenTheWindow: only a full window is a reason to enlarge it.
func TestPaceDoesNotOpenTheWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.RatePPS = 1000
	f.host = func(key) (loop.Duration, bool) { return loop.Millisecond, true }
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(1000)})
	f.loop.RunFor(loop.Second / 2)
	if s := m.schedulers[0].window.State(); s.Cwnd != 64 { // as at the beginning
		t.Errorf("window %d", s.Cwnd)
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
	if s := m.schedulers[0].window.State(); s.SmoothedRTT != 0 {
		t.Error("the answer to a repeated solicitation was a sample")
	}
	f.answer(1, "10.0.0.1") // late, after it left the window
	if s := m.schedulers[0].window.State(); s.SmoothedRTT != loop.Second+3*loop.Millisecond {
		t.Errorf("round trip %v", s.SmoothedRTT)
	}
}

// TestRetransTimerBoundsTheWindow: a solicitation counts no longer than
// RetransTimer.
func TestRetransTimerBoundsTheWindow(t *testing.T) {
	f, _, m := newManager(t, Options{})
	f.ifaces[1].budget.RetransTimer = 7 * loop.Millisecond
	f.ifaces[1].budget.Window = 1
	start(t, m, Spec{Interface: ifc(1), Addresses: spread(10)})
	f.loop.RunUntil(loop.Time(7*loop.Millisecond) - 1)
	if len(f.sent) != 1 {
		t.Fatalf("%d solicitations", len(f.sent))
	}
	f.loop.RunFor(1)
	if len(f.sent) != 2 {
		t.Errorf("%d solicitations after RetransTimer", len(f.sent))
	}
	// The shortest on the port applies to all.
	f.addInterface(2).budget.RetransTimer = 3 * loop.Millisecond
	start(t, m, Spec{Interface: ifc(2), Addresses: spread(1)})
	f.addInterface(3)
	start(t, m, Spec{Interface: ifc(3), Addresses: spread(1)})
	if got := m.schedulers[0].silentAfter(); got != 3*loop.Millisecond {
		t.Errorf("a solicitation counts for %v", got)
	}
}

// TestOvertakenSolicitationLeavesTheWindow: the reply to a later solicitation takes earlier
// silent ones out of the window, unless replies are reordered by more than the distance.
func TestOvertakenSolicitationLeavesTheWindow(t *testing.T) {
	for _, c := range []struct {
		rtt     loop.Duration // the first sample, whose variation is half of it
		samples int
		left    int
	}{{loop.Millisecond, 60, 0}, {20 * loop.Millisecond, 1, 1}} {
		f, _, m := newManager(t, Options{})
		start(t, m, Spec{Interface: ifc(1), Addresses: spread(1)})
		f.loop.RunFor(loop.Millisecond)
		start(t, m, Spec{Interface: ifc(1), Addresses: []netip.Addr{ipv4(1), ipv4(2)}})
		f.loop.RunFor(loop.Millisecond)
		p := m.schedulers[0]
		for range c.samples {
			p.window.SampleRTT(c.rtt)
		}
		f.answer(1, "10.0.0.1")
		p.expire(f.loop.Now())
		if got := p.outstanding.n; got != 1+c.left {
			t.Errorf("%d samples of %v: %d in flight, want %d", c.samples, c.rtt, got, 1+c.left)
		}
	}
}
