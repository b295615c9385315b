package generator

import (
	"fmt"
	"testing"

	"glean/stack/loop"
)

// TestPitfall10OctetLoadIsDivided: a load in octets is divided by the length of
// the frames, FCS included, to give their rate.
func TestPitfall10OctetLoadIsDivided(t *testing.T) {
	for _, c := range []struct{ length, octets, frames int }{
		{64, 64_000, 1000}, {1000, 64_000, 64}, {9216, 921_600, 100}, {128, 64, 0},
	} {
		p := mustCompile(t, fmt.Sprintf(`{"duration":{"continuous":true},"load":{"rate":{"value":%d,"period":"second"},"units":"octets"},
			"traffic":[{"length":{"fixed":%d},"packet":{"protocols":[{"ethernet":{}}]}}]}`, c.octets, c.length), Binding{})
		if c.frames > 0 {
			if got := p.pace.when(uint64(c.frames)); got != loop.Second {
				t.Errorf("%d octets a second in frames of %d: %d frames take %v, want 1 s", c.octets, c.length, c.frames, got)
			}
		} else if got := p.pace.when(1); got != 2*loop.Second {
			t.Errorf("64 octets a second in frames of 128: the second frame is due at %v, want 2 s", got)
		}
	}
}

// TestPitfall13IDsDoNotCollide: no two of many results and flows have one id.
func TestPitfall13IDsDoNotCollide(t *testing.T) {
	r := newRoom(t)
	seen := make(map[string]string)
	add := func(id, what string) {
		if other, taken := seen[id]; taken {
			t.Fatalf("%s and %s have the id %s", what, other, id)
		}
		seen[id] = what
	}
	for _, name := range []string{"a", "b"} {
		r.resolve(r.create(name, flowsTo(300, perMillisecond, `{"frames":1}`, "")))
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
