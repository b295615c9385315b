package sim

import (
	"testing"

	"glean/stack/header"
	"glean/stack/loop"
)

// TestPolicePassesRateAndBucket: of the solicitations that come at once a bucketful passes, later as many
// a second as the rate says, and other frames pass always.
func TestPolicePassesRateAndBucket(t *testing.T) {
	question := make([]byte, 60)
	question[12], question[13] = 0x08, 0x06
	question[header.EthernetSize+7] = byte(header.ARPRequest)
	r := Police(300, 60)
	passed := func(at loop.Time, f []byte, n int) (count int) {
		for range n {
			v := Verdict{}
			if r.Judge(&Crossing{Now: at, Frame: f}, &v); v.Drop == NotDropped {
				count++
			} else if v.Drop != DropPoliced {
				t.Fatalf("dropped for %s", v.Drop)
			}
		}
		return count
	}
	for _, c := range []struct {
		at   loop.Duration
		want int
	}{{0, 60}, {0, 0}, {loop.Second / 10, 30}, {loop.Second/10 + loop.Second/300 + 1, 1}, {3_600_000 * loop.Second, 60}} {
		if got := passed(loop.Time(c.at), question, 100); got != c.want {
			t.Errorf("%d of 100 questions pass at %s, want %d", got, c.at, c.want)
		}
	}
	if got := passed(loop.Time(3_600_000*loop.Second), make([]byte, 60), 100); got != 100 {
		t.Errorf("%d of 100 other frames pass", got)
	}
	if s := r.String(); s != "police 300/s, bucket 60" {
		t.Error(s)
	}
}
