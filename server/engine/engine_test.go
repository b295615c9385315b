package engine_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

// bench is an engine in virtual time with two connected ports.
type bench struct {
	*engine.Engine
	t     testing.TB
	world *sim.World
	a, b  *sim.End
}

func newBench(t *testing.T) *bench { return newBenchWith(t, engine.Limits{}) }

func newBenchWith(t testing.TB, limits engine.Limits) *bench {
	w := sim.NewWorld(1)
	e := engine.New(engine.Config{
		Loop:   w.Loop(),
		Rand:   rand.New(rand.NewPCG(1, 2)),
		Limits: limits,
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return program.StartOnLoop(w.Loop(), r, q, done)
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

// createGenerators calls CreateGenerators for a few, which end in the same turn.
func (b *bench) createGenerators(specs []engine.GeneratorSpec) (views []engine.GeneratorView, err error) {
	b.t.Helper()
	ended := false
	b.CreateGenerators(specs, func(v []engine.GeneratorView, e error) { views, err, ended = v, e, true })
	if !ended {
		b.t.Fatal("it takes more than one turn")
	}
	return views, err
}

func (b *bench) addInterface(body string) {
	b.t.Helper()
	spec, err := bodies.Strict.Interface([]byte(body))
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
	v, err := b.CreateGenerator(parsedGenerator(b.t, generatorBody(id, destinations)))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func parsedGenerator(t testing.TB, body []byte) engine.GeneratorSpec {
	t.Helper()
	spec, err := bodies.Strict.Generator(body)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func (b *bench) run(d loop.Duration) { b.world.Virtual().RunFor(d) }

// onTraffic calls f with every frame of test traffic that arrives at port b.
func (b *bench) onTraffic(f func(frame []byte)) {
	b.world.Observe(func(e sim.Event) {
		if e.Kind == sim.EventDelivered && e.From == b.a && link.Classify(e.Frame) == link.ClassTraffic {
			f(e.Frame)
		}
	})
}

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
	b.onTraffic(func(f []byte) {
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
	b.DeleteInterface("if-a", func() {})
	g, err := b.Generator("gen-1")
	if err != nil || g.Learning != "timed_out" {
		t.Fatalf("generator %+v, %v; want timed_out", g, err)
	}
	rows := mustRequest(t, b, v.LearningID).Destinations(learning.DestinationFilter{})
	for _, row := range rows {
		if row.Address == netip.MustParseAddr("198.18.0.77") && row.Reason != learning.InterfaceDeleted {
			t.Errorf("%v: reason %v, want interface_deleted", row.Address, row.Reason)
		}
	}
	// A new interface with that id is another interface.
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
		spec, err := bodies.Strict.Generator(generatorBody(id, `"198.18.0.11"`))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
	}
	_, err := b.createGenerators(specs)
	if kindOf(t, err) != engine.Invalid || err.(*engine.Error).Faults[0].Path != "items[2].id" {
		t.Errorf("error %v, want one that names items[2].id", err)
	}
	if n := len(b.Generators()) + len(b.LearningRequests()) + len(b.LearningResults()); n != 0 {
		t.Errorf("%d resources are left over", n)
	}
	if _, err := b.createGenerators(specs[:2]); err != nil {
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

// TestReasonsMatch: each reason of the stack has a reason of learning.
func TestReasonsMatch(t *testing.T) {
	for _, pair := range engine.ReasonPairs() {
		if pair[0] != pair[1] {
			t.Errorf("stack says %q, learning says %q", pair[0], pair[1])
		}
	}
}

// TestUnannouncedMACIsLearned: a short request also finds a MAC that changed without an
// announcement, and so does a request after one that only solicited the old MAC.
func TestUnannouncedMACIsLearned(t *testing.T) {
	for _, timeout := range []loop.Duration{loop.Second, 1500 * loop.Millisecond, 2 * loop.Second, 3 * loop.Second} {
		b := newBench(t)
		quiet := func(mac string) string {
			return `{"id":"if-b","port_id":"b","config":{"protocols":[{"eth":{"mac_address":"` + mac + `"}},
				{"ipv4":{"method":"static","static":{"address":"198.18.0.11","prefix_length":24}}},
				{"ipv6":{"method":"static","static":{"address":"2001:db8::b","prefix_length":64}}}],
				"neighbor":{"duplicate_detection":"none"}}}`
		}
		b.addInterface(ifA)
		b.addInterface(quiet("02:00:00:00:00:0b"))
		learn := func(id string) *learning.Request {
			r, err := b.StartLearning(engine.LearningSpec{ID: id, InterfaceID: "if-a", Timeout: timeout,
				Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.11"), netip.MustParseAddr("2001:db8::b")}})
			if err != nil {
				t.Fatal(err)
			}
			b.run(timeout + loop.Second)
			return r
		}
		learn("lr-1")
		b.DeleteInterface("if-b", func() {})
		b.addInterface(quiet("02:00:00:00:00:0c"))
		r := learn("lr-2")
		for _, row := range r.Destinations(learning.DestinationFilter{}) {
			if row.State != learning.StateCompleted || row.MAC.String() != "02:00:00:00:00:0c" {
				t.Errorf("timeout %v: %v is %v with %v, want the new MAC", timeout, row.Address, row.State, row.MAC)
			}
		}
	}
}

// TestTargetsOfTheSameName: an interface and a port may have the same id. Deleting the
// interface does not affect a generator of the port.
func TestTargetsOfTheSameName(t *testing.T) {
	b := newBench(t)
	spec, err := bodies.Strict.Generator([]byte(strings.Replace(string(generatorBody("gen-1", `"198.18.0.11"`)), "if-a", "a", 1)))
	if err == nil {
		_, err = b.CreateGenerator(spec)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.addInterface(strings.Replace(ifA, "if-a", "a", 1))
	b.DeleteInterface("a", func() {})
	if _, err := b.StartGenerator("gen-1"); err != nil {
		t.Errorf("start: %v", err)
	}
}

func TestBroadcastIsNotLearned(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	for _, a := range []string{"198.18.0.255", "198.18.0.0", "255.255.255.255", "224.0.0.1", "0.0.0.0", "ff02::1", "::"} {
		_, err := b.StartLearning(engine.LearningSpec{InterfaceID: "if-a", Addresses: []netip.Addr{netip.MustParseAddr(a)}})
		if err == nil || kindOf(t, err) != engine.Invalid || err.(*engine.Error).Faults[0].Path != "addresses[0]" {
			t.Errorf("%s: %v, want a fault of addresses[0]", a, err)
		}
	}
}

// TestBulkStartRollsBackBesideADelete: a rollback goes on if a client has deleted one of
// its generators.
func TestBulkStartRollsBackBesideADelete(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	var ids []string
	for _, id := range []string{"g1", "g2", "g3"} {
		spec, err := bodies.Strict.Generator([]byte(strings.Replace(string(generatorBody(id, `"198.18.0.11"`)), "if-a", "a", 1)))
		if err == nil {
			_, err = b.CreateGenerator(spec)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	b.addGenerator("dead", `"198.18.0.77"`)
	var failed error
	b.StartGenerators(append(ids, "dead"), func([]*generator.Result) { t.Error("started") }, func(err error) { failed = err })
	b.DeleteGenerator("g2", true, func() {})
	b.run(loop.Second)
	if failed == nil || kindOf(t, failed) != engine.Conflict {
		t.Errorf("the client is told %v, want a conflict", failed)
	}
	for _, g := range b.Generators() {
		if g.Active {
			t.Errorf("%s is active", g.ID)
		}
	}
	if n := len(b.Results()); n != 0 {
		t.Errorf("%d results are left", n)
	}
}

// TestFinishedLearningIsBounded: the learning requests and results of deleted generators
// are bounded.
func TestFinishedLearningIsBounded(t *testing.T) {
	const keep = 50
	b := newBenchWith(t, engine.Limits{RetainRequests: keep})
	b.addInterface(ifA)
	b.addInterface(ifB)
	for n := range keep + 100 {
		v := b.addGenerator("gen-1", `"198.18.0.11"`)
		b.run(loop.Millisecond)
		b.DeleteGenerator("gen-1", false, func() {})
		if n == 0 && v.LearningID == "" {
			t.Fatal("nothing was learned")
		}
	}
	if n := len(b.LearningRequests()); n > keep || n == 0 {
		t.Errorf("%d requests are kept, want %d at most", n, keep)
	}
	if n := len(b.LearningResults()); n > keep || n == 0 {
		t.Errorf("%d results are kept, want %d at most", n, keep)
	}
}
