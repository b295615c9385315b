package transmit

import (
	"fmt"
	"sync"
	"testing"

	"glean/generator/program"
	"glean/stack/link/tap"
	"glean/stack/link/uring"
)

// spreadOut is a program of flows enough for many queues.
func spreadOut(b *testing.B, size int, duration string) *program.Program {
	return compile(b, fmt.Sprintf(`{"duration":%s,"load":{"rate":%s,"units":"frames"},"traffic":[{"length":{"fixed":%d},
		"packet":{"protocols":[{"ethernet":{"destination":"02:00:00:00:00:09"},"modifiers":{"items":[
		{"name":"source","permute":false,"mac":{"sequence":{"count":256,"start":"02:00:00:00:01:00"}}}]}},
		{"ipv4":{"source":"198.18.0.1","destination":"198.18.0.2"}},{"udp":{}}]}}]}`, duration, fullRate, size+4), program.Binding{})
}

// engineOnAll gives a way to send a program on all queues of a port.
func (p *port) engineOnAll(program *program.Program) func() {
	return func() {
		_, parts := p.startParts(program)
		for _, x := range parts {
			if reason := <-x.done; reason != nil {
				p.t.Fatal(reason)
			}
		}
	}
}

// BenchmarkFourQueues is four generators on four queues, and one generator on all
// of them, against four bare loops, and against one bare loop of write(2), by the
// time that passes. Where there are
// fewer than four processors, they share them: two give at most twice one loop.
func BenchmarkFourQueues(b *testing.B) {
	const queues, framesPerRound = 4, framesPerRound / 4
	for _, plain := range []bool{true, false} {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", map[bool]string{true: "plain", false: "io_uring"}[plain], size), func(b *testing.B) {
				x := newBench(b, tap.Config{Plain: plain, Queues: queues})
				p := constant(b, size, fullRate, frames(framesPerRound))
				whole := spreadOut(b, size, frames(queues*framesPerRound))
				batch := copied(p)
				one := func(n int) { bareWrite(b, x.files[n], framesPerRound, batch) }
				bare := one
				if !plain {
					var rings []*uring.Ring
					for _, fd := range x.files {
						rings = append(rings, newRing(b, fd))
					}
					bare = func(n int) { bareRing(b, rings[n], framesPerRound, batch) }
				}
				b.ResetTimer()
				for range b.N {
					m := medians(b, wallTime, func() { one(0) },
						func() { together(queues, bare) },
						func() { together(queues, func(int) { x.engine(p)() }) },
						x.engineOnAll(whole))
					b.ReportMetric(perFrame(m[2], queues*framesPerRound), "ns/frame")
					b.ReportMetric(ratio(m[1], m[2]), "x-four-bare")
					b.ReportMetric(queues*ratio(m[0], m[2]), "x-one-write")
					b.ReportMetric(ratio(m[1], m[3]), "one-generator-x-four-bare")
					b.ReportMetric(queues*ratio(m[0], m[3]), "one-generator-x-one-write")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// together runs f n times at once, each as if it were a transmitter.
func together(n int, f func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			takeProcessor()
			defer giveProcessor()
			f(i)
		})
	}
	all.Wait()
}
