package generator

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/traffic/traffictest"
	"glean/stack/loop"
)

// TestResultsAreRetained by number, size and age: the oldest go first, results of
// active runs stay, and so does the newest.
func TestResultsAreRetained(t *testing.T) {
	one := func() int64 {
		r := newRoom(t)
		r.resolve(r.create("g", thousandFrames))
		result, err := r.m.Start("g")
		if err != nil {
			t.Fatal(err)
		}
		r.loop.RunFor(2 * loop.Second)
		return result.Size()
	}()
	for _, c := range []struct {
		name string
		set  func(*Options)
		want int // results of five runs of one second each, right after the last one's end
	}{
		{"all", func(*Options) {}, 5},
		{"two", func(o *Options) { o.Retain = 2 }, 2},
		{"the size of three", func(o *Options) { o.RetainSize = 3*one + one/2 }, 3},
		{"less than one", func(o *Options) { o.RetainSize = 1 }, 1},
		{"for 2.5 s", func(o *Options) { o.RetainFor = 2500 * loop.Millisecond }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRoom(t)
			c.set(&r.m.options)
			var ids []string
			r.resolve(r.create("active", traffictest.OneFlow(traffictest.PerMillisecond, `{"continuous":true}`, "")))
			active, err := r.m.Start("active")
			if err != nil {
				t.Fatal(err)
			}
			r.resolve(r.create("g", thousandFrames))
			for range 5 {
				result, err := r.m.Start("g")
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, result.ID)
				for result.Active() {
					r.loop.Step()
				}
			}
			var kept []string
			for result := range r.m.Results() {
				if result != active {
					kept = append(kept, result.ID)
				}
			}
			if !slices.Equal(kept, ids[5-c.want:]) {
				t.Errorf("kept are %v of %v, want the last %d", kept, ids, c.want)
			}
			if _, err := r.m.Result(active.ID); err != nil {
				t.Errorf("the result of the active run: %v", err)
			}
			if got, want := r.m.Sizes(), r.m.CountSizes(); got != want {
				t.Errorf("%+v accounted for, %+v counted", got, want)
			}
			if c.name == "for 2.5 s" {
				r.loop.RunFor(3 * loop.Second)
				if n := r.m.ResultCount(); n != 1 {
					t.Errorf("%d results are kept after 3 s more", n)
				}
			}
		})
	}
}

// TestSizesAreAccountedFor: whatever is made, started, stopped and deleted, the
// account is what counting says, and zero in the end.
func TestSizesAreAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom(&noTB{})
		r.m.options.Retain = rapid.IntRange(0, 4).Draw(t, "retain")
		ids := []string{"a", "b", "c"}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "id")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1:
				count := rapid.IntRange(1, 50).Draw(t, "flows")
				text := traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(fmt.Sprintf(`{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":"198.18.0.10"}}}]}}`, count), "", ""))
				if g, err := r.m.Create(Create{ID: id, TargetID: "if-1", Config: []byte(text), Binding: onLink()}); err == nil {
					r.resolve(g)
				}
			case 2, 3:
				_, _ = r.m.Start(id)
			case 4:
				_ = r.m.Stop(id, func() {})
			case 5:
				_, _ = r.m.Delete(id, rapid.Bool().Draw(t, "force"))
			case 6:
				r.m.DeleteResults()
			}
			r.loop.RunFor(loop.Millisecond)
			if got, want := r.m.Sizes(), r.m.CountSizes(); got != want {
				t.Fatalf("%+v accounted for, %+v counted", got, want)
			}
		}
		for _, id := range ids {
			_, _ = r.m.Delete(id, true)
		}
		r.loop.RunFor(loop.Second)
		if got := r.m.Sizes(); got != (Sizes{}) {
			t.Fatalf("%+v accounted for, and nothing is left", got)
		}
	})
}

// noTB is for rooms whose helpers are not used.
type noTB struct{ testing.TB }
