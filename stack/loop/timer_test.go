package loop

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestHeapModel compares the heap with a list that is searched, while timers are armed,
// moved and disarmed.
func TestHeapModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type armed struct {
			at    Time
			order int // of arming
		}
		var h timers
		all := make([]Timer, 40)
		for i := range all {
			all[i].Init(func() {})
		}
		model := make(map[*Timer]armed)
		armings := 0
		draw := func(t *rapid.T) *Timer { return &all[rapid.IntRange(0, len(all)-1).Draw(t, "timer")] }
		t.Repeat(map[string]func(*rapid.T){
			"arm": func(t *rapid.T) {
				tm, at := draw(t), Time(rapid.IntRange(0, 20).Draw(t, "at"))
				armings++
				h.arm(tm, at)
				model[tm] = armed{at, armings}
			},
			"disarm": func(t *rapid.T) {
				tm := draw(t)
				h.disarm(tm)
				delete(model, tm)
			},
			"take": func(t *rapid.T) {
				tm := h.min().timer
				if tm == nil {
					t.Skip("empty")
				}
				h.disarm(tm)
				delete(model, tm)
			},
			"": func(t *rapid.T) {
				var first *Timer
				for tm, e := range model {
					if first == nil || e.at < model[first].at || e.at == model[first].at && e.order < model[first].order {
						first = tm
					}
				}
				if got := h.min().timer; got != first {
					t.Fatalf("the first timer is %v, want %v", got, first)
				}
				if len(h.heap) != len(model) {
					t.Fatalf("%d timers in the heap, want %d", len(h.heap), len(model))
				}
				for i := range all {
					_, armed := model[&all[i]]
					if all[i].Armed() != armed || armed && h.heap[all[i].pos-1].timer != &all[i] {
						t.Fatalf("timer %d: armed %v at position %d, want armed %v", i, all[i].Armed(), all[i].pos, armed)
					}
				}
			},
		})
	})
}

// TestVirtualRunsInOrder checks that timers run in the order (deadline, arming).
func TestVirtualRunsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ats := rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "ats")
		v := NewVirtual()
		var got [][2]int
		for i, at := range ats {
			v.Arm(NewTimer(func() { got = append(got, [2]int{int(v.Now()), i}) }), Time(at))
		}
		v.RunUntil(Never)
		var want [][2]int
		for i, at := range ats {
			want = append(want, [2]int{at, i})
		}
		slices.SortFunc(want, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, want) {
			t.Fatalf("ran %v, want %v", got, want)
		}
	})
}

func TestInitOfAnArmedTimerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	tm := NewTimer(func() {})
	NewVirtual().Arm(tm, 1)
	tm.Init(func() {})
}
