package scenario_test

import (
	"math/rand/v2"
	"testing"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/transmit"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim/scenario"
	"glean/sim/scenario/file"
	"glean/sim/topology"
	"glean/stack/link"
	"glean/stack/loop"
)

// The network of a scenario also runs in real time: glean learns on it and sends to
// it as on a device.
func TestLabRunsInRealTime(t *testing.T) {
	s, err := file.Open("one-switch")
	if err != nil {
		t.Fatal(err)
	}
	l := loop.NewReal()
	e := engine.New(engine.Config{Loop: l, Rand: rand.New(rand.NewPCG(1, 2)),
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return transmit.Start(r, q, l.Clock, func(reason error) { l.Post(func() { done(reason) }) })
		}})
	var n *topology.Network
	failed := make(chan error, 1)
	sent := make(chan struct{})
	l.Post(func() {
		if n, err = scenario.Lab(l, s, 1); err != nil {
			failed <- err
			return
		}
		if err := e.ReservePort(engine.PortSpec{ID: "0", Kind: engine.KindWire, Name: "lab"}); err != nil {
			failed <- err
			return
		}
		e.AttachPort("0", n.Port("0"))
		if err := labTraffic(e, s, func() { close(sent) }); err != nil {
			failed <- err
		}
	})
	go l.Run()
	select {
	case err := <-failed:
		t.Fatal(err)
	case <-sent:
	}
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		for _, q := range e.LearningRequests() {
			if q.State() != learning.StateCompleted {
				t.Errorf("request %s is %s: %+v", q.ID(), q.State(), q.Progress())
			}
		}
		sent, received := uint64(0), uint64(0)
		for _, r := range e.Results() {
			sent += r.Run().Counters().PacketsActual
		}
		for _, h := range n.Hosts() {
			for _, f := range h.Flows() {
				received += f.Packets
			}
		}
		if sent != 800 || received == 0 || received > sent {
			t.Errorf("%d frames sent, %d received", sent, received)
		}
	})
	<-done
	l.Stop()
	<-l.Done()
}

// labTraffic makes the scenario's resources and starts each generator after its
// learning. It calls done when all have ended.
func labTraffic(e *engine.Engine, s *scenario.Scenario, done func()) error {
	for _, b := range s.Interfaces {
		spec, err := bodies.Strict.Interface(b.Raw)
		if err != nil {
			return err
		}
		if _, err := e.CreateInterface(spec); err != nil {
			return err
		}
	}
	left := len(s.Generators)
	e.OnEvent(func(ev engine.Event) {
		if ev.Type == "generator" && (ev.What == "ended" || ev.What == "failed") {
			if left--; left == 0 {
				done()
			}
		}
	})
	for _, b := range s.Generators {
		spec, err := bodies.Strict.Generator(b.Raw)
		if err != nil {
			return err
		}
		g, err := e.CreateGenerator(spec)
		if err != nil {
			return err
		}
		e.WhenLearned(g.LearningID, func() { _, _ = e.StartGenerator(g.ID) })
	}
	return nil
}
