package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glean/generator"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/loop"
)

// portGenerators returns specs of n generators on port a, which need no learning.
func portGenerators(t testing.TB, n int) []engine.GeneratorSpec {
	specs := make([]engine.GeneratorSpec, n)
	for i := range specs {
		spec, err := bodies.Strict.Generator([]byte(strings.Replace(string(generatorBody(fmt.Sprint("g-", i), `"198.18.0.11"`)), "if-a", "a", 1)))
		if err != nil {
			t.Fatal(err)
		}
		specs[i] = spec
	}
	return specs
}

func manyInterfaces(t testing.TB, n int) []engine.InterfaceSpec {
	specs := make([]engine.InterfaceSpec, n)
	for i := range specs {
		spec, err := bodies.Strict.Interface(fmt.Appendf(nil, `{"id":"i-%d","port_id":"a","config":{"protocols":[{"eth":{"mac_address":"02:00:00:01:%02x:%02x"}},
			{"ipv4":{"method":"static","static":{"address":"10.1.%d.%d","prefix_length":8}}}]}}`, i, i>>8, i&255, i>>8, i&255))
		if err != nil {
			t.Fatal(err)
		}
		specs[i] = spec
	}
	return specs
}

func idsOf[T any](list []T, id func(T) string) []string {
	ids := make([]string, len(list))
	for i, v := range list {
		ids[i] = id(v)
	}
	return ids
}

func generatorID(s engine.GeneratorSpec) string { return s.ID }
func interfaceID(s engine.InterfaceSpec) string { return s.ID }

// largeCall is an API call for many resources.
type largeCall struct {
	name  string
	n     int // number of resources
	slice int // most resources in one turn
	setUp func(b *bench, n int)
	call  largeWork
	count func(b *bench) int // number of resources that the call has worked on, or has left
}

// largeWork prepares a call for n resources and returns a function that starts it.
type largeWork func(b *bench, n int) (begin func(done func(error)))

// learnMany adds n neighbors to interface if-a.
func learnMany(b *bench, n int) {
	b.addInterface(askerBody)
	b.addInterface(answererBody)
	spec := engine.LearningSpec{InterfaceID: "if-a", Timeout: loop.Second}
	for i := range n {
		spec.Addresses = append(spec.Addresses, netip.AddrFrom4([4]byte{10, 128 | byte(i>>16), byte(i >> 8), byte(i)}))
	}
	if _, err := b.StartLearning(spec); err != nil {
		b.t.Fatal(err)
	}
	b.run(3 * loop.Second)
	b.DeleteFinishedLearning()
	b.DeleteFinishedLearningResults()
}

func setUpGenerators(b *bench, n int) { runCall(b, createGeneratorsCall, n, nil) }

func createGeneratorsCall(b *bench, n int) func(done func(error)) {
	specs := portGenerators(b.t, n)
	if err := bindAll(b.Engine, specs, true); err != nil {
		b.t.Fatal(err)
	}
	if err := engine.CompileGenerators(specs, true); err != nil { // the server does this off the loop
		b.t.Fatal(err)
	}
	return func(done func(error)) {
		b.CreateGenerators(specs, func(_ []engine.GeneratorView, err error) { done(err) })
	}
}

// runCall makes a call and steps until it is done.
func runCall(b *bench, call largeWork, n int, each func(began time.Time)) {
	b.t.Helper()
	ended := false
	begin := call(b, n)
	began := time.Now()
	begin(func(err error) {
		if ended = true; err != nil {
			b.t.Fatal(err)
		}
	})
	for {
		if each != nil {
			each(began)
		}
		began = time.Now()
		if ended {
			return
		}
		if !b.world.Virtual().Step() {
			b.t.Fatal("nothing will happen any more")
		}
	}
}

func neighborsOf(b *bench) int {
	for _, p := range b.Memory().Kept {
		if p.What == "neighbors" {
			return p.Count
		}
	}
	return 0
}

func active(b *bench) (n int) {
	for _, g := range b.Generators() {
		if g.Active {
			n++
		}
	}
	return n
}

