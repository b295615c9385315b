package generator

// digit is where an op stands in its values.
type digit struct {
	value wide // as the values have it
	index uint64
	left  uint64 // frames until the next value
}

func newDigit(o *op) digit { return digit{value: o.values.at(0), left: o.stride} }

// advance moves some frames on.
func (g *digit) advance(o *op, frames uint64) {
	if frames < g.left {
		g.left -= frames
		return
	}
	frames -= g.left // that come after the first of the next value
	steps := uint64(1)
	if o.stride == 1 {
		steps += frames
	} else {
		steps += frames / o.stride
		g.left = o.stride - frames%o.stride
	}
	v := o.values
	if g.index += steps; g.index >= v.count {
		g.index %= v.count
	}
	g.value = v.at(g.index)
}

// takeApart is take where frames are by apart, and the one after the last is
// last behind it.
func (g *digit) takeApart(o *op, lo, hi []uint64, by, last uint64) {
	if o.values.count == 1 {
		fillWith(lo, g.value.lo)
		fillWith(hi, g.value.hi)
		return
	}
	hi = hi[:len(lo)]
	for i := range lo {
		lo[i], hi[i] = g.value.lo, g.value.hi
		if i == len(lo)-1 {
			by = last
		}
		g.advance(o, by)
	}
}

// step moves to the next value.
func (g *digit) step(v *values) {
	g.index++
	if g.index == v.count {
		g.index = 0
		g.value = v.at(0)
	} else if v.isPlain() {
		g.value = g.value.plus(v.step)
	} else {
		g.value = v.at(g.index)
	}
}

// take gives the values of the next len(lo) frames and moves past them. hi is
// filled for fields of 128 bits only.
func (g *digit) take(o *op, lo, hi []uint64) {
	v := o.values
	switch {
	case v.count == 1:
		fillWith(lo, g.value.lo)
		fillWith(hi, g.value.hi)
	case o.stride > 1:
		g.takeSlow(o, lo, hi)
	case o.span == 16:
		g.takeWide(v, lo, hi)
	case v.isPlain():
		g.takePlain(v, lo)
	default:
		g.takeStored(v, lo)
	}
}

func fillWith(s []uint64, v uint64) {
	for i := range s {
		s[i] = v
	}
}

// takeSlow is for values that each stay for some frames.
func (g *digit) takeSlow(o *op, lo, hi []uint64) {
	for len(lo) > 0 {
		n := int(min(uint64(len(lo)), g.left))
		fillWith(lo[:n], g.value.lo)
		fillWith(hi[:n], g.value.hi)
		lo, hi = lo[n:], hi[n:]
		if g.left -= uint64(n); g.left == 0 {
			g.left = o.stride
			g.step(o.values)
		}
	}
}

// takePlain counts.
func (g *digit) takePlain(v *values, lo []uint64) {
	x, index := g.value.lo, g.index
	start, step, count := v.start.lo, v.step.lo, v.count
	for i := range lo {
		lo[i] = x
		x += step
		if index++; index == count {
			index, x = 0, start
		}
	}
	g.index, g.value.lo = index, x
}

// takeStored looks values up.
func (g *digit) takeStored(v *values, lo []uint64) {
	index, start, step := g.index, v.start.lo, v.step.lo
	switch list, order := v.list, v.order; {
	case list != nil:
		for i := range lo {
			lo[i] = list[index].lo
			if index++; index == uint64(len(list)) {
				index = 0
			}
		}
	case order != nil:
		for i := range lo {
			lo[i] = start + step*uint64(order[index])
			if index++; index == uint64(len(order)) {
				index = 0
			}
		}
	default:
		for i := range lo {
			lo[i] = v.at(index).lo
			if index++; index == v.count {
				index = 0
			}
		}
	}
	g.index = index
	g.value = v.at(index)
}

// takeWide is takePlain and takeStored for 128 bits.
func (g *digit) takeWide(v *values, lo, hi []uint64) {
	hi = hi[:len(lo)]
	for i := range lo {
		lo[i], hi[i] = g.value.lo, g.value.hi
		g.step(v)
	}
}
