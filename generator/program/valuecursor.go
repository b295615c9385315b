package program

import (
	"glean/generator/traffic"
)

// digit is where an op stands in its values.
type valueCursor struct {
	value traffic.Uint128 // of index, as it stands in the cell; not kept up where there is a table
	index uint64
	left  uint64 // frames until the next value
}

func newValueCursor(o *fieldModifier) valueCursor { return valueCursor{value: o.at(0), left: o.period} }

// advance moves some frames on.
func (g *valueCursor) advance(o *fieldModifier, frames uint64) {
	if frames < g.left {
		g.left -= frames
		return
	}
	frames -= g.left // that come after the first of the next value
	steps := uint64(1)
	if o.period == 1 {
		steps += frames
	} else {
		steps += frames / o.period
		g.left = o.period - frames%o.period
	}
	if g.index += steps; g.index >= o.count {
		g.index %= o.count
	}
	g.value = o.at(g.index)
}

// back moves some frames back.
func (g *valueCursor) back(o *fieldModifier, frames uint64) {
	cycle := o.period * o.count
	g.advance(o, cycle-frames%cycle)
}

// run gives up to n frames, each by frames behind the one before, whose values
// differ by a constant step, and moves past them.
func (g *valueCursor) nextRun(o *fieldModifier, n int, by uint64) (first, step traffic.Uint128, frames int) {
	first = g.value
	same := g.left
	if o.period == 1 {
		same, step = o.straight(g.index), o.step().Times(by)
	}
	most := min(uint64(n), (same-1)/by+1)
	g.advance(o, most*by)
	return first, step, int(most)
}

// cut gives the values of the next len(room) frames, at most Batch, from the op's
// table, and moves past them. They stand in the table or, where frames are more
// than one apart, in room.
func (g *valueCursor) nextFromTable(o *fieldModifier, room []uint64, by uint64) []uint64 {
	count := o.count
	if by == 1 {
		column := o.table[g.index : g.index+uint64(len(room))]
		if g.index += uint64(len(room)); g.index >= count {
			g.index %= count
		}
		return column
	}
	by %= count
	for i := range room {
		room[i] = o.table[g.index]
		if g.index += by; g.index >= count {
			g.index -= count
		}
	}
	return room
}

// take gives the values of the next len(lo) frames, each by frames behind the one
// before, and moves past them. hi is filled for fields of 128 bits only.
func (g *valueCursor) next(o *fieldModifier, lo, hi []uint64, by uint64) {
	switch {
	case o.table != nil:
		copy(lo, g.nextFromTable(o, lo, by))
	case o.values.Order != nil && o.period == 1 && o.span <= 8 && o.xor.IsZero():
		g.nextPermuted(o, lo, by)
	default:
		for at := 0; at < len(lo); {
			x, step, n := g.nextRun(o, len(lo)-at, by)
			fillColumn(lo[at:at+n], x.Lo, step.Lo)
			if o.span == 16 {
				fillHighColumn(hi[at:at+n], x, step)
			}
			at += n
		}
	}
}

// count fills a column with x, x+step and so on.
func fillColumn(s []uint64, x, step uint64) {
	for i := range s {
		s[i] = x
		x += step
	}
}

// countHigh is count for the upper halves.
func fillHighColumn(s []uint64, x, step traffic.Uint128) {
	for i := range s {
		s[i] = x.Hi
		x = x.Plus(step)
	}
}

// takePermuted looks the candidates up and computes their values.
func (g *valueCursor) nextPermuted(o *fieldModifier, lo []uint64, by uint64) {
	order, index := o.values.Order, g.index
	start, step, count := o.values.Start.Lo<<o.shift|o.fixed, o.step().Lo, uint64(len(order))
	by %= count
	for i := range lo {
		lo[i] = start + step*uint64(order[index])
		if index += by; index >= count {
			index -= count
		}
	}
	g.index, g.value = index, o.at(index)
}