func largeCalls() []largeCall {
	generators := func(b *bench) int { return len(b.Generators()) }
	interfaces := func(b *bench) int { return len(b.Interfaces()) }
	createInterfaces := func(b *bench, n int) func(done func(error)) {
		specs := manyInterfaces(b.t, n)
		return func(done func(error)) {
			b.CreateInterfaces(specs, func(_ []engine.InterfaceView, err error) { done(err) })
		}
	}
	return []largeCall{
		{"create generators", 300, engine.SliceCreate, func(*bench, int) {}, createGeneratorsCall, generators},
		{"start generators", 100, engine.SliceStart, setUpGenerators, func(b *bench, n int) func(done func(error)) {
			ids := idsOf(portGenerators(b.t, n), generatorID)
			return func(done func(error)) {
				b.StartGenerators(ids, func([]*generator.Result) { done(nil) }, done)
			}
		}, active},
		{"delete generators by id", 300, engine.SliceDelete, setUpGenerators, func(b *bench, n int) func(done func(error)) {
			ids := idsOf(portGenerators(b.t, n), generatorID)
			return func(done func(error)) { b.DeleteGeneratorsByID(ids, func() { done(nil) }) }
		}, generators},
		{"delete all generators", 300, engine.SliceDelete, setUpGenerators, func(b *bench, _ int) func(done func(error)) {
			return func(done func(error)) { b.DeleteGenerators(func() { done(nil) }) }
		}, generators},
		{"create interfaces", 300, engine.SliceInterface, func(*bench, int) {}, createInterfaces, interfaces},
		{"delete interfaces", 300, engine.SliceDelete, func(b *bench, n int) { runCall(b, createInterfaces, n, nil) }, func(b *bench, n int) func(done func(error)) {
			ids := idsOf(manyInterfaces(b.t, n), interfaceID)
			return func(done func(error)) { b.DeleteInterfaces(ids, func() { done(nil) }) }
		}, interfaces},
		{"flush neighbors", 3 * engine.SliceNeighbors, engine.SliceNeighbors, learnMany, func(b *bench, _ int) func(done func(error)) {
			return func(done func(error)) {
				if err := b.FlushNeighbors("", func() { done(nil) }); err != nil {
					done(err)
				}
			}
		}, neighborsOf},
		{"delete an interface with neighbors", 3 * engine.SliceNeighbors, engine.SliceNeighbors, func(b *bench, n int) {
			learnMany(b, n)
			b.addInterface(strings.NewReplacer("if-a", "if-c", "10.0.0.10", "10.0.0.12", ":0a", ":0c").Replace(askerBody))
			if _, err := b.StartLearning(engine.LearningSpec{InterfaceID: "if-c", Timeout: loop.Second, Addresses: []netip.Addr{netip.MustParseAddr("10.128.0.1")}}); err != nil {
				b.t.Fatal(err)
			}
			b.run(2 * loop.Second)
		}, func(b *bench, _ int) func(done func(error)) {
			return func(done func(error)) { b.DeleteInterface("if-a", func() { done(nil) }) }
		}, neighborsOf},
	}
}

// TestLargeCallsTakeTurns: the work for a call in one turn of the loop is bounded, the call
// completes, and the invariants hold after each turn.
func TestLargeCallsTakeTurns(t *testing.T) {
	for _, c := range largeCalls() {
		t.Run(c.name, func(t *testing.T) {
			b := newBenchWith(t, engine.Limits{})
			c.setUp(b, c.n)
			before := c.count(b)
			last, turns := before, 0
			runCall(b, c.call, c.n, func(time.Time) {
				now := c.count(b)
				if change := max(now-last, last-now); change > c.slice {
					t.Fatalf("%d in one turn, want %d at most", change, c.slice)
				} else if change > 0 {
					turns++
				}
				last = now
				if err := b.Check(); err != nil {
					t.Fatal(err)
				}
			})
			if done := max(last-before, before-last); done < c.n || turns < c.n/c.slice {
				t.Errorf("%d of %d are done in %d turns", done, c.n, turns)
			}
		})
	}
}

// TestCountTakesTurns: generators are counted one slice in each turn. A generator that exists
// all the time is counted once, also if others are made and deleted meanwhile.
func TestCountTakesTurns(t *testing.T) {
	b := newBenchWith(t, engine.Limits{})
	const n = 3*engine.SliceCount + 5
	setUpGenerators(b, n)
	var counts *engine.Counts
	turns := 0
	runCall(b, func(*bench, int) func(done func(error)) {
		return func(done func(error)) {
			b.Count(10, func(c *engine.Counts) { counts = c; done(nil) })
		}
	}, n, func(time.Time) {
		if turns++; turns == 2 { // the first one by id has been counted, the last one not
			b.DeleteGenerator("g-0", false, func() {})
			b.DeleteGenerator("g-999", false, func() {})
		}
	})
	if counts.Generators["unsupported"] != n-1 || turns != 4 {
		t.Errorf("%v in %d turns, want %d in 4", counts.Generators, turns, n-1)
	}
	if len(counts.First) != 10 || counts.First[0].ID != "g-0" || counts.First[9].ID != "g-1005" || counts.All.Generators != n {
		t.Errorf("of %d the first are %d, from %s to %s", counts.All.Generators, len(counts.First), counts.First[0].ID, counts.First[len(counts.First)-1].ID)
	}
}

