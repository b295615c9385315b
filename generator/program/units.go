package program

import (
	"slices"

	"glean/generator/traffic"
	"glean/internal/arith"
)

// cell is some octets of a frame that one store writes: a modified field, or
// several that share an octet, with the constant bits around them. Two fields
// that share a bit cannot be joined so; their cell is rough.
type storeUnit struct {
	off         int
	span        int  // 1, 2, 4, 6, 8 or 16 octets; any number if it is rough
	plain       bool // of one op that is not filled
	overlapping bool // the ops are written in turn, and frames are summed octet by octet
	modifiers   []int
}

func (c *storeUnit) end() int { return c.off + c.span }

// cells joins the ops that write something.
func (k *compiler) units(d *definition) {
	var order []int
	for i := range d.modifiers {
		if d.modifiers[i].span > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return d.modifiers[a].off - d.modifiers[b].off })
	for _, i := range order {
		o := &d.modifiers[i]
		if n := len(d.units); n > 0 && o.off < d.units[n-1].end() {
			c := &d.units[n-1]
			c.modifiers = append(c.modifiers, i)
			c.span = max(c.end(), o.off+int(o.span)) - c.off
			continue
		}
		d.units = append(d.units, storeUnit{off: o.off, span: int(o.span), modifiers: []int{i}})
	}
	for i := range d.units {
		c := &d.units[i]
		slices.Sort(c.modifiers)
		if c.combine(d); c.plain {
			c.narrow(d)
		}
	}
	k.pairs(d)
	for i := range d.units {
		for _, op := range d.units[i].modifiers {
			k.tables += d.modifiers[op].tabulate(maxTables-k.tables, op != d.adjModifier)
		}
	}
}

// pairs joins cells that are neighbors and repeat together after few frames: one
// table has the values of both, and one store writes them.
func (k *compiler) pairs(d *definition) {
	cells := d.units[:0]
	for i := 0; i < len(d.units); i++ {
		c := d.units[i]
		if i+1 < len(d.units) && c.pairsWith(d, &d.units[i+1]) && k.pair(d, &c, &d.units[i+1]) {
			i++
		}
		cells = append(cells, c)
	}
	d.units = cells
}

// fits reports whether one store can write a cell and the next one, and checksums
// cover both alike.
func (c *storeUnit) pairsWith(d *definition, next *storeUnit) bool {
	if !c.plain || !next.plain || c.end() != next.off || c.span != next.span || c.span > 4 {
		return false
	}
	for i := range d.headers {
		h := &d.headers[i]
		if h.offset == next.off {
			return false
		}
		if f := h.kind.Field(traffic.RoleSource); h.kind.IsIP() && next.off == h.offset+f.Bit/8 {
			return false // a pseudo header begins there
		}
	}
	return true
}

// pair puts both cells into c, unless the table would be too large.
func (k *compiler) pair(d *definition, c, next *storeUnit) bool {
	a, b := &d.modifiers[c.modifiers[0]], &d.modifiers[next.modifiers[0]]
	x, okX := arith.Product(a.period, a.count)
	y, okY := arith.Product(b.period, b.count)
	if !okX || !okY || x > maxPair || y > maxPair {
		return false
	}
	cycle, _ := arith.LCM(x, y)
	if cycle > maxPair || k.tables+int(cycle)+Batch > maxTables {
		return false
	}
	o := fieldModifier{off: c.off, span: uint8(2 * c.span), bit: -1, values: &traffic.Values{}, stride: 1, period: 1, count: cycle, fillDst: -1}
	table := make([]uint64, cycle+Batch-1)
	for i := range table {
		n := uint64(i) % cycle
		table[i] = a.at(n/a.period%a.count).Lo<<(8*next.span) | b.at(n/b.period%b.count).Lo
	}
	o.table = table
	k.tables += len(table)
	d.adjUnstored = d.adjUnstored || d.adjModifier == c.modifiers[0] || d.adjModifier == next.modifiers[0]
	*c = storeUnit{off: c.off, span: 2 * c.span, plain: true, modifiers: []int{len(d.modifiers)}}
	d.modifiers = append(d.modifiers, o)
	return true
}

// join gives each op its place in the cell, and the first one the constant bits.
func (c *storeUnit) combine(d *definition) {
	first := &d.modifiers[c.modifiers[0]]
	c.plain = len(c.modifiers) == 1 && first.fill == fillNone
	if len(c.modifiers) > 1 {
		taken := uint64(0)
		for _, i := range c.modifiers {
			o := &d.modifiers[i]
			mask := o.mask << (8 * (c.end() - o.off - int(o.span)))
			c.overlapping = c.overlapping || c.span > 4 || c.span == 3 || mask&taken != 0
			taken |= mask
		}
		if c.overlapping {
			return
		}
		for _, i := range c.modifiers {
			o := &d.modifiers[i]
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
func (c *storeUnit) narrow(d *definition) {
	o := &d.modifiers[c.modifiers[0]]
	hi, ok := o.values.CommonHalf()
	if c.span != 16 || !ok {
		return
	}
	b := traffic.Uint128{Hi: hi}.Bytes()
	copy(d.template[c.off:], b[:8])
	c.off, c.span, o.span = c.off+8, 8, 8
}

// maxTables bounds the values in tables of all definitions together, maxTable
// those of a sequence that could be computed, maxCycle those of values that stay
// for some frames each, and maxPair those of two cells.
const (
	maxTables = 1 << 22
	maxTable  = 1 << 16
	maxCycle  = 1 << 12
	maxPair   = 1 << 14
)

// tabulate makes the table of the op's values if it has no better way to them
// and the table has at most room values. It gives how many it has. Values
// that stay for some frames are repeated in it, if they may be.
func (o *fieldModifier) tabulate(room int, repeat bool) int {
	if o.table != nil {
		return 0
	}
	v, count := o.values, o.count
	long := v.Count >= Batch && (v.IsPlain() && o.xor.IsZero() || v.List == nil && v.Count > maxTable)
	if o.stride > 1 {
		count *= o.stride
		long = !repeat || count > maxCycle || o.stride >= Batch
	}
	if o.span > 8 || long || count+Batch > uint64(max(room, 0)) {
		return 0
	}
	o.period, o.count = 1, count
	table := make([]uint64, count+Batch-1)
	for i := range table {
		table[i] = o.at(uint64(i) % count).Lo
	}
	o.table = table
	return len(table)
}
