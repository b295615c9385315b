package generator

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/program"
	"glean/stack/loop"
)

// now is what is read from totals: the ended runs and those that go on.
func (t *AllTotals) now() program.Counters {
	all := t.Ended
	for _, r := range t.Runs {
		all = all.Plus(r.Run().Counters())
	}
	return all
}

// TestTotalsNeverDecrease: whatever is started, stopped and deleted, the totals of a
// generator are the sum of its runs' results, those of all have the deleted
// generators too, and no total ever decreases.
func TestTotalsNeverDecrease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRoom(t)
		r.atOnce = true
		sums := make(map[string]program.Counters) // by id, of the generator that has it now
		gone, before := noCounters, noCounters
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id")
			g, err := r.m.Get(id)
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				if err != nil {
					r.create(id, thousandFrames)
					sums[id] = noCounters
				}
			case 1:
				_, _ = r.m.Start(id) // it may be active
			case 2:
				_ = r.m.Stop(id, func() {})
			case 3:
				if err == nil && !g.Active() {
					gone = gone.Plus(g.Totals().Ended)
					_, _ = r.m.Delete(id, false)
					delete(sums, id)
				}
			}
			r.loop.RunFor(loop.Duration(rapid.IntRange(0, 600).Draw(rt, "ms")) * loop.Millisecond)

			want := gone
			active := 0
			for _, g := range r.m.sorted {
				sum := noCounters
				for result := range r.m.Results() {
					if result.Generator == g {
						sum = sum.Plus(result.Run().Counters())
					}
				}
				got := g.Totals()
				total := got.Ended
				if got.Run != nil {
					active++
					total = total.Plus(got.Run.Counters())
				}
				if got.ID != g.ID || (got.Run != nil) != g.Active() || total != sum {
					rt.Fatalf("%s: %+v are %+v, want %+v", g.ID, got, total, sum)
				}
				want = want.Plus(sum)
			}
			all := r.m.Totals()
			if got := all.now(); got != want || len(all.Runs) != active || r.m.ActiveCount() != active || all.Generators != len(r.m.sorted) {
				rt.Fatalf("all: %+v are %+v, want %+v of %d active", all, got, want, active)
			}
			if got := all.now(); got.PacketsActual < before.PacketsActual || got.OctetsActual < before.OctetsActual || got.PacketsIntended < before.PacketsIntended {
				rt.Fatalf("totals decrease from %+v to %+v", before, got)
			} else {
				before = got
			}
		}
	})
}

// TestAfterPagesById: pages of any size have every generator once, by id.
func TestAfterPagesById(t *testing.T) {
	r := newRoom(t)
	var want []string
	for n := range 10 {
		id := fmt.Sprint("g-", n)
		r.create(id, thousandFrames)
		want = append(want, id)
	}
	for size := 1; size <= 11; size++ {
		var got []string
		after := ""
		for {
			page := r.m.After(after, size)
			for _, g := range page {
				got, after = append(got, g.ID), g.ID
			}
			if len(page) < size {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v", size, got)
		}
	}
	if _, err := r.m.Delete("g-3", false); err != nil {
		t.Fatal(err)
	}
	if page := r.m.After("g-3", 1); len(page) != 1 || page[0].ID != "g-4" {
		t.Errorf("after one that is gone: %v", page)
	}
}
