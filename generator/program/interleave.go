package program

import "glean/internal/arith"

// interleaver goes through the frames of a part in the order of the whole sequence, in
// which definitions take turns.
type interleaver struct {
	p         *Program
	positions []position // by definition
	def       int        // the definition that has its turn
	left      uint64     // frames of the part in its turn
	round     uint64     // of turns
	start     uint64     // the number of the turn's first frame in the whole sequence
}

func newInterleaver(p *Program, part, of uint64) interleaver {
	w := interleaver{p: p, positions: make([]position, len(p.defs))}
	for i := range w.positions {
		w.positions[i] = newPosition(&p.defs[i], part, of)
	}
	w.seek()
	return w
}

// seek finds the next definition that has frames of the part in its turn.
func (w *interleaver) seek() {
	for {
		block := w.p.blocks[w.def]
		s, end := &w.positions[w.def], w.round*block+block
		if s.flows > 0 && s.index < end {
			w.left = end - s.index
			if s.parts > 1 {
				w.left = (w.left-1)/s.parts + 1
			}
			if !s.evenlySpaced() {
				w.left = min(w.left, s.flows-s.flow)
			}
			return
		}
		w.start += block
		if w.def++; w.def == len(w.positions) {
			w.def = 0
			w.round++
		}
	}
}

// advance moves past frames of the present turn, and to the next definition when they
// were the last. The position has moved already.
func (w *interleaver) advance(frames uint64) {
	if w.left -= frames; w.left == 0 {
		w.seek()
	}
}

// frameNumber returns the number of the next frame in the whole sequence.
func (w *interleaver) frameNumber() uint64 {
	return w.start + w.positions[w.def].index - w.round*w.p.blocks[w.def]
}

// before returns how many of the first n frames of the whole belong to the part.
func (w *interleaver) before(n uint64) (own uint64) {
	if len(w.positions) == 1 {
		return w.positions[0].before(n)
	}
	round := uint64(0)
	for _, block := range w.p.blocks {
		round += block
	}
	rest := n % round
	for i, block := range w.p.blocks {
		own += w.positions[i].before(n/round*block + min(rest, block))
		rest -= min(rest, block)
	}
	return own
}

// lookahead is the definitions of the next frames, written down in advance.
type lookahead struct {
	interleaver interleaver
	ahead       []uint32 // definitions; those from at to end are to come
	at          int
	end         int
	period      int // after so many they repeat, and ahead has them all; 0 if the interleaver must go on
}

// maxPeriod bounds the frames whose definitions are written down.
const maxPeriod = 1 << 12

// newLookahead takes an interleaver that has not moved.
func newLookahead(w interleaver) lookahead {
	t := lookahead{interleaver: w, period: w.period()}
	t.ahead = make([]uint32, t.period+Batch)
	if t.period > 0 {
		t.fill(len(t.ahead))
	}
	return t
}

// period returns the number of frames after which the turns repeat, 0 if there are more
// than maxPeriod.
func (w *interleaver) period() int {
	if len(w.positions) == 1 {
		return 1
	}
	rounds, frames := uint64(1), uint64(0)
	for i := range w.positions {
		s, block := &w.positions[i], w.p.blocks[i]
		if s.flows > 0 && (!s.evenlySpaced() || block > maxPeriod || s.parts > maxPeriod) {
			return 0
		}
		again, _ := arith.LCM(min(block, maxPeriod), s.parts)
		if rounds, _ = arith.LCM(rounds, again/min(block, maxPeriod)); rounds > maxPeriod {
			return 0
		}
	}
	for i := range w.positions {
		if w.positions[i].flows > 0 {
			frames += rounds * w.p.blocks[i] / w.positions[i].parts
		}
	}
	if frames > maxPeriod {
		return 0
	}
	return int(frames)
}

// fill writes definitions down until there are n.
func (t *lookahead) fill(n int) {
	t.end = copy(t.ahead, t.ahead[t.at:t.end])
	t.at = 0
	for w := &t.interleaver; t.end < n; {
		run := min(uint64(n-t.end), w.left)
		for range run {
			t.ahead[t.end] = uint32(w.def)
			t.end++
		}
		w.positions[w.def].move(run)
		w.advance(run)
	}
}

// next returns the definitions of the next n frames, at most Batch.
func (t *lookahead) next(n int) []uint32 {
	if t.end-t.at < n {
		t.fill(Batch)
	}
	return t.ahead[t.at : t.at+n]
}

// advance moves past n frames.
func (t *lookahead) advance(n int) {
	if t.at += n; t.period > 0 {
		t.at %= t.period
	}
}
