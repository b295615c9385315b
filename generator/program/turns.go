package program

import "glean/internal/arith"

// turns are the definitions whose turn it is in the frames to come.
type turns struct {
	walk   walk
	ahead  []uint32 // definitions; those from at to end are to come
	at     int
	end    int
	period int // after so many they repeat, and ahead has them all; 0 if the walk goes on
}

// maxPeriod bounds the turns that are written down.
const maxPeriod = 1 << 12

// newTurns takes a walk that has not begun.
func newTurns(w walk) turns {
	t := turns{walk: w, period: w.period()}
	t.ahead = make([]uint32, t.period+Batch)
	if t.period > 0 {
		t.fill(len(t.ahead))
	}
	return t
}

// period is the number of frames after which a walk's turns repeat, 0 if they
// are too many.
func (w *walk) period() int {
	if len(w.spots) == 1 {
		return 1
	}
	rounds, frames := uint64(1), uint64(0)
	for i := range w.spots {
		s, block := &w.spots[i], w.p.blocks[i]
		if s.flows > 0 && (!s.even() || block > maxPeriod || s.by > maxPeriod) {
			return 0
		}
		again, _ := arith.LCM(min(block, maxPeriod), s.by)
		if rounds, _ = arith.LCM(rounds, again/min(block, maxPeriod)); rounds > maxPeriod {
			return 0
		}
	}
	for i := range w.spots {
		if w.spots[i].flows > 0 {
			frames += rounds * w.p.blocks[i] / w.spots[i].by
		}
	}
	if frames > maxPeriod {
		return 0
	}
	return int(frames)
}

// fill writes down turns until there are n.
func (t *turns) fill(n int) {
	t.end = copy(t.ahead, t.ahead[t.at:t.end])
	t.at = 0
	for w := &t.walk; t.end < n; {
		run := min(uint64(n-t.end), w.left)
		for range run {
			t.ahead[t.end] = uint32(w.def)
			t.end++
		}
		w.spots[w.def].move(run)
		w.turn(run)
	}
}

// next are the next n definitions, n being at most Batch.
func (t *turns) next(n int) []uint32 {
	if t.end-t.at < n {
		t.fill(Batch)
	}
	return t.ahead[t.at : t.at+n]
}

// take moves past n of them.
func (t *turns) take(n int) {
	if t.at += n; t.period > 0 {
		t.at %= t.period
	}
}
