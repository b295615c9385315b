package engine_test

import (
	"strings"
	"testing"

	"glean/generator/signature"
	"glean/stack/loop"
)

// TestSignaturesCarryUnixTime: a signature has the time of sending by the wall clock's
// setting at the start of the run. A step of the clock applies to the next run.
func TestSignaturesCarryUnixTime(t *testing.T) {
	n := newNetwork(t, 1)
	body := strings.Replace(string(flowsTo("g", "0", "", "", host4)), `"length"`, `"signature":{"stream_id":1,"latency":"start_of_frame"},"length"`, 1)
	n.create([]byte(body))
	const day = uint64(24 * 3600 * loop.Second)
	for _, epoch := range []uint64{20_000 * day, 20_001 * day, 19_000 * day} {
		n.epoch = epoch
		n.start("g")
		n.run(10 * loop.Millisecond)
		n.epoch += 7 * day
		n.run(10 * loop.Millisecond)
		n.stop("g")
		frames := n.taken()
		if len(frames) < 10 {
			t.Fatalf("%d frames", len(frames))
		}
		for _, f := range frames {
			if s, ok := signature.Read(f.frame); !ok || s.Time != epoch+uint64(f.at) {
				t.Fatalf("signed %t %d, want %d", ok, s.Time, epoch+uint64(f.at))
			}
		}
	}
}