// TestFailedBulkCreateDeletesItsGenerators: if a generator cannot be made, because another
// client has used its id meanwhile, the others of the request are deleted, running ones,
// too.
func TestFailedBulkCreateDeletesItsGenerators(t *testing.T) {
	b := newBenchWith(t, engine.Limits{})
	specs := portGenerators(t, 3*engine.SliceCreate)
	var failure error
	ended := false
	b.CreateGenerators(specs, func(_ []engine.GeneratorView, err error) { failure, ended = err, true })
	if ended || len(b.Generators()) != engine.SliceCreate {
		t.Fatalf("%d generators after the first turn", len(b.Generators()))
	}
	if _, err := b.StartGenerator("g-0"); err != nil {
		t.Fatal(err)
	}
	b.DeleteGenerator("g-1", false, func() {})
	if _, err := b.CreateGenerator(specs[len(specs)-1]); err != nil {
		t.Fatal(err)
	}
	b.run(loop.Second)
	if !ended || failure == nil || kindOf(t, failure) != engine.Invalid || failure.(*engine.Error).Faults[0].Path != fmt.Sprintf("items[%d].id", len(specs)-1) {
		t.Errorf("ended %t: %v", ended, failure)
	}
	if list := b.Generators(); len(list) != 1 || list[0].ID != specs[len(specs)-1].ID || len(b.Results()) != 0 {
		t.Errorf("%d generators and %d results are left", len(list), len(b.Results()))
	}
	if err := b.Check(); err != nil || b.Memory().Reserved != 0 {
		t.Errorf("%v, %d octets are reserved", err, b.Memory().Reserved)
	}
}

// TestBulkCreateLooksAtIDsFirst: an existing id is found before a generator of the request
// appears.
func TestBulkCreateLooksAtIDsFirst(t *testing.T) {
	b := newBenchWith(t, engine.Limits{})
	specs := portGenerators(t, 2*engine.SliceCreate)
	specs[len(specs)-1].ID = "g-0"
	if _, err := b.createGenerators(specs); err == nil || err.(*engine.Error).Faults[0].Path != fmt.Sprintf("items[%d].id", len(specs)-1) {
		t.Errorf("an id given twice: %v", err)
	}
	if _, last := b.Events(0, 1); last != 2 || len(b.Generators()) != 0 { // the two ports
		t.Errorf("%d events, %d generators", last, len(b.Generators()))
	}
}

// BenchmarkLoopHold prints the longest turn of the loop in each large call. The loop serves
// nothing else during a turn.
func BenchmarkLoopHold(b *testing.B) {
	sizes := map[string]int{"create generators": 10_000, "start generators": 2_000, "delete generators by id": 10_000, "delete all generators": 10_000,
		"create interfaces": 10_000, "delete interfaces": 10_000, "flush neighbors": 1_000_000, "delete an interface with neighbors": 1_000_000}
	for _, c := range largeCalls() {
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			longest := time.Duration(0)
			for range b.N {
				b.StopTimer()
				room := newBenchWith(b, engine.Limits{})
				c.setUp(room, sizes[c.name])
				b.StartTimer()
				runCall(room, c.call, sizes[c.name], func(began time.Time) { longest = max(longest, time.Since(began)) })
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-turn")
		})
	}
	b.Run("bind-generators", func(b *testing.B) {
		longest := time.Duration(0)
		room := newBenchWith(b, engine.Limits{})
		for range b.N {
			specs := portGenerators(b, 10_000)
			for next := 0; next < len(specs); {
				began := time.Now()
				var err error
				if next, err = room.BindGenerators(specs, next, true); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(began))
			}
			room.UnbindGenerators(specs)
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-turn")
	})
	b.Run("count-generators", func(b *testing.B) {
		longest := time.Duration(0)
		room := newBenchWith(b, engine.Limits{})
		setUpGenerators(room, 30_000)
		b.ResetTimer()
		for range b.N {
			runCall(room, func(*bench, int) func(done func(error)) {
				return func(done func(error)) { room.Count(1000, func(*engine.Counts) { done(nil) }) }
			}, 0, func(began time.Time) { longest = max(longest, time.Since(began)) })
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-turn")
	})
	b.Run("list-neighbors", func(b *testing.B) {
		longest := time.Duration(0)
		room := newBenchWith(b, engine.Limits{})
		learnMany(room, 1_000_000)
		b.ResetTimer()
		for range b.N {
			l := engine.NeighborList{Filter: engine.NeighborFilter{Limit: 1 << 20}}
			timed := func(f func()) {
				began := time.Now()
				f()
				longest = max(longest, time.Since(began))
			}
			for more := true; more; {
				timed(func() { more = l.Collect(room.Engine) })
				l.Merge()
			}
			for at, end := 0, l.Sort(); at < end; at += 1024 {
				timed(func() { l.Views(room.Engine, at, min(at+1024, end)) })
			}
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-turn")
	})
}
