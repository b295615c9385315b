package generator

import (
	"encoding/binary"
	"math"

	"glean/stack/loop"
)

// Frames are made a column at a time: for each field all frames of a batch, so
// that what kind of field it is is asked once for a batch and not for each
// frame. A batch consists of stretches of frames of one definition.

// cursor is where a definition stands in its sequence of frames.
type cursor struct {
	*spot
	digits []digit // one for each op
	length uint64  // position in the cycle of lengths
	seq    []uint32
	base   uint64 // of the run's own flows, which is the first of this definition
}

func (c *cursor) init(d *definition, s *spot) {
	c.spot, c.base = s, (d.first+s.first)/s.by
	c.digits = make([]digit, len(d.ops))
	for i := range d.ops {
		c.digits[i] = newDigit(&d.ops[i])
		c.digits[i].advance(&d.ops[i], s.first)
	}
	c.advanceLength(d, s.first)
	if d.signature != nil {
		c.seq = make([]uint32, s.flows)
	}
}

// pass moves over a frame that is not made.
func (c *cursor) pass(d *definition) {
	far := c.far(1)
	for i := range d.ops {
		c.digits[i].advance(&d.ops[i], far)
	}
	c.move(d, 1)
}

// move counts n frames.
func (c *cursor) move(d *definition, n int) {
	c.advanceLength(d, c.far(uint64(n)))
	c.spot.move(uint64(n))
}

func (c *cursor) advanceLength(d *definition, frames uint64) {
	c.length += frames
	if cycle := uint64(len(d.sizeOf)); cycle > 0 && c.length >= cycle {
		c.length %= cycle
	}
}

// slot is a buffer that holds a frame of some definition and length already.
type slot struct {
	def, size int    // -1 at first
	flow      uint64 // counted among the run's own
	adj       uint32 // NoAdjacency if it has none
	class     uint32
	word      uint64 // the adjacency as the frame was made with, 0 if it has none
}

// stretch makes up to n frames of a definition in the slots from r.tail on. It
// gives fewer where the kind of length changes or a frame must not leave.
func (r *Run) stretch(d *definition, c *cursor, n int, now loop.Time) int {
	n = r.lengths(d, c, n)
	if d.learned {
		if n = r.destinations(d, c, n); n == 0 {
			return 0
		}
	}
	r.beginSums(d, n)
	terms := d.sizes[r.slots[r.tail].size].terms
	for i := range d.ops {
		r.column(d, c, i, n, terms)
	}
	if d.signature != nil {
		r.sign(d, c, n, now)
	}
	r.sums(d, n)
	if r.flows != nil || c.seq != nil {
		r.mark(c, n)
	}
	c.move(d, n)
	r.tail += n
	return n
}

// beginSums puts the constant parts of n frames' checksums in place.
func (r *Run) beginSums(d *definition, n int) {
	first := &d.sizes[r.slots[r.tail].size]
	for k := range first.sums {
		acc := r.acc[k][:n]
		if len(d.sizes) == 1 {
			fillWith(acc, first.sums[k].base)
			continue
		}
		for i := range acc {
			acc[i] = d.sizes[r.slots[r.tail+i].size].sums[k].base
		}
	}
}

// mark notes the flows of n frames.
func (r *Run) mark(c *cursor, n int) {
	slots, base, flow, flows := r.slots[r.tail:r.tail+n], c.base, c.flow, c.flows
	for i := range slots {
		slots[i].flow = base + flow
		if flow++; flow == flows {
			flow = 0
		}
	}
}

// lengths prepares the slots for up to n frames, as many as can be made
// together: their checksums must depend on the same ops.
func (r *Run) lengths(d *definition, c *cursor, n int) int {
	if len(d.sizes) == 1 {
		if r.uniform == r.walk.def {
			return n
		}
		for i := r.tail; i < r.tail+n; i++ {
			if s := &r.slots[i]; s.def != r.walk.def || s.size != 0 {
				r.prepare(s, i, 0)
			}
		}
		if r.tail+n == Batch && r.tail == 0 {
			r.uniform = r.walk.def
		}
		return n
	}
	length, cycle := c.length, uint64(math.MaxUint64)
	if d.sizeOf != nil {
		cycle = uint64(len(d.sizeOf))
	}
	group := d.sizes[d.sizeAt(length)].group
	for i := range n {
		size := d.sizeAt(length)
		if d.sizes[size].group != group {
			return i
		}
		if s := &r.slots[r.tail+i]; s.def != r.walk.def || s.size != size {
			r.prepare(s, r.tail+i, size)
		}
		if length += c.by; length >= cycle {
			length %= cycle
		}
	}
	return n
}

// sizeAt is the plan of the frame at a position in the cycle of lengths.
func (d *definition) sizeAt(position uint64) int {
	if d.sizeOf != nil {
		return int(d.sizeOf[position])
	}
	return d.lengths.at(position) - int(d.lengths.low)
}

