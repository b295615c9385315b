package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack/loop"
)

// manyFlows returns the configuration of a generator with n destinations.
func manyFlows(n int) string {
	return fmt.Sprintf(`{"target_id":"if-a","config":{"duration":{"continuous":true},"load":{"rate":{"value":10,"period":"seconds"},"units":"frames"},
		"learning":{"timeout_ms":1000,"on_unresolved":"skip"},"traffic":[{"length":{"fixed":128},"packet":{"protocols":[{"ethernet":{}},
		{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":"10.0.0.0"}}}]}},{"udp":{}}]}}]}}`, n)
}

func generatorOf(t testing.TB, id string, flows int) engine.GeneratorSpec {
	spec, err := bodies.Strict.Generator([]byte(manyFlows(flows)))
	if err != nil {
		t.Fatal(err)
	}
	spec.ID = id
	return spec
}

// TestMemoryBudgetRefusalNamesLargest: a request beyond the budget is refused, and the error
// names the largest resource. After its deletion the request succeeds.
func TestMemoryBudgetRefusalNamesLargest(t *testing.T) {
	b := newBenchWith(t, engine.Limits{Memory: 64 << 20})
	b.addInterface(ifA)
	made, refused := 0, error(nil)
	for refused == nil {
		spec := generatorOf(t, fmt.Sprint("g-", made), 50_000)
		if _, refused = b.CreateGenerator(spec); refused == nil {
			made++
		}
	}
	var e *engine.Error
	if !errors.As(refused, &e) || e.Kind != engine.TooMany || e.Memory == nil || made < 3 {
		t.Fatalf("%d were made, then %v", made, refused)
	}
	if used := e.Memory.Used(); used > 64<<20 || e.Memory.Needed+used <= 64<<20 || len(e.Memory.Largest) == 0 {
		t.Errorf("%d octets are used, %d needed: %+v", used, e.Memory.Needed, e.Memory)
	}
	for _, want := range []string{"the request needs ", "of the budget of 64 MiB", "generators", "DELETE /", "limits.memory"} {
		if !strings.Contains(e.Detail, want) {
			t.Errorf("%q does not say %q", e.Detail, want)
		}
	}
	b.run(2 * loop.Second) // learning has ended
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	b.DeleteGenerator("g-0", false, func() {})
	b.DeleteGenerator("g-1", false, func() {})
	b.DeleteFinishedLearningResults()
	if _, err := b.CreateGenerator(generatorOf(t, "again", 50_000)); err != nil {
		t.Errorf("what is deleted holds memory: %v", err)
	}
}

// TestLearningResultsKeepWithinTheirPart: the oldest learning results are dropped before all
// take more than their part of the budget.
func TestLearningResultsKeepWithinTheirPart(t *testing.T) {
	b := newBenchWith(t, engine.Limits{Memory: 64 << 20})
	b.addInterface(ifA)
	for n := range 40 {
		if _, err := b.CreateGenerator(generatorOf(t, "g", 50_000)); err != nil {
			t.Fatalf("generator %d: %v", n, err)
		}
		b.run(2 * loop.Second)
		b.DeleteGenerator("g", false, func() {})
	}
	octets := octetsOf(b.Memory(), "learning-results")
	if n := len(b.LearningResults()); n < 2 || n == 40 || octets > 16<<20 {
		t.Errorf("%d learning results of %d octets are kept in a quarter of 64 MiB", n, octets)
	}
}

// TestMemoryIsAccountedFor: after each step of making, binding, starting and deleting, the
// account equals a recount; at the end it is empty.
func TestMemoryIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBenchWith(t, engine.Limits{Memory: 16 << 20, RetainResults: 3, RetainRequests: 3})
		empty := b.Memory()
		ids := []string{"a", "b", "c", "d"}
		b.addInterface(ifA)
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0, 1:
				_, _ = b.CreateGenerator(generatorOf(t, id, rapid.SampledFrom([]int{1, 100, 30_000, 100_000}).Draw(rt, "flows")))
			case 2:
				specs := []engine.GeneratorSpec{generatorOf(t, id, 10), generatorOf(t, "a", 20_000)}
				if bindAll(b.Engine, specs, true) == nil && engine.CompileGenerators(specs, true) == nil && rapid.Bool().Draw(rt, "made") {
					_, _ = b.createGenerators(specs)
				}
				b.UnbindGenerators(specs)
			case 3:
				_, _ = b.StartGenerator(id)
			case 4:
				b.DeleteGenerator(id, rapid.Bool().Draw(rt, "force"), func() {})
			case 5:
				spec := engine.LearningSpec{GeneratorIDs: []string{id}}
				if b.BindLearning(&spec) == nil && rapid.Bool().Draw(rt, "learns") {
					_, _ = b.StartLearning(spec)
				}
				b.UnbindLearning(&spec)
			case 6:
				b.DeleteFinishedLearning()
				b.DeleteFinishedLearningResults()
				b.DeleteResults()
			case 7:
				b.run(700 * loop.Millisecond)
			}
			b.run(loop.Millisecond)
			if err := b.Check(); err != nil {
				rt.Fatal(err)
			}
			if n := b.Memory().Reserved; n != 0 {
				rt.Fatalf("%d octets are reserved by no request", n)
			}
		}
		for _, id := range ids {
			b.DeleteGenerator(id, true, func() {})
		}
		b.run(5 * loop.Second)
		b.DeleteInterface("if-a", func() {})
		b.DeleteFinishedLearning()
		b.DeleteFinishedLearningResults()
		// The events are kept.
		used := b.Memory()
		if n := used.Used() - octetsOf(used, "events"); n != empty.Used()-octetsOf(empty, "events") {
			rt.Fatalf("of nothing, %d octets are accounted for: %+v", n, used)
		}
	})
}

func octetsOf(u engine.MemoryUse, what string) int64 {
	for _, p := range u.Kept {
		if p.What == what {
			return p.Octets
		}
	}
	return 0
}
