package congestion

import (
	"testing"

	"glean/stack/loop"
)

// TestLostFractionShrinksWindow: a window was too large if more than a quarter of an
// epoch's solicitations were lost. It becomes what was answered of that epoch's
// window, however late that shows.
func TestLostFractionShrinksWindow(t *testing.T) {
	for _, c := range []struct{ answered, lost, size int }{
		{1000, 31, 1024}, // too few
		{20, 31, 1024},   // too few, whatever their share
		{96, 32, 1024},   // a quarter is tolerated
		{93, 33, 1024 * 93 / 126},
		{100, 100, 512},
		{32, 992, 32},
		{0, 1000, minWindow},
	} {
		w := New(0)
		w.Raise(4096, 0)
		w.cwnd = 1024
		w.SetBacklog(0, loop.Second)
		epoch := w.countInEpoch(0, true)
		w.cwnd = 2000
		if w.countInEpoch(loop.Time(loop.Second), true) == epoch {
			t.Fatal("an epoch lasts longer than a RetransTimer")
		}
		for range c.answered {
			w.Answered(epoch)
		}
		w.cwnd = 1024
		for range c.lost {
			w.Lost(epoch, 0)
		}
		if w.cwnd != c.size || w.lossy != (c.size < 1024) {
			t.Errorf("%d answered, %d lost: window %d, want %d", c.answered, c.lost, w.cwnd, c.size)
		}
	}
}

// TestWindowGrowsByAnEighthAfterLoss: news of loss is a RetransTimer old, so the
// window grows by an eighth in that time, however short the round trip.
func TestWindowGrowsByAnEighthAfterLoss(t *testing.T) {
	w := New(0)
	w.Raise(4096, 0)
	w.cwnd = 1024
	w.SetBacklog(0, loop.Second)
	epoch := w.countInEpoch(0, true)
	for range 100 {
		w.Answered(epoch)
		w.Lost(epoch, 0)
	}
	for k, want := range []int{512, 576, 648, 729} {
		w.countInEpoch(loop.Time(k)*loop.Time(loop.Second), true)
		for range 1 << 20 {
			w.Grow(true)
		}
		if w.cwnd != want {
			t.Errorf("after %d s: window %d, want %d", k, w.cwnd, want)
		}
	}
	for range Epochs {
		w.countInEpoch(w.epochEnds, true)
	}
	size := w.cwnd
	for range 1000 {
		w.Lost(epoch, 0) // too long ago
	}
	if w.cwnd != size {
		t.Errorf("window %d for what another epoch lost", w.cwnd)
	}
}

// TestLossesKeepMinWindow: no number of losses closes the window.
func TestLossesKeepMinWindow(t *testing.T) {
	w := New(0)
	w.Raise(4096, 0)
	for range 100 {
		w.shrink(w.Limit() / 2)
	}
	if w.Limit() != minWindow {
		t.Errorf("window %d", w.Limit())
	}
	w.Raise(8192, 0)
	if w.ssthresh != minWindow {
		t.Errorf("slow start began again with a new interface, ssthresh %d", w.ssthresh)
	}
	for range minWindow {
		w.Grow(false)
	}
	if w.Limit() != minWindow {
		t.Error("silence opened the window beyond slow start")
	}
	for range minWindow {
		w.Grow(true)
	}
	if w.Limit() != minWindow+1 {
		t.Errorf("window %d after a round trip", w.Limit())
	}
}

// TestRTTEstimator checks RFC 6298 section 2 with its own arithmetic.
func TestRTTEstimator(t *testing.T) {
	e := rttEstimator{rto: initialRTO}
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
	if e.rto != minRTO {
		t.Errorf("rto %v, want the minimum", e.rto)
	}
	e.sample(-5)
	if e.smoothed < 0 {
		t.Error("a negative round trip was used")
	}
}
