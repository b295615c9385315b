package program

import "glean/stack/loop"

// A batch is made in a few passes. Each pass first plans the definitions of the next
// frames, then makes the frames of each definition together. A pass ends before a frame
// that must not leave.

// group is the frames of one definition in a pass, in consecutive slots.
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
	reach, scanned := Batch, 0 // a pass after a frame that was left out plans at most twice what the last one made
	for uint64(r.tail) < n && scanned < scanMax {
		planned := r.plan(min(int(n)-r.tail, reach))
		if planned == 0 {
			break // a definition has no free slots
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

// plan assigns slots to up to n frames, as many as one pass can make.
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

// planOne is plan for a program of one definition.
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

// closeGroups forgets the last plan.
func (r *Run) closeGroups() {
	for i := range r.groups {
		r.groups[i].c.group = -1
	}
	r.groups = r.groups[:0]
}

// openGroup begins a group of a definition and returns its index, -1 if no slot is free.
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

// admit sets the lengths and destinations of planned frames. It ends the plan before the
// first frame that cannot be made in this pass, or is blocked because it must not leave,
// and returns how many frames come before it.
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

// indexOfSlot returns the index, among the planned frames, of the one in a slot.
func (r *Run) indexOfSlot(slot int) (n int) {
	for r.slotOf[r.tail+n] != slot {
		n++
	}
	return n
}

// make builds the n frames of the plan.
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

// makeGroup builds the frames of one group.
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

// leaveOut skips the next frame, which is left out of the schedule.
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

// noteFlows records the flows of a group's frames.
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
