package engine_test

import (
	"runtime"
	"testing"

	"glean/server/engine"
	"glean/stack/loop"
)

// TestRequestLimitIsCheckedWithoutAList: the cost of a new learning request does not depend
// on the number of kept requests, which are neither copied nor sorted to count them.
func TestRequestLimitIsCheckedWithoutAList(t *testing.T) {
	b := newBenchWith(t, engine.Limits{})
	b.addInterface(ifA)
	b.addInterface(ifB)
	const lookUps, kept = 100, 300
	octets := func() int {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range lookUps {
			if b.BindLearning(&engine.LearningSpec{GeneratorIDs: []string{"none"}}) == nil {
				t.Fatal("an unknown generator was found")
			}
		}
		runtime.ReadMemStats(&after)
		return int(after.TotalAlloc-before.TotalAlloc) / lookUps
	}
	none := octets()
	for range kept {
		b.addGenerator("gen-1", `"198.18.0.11"`)
		b.run(loop.Millisecond)
		b.DeleteGenerator("gen-1", false, func() {})
	}
	// A list would have a pointer to each. The race detector empties pools at random.
	if some := octets(); some-none >= 8*kept/2 {
		t.Errorf("%d octets with %d kept requests, %d with none", some, kept, none)
	}
}
