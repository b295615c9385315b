package generator

import "slices"

// A slot is soonest filled if it holds a frame of the same definition and length
// already. Where these repeat after few frames, as they do with one length and
// with most mixes, each batch begins with the slot that fits its first frame.

// layout says which kinds of frames the slots are for.
type layout struct {
	pattern []kind // of the frames, over and over; nil if it is longer than a batch
	next    int    // the slot that the next batch begins with, if there were more slots
	laid    bool   // all slots are prepared by the pattern
	aligned bool   // the batch keeps to the pattern: none of its frames was left out
}

// kind is a definition and one of its lengths, as indexes.
type kind struct{ def, size int }

// newLayout finds the kinds of the frames that a walk goes through from its
// beginning, if they repeat within a batch.
func newLayout(w walk) layout {
	l := layout{aligned: true}
	period := w.period()
	w.spots = slices.Clone(w.spots)
	for range period {
		k, s := kind{def: w.def}, &w.spots[w.def]
		if sizeOf := w.p.defs[w.def].sizeOf; len(sizeOf) > 0 {
			k.size = int(sizeOf[s.index%uint64(len(sizeOf))])
		}
		l.pattern = append(l.pattern, k)
		s.move(1)
		w.turn(1)
	}
	return l
}

// period is the number of frames after which a walk's kinds repeat, 0 if it is
// more than a batch, or if they do not.
func (w *walk) period() int {
	if defs := w.p.defs; len(defs) == 1 && len(defs[0].sizes) == 1 {
		return 1
	}
	rounds, block := uint64(1), uint64(0)
	for i := range w.p.defs {
		d, s, frames := &w.p.defs[i], &w.spots[i], w.p.blocks[i]
		if len(w.p.defs) == 1 {
			frames = s.by // a round is a frame
		}
		cycle := uint64(max(1, len(d.sizeOf)))
		if d.sizeOf == nil || !s.even() || len(w.p.defs) > 1 && s.by > 1 || frames > Batch || cycle > Batch*Batch {
			return 0
		}
		again, _ := lcm(cycle, frames) // both are small
		rounds, _ = lcm(rounds, again/frames)
		if block += frames / s.by; rounds*block > Batch {
			return 0
		}
	}
	return int(rounds * block)
}

// left tells that a frame is left out.
func (l *layout) left() { l.aligned = l.aligned && len(l.pattern) == 1 }

// layOut gives the slot that the next batch begins with. Slots that do not hold
// what the pattern wants are prepared, unless frames are being left out: then
// nothing stays in its place.
func (r *Run) layOut() int {
	l := &r.layout
	if l.pattern == nil {
		return 0
	}
	if !l.laid && l.aligned {
		for i := range r.slots {
			k := l.pattern[i%len(l.pattern)]
			if s := &r.slots[i]; s.def != k.def || s.size != k.size {
				r.prepare(i, k.def, k.size)
			}
		}
		l.laid = true
	}
	l.aligned = true
	return l.next % len(l.pattern)
}
