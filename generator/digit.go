package generator

// digit is where an op stands in its values.
type digit struct {
	value wide // as the values have it
	index uint64
	left  uint64 // frames until the next value
}

func newDigit(o *op) digit { return digit{value: o.values.at(0), left: o.stride} }

// next moves one frame on.
func (g *digit) next(o *op) {
	if g.left > 1 {
		g.left--
		return
	}
	g.left = o.stride
	g.step(o.values)
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
	for len(lo) > 0 {
		var n int
		switch {
		case o.stride > 1 || v.count == 1:
			n = g.takeSame(o, lo)
			if o.span == 16 {
				fillWith(hi[:n], g.value.hi)
			}
			if g.left == 0 {
				g.left = o.stride
				g.step(v)
			}
		case o.span == 16:
			n = g.takeWide(v, lo, hi)
		case v.isPlain():
			n = g.takePlain(v, lo)
		default:
			n = g.takeStored(v, lo)
		}
		lo = lo[n:]
		if o.span == 16 {
			hi = hi[n:]
		}
	}
}

// takeSame repeats a value while it stays.
func (g *digit) takeSame(o *op, lo []uint64) int {
	n := len(lo)
	if o.values.count > 1 {
		n = int(min(uint64(n), g.left))
		g.left -= uint64(n)
	}
	fillWith(lo[:n], g.value.lo)
	return n
}

func fillWith(s []uint64, v uint64) {
	for i := range s {
		s[i] = v
	}
}

// takePlain counts up to the end of the values.
func (g *digit) takePlain(v *values, lo []uint64) int {
	n := int(min(uint64(len(lo)), v.count-g.index))
	x, step := g.value.lo, v.step.lo
	for i := range lo[:n] {
		lo[i] = x
		x += step
	}
	g.index += uint64(n)
	g.value.lo = x
	g.wrap(v)
	return n
}

func (g *digit) wrap(v *values) {
	if g.index == v.count {
		g.index = 0
		g.value = v.at(0)
	}
}

// takeStored looks values up.
func (g *digit) takeStored(v *values, lo []uint64) int {
	n := int(min(uint64(len(lo)), v.count-g.index))
	lo = lo[:n]
	switch {
	case v.list != nil:
		for i, w := range v.list[g.index : g.index+uint64(n)] {
			lo[i] = w.lo
		}
	case v.order != nil:
		for i, c := range v.order[g.index : g.index+uint64(n)] {
			lo[i] = v.start.lo + v.step.lo*uint64(c)
		}
	default:
		for i := range lo {
			lo[i] = v.at(g.index + uint64(i)).lo
		}
	}
	if g.index += uint64(n); g.index == v.count {
		g.index = 0
	}
	g.value = v.at(g.index)
	return n
}

// takeWide is takePlain and takeStored for 128 bits.
func (g *digit) takeWide(v *values, lo, hi []uint64) int {
	n := int(min(uint64(len(lo)), v.count-g.index))
	if v.isPlain() {
		x := g.value
		for i := range lo[:n] {
			lo[i], hi[i] = x.lo, x.hi
			x = x.plus(v.step)
		}
		g.value = x
		g.index += uint64(n)
		g.wrap(v)
		return n
	}
	for i := range lo[:n] {
		w := v.at(g.index + uint64(i))
		lo[i], hi[i] = w.lo, w.hi
	}
	if g.index += uint64(n); g.index == v.count {
		g.index = 0
	}
	g.value = v.at(g.index)
	return n
}
