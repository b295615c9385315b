package program

// Frames are made a column at a time: for each field all frames of a batch, so
// that what kind of field it is is asked once for a batch and not for each
// frame.

// cursor is where a definition stands in its sequence of frames.
type cursor struct {
	position
	values    []valueCursor // one for each op
	length    uint64        // position in the cycle of lengths
	origin    uint64        // where it began
	phase     int           // frames since the region's first slot would have fitted
	seq       []uint32
	base      uint64 // of the run's own flows, which is the first of this definition
	slots     *slotRange
	group     int    // index in the present plan, -1 if it has no frame there
	everyWord uint64 // the adjacency that all its slots were made with; 0 if it may differ
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

// pass moves over a frame that is not made.
func (c *cursor) skip(d *definition) {
	far := c.distance(1)
	for i := range d.modifiers {
		c.values[i].advance(&d.modifiers[i], far)
	}
	c.move(d, 1)
}

// move counts n frames.
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
