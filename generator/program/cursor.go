package program

// Frames are made a column at a time: one field of all frames of a group, then the next
// field. So the kind of a field is looked at once for a group, not for each frame.

// cursor is the place of a run in a definition's sequence of frames.
type cursor struct {
	position
	values    []valueCursor // by modifier
	length    uint64        // position in the cycle of lengths
	origin    uint64        // the position where the run began
	phase     int           // frames since one had the length of the first slot
	seq       []uint32
	base      uint64 // the first flow of this definition among the run's own
	slots     *slotRange
	group     int    // index in the present plan, -1 if it has no frame there
	everyWord uint64 // the adjacency word that all its slots were made with; 0 if they may differ
}

func (c *cursor) init(d *definition, s position) {
	c.position, c.base, c.group = s, (d.first+s.first)/s.parts, -1
	c.values = make([]valueCursor, len(d.modifiers))
	for i := range d.modifiers {
		c.values[i] = newValueCursor(&d.modifiers[i])
		c.values[i].advance(&d.modifiers[i], s.first)
	}
	c.advanceLength(d, s.first)
	c.origin = c.length
	if d.signature != nil {
		c.seq = make([]uint32, s.flows)
	}
}

// skip moves past a frame that is not made.
func (c *cursor) skip(d *definition) {
	far := c.distance(1)
	for i := range d.modifiers {
		c.values[i].advance(&d.modifiers[i], far)
	}
	c.move(d, 1)
}

// move moves past n frames that were made; the value cursors have moved already.
func (c *cursor) move(d *definition, n int) {
	c.advanceLength(d, c.distance(uint64(n)))
	c.position.move(uint64(n))
	if period := c.slots.period; period > 1 {
		c.phase = (c.phase + n) % period
	}
}

func (c *cursor) advanceLength(d *definition, frames uint64) {
	c.length += frames
	if cycle := uint64(len(d.variantOf)); cycle > 0 && c.length >= cycle {
		c.length %= cycle
	}
}
