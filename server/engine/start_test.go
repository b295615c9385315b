package engine_test

import (
	"fmt"
	"testing"

	"glean/generator"
	"glean/server/engine"
	"glean/stack/loop"
)

// TestBulkStartIsSimultaneous: the first frames of all generators of a bulk start are due
// at one moment, and their schedules stay together.
func TestBulkStartIsSimultaneous(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	var ids []string
	for n := range 5 {
		ids = append(ids, fmt.Sprintf("gen-%d", n))
		b.addGenerator(ids[n], `"198.18.0.11"`)
	}
	b.run(loop.Second)
	asked := b.Now()
	var results []*generator.Result
	b.StartGenerators(ids, func(r []*generator.Result) { results = r }, func(err error) { t.Error(err) })
	if len(results) != len(ids) {
		t.Fatalf("%d of %d were started", len(results), len(ids))
	}
	sent := b.a.Traffic().Sent
	b.run(50 * loop.Millisecond)
	if b.a.Traffic().Sent == sent {
		t.Fatal("nothing was sent")
	}
	first := results[0].Run().Counters()
	if wait := first.First.Sub(asked); wait <= 0 || wait > 10*loop.Millisecond {
		t.Errorf("the first frame came %v ns after the start", wait)
	}
	for n, r := range results {
		if c := r.Run().Counters(); c != first {
			t.Errorf("generator %d: %+v, generator 0: %+v", n, c, first)
		}
	}
}

// TestFailedBulkStartSendsNothing: if one generator of a bulk start cannot start, no frame
// of the others leaves.
func TestFailedBulkStartSendsNothing(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	b.addGenerator("good", `"198.18.0.11"`)
	b.addGenerator("bad", `"198.18.0.77"`) // no host answers
	b.run(3 * loop.Second)
	sent := b.a.Traffic().Sent
	var failure error
	b.StartGenerators([]string{"good", "bad"}, func([]*generator.Result) { t.Error("started") }, func(err error) { failure = err })
	b.run(loop.Second)
	if kindOf(t, failure) != engine.Conflict || b.a.Traffic().Sent != sent || len(b.Results()) != 0 {
		t.Errorf("error %v; %d frames left; %d results", failure, b.a.Traffic().Sent-sent, len(b.Results()))
	}
}

// TestSingleStartIsAtOnce: a generator that starts alone starts at once.
func TestSingleStartIsAtOnce(t *testing.T) {
	b := newBench(t)
	b.addInterface(ifA)
	b.addInterface(ifB)
	b.addGenerator("gen", `"198.18.0.11"`)
	b.run(loop.Second)
	asked := b.Now()
	b.StartGenerators([]string{"gen"}, func(r []*generator.Result) {
		b.run(10 * loop.Millisecond)
		if c := r[0].Run().Counters(); c.First != asked {
			t.Errorf("the first frame was sent at %v, the start was at %v", c.First, asked)
		}
	}, func(err error) { t.Error(err) })
}
