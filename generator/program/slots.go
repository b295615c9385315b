package program

import (
	"encoding/binary"

	"glean/internal/arith"
)

// A slot is soonest filled if it holds a frame of the same definition and length
// already. So each definition has a region of slots in a row, and its frames of
// a batch are made there together, wherever they stand in the batch. Where
// lengths repeat after few frames, so do those of the slots, and a batch begins
// with the slot that fits.

// region is a row of slots for the frames of a definition, or of all if slots of
// their own would be too many.
type slotRange struct {
	first, end int
	shared     bool
	period     int    // slots so far apart hold frames of one length; 0 if lengths change from batch to batch
	ready      int    // slots before it are prepared, unless they are shared
	next       int    // the first slot that no frame of the batch has
	batch      uint64 // that next is about
}

// maxRoom bounds the octets of the slots of one run; there are always as many
// slots as a batch needs.
const maxSlotOctets = 4 << 20

// layOut makes the regions of a run and gives them to the cursors. It gives the
// number of slots.
func (r *Run) layOut() (slots int) {
	limit := max(Batch, maxSlotOctets/r.stride)
	r.slotRanges = make([]slotRange, len(r.p.defs))
	for _, generous := range []bool{true, false} {
		slots = 0
		for i := range r.slotRanges {
			period, most := r.cursors[i].period(&r.p.defs[i]), Batch
			if !generous {
				most = r.p.window(i)
			}
			r.slotRanges[i] = slotRange{first: slots, ready: slots, period: period}
			slots += most + max(period, 1) - 1
			r.slotRanges[i].end = slots
			r.cursors[i].slots = &r.slotRanges[i]
		}
		if slots <= limit {
			return slots
		}
	}
	r.slotRanges = []slotRange{{end: Batch, shared: true}}
	for i := range r.cursors {
		r.cursors[i].slots = &r.slotRanges[0]
	}
	return Batch
}

// period is the number of a cursor's frames after which lengths repeat, 0 if
// they are more than a batch, or if they do not.
func (c *cursor) period(d *definition) int {
	if len(d.variants) == 1 {
		return 1
	}
	cycle := uint64(len(d.variantOf))
	if d.variantOf == nil || !c.evenlySpaced() {
		return 0
	}
	again, _ := arith.LCM(cycle, c.parts) // cycle is small
	if again/c.parts > Batch {
		return 0
	}
	return int(again / c.parts)
}

// window is about how many frames of a definition are in a batch at most.
func (p *Program) window(def int) int {
	round := uint64(0)
	for _, block := range p.blocks {
		round += min(block, Batch)
	}
	return int(min(Batch, min(p.blocks[def], Batch)*(Batch/round+1)))
}

// open gives a cursor the slots from row on, at most up to end, for its next
// frames in a batch.
func (c *cursor) nextSlots(batch uint64) (row, end int) {
	g := c.slots
	if g.batch != batch {
		g.batch, g.next = batch, g.first
	}
	row = g.next
	if g.period > 1 {
		row += (c.phase + g.period - (row-g.first)%g.period) % g.period
	}
	return row, g.end
}

// slot is a buffer that holds a frame of some definition and length already.
type frameSlot struct {
	def, variant int    // -1 at first
	adj          uint32 // NoAdjacency if it has none
	class        uint32
	word         uint64 // the adjacency as the frame was made with, 0 if it has none
}

// prepare makes a slot hold what is constant in the frames of a definition
// and length.
func (r *Run) prepare(index, def, size int) {
	s, d := &r.slots[index], &r.p.defs[def]
	plan := &d.variants[size]
	b := r.buffer[index*r.stride : (index+1)*r.stride]
	switch {
	case s.def != def:
		r.writeTemplate(s, d, b)
		r.cursors[def].everyWord = 0
	case !d.variants[s.variant].whole || !plan.whole: // fields that are cut now, or were
		n := copy(b, d.template)
		d.fillPayload(b[n:max(n, d.variants[len(d.variants)-1].octets)], 0)
		s.adj, s.word, r.cursors[def].everyWord = NoAdjacency, 0, 0
	case d.signature != nil: // the old one gives way to payload
		old := &d.variants[s.variant]
		d.fillPayload(b[old.sign:old.octets], old.sign-len(d.template))
	}
	for _, p := range plan.patches {
		binary.BigEndian.PutUint16(b[p.at:], p.value)
	}
	s.def, s.variant, s.class = def, size, d.class
	r.noteOffsets(index)
}

// fit notes where in the buffer the frame of a slot has what is written by
// length.
func (r *Run) noteOffsets(index int) {
	s, at := &r.slots[index], index*r.stride
	plan := &r.p.defs[s.def].variants[s.variant]
	r.frameOf[index] = r.buffer[at : at+plan.octets]
	r.columns.signAt[index] = at + plan.sign
	for k := range plan.sums {
		c := &plan.sums[k]
		r.columns.totals[k].base[index], r.columns.totals[k].at[index] = c.base, at+c.at
	}
}

// write puts the template and the longest payload into a slot. Where neither
// the frame before nor this one has a signature, the payloads are zeros.
func (r *Run) writeTemplate(s *frameSlot, d *definition, b []byte) {
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
	d.fillPayload(b[n:max(n, d.variants[len(d.variants)-1].octets)], 0)
}