// prepare makes a slot hold what is constant in the frames of a definition
// and length.
func (r *Run) prepare(s *slot, index, size int) {
	d := &r.p.defs[r.walk.def]
	plan := &d.sizes[size]
	b := r.buffer[index*r.stride : (index+1)*r.stride]
	switch {
	case s.def != r.walk.def:
		r.write(s, d, b)
	case !d.sizes[s.size].whole || !plan.whole: // fields that are cut now, or were
		n := copy(b, d.template)
		d.fillPayload(b[n:max(n, d.sizes[len(d.sizes)-1].octets)], 0)
	case d.signature != nil: // the old one gives way to payload
		old := &d.sizes[s.size]
		d.fillPayload(b[old.sign:old.octets], old.sign-len(d.template))
	}
	for _, p := range plan.patches {
		binary.BigEndian.PutUint16(b[p.at:], p.value)
	}
	s.def, s.size, s.class, s.adj, s.word = r.walk.def, size, d.class, NoAdjacency, 0
	r.uniform = -1
	r.frames[index] = b[:plan.octets]
}

// write puts the template and the longest payload into a slot. Where neither
// the frame before nor this one has a signature, the payloads are zeros.
func (r *Run) write(s *slot, d *definition, b []byte) {
	n := copy(b, d.template)
	if s.def >= 0 && d.signature == nil {
		if old := &r.p.defs[s.def]; old.signature == nil {
			if len(old.template) > n {
				clear(b[n:len(old.template)])
			}
			return
		}
		clear(b[n:])
		return
	}
	d.fillPayload(b[n:max(n, d.sizes[len(d.sizes)-1].octets)], 0)
}

// column writes one field of n frames and adds it to their checksums.
func (r *Run) column(d *definition, c *cursor, i, n int, terms []dependence) {
	o := &d.ops[i]
	lo, hi := r.lo[:n], r.hi[:n]
	if c.by == 1 {
		c.digits[i].take(o, lo, hi)
	} else {
		c.digits[i].takeApart(o, lo, hi, c.by, c.far(uint64(n))-uint64(n-1)*c.by)
	}
	switch o.fill {
	case fillAlways:
		o.fillZeros(lo, hi)
	case fillByDst:
		o.fillByDestination(d, c, lo, hi)
	}
	if o.span == 0 {
		return
	}
	if o.special {
		for j := range lo {
			lo[j] = (lo[j]^o.xor.lo)<<o.shift | o.fixed
		}
	}
	var shares dependence
	if terms != nil {
		shares = terms[i]
	}
	if (o.span == 4 || o.span == 2) && !o.special && !o.merge && shares.simple() {
		r.storeAndAdd(o, shares, lo)
		return
	}
	r.store(o, lo, hi)
	r.addTerms(o, shares, lo, hi)
}

// simple tells whether a column is added as it is to no more than two sums.
func (d dependence) simple() bool {
	return len(d) == 0 || len(d) <= 2 && d[0].factor == 1 && d[len(d)-1].factor == 1
}

// storeAndAdd is store and addTerms in one for what nearly every column is: two
// or four octets that one or two checksums depend on, or none.
func (r *Run) storeAndAdd(o *op, shares dependence, lo []uint64) {
	at, stride, b := r.tail*r.stride+o.off, r.stride, r.buffer
	first := r.idleSums[:len(lo)]
	if len(shares) > 0 {
		first = r.acc[shares[0].sum][:len(lo)]
	}
	second := first
	if len(shares) == 2 {
		second = r.acc[shares[1].sum][:len(lo)]
	}
	switch {
	case o.span == 4 && len(shares) == 2:
		for j, v := range lo {
			binary.BigEndian.PutUint32(b[at:at+4], uint32(v))
			first[j] += v
			second[j] += v
			at += stride
		}
	case o.span == 4:
		for j, v := range lo {
			binary.BigEndian.PutUint32(b[at:at+4], uint32(v))
			first[j] += v
			at += stride
		}
	case len(shares) == 2:
		for j, v := range lo {
			binary.BigEndian.PutUint16(b[at:at+2], uint16(v))
			first[j] += v
			second[j] += v
			at += stride
		}
	default:
		for j, v := range lo {
			binary.BigEndian.PutUint16(b[at:at+2], uint16(v))
			first[j] += v
			at += stride
		}
	}
}

// addTerms adds a column to the checksums that depend on it. Values are folded
// only as far as is needed for the sum not to overflow.
func (r *Run) addTerms(o *op, shares dependence, lo, hi []uint64) {
	if len(shares) == 0 {
		return
	}
	switch {
	case o.span == 16:
		for j := range lo {
			lo[j] = lo[j]>>32 + lo[j]&0xffffffff + hi[j]>>32 + hi[j]&0xffffffff
		}
	case o.span == 6:
		for j := range lo {
			lo[j] = lo[j]>>32 + lo[j]&0xffffffff
		}
	case o.special || o.span == 1:
		odd := 8 * (o.span & 1) // one octet is the first of a 16-bit word
		for j := range lo {
			lo[j] = (lo[j] &^ o.fixed) << odd
		}
	}
	for _, t := range shares {
		acc := r.acc[t.sum][:len(lo)]
		for j, v := range lo {
			acc[j] += v * t.factor
		}
	}
}

