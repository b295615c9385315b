package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

const (
	askerBody = `{"id":"if-a","port_id":"a","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}},
		{"ipv4":{"method":"static","static":{"address":"10.0.0.10","prefix_length":8}}}]}}`
	answererBody = `{"id":"if-b","port_id":"b","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0b"}},
		{"ipv4":{"method":"static","static":{"address":"10.0.0.11","prefix_length":8}}}],
		"neighbor":{"respond_for":["10.128.0.0/9"]}}}`
)

// BenchmarkLearnOneAddress measures the wall time from a request to its result, for one
// address on an in-process wire: through the loop, two stacks and the wire, in both
// directions. It prints how often this time fits into the polling interval of OpenPerf,
// one second.
func BenchmarkLearnOneAddress(b *testing.B) {
	l := loop.NewReal()
	go l.Run()
	defer func() { l.Stop(); <-l.Done() }()
	on := func(f func()) {
		done := make(chan struct{})
		l.Post(func() { f(); close(done) })
		<-done
	}
	var e *engine.Engine
	on(func() {
		e = engine.New(engine.Config{
			Loop: l, Rand: rand.New(rand.NewPCG(1, 2)),
			Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
				return program.StartOnLoop(l, r, q, done)
			},
		})
		x, y := sim.NewWorldOn(l, 1).Wire("w", sim.WireConfig{})
		for id, end := range map[string]*sim.End{"a": x, "b": y} {
			if err := e.ReservePort(engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "w"}); err != nil {
				b.Error(err)
			}
			e.AttachPort(id, end)
		}
		for _, body := range []string{askerBody, answererBody} {
			spec, err := bodies.Strict.Interface([]byte(body))
			if err == nil {
				_, err = e.CreateInterface(spec)
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		learned := make(chan learning.State, 1)
		l.Post(func() {
			id := fmt.Sprintf("lr-%d", n)
			// Each round learns another address, because a neighbor is solicited at
			// most once in a RetransTimer.
			address := netip.AddrFrom4([4]byte{10, 128 | byte(n>>16&63), byte(n >> 8), byte(n)})
			r, err := e.StartLearning(engine.LearningSpec{ID: id, InterfaceID: "if-a", Addresses: []netip.Addr{address}})
			if err != nil {
				b.Error(err)
				learned <- learning.StateCancelled
				return
			}
			e.WhenLearned(id, func() { learned <- r.State(); e.DeleteLearning(id) })
		})
		if s := <-learned; s != learning.StateCompleted {
			b.Fatalf("round %d: %v", n, s)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(float64(median.Nanoseconds()), "ns/median")
	b.ReportMetric(float64(time.Second)/float64(median), "x-of-1s-poll")
}
