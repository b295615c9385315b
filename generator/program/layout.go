package program

import "glean/internal/arith"

// A slot is soonest filled if it holds a frame of the same definition and length
// already. So each definition has a region of slots in a row, and its frames of
// a batch are made there together, wherever they stand in the batch. Where
// lengths repeat after few frames, so do those of the slots, and a batch begins
// with the slot that fits.

// region is a row of slots for the frames of a definition, or of all if slots of
// their own would be too many.
type region struct {
	first, end int
	shared     bool
	period     int    // slots so far apart hold frames of one length; 0 if lengths change from batch to batch
	ready      int    // slots before it are prepared, unless they are shared
	next       int    // the first slot that no frame of the batch has
	batch      uint64 // that next is about
}

// maxRoom bounds the octets of the slots of one run; there are always as many
// slots as a batch needs.
const maxRoom = 4 << 20

// layOut makes the regions of a run and gives them to the cursors. It gives the
// number of slots.
func (r *Run) layOut() (slots int) {
	limit := max(Batch, maxRoom/r.stride)
	r.regions = make([]region, len(r.p.defs))
	for _, generous := range []bool{true, false} {
		slots = 0
		for i := range r.regions {
			period, most := r.cursors[i].period(&r.p.defs[i]), Batch
			if !generous {
				most = r.p.window(i)
			}
			r.regions[i] = region{first: slots, ready: slots, period: period}
			slots += most + max(period, 1) - 1
			r.regions[i].end = slots
			r.cursors[i].region = &r.regions[i]
		}
		if slots <= limit {
			return slots
		}
	}
	r.regions = []region{{end: Batch, shared: true}}
	for i := range r.cursors {
		r.cursors[i].region = &r.regions[0]
	}
	return Batch
}

// period is the number of a cursor's frames after which lengths repeat, 0 if
// they are more than a batch, or if they do not.
func (c *cursor) period(d *definition) int {
	if len(d.sizes) == 1 {
		return 1
	}
	cycle := uint64(len(d.sizeOf))
	if d.sizeOf == nil || !c.even() {
		return 0
	}
	again, _ := arith.LCM(cycle, c.by) // cycle is small
	if again/c.by > Batch {
		return 0
	}
	return int(again / c.by)
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
func (c *cursor) open(batch uint64) (row, end int) {
	g := c.region
	if g.batch != batch {
		g.batch, g.next = batch, g.first
	}
	row = g.next
	if g.period > 1 {
		row += (c.phase + g.period - (row-g.first)%g.period) % g.period
	}
	return row, g.end
}
