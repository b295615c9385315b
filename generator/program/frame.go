package program

import (
	"encoding/binary"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/stack/loop"
)

// Frames are made a column at a time: for each field all frames of a batch, so
// that what kind of field it is is asked once for a batch and not for each
// frame.

// cursor is where a definition stands in its sequence of frames.
type cursor struct {
	spot
	digits    []digit // one for each op
	length    uint64  // position in the cycle of lengths
	origin    uint64  // where it began
	phase     int     // frames since the region's first slot would have fitted
	seq       []uint32
	base      uint64 // of the run's own flows, which is the first of this definition
	region    *region
	bout      int    // index in the present plan, -1 if it has no frame there
	everyWord uint64 // the adjacency that all its slots were made with; 0 if it may differ
}

func (c *cursor) init(d *definition, s spot) {
	c.spot, c.base, c.bout = s, (d.first+s.first)/s.by, -1
	c.digits = make([]digit, len(d.ops))
	for i := range d.ops {
		c.digits[i] = newDigit(&d.ops[i])
		c.digits[i].advance(&d.ops[i], s.first)
	}
	c.advanceLength(d, s.first)
	c.origin = c.length
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
	if period := c.region.period; period > 1 {
		c.phase = (c.phase + n) % period
	}
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
	adj       uint32 // NoAdjacency if it has none
	class     uint32
	word      uint64 // the adjacency as the frame was made with, 0 if it has none
}

// prepare makes a slot hold what is constant in the frames of a definition
// and length.
func (r *Run) prepare(index, def, size int) {
	s, d := &r.slots[index], &r.p.defs[def]
	plan := &d.sizes[size]
	b := r.buffer[index*r.stride : (index+1)*r.stride]
	switch {
	case s.def != def:
		r.write(s, d, b)
		r.cursors[def].everyWord = 0
	case !d.sizes[s.size].whole || !plan.whole: // fields that are cut now, or were
		n := copy(b, d.template)
		d.fillPayload(b[n:max(n, d.sizes[len(d.sizes)-1].octets)], 0)
		s.adj, s.word, r.cursors[def].everyWord = NoAdjacency, 0, 0
	case d.signature != nil: // the old one gives way to payload
		old := &d.sizes[s.size]
		d.fillPayload(b[old.sign:old.octets], old.sign-len(d.template))
	}
	for _, p := range plan.patches {
		binary.BigEndian.PutUint16(b[p.at:], p.value)
	}
	s.def, s.size, s.class = def, size, d.class
	r.fit(index)
}

// fit notes where in the buffer the frame of a slot has what is written by
// length.
func (r *Run) fit(index int) {
	s, at := &r.slots[index], index*r.stride
	plan := &r.p.defs[s.def].sizes[s.size]
	r.views[index] = r.buffer[at : at+plan.octets]
	r.columns.signAt[index] = at + plan.sign
	for k := range plan.sums {
		c := &plan.sums[k]
		r.columns.totals[k].base[index], r.columns.totals[k].at[index] = c.base, at+c.at
	}
}

// write puts the template and the longest payload into a slot. Where neither
// the frame before nor this one has a signature, the payloads are zeros.
func (r *Run) write(s *slot, d *definition, b []byte) {
	s.adj, s.word = NoAdjacency, 0
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

// sign writes the signatures of a bout's frames and moves their flows' sequence
// numbers.
func (r *Run) sign(b *bout, now loop.Time) {
	second := (r.options.Epoch+uint64(now))<<2 | b.d.signature.Flags()
	secondSum := sumOf(traffic.Uint128{Lo: second})
	c, stream := b.c, uint64(b.d.signature.StreamID&0xffff)<<48
	flow, stream, by, seq := c.flow, stream|(c.first+1)<<32, c.by, c.seq
	at, sums := r.columns.signAt[b.row:b.row+b.n], r.columns.signed[:b.n]
	for i := range sums {
		first := stream + flow*by<<32 | uint64(seq[flow])
		seq[flow]++
		value := signature.Put(r.buffer[at[i]:at[i]+signature.Size], first, second)
		sums[i] = (first>>32 + first&0xffffffff + secondSum + value) << (at[i] & 1 * 8)
		if flow++; flow == uint64(len(seq)) {
			flow = 0
		}
	}
}
