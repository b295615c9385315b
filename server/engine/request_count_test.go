package engine_test

import (
	"testing"

	"glean/server/engine"
	"glean/stack/loop"
)

// TestRequestLimitIsCheckedWithoutAList: a new learning request costs the same
// whatever is kept, so the kept ones are neither copied nor sorted to count them.
func TestRequestLimitIsCheckedWithoutAList(t *testing.T) {
	b := newBenchWith(t, engine.Limits{})
	b.addInterface(ifA)
	b.addInterface(ifB)
	lookUp := func() float64 {
		return testing.AllocsPerRun(100, func() {
			if b.BindLearning(&engine.LearningSpec{GeneratorIDs: []string{"none"}}) == nil {
				t.Fatal("an unknown generator was found")
			}
		})
	}
	none := lookUp()
	for range 300 {
		b.addGenerator("gen-1", `"198.18.0.11"`)
		b.run(loop.Millisecond)
		b.DeleteGenerator("gen-1", false, func() {})
	}
	if kept := lookUp(); kept != none {
		t.Errorf("%v allocations with 300 kept requests, %v with none", kept, none)
	}
}
