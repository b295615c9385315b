package linktest

import (
	"slices"
	"testing"
	"time"
)

// Rounds compares two ways to send frames, ours and the plain one that name describes,
// and reports the cost of a frame in each and the ratio. Rounds of both alternate and
// the medians are compared, so that other load of the machine affects both.
func Rounds(b *testing.B, name string, framesPerRound int, plain, ours func()) {
	const rounds = 41
	for b.Loop() {
		var times [2][]time.Duration
		for range rounds {
			for i, send := range []func(){plain, ours} {
				began := time.Now()
				send()
				times[i] = append(times[i], time.Since(began))
			}
		}
		slices.Sort(times[0])
		slices.Sort(times[1])
		reference, queue := times[0][rounds/2], times[1][rounds/2]
		b.ReportMetric(float64(reference.Nanoseconds())/float64(framesPerRound), "ns/"+name)
		b.ReportMetric(float64(queue.Nanoseconds())/float64(framesPerRound), "ns/frame")
		b.ReportMetric(float64(reference)/float64(queue), "x-"+name+"-rate")
	}
	b.ReportMetric(0, "ns/op")
}
