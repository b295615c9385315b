package program

import "encoding/binary"

// checksumColumn holds what one checksum needs of each slot.
type checksumColumn struct {
	base []uint64
	at   []int // in the buffer of all slots
}

// batchColumns is room for the values and sums of a batch, a column at a time, and what
// they need of each slot. A column has one entry for each frame of a group.
type batchColumns struct {
	lo, hi  [Batch]uint64    // values
	classes [][Batch]uint64  // sums over classes of units, see checksumPlan
	idle    [Batch]uint64    // sums that no checksum uses
	signed  [Batch]uint64    // sums of signatures, times 256 at odd places
	sizes   [Batch]uint32    // indexes of length variants
	signAt  []int            // by slot: where in the buffer of all slots the signature begins
	totals  []checksumColumn // by checksum
}

// newColumns returns the columns of a run with so many slots.
func (p *Program) newColumns(slots int) batchColumns {
	classes, totals := 0, 0
	for i := range p.defs {
		for j := range p.defs[i].variants {
			s := &p.defs[i].variants[j]
			totals = max(totals, len(s.sums))
			classes = max(classes, s.plan.classes)
		}
	}
	c := batchColumns{classes: make([][Batch]uint64, classes), totals: make([]checksumColumn, totals), signAt: make([]int, slots)}
	for k := range c.totals {
		c.totals[k] = checksumColumn{make([]uint64, slots), make([]int, slots)}
	}
	return c
}

// fields writes the modified fields of a group's frames and adds them up by class.
func (r *Run) fields(b *group, how *checksumPlan) {
	d, c, n := b.d, b.c, b.n
	for k := range r.columns.classes[:how.classes] {
		clear(r.columns.classes[k][:n])
	}
	for i := range d.units {
		acc := r.columns.idle[:n]
		if how != &noPlan && how.classOf[i] >= 0 {
			acc = r.columns.classes[how.classOf[i]][:n]
		}
		r.writeUnit(b, &d.units[i], acc)
	}
	if d.adjUnstored && d.adjModifier >= 0 {
		c.values[d.adjModifier].advance(&d.modifiers[d.adjModifier], uint64(n)*c.parts)
	}
	if far := c.distance(uint64(n)); far != uint64(n)*c.parts { // a part's last flow, and on to its first
		for i := range d.modifiers {
			c.values[i].back(&d.modifiers[i], uint64(n)*c.parts)
			c.values[i].advance(&d.modifiers[i], far)
		}
	}
}

// writeUnit writes one store unit of a group's frames and adds it to acc.
func (r *Run) writeUnit(b *group, k *storeUnit, acc []uint64) {
	d, c, n := b.d, b.c, b.n
	o, g := &d.modifiers[k.modifiers[0]], &c.values[k.modifiers[0]]
	at := b.row*r.stride + k.off
	lo, hi := r.columns.lo[:n], r.columns.hi[:n]
	switch {
	case k.overlapping:
		r.writeOverlapping(b, k)
		return
	case k.plain && o.table != nil:
		lo = g.nextFromTable(o, lo, c.parts)
	case k.plain && (k.span == 2 || k.span == 4) && (o.period > 1 || o.values.Order == nil):
		for done := 0; done < n; {
			x, step, m := g.nextRun(o, n-done, c.parts)
			if k.span == 4 {
				line4(r.buffer[at+done*r.stride:], r.stride, x.Lo, step.Lo, acc[done:done+m])
			} else {
				line2(r.buffer[at+done*r.stride:], r.stride, x.Lo, step.Lo, acc[done:done+m])
			}
			done += m
		}
		return
	default:
		g.next(o, lo, hi, c.parts)
		o.fillZeros(d, c, lo, hi)
		for _, i := range k.modifiers[1:] {
			c.values[i].next(&d.modifiers[i], hi, nil, c.parts)
			for j := range lo {
				lo[j] += hi[j]
			}
		}
	}
	r.store(k.span, at, lo, hi, acc)
}

// store writes a column, the first value at octet at, and adds it to acc. Values of more
// than 32 bits are folded first, so that the sums do not overflow.
func (r *Run) store(span int, at int, lo, hi, acc []uint64) {
	b := r.buffer[at:]
	switch span {
	case 1:
		store1(b, r.stride, lo, acc)
	case 2:
		store2(b, r.stride, lo, acc)
	case 4:
		store4(b, r.stride, lo, acc)
	case 6:
		store6(b, r.stride, lo, acc)
	case 8:
		store8(b, r.stride, lo, acc)
	default:
		store8(b, r.stride, hi, acc)
		store8(b[8:], r.stride, lo, acc)
	}
}

// Most of the time that a modifier takes is spent in the loops below. Each is a function
// that is not inlined, so that its few variables stay in registers.

//go:noinline
func store1(b []byte, stride int, v, acc []uint64) {
	acc = acc[:len(v)]
	at := 0
	for j, x := range v {
		b[at] = byte(x)
		acc[j] += x
		at += stride
	}
}

//go:noinline
func store2(b []byte, stride int, v, acc []uint64) {
	acc = acc[:len(v)]
	at := 0
	for j, x := range v {
		binary.BigEndian.PutUint16(b[at:at+2], uint16(x))
		acc[j] += x
		at += stride
	}
}

//go:noinline
func store4(b []byte, stride int, v, acc []uint64) {
	acc = acc[:len(v)]
	at := 0
	for j, x := range v {
		binary.BigEndian.PutUint32(b[at:at+4], uint32(x))
		acc[j] += x
		at += stride
	}
}

