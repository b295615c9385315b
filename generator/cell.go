package generator

import "slices"

// cell is some octets of a frame that one store writes: a modified field, or
// several that share an octet, with the constant bits around them. Two fields
// that share a bit cannot be joined so; their cell is rough.
type cell struct {
	off   int
	span  int  // 1, 2, 4, 6, 8 or 16 octets; any number if it is rough
	plain bool // of one op that is not filled
	rough bool // the ops are written in turn, and frames are summed octet by octet
	ops   []int
}

func (c *cell) end() int { return c.off + c.span }

// cells joins the ops that write something.
func (k *compiler) cells(d *definition) {
	var order []int
	for i := range d.ops {
		if d.ops[i].span > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return d.ops[a].off - d.ops[b].off })
	for _, i := range order {
		o := &d.ops[i]
		if n := len(d.cells); n > 0 && o.off < d.cells[n-1].end() {
			c := &d.cells[n-1]
			c.ops = append(c.ops, i)
			c.span = max(c.end(), o.off+int(o.span)) - c.off
			continue
		}
		d.cells = append(d.cells, cell{off: o.off, span: int(o.span), ops: []int{i}})
	}
	for i := range d.cells {
		c := &d.cells[i]
		slices.Sort(c.ops)
		if c.join(d); c.plain {
			c.narrow(d)
		}
		for _, op := range c.ops {
			k.tables += d.ops[op].tabulate(maxTables-k.tables, op != d.adjOp)
		}
	}
}

// join gives each op its place in the cell, and the first one the constant bits.
func (c *cell) join(d *definition) {
	first := &d.ops[c.ops[0]]
	c.plain = len(c.ops) == 1 && first.fill == fillNone
	if len(c.ops) > 1 {
		taken := uint64(0)
		for _, i := range c.ops {
			o := &d.ops[i]
			mask := o.mask << (8 * (c.end() - o.off - int(o.span)))
			c.rough = c.rough || c.span > 4 || c.span == 3 || mask&taken != 0
			taken |= mask
		}
		if c.rough {
			return
		}
		for _, i := range c.ops {
			o := &d.ops[i]
			o.shift += uint8(8 * (c.end() - o.off - int(o.span)))
		}
	}
	if c.span == 16 {
		return
	}
	for _, b := range d.template[c.off:c.end()] {
		first.fixed = first.fixed<<8 | uint64(b)
	}
}

// narrow leaves the upper half of an IPv6 address to the template where it is
// always the same.
func (c *cell) narrow(d *definition) {
	o := &d.ops[c.ops[0]]
	hi, ok := o.values.commonHalf()
	if c.span != 16 || !ok {
		return
	}
	b := wide{hi: hi}.bytes()
	copy(d.template[c.off:], b[:8])
	c.off, c.span, o.span = c.off+8, 8, 8
}

// maxTables bounds the values in tables of all definitions together, maxTable
// those of a sequence that could be computed, and maxCycle those of values that
// stay for some frames each.
const (
	maxTables = 1 << 22
	maxTable  = 1 << 16
	maxCycle  = 1 << 12
)

// tabulate makes the table of the op's values if it has no better way to them
// and the table has no more than room values. It gives how many it has. Values
// that stay for some frames are repeated in it, if they may be.
func (o *op) tabulate(room int, repeat bool) int {
	v, count := o.values, o.count
	long := v.count >= Batch && (v.isPlain() && o.xor.isZero() || v.list == nil && v.count > maxTable)
	if o.stride > 1 {
		count *= o.stride
		long = !repeat || count > maxCycle || o.stride >= Batch
	}
	if o.span > 8 || long || count+Batch > uint64(max(room, 0)) {
		return 0
	}
	o.every, o.count = 1, count
	o.table = make([]uint64, count+Batch-1)
	for i := range o.table {
		o.table[i] = o.at(uint64(i) % count).lo
	}
	return len(o.table)
}
