package generator

import (
	"encoding/binary"

	"glean/stack/loop"
)

// digit is where an op stands: the value that it writes next.
type digit struct {
	lo, hi uint64 // the span's octets, ready to be stored
	sum    uint64 // the field's part of a checksum
	value  wide
	index  uint64
	left   uint64 // frames until the next value
}

// cursor is where a definition stands in its sequence of frames.
type cursor struct {
	digits []digit // one for each op and one for the signature
	flow   uint64
	length uint64 // position in the cycle of lengths
	seq    []uint32
}

func (c *cursor) init(d *definition) {
	c.digits = make([]digit, len(d.ops)+1)
	for i := range d.ops {
		o, g := &d.ops[i], &c.digits[i]
		g.left = o.stride
		g.value = o.values.at(0)
		g.settle(o)
	}
	if d.signature != nil {
		c.seq = make([]uint32, d.flows)
	}
}

// settle works out what the digit's value looks like in a frame.
func (g *digit) settle(o *op) {
	v := g.value
	if o.fill == fillAlways && v.isZero() {
		v = o.fillTo
	}
	g.put(o, v)
}

func (g *digit) put(o *op, v wide) {
	v.lo ^= o.xor.lo
	v.hi ^= o.xor.hi
	v.lo <<= o.shift
	g.lo, g.hi = v.lo|o.fixed, v.hi
	if o.span == 1 {
		v.lo <<= 8 // the first octet of a 16-bit word
	}
	g.sum = v.sum()
}

// next moves to the op's next value.
func (g *digit) next(o *op) {
	g.left = o.stride
	v := o.values
	g.index++
	if g.index == v.count {
		g.index = 0
		g.value = v.at(0)
	} else if v.isPlain() {
		g.value = g.value.plus(v.step)
	} else {
		g.value = v.at(g.index)
	}
	g.settle(o)
}

// advance moves to the definition's next frame.
func (c *cursor) advance(d *definition) {
	for i := range d.ops {
		if g := &c.digits[i]; g.left > 1 {
			g.left--
		} else {
			g.next(&d.ops[i])
		}
	}
	if c.flow++; c.flow == d.flows {
		c.flow = 0
	}
	if c.length++; c.length == uint64(len(d.sizeOf)) {
		c.length = 0
	}
}

// slot is a buffer that holds a frame of some definition and length already.
type slot struct {
	buffer []byte
	def    int // -1 at first
	size   int
	flow   uint64 // global index
	adj    uint32
	word   uint64 // the adjacency as the frame has it
	class  uint32
}

// adjacency is the index of the next hop of the definition's next frame.
func (c *cursor) adjacency(d *definition) uint32 {
	if d.adjOp >= 0 {
		return d.adjOf[c.digits[d.adjOp].index]
	}
	return d.adj
}

// templateMAC is the destination MAC that the configuration gives the frame.
func (c *cursor) templateMAC(d *definition) uint64 {
	if d.dstOp >= 0 {
		return c.digits[d.dstOp].value.lo
	}
	return d.dst
}

// frame makes the definition's next frame in a slot, with a destination MAC if
// it is learned.
func (r *Run) frame(s *slot, def int, mac uint64, now loop.Time) []byte {
	d, c := &r.p.defs[def], &r.cursors[def]
	size := int(c.length)
	if d.sizeOf != nil {
		size = int(d.sizeOf[c.length])
	} else {
		size = d.lengths.at(c.length) - int(d.lengths.low)
	}
	if s.def != def || s.size != size {
		r.prepare(s, def, size)
	}
	plan := &d.sizes[size]
	b := s.buffer
	for i := range d.ops {
		write(b, &d.ops[i], &c.digits[i], c)
	}
	if d.learned {
		putMAC(b, mac)
	}
	if plan.sign >= 0 {
		r.sign(b[plan.sign:], d, c, now)
	}
	if plan.direct {
		plan.sumDirectly(b)
	} else {
		for i := range plan.sums {
			k := &plan.sums[i]
			sum := k.base
			for _, t := range k.terms {
				sum += c.digits[t.op].sum * t.factor
			}
			binary.BigEndian.PutUint16(b[k.at:], k.result(sum))
		}
	}
	s.flow, s.class = d.first+c.flow, d.class
	return b[:plan.octets]
}

func putMAC(b []byte, mac uint64) {
	binary.BigEndian.PutUint32(b, uint32(mac>>16))
	binary.BigEndian.PutUint16(b[4:], uint16(mac))
}

// write stores a digit in a frame.
func write(b []byte, o *op, g *digit, c *cursor) {
	if o.fill == fillByDst && g.value.isZero() {
		with := o.fillTo
		if dst := c.digits[o.fillDst].value; dst.isLinkLocal() {
			with = o.fillLL
		}
		g.put(o, with)
	}
	if o.merge {
		merge(b[o.off:], o, g)
		return
	}
	switch o.span {
	case 1:
		b[o.off] = byte(g.lo)
	case 2:
		binary.BigEndian.PutUint16(b[o.off:], uint16(g.lo))
	case 4:
		binary.BigEndian.PutUint32(b[o.off:], uint32(g.lo))
	case 6:
		putMAC(b[o.off:], g.lo)
	case 16:
		binary.BigEndian.PutUint64(b[o.off:], g.hi)
		binary.BigEndian.PutUint64(b[o.off+8:], g.lo)
	}
}

// merge writes a field whose octets hold other modified fields too.
func merge(b []byte, o *op, g *digit) {
	if o.span == 16 {
		binary.BigEndian.PutUint64(b, g.hi)
		binary.BigEndian.PutUint64(b[8:], g.lo)
		return
	}
	for i := range int(o.span) {
		shift := 8 * (int(o.span) - 1 - i)
		b[i] = b[i]&^byte(o.mask>>shift) | byte(g.lo>>shift)
	}
}

// sign writes a signature and moves the flow's sequence number.
func (r *Run) sign(b []byte, d *definition, c *cursor, now loop.Time) {
	first := uint64(d.signature.stream(c.flow))<<32 | uint64(c.seq[c.flow])
	second := (r.options.Epoch+uint64(now))<<2 | d.signature.flags()
	sum := check(first, second)
	c.seq[c.flow]++
	binary.BigEndian.PutUint64(b, first)
	binary.BigEndian.PutUint64(b[8:], second)
	binary.BigEndian.PutUint32(b[16:], uint32(sum)<<16)
	c.digits[len(d.ops)].sum = wide{first, second}.sum() + uint64(sum)
}

// prepare makes a slot hold what is constant in the frames of a definition
// and length.
func (r *Run) prepare(s *slot, def, size int) {
	d := &r.p.defs[def]
	plan := &d.sizes[size]
	switch {
	case s.def != def:
		n := copy(s.buffer, d.template)
		d.fillPayload(s.buffer[n:d.longest()], 0)
	case d.signature != nil:
		old := &d.sizes[s.size]
		if old.whole {
			d.fillPayload(s.buffer[old.sign:old.octets], old.sign-len(d.template))
		} else {
			n := copy(s.buffer, d.template)
			d.fillPayload(s.buffer[n:max(n, old.octets)], 0)
		}
	}
	for _, p := range plan.patches {
		binary.BigEndian.PutUint16(s.buffer[p.at:], p.value)
	}
	s.def, s.size = def, size
}

// longest is the number of octets that frames of the definition may need.
func (d *definition) longest() int {
	return max(d.sizes[len(d.sizes)-1].octets, len(d.template))
}
