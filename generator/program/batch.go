package program

import "glean/stack/loop"

// A batch is made in a few goes. Each first plans which definitions the next
// frames are of, then makes the frames of each definition together. A go ends
// before a frame that must not leave.

// bout is the frames of one definition in a go, in slots in a row.
type group struct {
	d            *definition
	c            *cursor
	def          int
	row, n, most int // the first slot, and how many
}

// build makes up to n frames.
func (r *Run) build(now loop.Time, n uint64) {
	r.head, r.tail, r.doubtful = 0, 0, false
	r.batch++
	if changes := r.p.changes.Load(); changes != r.changes {
		r.changes, r.unsendable = changes, 0
	}
	if r.idle() {
		return
	}
	reach, scanned := Batch, 0 // where frames are left out, a go plans no more than twice what the last one made
	for uint64(r.tail) < n && scanned < scanMax {
		planned := r.plan(min(int(n)-r.tail, reach))
		if planned == 0 {
			break // the slots of a definition are full
		}
		made, blocked := r.admit(planned)
		if made > 0 {
			r.make(made, now)
			r.unsendable = 0
		}
		reach = min(2*max(made, 1), Batch)
		if !blocked {
			continue
		}
		scanned++
		if r.leaveOut(); r.idle() {
			break
		}
	}
	r.countMade(r.tail)
}

// plan gives up to n frames their slots, as many as can be made in one go.
func (r *Run) plan(n int) int {
	r.closeGroups()
	if len(r.cursors) == 1 {
		return r.planOne(n)
	}
	slots := r.slotOf[r.tail : r.tail+n]
	for i, def := range r.lookahead.next(n) {
		at := r.cursors[def].group
		if at < 0 {
			if at = r.openGroup(int(def)); at < 0 {
				return i
			}
		}
		b := &r.groups[at]
		if b.n == b.most {
			return i
		}
		slots[i] = b.row + b.n
		b.n++
	}
	return n
}

// planOne is plan where there is one definition.
func (r *Run) planOne(n int) int {
	if r.openGroup(0) < 0 {
		return 0
	}
	b := &r.groups[0]
	b.n = min(n, b.most)
	slots := r.slotOf[r.tail : r.tail+b.n]
	for i := range slots {
		slots[i] = b.row + i
	}
	return b.n
}

// close forgets the last plan.
func (r *Run) closeGroups() {
	for i := range r.groups {
		r.groups[i].c.group = -1
	}
	r.groups = r.groups[:0]
}

// open begins a bout of a definition and gives its index, -1 if there can be none.
func (r *Run) openGroup(def int) int {
	c := &r.cursors[def]
	row, end := c.nextSlots(r.batch)
	if row >= end || c.slots.shared && len(r.groups) > 0 {
		return -1
	}
	b := group{d: &r.p.defs[def], c: c, def: def, row: row, most: end - row}
	if !c.evenlySpaced() { // its frames must be of one round
		b.most = int(min(uint64(b.most), c.flows-c.flow))
	}
	c.group = len(r.groups)
	r.groups = append(r.groups, b)
	return c.group
}

// admit gives planned frames their lengths and destinations, and the plan ends
// before the first that cannot be made in this go, or is blocked: it must not
// leave. It gives how many there are before it.
func (r *Run) admit(planned int) (n int, blocked bool) {
	n = planned
	for i := range r.groups {
		b := &r.groups[i]
		together := r.lengths(b, b.n)
		ready := together
		if b.d.learned {
			ready = r.destinations(b, together)
		}
		if ready == b.n {
			continue
		}
		if at := r.indexOfSlot(b.row + ready); at < n {
			n, blocked = at, ready < together
		}
	}
	if len(r.groups) == 1 {
		r.groups[0].n = n
	} else if n < planned {
		r.plan(n)
	}
	return n, blocked
}

// placeOf is the place among the planned frames of the one in a slot.
func (r *Run) indexOfSlot(slot int) (n int) {
	for r.slotOf[r.tail+n] != slot {
		n++
	}
	return n
}

// make makes the n frames of the plan.
func (r *Run) make(n int, now loop.Time) {
	for i := range r.groups {
		r.makeGroup(&r.groups[i], now)
	}
	to := r.frames[r.tail : r.tail+n]
	if len(r.groups) == 1 {
		copy(to, r.frameOf[r.groups[0].row:])
	} else {
		for i, slot := range r.slotOf[r.tail : r.tail+n] {
			to[i] = r.frameOf[slot]
		}
	}
	r.tail += n
	r.lookahead.advance(n)
}

// bout makes the frames of a definition.
func (r *Run) makeGroup(b *group, now loop.Time) {
	size := &b.d.variants[r.slots[b.row].variant]
	r.fields(b, size.plan)
	if b.d.signature != nil {
		r.sign(b, now)
	}
	if size.direct {
		r.sumDirectly(b)
	} else {
		r.sums(b, size.plan)
	}
	if r.flows != nil || b.c.seq != nil {
		r.noteFlows(b)
	}
	b.c.slots.next = b.row + b.n
	b.c.move(b.d, b.n)
}

// leaveOut passes over the next frame, which is left out of the schedule.
func (r *Run) leaveOut() {
	def := r.lookahead.next(1)[0]
	r.cursors[def].skip(&r.p.defs[def])
	r.lookahead.advance(1)
	r.tally.skipped++
	r.unsendable++
	if r.unsendable >= r.p.round {
		r.unsendable = 0
		r.idleAt = r.changes + 1
	}
}

// mark notes the flows of a bout's frames.
func (r *Run) noteFlows(b *group) {
	flow, flows, base := b.c.flow, b.c.flows, b.c.base
	column := r.flowOf[b.row : b.row+b.n]
	for i := range column {
		column[i] = base + flow
		if flow++; flow == flows {
			flow = 0
		}
	}
}
