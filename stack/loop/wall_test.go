package loop

import (
	"testing"
	"time"
)

// TestWallFollowsSteps checks that times after a step are by the clock as it was set,
// times before it stay; a difference that a pause between two readings explains is
// none.
func TestWallFollowsSteps(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at, offset, pause := Time(0), time.Duration(0), Duration(0)
	w := &Wall{
		clock: func() Time { at = at.Add(pause); return at },
		now:   func() time.Time { return start.Add(time.Duration(at) + offset) },
		steps: []step{{0, start}},
	}
	want := func(t0 Time, offset time.Duration) {
		t.Helper()
		if got, want := w.At(t0), start.Add(time.Duration(t0)+offset); !got.Equal(want) {
			t.Errorf("%v is %v, want %v", t0, got, want)
		}
	}
	for k, by := range []time.Duration{time.Hour, -2 * time.Hour, 4 * time.Millisecond, 24 * time.Hour} {
		before := offset
		at = Time(k+1) * Time(10*Second)
		w.Look()
		want(at, before)
		offset += by
		at = at.Add(Second)
		w.Look()
		if by < leastStep && by > 0 {
			want(at, before)
			offset = before
			continue
		}
		want(at, offset)
		want(at-1, before)
		if got := w.Epoch(); got != uint64(start.Add(offset).UnixNano()) {
			t.Errorf("the epoch is %d after a step of %v", got, by)
		}
	}
	pause = Second // of this goroutine, before and after the wall clock is read
	w.Look()
	want(at, offset)
	if n := len(w.steps); n != 4 {
		t.Errorf("%d steps", n)
	}
	pause = 0
	for range 3 * numSteps {
		offset += time.Minute
		at = at.Add(Second)
		w.Look()
		want(at, offset)
	}
	if n := len(w.steps); n != numSteps {
		t.Errorf("%d steps are kept", n)
	}
}

// TestWallOfALoop checks that a Wall returns the time of day.
func TestWallOfALoop(t *testing.T) {
	r := NewReal()
	w := NewWall(r)
	before := time.Now()
	got := w.At(r.Clock())
	if after := time.Now(); got.Before(before.Add(-leastStep)) || got.After(after.Add(leastStep)) {
		t.Errorf("%v, want %v to %v", got, before, after)
	}
	if got := time.Unix(0, int64(w.Epoch())); got.Sub(r.Epoch()).Abs() > leastStep {
		t.Errorf("the epoch is %v, want %v", got, r.Epoch())
	}
}