//go:noinline
func store6(b []byte, stride int, v, acc []uint64) {
	acc = acc[:len(v)]
	at := 0
	for j, x := range v {
		putMAC(b[at:at+6], x)
		acc[j] += x>>32 + x&0xffffffff
		at += stride
	}
}

//go:noinline
func store8(b []byte, stride int, v, acc []uint64) {
	acc = acc[:len(v)]
	at := 0
	for j, x := range v {
		binary.BigEndian.PutUint64(b[at:at+8], x)
		acc[j] += x>>32 + x&0xffffffff
		at += stride
	}
}

// line2 and line4 are store2 and store4 for values that rise by a constant step.
//
//go:noinline
func line2(b []byte, stride int, x, step uint64, acc []uint64) {
	at := 0
	for j := range acc {
		binary.BigEndian.PutUint16(b[at:at+2], uint16(x))
		acc[j] += x
		x += step
		at += stride
	}
}

//go:noinline
func line4(b []byte, stride int, x, step uint64, acc []uint64) {
	at := 0
	for j := range acc {
		binary.BigEndian.PutUint32(b[at:at+4], uint32(x))
		acc[j] += x
		x += step
		at += stride
	}
}

func putMAC(b []byte, mac uint64) {
	_ = b[5]
	binary.BigEndian.PutUint32(b, uint32(mac>>16))
	binary.BigEndian.PutUint16(b[4:], uint16(mac))
}

// writeOverlapping writes the fields of an overlapping unit one over the other.
func (r *Run) writeOverlapping(b *group, k *storeUnit) {
	d, c, n := b.d, b.c, b.n
	lo, hi := r.columns.lo[:n], r.columns.hi[:n]
	for _, i := range k.modifiers {
		o := &d.modifiers[i]
		c.values[i].next(o, lo, hi, c.parts)
		o.fillZeros(d, c, lo, hi)
		at := b.row*r.stride + o.off
		if o.span == 16 {
			r.store(16, at, lo, hi, r.columns.idle[:n])
			continue
		}
		for _, v := range lo {
			o.mergeInto(r.buffer[at:at+int(o.span)], v)
			at += r.stride
		}
	}
}

// mergeInto writes a field whose octets hold other modified fields too.
func (o *fieldModifier) mergeInto(b []byte, v uint64) {
	for i := range b {
		shift := 8 * (len(b) - 1 - i)
		b[i] = b[i]&^byte(o.mask>>shift) | byte(v>>shift)
	}
}

// fillZeros replaces sources that are zero by the interface's address.
func (o *fieldModifier) fillZeros(d *definition, c *cursor, lo, hi []uint64) {
	switch {
	case o.fill == fillNone:
	case o.fill == fillByDst:
		o.fillByDestination(d, c, lo, hi)
	case o.span == 16:
		for j := range lo {
			if lo[j]|hi[j] == 0 {
				lo[j], hi[j] = o.fillTo.Lo, o.fillTo.Hi
			}
		}
	default:
		for j, v := range lo {
			if v == 0 {
				lo[j] = o.fillTo.Lo
			}
		}
	}
}

// fillByDestination is fillZeros with the address that suits each destination. The
// destination's value cursor may have moved already, as the order of the modifiers is, so
// its values are computed from the flow.
func (o *fieldModifier) fillByDestination(d *definition, c *cursor, lo, hi []uint64) {
	dst := &d.modifiers[o.fillDst]
	flow := c.flow
	for j := range lo {
		if lo[j]|hi[j] == 0 {
			with := o.fillTo
			if isLinkLocal(dst.values.At(c.number(flow) / dst.stride % dst.values.Count)) {
				with = o.fillLL
			}
			lo[j], hi[j] = with.Lo, with.Hi
		}
		if flow++; flow == c.flows {
			flow = 0
		}
	}
}

// sums writes the checksums of a group's frames.
func (r *Run) sums(b *group, how *checksumPlan) {
	n, from, to := b.n, b.row, b.row+b.n
	for k := range how.sums {
		m, t := &how.sums[k], &r.columns.totals[k]
		sum := t.base[from:to]
		of, factor := r.columns.idle[:n], uint64(0)
		if last := len(m.factors) - 1; last >= 0 {
			for _, s := range m.factors[:last] {
				sum = addMultiple(r.columns.lo[:n], sum, r.columns.class(s.class)[:n], s.factor)
			}
			of, factor = r.columns.class(m.factors[last].class)[:n], m.factors[last].factor
		}
		storeSums(r.buffer, t.at[from:to], sum, of, factor, m.ones)
	}
}

// class returns the column of a class's sums.
func (c *batchColumns) class(class int) *[Batch]uint64 {
	if class == signed {
		return &c.signed
	}
	return &c.classes[class]
}

// addMultiple fills to with sum + of * factor and returns it.
//
//go:noinline
func addMultiple(to, sum, of []uint64, factor uint64) []uint64 {
	sum, of = sum[:len(to)], of[:len(to)]
	for j := range to {
		to[j] = sum[j] + of[j]*factor
	}
	return to
}

// storeSums folds sum + of * factor to checksums and writes them.
//
//go:noinline
func storeSums(b []byte, at []int, sum, of []uint64, factor uint64, ones bool) {
	sum, of = sum[:len(at)], of[:len(at)]
	for j, p := range at {
		binary.BigEndian.PutUint16(b[p:p+2], complement(sum[j]+of[j]*factor, ones))
	}
}

// sumDirectly writes the checksums of a group's frames from their octets.
func (r *Run) sumDirectly(b *group) {
	for i := b.row; i < b.row+b.n; i++ {
		b.d.variants[r.slots[i].variant].sumDirectly(r.buffer[i*r.stride:])
	}
}
