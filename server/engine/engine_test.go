package engine_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"glean/generator"
	"glean/learning"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

// bench is an engine with two ports, back to back, in virtual time.
type bench struct {
	*engine.Engine
	t     *testing.T
	world *sim.World
	a, b  *sim.End
}

func newBench(t *testing.T) *bench {
	w := sim.NewWorld(1)
	e := engine.New(engine.Config{
		Loop: w.Loop(),
		Rand: rand.New(rand.NewPCG(1, 2)),
		Transmit: func(r *generator.Run, q link.Queue, done func(error)) generator.Transmitter {
			return generator.NewLooped(w.Loop(), r, q, done)
		},
	})
	b := &bench{Engine: e, t: t, world: w}
	b.a, b.b = w.Wire("w", sim.WireConfig{Delay: 10 * loop.Microsecond})
	for id, end := range map[string]*sim.End{"a": b.a, "b": b.b} {
		if err := e.ReservePort(engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "w"}); err != nil {
			t.Fatal(err)
		}
		e.AttachPort(id, end)
	}
	return b
}

func (b *bench) addInterface(body string) {
	b.t.Helper()
	spec, err := engine.ParseInterface([]byte(body))
	if err == nil {
		_, err = b.CreateInterface(spec)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

const (
	ifA = `{"id":"if-a","port_id":"a","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0a"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.10","prefix_length":24,"gateway":"198.18.0.11"}}},
		{"ipv6":{"method":"static","static":{"address":"2001:db8::a","prefix_length":64}}}]}}`
	ifB = `{"id":"if-b","port_id":"b","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:0b"}},
		{"ipv4":{"method":"static","static":{"address":"198.18.0.11","prefix_length":24}}},
		{"ipv6":{"method":"static","static":{"address":"2001:db8::b","prefix_length":64}}}]}}`
)

func generatorBody(id, destinations string) []byte {
	return []byte(`{"id":"` + id + `","target_id":"if-a","config":{"duration":{"frames":100},
		"load":{"rate":{"value":1000,"period":"seconds"},"units":"frames"},"learning":{"timeout_ms":2000},
		"traffic":[{"length":{"fixed":64},"packet":{"protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"list":[` + destinations + `]}}]}},
		{"udp":{"destination":5000}}]}}]}}`)
}

func (b *bench) addGenerator(id, destinations string) engine.GeneratorView {
	b.t.Helper()
	spec, err := engine.ParseGenerator(generatorBody(id, destinations))
	if err != nil {
		b.t.Fatal(err)
	}
	v, err := b.CreateGenerator(spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *bench) run(d loop.Duration) { b.world.Virtual().RunFor(d) }

func kindOf(t *testing.T, err error) engine.Kind {
	t.Helper()
	e, ok := err.(*engine.Error)
	if !ok {
		t.Fatalf("error %v (%T) is not an *engine.Error", err, err)
	}
	return e.Kind
}

func TestLearnAndTransmit(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	v := b.addGenerator("gen-1", `"198.18.0.11","203.0.113.7"`)
	if v.Learning != "resolving" || v.LearningID == "" {
		t.Fatalf("after creation: %+v", v)
	}
	if _, err := b.StartGenerator("gen-1"); kindOf(t, err) != engine.Conflict {
		t.Errorf("start while resolving: %v, want a conflict", err)
	}
	learned := false
	b.WhenLearned(v.LearningID, func() { learned = true })
	b.run(loop.Millisecond)
	if !learned {
		t.Fatal("WhenLearned did not run")
	}
	r, err := b.StartGenerator("gen-1")
	if err != nil {
		t.Fatal(err)
	}
	var received int
	b.b.SetSink(func(f []byte) {
		received++
		if got := string(f[:6]); got != "\x02\x00\x00\x00\x00\x0b" {
			t.Errorf("frame to %x, want the MAC of if-b", got)
		}
	})
	b.run(loop.Second)
	if c := r.Run().Counters(); r.Active() || c.PacketsActual != 100 || received != 100 {
		t.Errorf("active %v, sent %d, received %d; want an ended run with 100", r.Active(), c.PacketsActual, received)
	}
}

func TestSecondGeneratorUsesTheCache(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	b.addGenerator("gen-1", `"198.18.0.11"`)
	b.run(loop.Millisecond)
	sent := b.a.Traffic().Sent
	v := b.addGenerator("gen-2", `"198.18.0.11"`)
	if v.Learning != "resolved" {
		t.Errorf("learning is %s, want resolved at once", v.Learning)
	}
	if now := b.a.Traffic().Sent; now != sent {
		t.Errorf("%d frames were sent for an address that is in the cache", now-sent)
	}
}

func TestInterfaceDeletedUnderGenerator(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	v := b.addGenerator("gen-1", `"198.18.0.11","198.18.0.77"`)
	b.run(loop.Millisecond)
	b.DeleteInterface("if-a")
	g, err := b.Generator("gen-1")
	if err != nil || g.Learning != "timed_out" {
		t.Fatalf("generator %+v, %v; want timed_out", g, err)
	}
	rows := mustRequest(t, b, v.LearningID).Rows(learning.RowFilter{})
	for _, row := range rows {
		if row.Address == netip.MustParseAddr("198.18.0.77") && row.Reason != learning.InterfaceDeleted {
			t.Errorf("%v: reason %v, want interface_deleted", row.Address, row.Reason)
		}
	}
	// Another interface of that name is another one.
	b.addInterface(ifA)
	if _, err := b.StartGenerator("gen-1"); kindOf(t, err) != engine.Conflict {
		t.Errorf("start: %v, want a conflict", err)
	}
	_, err = b.StartLearning(engine.LearningSpec{GeneratorIDs: []string{"gen-1"}})
	if kindOf(t, err) != engine.Invalid {
		t.Errorf("learning: %v, want it refused", err)
	}
	b.DeleteGenerator("gen-1", false, func() {})
	if len(b.Generators()) != 0 {
		t.Error("the generator can't be deleted")
	}
}

func mustRequest(t *testing.T, b *bench, id string) *learning.Request {
	t.Helper()
	r, err := b.LearningRequest(id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBulkCreateIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	var specs []engine.GeneratorSpec
	for _, id := range []string{"gen-1", "gen-2", "gen-1"} {
		spec, err := engine.ParseGenerator(generatorBody(id, `"198.18.0.11"`))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
	}
	_, err := b.CreateGenerators(specs)
	if kindOf(t, err) != engine.Invalid || err.(*engine.Error).Faults[0].Path != "items[2].id" {
		t.Errorf("error %v, want one that names items[2].id", err)
	}
	if n := len(b.Generators()) + len(b.LearningRequests()) + len(b.LearningResults()); n != 0 {
		t.Errorf("%d resources are left over", n)
	}
	if _, err := b.CreateGenerators(specs[:2]); err != nil {
		t.Error(err)
	}
}

func TestCancelKeepsWhatWasFound(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	v := b.addGenerator("gen-1", `"198.18.0.11","198.18.0.77"`)
	b.run(loop.Millisecond)
	b.DeleteLearning(v.LearningID)
	r := mustRequest(t, b, v.LearningID)
	if p := r.Progress(); r.State() != learning.StateCancelled || p.Completed != 1 || p.TimedOut != 1 {
		t.Errorf("state %v, progress %+v; want cancelled with one completed", r.State(), p)
	}
	if g, _ := b.Generator("gen-1"); g.Learning != "timed_out" {
		t.Errorf("generator is %s, want timed_out", g.Learning)
	}
	b.DeleteLearning(v.LearningID)
	if _, err := b.LearningRequest(v.LearningID); kindOf(t, err) != engine.NotFound {
		t.Errorf("after the second DELETE: %v, want not found", err)
	}
	if _, err := b.LearningResult(r.ResultID()); err != nil {
		t.Errorf("the result went with its request: %v", err)
	}
}

func TestEventsAreNumbered(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	events, last := b.Events(0, 100)
	if uint64(len(events)) != last || last != 3 {
		t.Fatalf("%d events, the last is %d; want 2 ports and an interface", len(events), last)
	}
	for n, e := range events {
		if e.Seq != uint64(n+1) {
			t.Errorf("event %d has number %d", n+1, e.Seq)
		}
	}
	later, _ := b.Events(2, 100)
	if len(later) != 1 || later[0].Type != "interface" || later[0].ID != "if-a" {
		t.Errorf("after 2: %+v, want the interface", later)
	}
}

func TestPortInUseCannotBeDeleted(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	if err := b.DeletePort("a"); kindOf(t, err) != engine.Conflict {
		t.Errorf("delete: %v, want a conflict", err)
	}
	if err := b.DeletePort("b"); err != nil {
		t.Error(err)
	}
	if _, err := b.Port("b"); kindOf(t, err) != engine.NotFound {
		t.Errorf("port b: %v, want not found", err)
	}
}

// Every reason that the stack gives has its word in learning.
func TestReasonsMatch(t *testing.T) {
	for _, pair := range engine.ReasonPairs() {
		if pair[0] != pair[1] {
			t.Errorf("stack says %q, learning says %q", pair[0], pair[1])
		}
	}
}
