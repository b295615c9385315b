package loop

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLimiterLaw checks that whatever the times, in no window of time more events are
// admitted than a burst and one for each gap of the window, and one that comes a gap
// after the one before is always admitted.
func TestLimiterLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limiter{Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Gap: Duration(rapid.IntRange(1, 10).Draw(t, "gap"))}
		var admitted []Time
		now, before := Time(0), Time(-1000)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now = now.Add(Duration(rapid.IntRange(0, 20).Draw(t, "pause")))
			ok := l.Allow(now)
			if !ok && now.Sub(before) >= l.Gap {
				t.Fatalf("refused at %d, though the event before was at %d", now, before)
			}
			before = now
			if ok {
				admitted = append(admitted, now)
			}
		}
		for i := range admitted {
			for j := i; j < len(admitted); j++ {
				if most := l.Burst + int(admitted[j].Sub(admitted[i])/l.Gap); j-i+1 > most {
					t.Fatalf("%d events from %d to %d, at most %d are allowed", j-i+1, admitted[i], admitted[j], most)
				}
			}
		}
	})
}
