package program

import (
	"strings"
	"testing"

	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/loop"
)

// FuzzConfig: whatever is posted, parsing, compiling and sending neither panics
// nor runs away, and faults name their place.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(traffictest.Plain))
	for _, s := range modifierSets {
		f.Add([]byte(traffictest.Config(traffictest.PerMillisecond, s.traffic)))
	}
	f.Add([]byte(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"custom":{"data":"AAAAAAAAAAAAAAAAAAAAD///AAAA","layer":"ethernet"},"modifiers":{"items":[{"name":"data","offset":15,"permute":true,"field":{"sequence":{"count":3,"start":1,"stop":9,"skip":[3]}}}]}}`,
		"", `,"length":{"random":{"min":64,"max":200}}`))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, faults := traffic.ParseConfig(raw)
		for _, fault := range faults {
			if !strings.HasPrefix(fault.Path, "config") || fault.Detail == "" {
				t.Fatalf("%+v", fault)
			}
		}
		if (c == nil) != (len(faults) > 0) {
			t.Fatal("a configuration with faults, or neither")
		}
		if c == nil {
			return
		}
		for _, binding := range []Binding{{}, onLink()} {
			if binding.Interface && flowsOf(c) > 100_000 {
				continue // compiling a million destinations is right, but slow for a fuzzer
			}
			p, faults := Compile(c, binding)
			if p == nil {
				if len(faults) == 0 {
					t.Fatal("no program and no fault")
				}
				continue
			}
			resolveAll(p)
			r := NewRun(p, RunOptions{})
			q := new(countingQueue)
			for now := loop.Time(0); now < 5; now++ {
				if next, running := r.Step(now<<40, q); running && next < now<<40 {
					t.Fatalf("next step at %v", next)
				}
			}
			if got := r.Counters(); got.PacketsActual != uint64(q.frames) {
				t.Fatalf("%d frames, %+v", q.frames, got)
			}
		}
	})
}

func flowsOf(c *traffic.Config) (n uint64) {
	for i := range c.Traffic {
		n = max(n, c.Traffic[i].Flows)
	}
	return n
}