// store writes a column.
func (r *Run) store(o *op, lo, hi []uint64) {
	at, stride, b := r.tail*r.stride+o.off, r.stride, r.buffer
	switch {
	case o.merge && o.span < 16:
		for _, v := range lo {
			o.mergeInto(b[at:at+int(o.span)], v)
			at += stride
		}
	case o.span == 4:
		for _, v := range lo {
			binary.BigEndian.PutUint32(b[at:at+4], uint32(v))
			at += stride
		}
	case o.span == 2:
		for _, v := range lo {
			binary.BigEndian.PutUint16(b[at:at+2], uint16(v))
			at += stride
		}
	case o.span == 1:
		for _, v := range lo {
			b[at] = byte(v)
			at += stride
		}
	case o.span == 6:
		for _, v := range lo {
			putMAC(b[at:at+6], v)
			at += stride
		}
	default:
		for j, v := range lo {
			binary.BigEndian.PutUint64(b[at:at+8], hi[j])
			binary.BigEndian.PutUint64(b[at+8:at+16], v)
			at += stride
		}
	}
}

func putMAC(b []byte, mac uint64) {
	_ = b[5]
	binary.BigEndian.PutUint32(b, uint32(mac>>16))
	binary.BigEndian.PutUint16(b[4:], uint16(mac))
}

// mergeInto writes a field whose octets hold other modified fields too.
func (o *op) mergeInto(b []byte, v uint64) {
	for i := range b {
		shift := 8 * (len(b) - 1 - i)
		b[i] = b[i]&^byte(o.mask>>shift) | byte(v>>shift)
	}
}

// fillZeros puts the interface's address where a source is zero.
func (o *op) fillZeros(lo, hi []uint64) {
	if o.span != 16 {
		for j, v := range lo {
			if v == 0 {
				lo[j] = o.fillTo.lo
			}
		}
		return
	}
	for j := range lo {
		if lo[j]|hi[j] == 0 {
			lo[j], hi[j] = o.fillTo.lo, o.fillTo.hi
		}
	}
}

// fillByDestination is fillZeros with the address that suits each destination.
// The destination's digit is ahead of or behind the source's, as the order of
// the ops is, so it is worked out apart.
func (o *op) fillByDestination(d *definition, c *cursor, lo, hi []uint64) {
	dst := &d.ops[o.fillDst]
	flow := c.flow
	for j := range lo {
		if lo[j]|hi[j] == 0 {
			with := o.fillTo
			if dst.values.at(c.number(flow) / dst.stride % dst.values.count).isLinkLocal() {
				with = o.fillLL
			}
			lo[j], hi[j] = with.lo, with.hi
		}
		if flow++; flow == c.flows {
			flow = 0
		}
	}
}

// sign writes the signatures of n frames and moves their flows' sequence
// numbers.
func (r *Run) sign(d *definition, c *cursor, n int, now loop.Time) {
	second := (r.options.Epoch+uint64(now))<<2 | d.signature.flags()
	secondSum := wide{lo: second}.sum()
	stream := uint64(d.signature.StreamID&0xffff) << 48
	flow, first, by, flows := c.flow, c.first+1, c.by, c.flows
	for i := range n {
		size := &d.sizes[r.slots[r.tail+i].size]
		half := stream | (first+flow*by)<<32 | uint64(c.seq[flow])
		c.seq[flow]++
		value := check(half, second)
		at := (r.tail+i)*r.stride + size.sign
		b := r.buffer[at : at+SignatureSize]
		binary.BigEndian.PutUint64(b, half)
		binary.BigEndian.PutUint64(b[8:], second)
		binary.BigEndian.PutUint32(b[16:], uint32(value)<<16)
		sum := half>>32 + half&0xffffffff + secondSum + uint64(value)
		for k := range size.sums {
			r.acc[k][i] += sum * size.sums[k].sign
		}
		if flow++; flow == flows {
			flow = 0
		}
	}
}

// sums writes the checksums of n frames.
func (r *Run) sums(d *definition, n int) {
	first := &d.sizes[r.slots[r.tail].size]
	switch {
	case first.direct:
		for i := range n {
			d.sizes[r.slots[r.tail+i].size].sumDirectly(r.buffer[(r.tail+i)*r.stride:])
		}
	case len(d.sizes) == 1:
		for k := range first.sums {
			c := &first.sums[k]
			at := r.tail*r.stride + c.at
			for _, sum := range r.acc[k][:n] {
				binary.BigEndian.PutUint16(r.buffer[at:at+2], c.result(sum))
				at += r.stride
			}
		}
	default:
		for i := range n {
			size := &d.sizes[r.slots[r.tail+i].size]
			for k := range size.sums {
				c := &size.sums[k]
				at := (r.tail+i)*r.stride + c.at
				binary.BigEndian.PutUint16(r.buffer[at:at+2], c.result(r.acc[k][i]))
			}
		}
	}
}
