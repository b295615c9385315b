package loop

import (
	"sync"
	"time"
)

const (
	// leastStep is the least step of the wall clock that is followed. The two clocks
	// are read one after the other, so they always differ a little.
	leastStep = 5 * time.Millisecond
	// numSteps is how many steps are remembered.
	numSteps = 64
	// lookEvery is how often Follow looks.
	lookEvery = time.Second
)

// Wall converts times of a loop to the wall clock, which may be set while the loop runs.
// A time before a step keeps its wall-clock time; a time after it follows the clock as
// it was set. It may be used from any goroutine.
type Wall struct {
	clock func() Time      // of the loop
	now   func() time.Time // the wall clock

	mu    sync.Mutex
	steps []step // in order of since; the first is for all times before it, too
}

// A step is the wall-clock time of Time 0 for times from since on.
type step struct {
	since Time
	epoch time.Time
}

// NewWall returns the wall clock for a loop.
func NewWall(r *Real) *Wall {
	return &Wall{
		clock: r.Clock, now: func() time.Time { return time.Now().Round(0) },
		steps: []step{{0, r.epoch.Round(0)}}, // Round strips the monotonic reading
	}
}

// At returns the wall-clock time of a time of the loop.
func (w *Wall) At(t Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := len(w.steps) - 1
	for ; k > 0 && w.steps[k].since > t; k-- {
	}
	return w.steps[k].epoch.Add(time.Duration(t))
}

// Epoch returns the Unix time of Time 0 in nanoseconds, by the wall clock as it is set
// now.
func (w *Wall) Epoch() uint64 {
	w.Look()
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(w.steps[len(w.steps)-1].epoch.UnixNano())
}

// Look records whether the wall clock was set since the last call.
func (w *Wall) Look() {
	before := w.clock()
	wall := w.now()
	at := w.clock()
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.steps[len(w.steps)-1]
	// The wall clock was read between the two readings of the other one, so what
	// lies between their results may be a pause of this goroutine.
	least, most := wall.Add(-time.Duration(at)), wall.Add(-time.Duration(before))
	if last.epoch.Add(leastStep).After(least) && last.epoch.Add(-leastStep).Before(most) {
		return
	}
	if len(w.steps) == numSteps {
		w.steps = append(w.steps[:0], w.steps[1:]...)
	}
	w.steps = append(w.steps, step{at, least})
}

// Follow calls Look every second until done.
func (w *Wall) Follow(done <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			w.Look()
		}
	}
}
