package sim

import (
	"testing"

	"glean/stack/loop"
)

// perSecond reports how many frames were delivered per second of wall time.
func perSecond(b *testing.B, w *World, before uint64) {
	b.ReportMetric(float64(w.Delivered()-before)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkWireBatch is the cost of a frame that crosses in a batch of 64.
func BenchmarkWireBatch(b *testing.B) {
	w, a, e, _, _ := pair(b, WireConfig{Delay: loop.Microsecond})
	e.Detach()
	e.Attach(&counter{})
	frames := make([][]byte, 64)
	for i := range frames {
		frames[i] = testFrame(i, 60)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 64 {
		a.Send(frames)
		w.Virtual().RunFor(loop.Millisecond)
	}
	perSecond(b, w, 0)
}

// BenchmarkWirePingPong is the cost of a frame when each one is alone and
// needs the timer.
func BenchmarkWirePingPong(b *testing.B) {
	w, a, e, _, _ := pair(b, WireConfig{Delay: loop.Microsecond})
	a.Detach()
	e.Detach()
	a.Attach(&echoer{end: a, left: b.N})
	e.Attach(&echoer{end: e, left: b.N})
	a.Send([][]byte{testFrame(1, 60)})
	b.ReportAllocs()
	b.ResetTimer()
	for w.Delivered() < uint64(b.N) && w.Virtual().Step() {
	}
	perSecond(b, w, 0)
}
