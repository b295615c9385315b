package program

import (
	"fmt"
	"testing"

	"glean/stack/loop"
)

// TestOctetLoadIsDividedByTheLengthOfFrames: a load in octets is divided by the length of
// the frames, FCS included, to give their rate.
func TestOctetLoadIsDividedByTheLengthOfFrames(t *testing.T) {
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
