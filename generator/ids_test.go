package generator

import (
	"fmt"
	"testing"

	"glean/generator/traffic/traffictest"
	"glean/stack/loop"
)

// TestIDsOfResultsAndFlowsDoNotCollide: no two of many results and flows have one id.
func TestIDsOfResultsAndFlowsDoNotCollide(t *testing.T) {
	r := newRoom(t)
	seen := make(map[string]string)
	add := func(id, what string) {
		if other, taken := seen[id]; taken {
			t.Fatalf("%s and %s have the id %s", what, other, id)
		}
		seen[id] = what
	}
	for _, name := range []string{"a", "b"} {
		r.resolve(r.create(name, traffictest.FlowsTo(300, traffictest.PerMillisecond, `{"frames":1}`, "")))
		for run := range 20 {
			result, err := r.m.Start(name)
			if err != nil {
				t.Fatal(err)
			}
			r.loop.RunFor(loop.Second)
			add(result.ID, fmt.Sprintf("result %d of %s", run, name))
			for flow := range 300 {
				add(FlowID(result.ID, flow), fmt.Sprintf("flow %d of result %d of %s", flow, run, name))
			}
		}
	}
}
