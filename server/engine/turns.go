package engine

import "glean/stack/loop"

// Long work is done in slices, one in each turn of the loop, so that a call for ten
// thousand resources delays frames and other calls by a few milliseconds only. These are
// the numbers of items in one slice.
const (
	sliceBind      = 128  // generators, with an estimate of their memory
	sliceCreate    = 32   // generators, with their learning
	sliceStart     = 16   // generators, with their transmitters
	sliceDelete    = 64   // generators or interfaces
	sliceInterface = 64   // interfaces that are made
	sliceCount     = 1024 // generators that are counted
	sliceNeighbors = 8192 // entries of a neighbor cache that are read
)

// inSlices calls do with 0, 1, 2, ... below n, slice calls in this turn of the loop and in
// each of the next ones, and then end. It stops early when do returns false. If n is at
// most slice, all calls are done when inSlices returns.
func (e *Engine) inSlices(n, slice int, do func(i int) bool, end func()) {
	at := 0
	e.inTurns(func() bool {
		for to := min(n, at+slice); at < to; at++ {
			if !do(at) {
				return false
			}
		}
		return at < n
	}, end)
}

// inTurns calls do in this turn of the loop and in each of the next ones until do returns
// false, and then end.
func (e *Engine) inTurns(do func() bool, end func()) {
	if !do() {
		end()
		return
	}
	var t *loop.Timer
	t = loop.NewTimer(func() {
		if do() {
			e.loop.Arm(t, e.loop.Now())
			return
		}
		end()
	})
	e.loop.Arm(t, e.loop.Now())
}
