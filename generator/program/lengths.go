package program

import (
	"encoding/binary"

	"glean/generator/signature"
)

// Only a few numbers depend on a frame's length: its end, length fields, and the
// constants of checksums. If lengths do not repeat within a batch, the numbers are looked
// up in a table and written a column at a time, as fields are.

// lengthTable is the table of a definition whose frames of different lengths differ in
// these numbers only.
type lengthTable struct {
	table   []uint16 // by length: octets, the values of patches, the bases of checksums
	width   int      // numbers of one length
	patches []patch  // of any length, for their places
	sums    int
	payload []byte // of the longest frame; it replaces signatures that move
}

// setLengthTable makes the table, if the definition can have one.
func (d *definition) setLengthTable() {
	first, last := &d.variants[0], &d.variants[len(d.variants)-1]
	if len(d.variants) == 1 || first.direct || !first.whole || last.planGroup > 0 {
		return
	}
	f := &lengthTable{patches: first.patches, sums: len(first.sums), width: 1 + len(first.patches) + len(first.sums)}
	for i := range d.variants {
		s := &d.variants[i]
		if !s.matches(first) {
			return
		}
		f.table = append(f.table, uint16(s.octets))
		for _, p := range s.patches {
			f.table = append(f.table, p.value)
		}
		for k := range s.sums {
			f.table = append(f.table, uint16((s.sums[k].base-1)%modulus+1))
		}
	}
	if d.signature != nil {
		f.payload = make([]byte, last.octets-len(d.template))
		d.fillPayload(f.payload, 0)
	}
	d.lengthTable = f
}

// matches reports whether two variants have patches and checksums at the same places.
func (s *lengthVariant) matches(t *lengthVariant) bool {
	if len(s.patches) != len(t.patches) || len(s.sums) != len(t.sums) {
		return false
	}
	for i := range s.patches {
		if s.patches[i].at != t.patches[i].at {
			return false
		}
	}
	for i := range s.sums {
		if s.sums[i].at != t.sums[i].at {
			return false
		}
	}
	return true
}

// lengths sets the lengths of a group's first n frames, as far as they can be made
// together: their checksums must have one plan. It returns how many it set.
func (r *Run) lengths(b *group, n int) int {
	g := b.c.slots
	if g.period > 0 {
		return r.repeatedLengths(b, n)
	}
	sizes := r.columns.sizes[:n]
	b.d.sizesFrom(sizes, b.c)
	sizes = sizes[:b.d.together(sizes)]
	end := b.row + len(sizes)
	for ; !g.shared && g.ready < end; g.ready++ {
		r.prepare(g.ready, b.def, int(sizes[g.ready-b.row]))
	}
	if b.d.lengthTable != nil && !g.shared {
		r.resize(b, sizes)
		return len(sizes)
	}
	for i, size := range sizes {
		if s := &r.slots[b.row+i]; s.def != b.def || s.variant != int(size) {
			r.prepare(b.row+i, b.def, int(size))
		}
	}
	return len(sizes)
}

// repeatedLengths is lengths for slots that keep their lengths once they are prepared.
func (r *Run) repeatedLengths(b *group, n int) int {
	d, g := b.d, b.c.slots
	for ; g.ready < b.row+n; g.ready++ {
		size := uint32(0)
		if len(d.variants) > 1 {
			at := b.c.origin + uint64((g.ready-g.first)%g.period)*b.c.parts
			size = d.variantOf[at%uint64(len(d.variantOf))]
		}
		r.prepare(g.ready, b.def, int(size))
	}
	if d.variants[len(d.variants)-1].planGroup == 0 {
		return n
	}
	group := d.variants[r.slots[b.row].variant].planGroup
	for i := 1; i < n; i++ {
		if d.variants[r.slots[b.row+i].variant].planGroup != group {
			return i
		}
	}
	return n
}

// sizesFrom fills to with the length variants of a cursor's next frames.
//
//go:noinline
func (d *definition) sizesFrom(to []uint32, c *cursor) {
	length, cycle := c.length, uint64(len(d.variantOf))
	if d.variantOf == nil {
		lengths := *d.lengths // in registers
		for i := range to {
			to[i] = lengths.Drawn(length)
			length += c.parts
		}
		return
	}
	for i := range to {
		to[i] = d.variantOf[length]
		if length += c.parts; length >= cycle {
			length %= cycle
		}
	}
}

// together returns how many of the first variants are of one plan group.
func (d *definition) together(sizes []uint32) int {
	if d.variants[len(d.variants)-1].planGroup == 0 {
		return len(sizes)
	}
	group := d.variants[sizes[0]].planGroup
	for i, size := range sizes {
		if d.variants[size].planGroup != group {
			return i
		}
	}
	return len(sizes)
}

// resize changes the lengths of a group's prepared slots.
func (r *Run) resize(b *group, sizes []uint32) {
	f := b.d.lengthTable
	if b.d.signature != nil {
		r.moveSignatures(b, sizes)
	}
	r.shorten(b, sizes)
	for k := 0; k < len(f.patches); k += 2 { // two at a time; a single last one twice
		f.patch(r.buffer[b.row*r.stride:], r.stride, sizes, k, min(k+1, len(f.patches)-1))
	}
	for k := 0; k < f.sums; k += 2 {
		f.bases(&r.columns, b.row, sizes, k, min(k+1, f.sums-1))
	}
}

// patch writes two patches into the frames that begin at b.
//
//go:noinline
func (f *lengthTable) patch(b []byte, stride int, sizes []uint32, i, j int) {
	first, second, width, at, next := f.table[1+i:], f.table[1+j:], f.width, int(f.patches[i].at), int(f.patches[j].at)
	for _, size := range sizes {
		v := int(size) * width
		binary.BigEndian.PutUint16(b[at:at+2], first[v])
		binary.BigEndian.PutUint16(b[next:next+2], second[v])
		at, next = at+stride, next+stride
	}
}

// bases sets the bases of two checksums.
//
//go:noinline
func (f *lengthTable) bases(c *batchColumns, row int, sizes []uint32, i, j int) {
	first, second, width := f.table[1+len(f.patches)+i:], f.table[1+len(f.patches)+j:], f.width
	to, also := c.totals[i].base[row:row+len(sizes)], c.totals[j].base[row:row+len(sizes)]
	for k, size := range sizes {
		v := int(size) * width
		to[k], also[k] = uint64(first[v]), uint64(second[v])
	}
}

// shorten sets the ends of a group's frames.
//
//go:noinline
func (r *Run) shorten(b *group, sizes []uint32) {
	views, table, width := r.frameOf[b.row:b.row+len(sizes)], b.d.lengthTable.table, b.d.lengthTable.width
	for i, size := range sizes {
		views[i] = views[i][:table[int(size)*width]]
	}
}

// moveSignatures overwrites old signatures with payload and finds the new places.
//
//go:noinline
func (r *Run) moveSignatures(b *group, sizes []uint32) {
	f, header := b.d.lengthTable, len(b.d.template)
	views, signAt := r.frameOf[b.row:b.row+len(sizes)], r.columns.signAt[b.row:b.row+len(sizes)]
	at := b.row*r.stride - signature.Size
	for i, size := range sizes {
		old := len(views[i]) - signature.Size
		*(*[signature.Size]byte)(views[i][old:]) = *(*[signature.Size]byte)(f.payload[old-header:])
		signAt[i] = at + int(f.table[int(size)*f.width])
		at += r.stride
	}
}
