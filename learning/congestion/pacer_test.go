package congestion

import (
	"testing"

	"glean/stack/loop"
)

// TestPacerCatchesUpALittle: coarse timers do not lower the rate, and a pause is no
// reason for a burst.
func TestPacerCatchesUpALittle(t *testing.T) {
	l := Pacer{Gap: loop.Millisecond / 10}
	sent := 0
	for now := loop.Time(loop.Second); now < loop.Time(2*loop.Second); now = now.Add(loop.Millisecond) {
		for l.NextAt <= now {
			l.Pace(now)
			sent++
		}
	}
	if sent < 9990 || sent > 10010 {
		t.Errorf("%d solicitations in a second at 10,000 a second and a clock of 1 ms", sent)
	}
	l.NextAt = 0
	for sent = 0; l.NextAt <= loop.Time(5*loop.Second); sent++ {
		l.Pace(loop.Time(5 * loop.Second))
	}
	if sent != 1 {
		t.Errorf("%d solicitations at once after a pause", sent)
	}
}
