package program

import (
	"glean/generator/traffic"
)

// destinations writes the MACs of their next hops into the first n frames of a group. It
// stops at a frame that must not leave, and returns how many it wrote.
func (r *Run) destinations(b *group, n int) int {
	d, c := b.d, b.c
	if d.adjModifier < 0 {
		word := r.p.words[d.adj].Load()
		if !c.slots.shared && word&stateMask == uint64(AdjacencyResolved)<<macBits {
			r.addressAll(c, d.adj, word)
			return n
		}
		for i := range n {
			if !r.destination(b, i, d.adj, word) {
				return i
			}
		}
		return n
	}
	g, o := c.values[d.adjModifier], &d.modifiers[d.adjModifier]
	if c.parts > 1 {
		for i := range n {
			adj := d.adjOf[g.index]
			if !r.destination(b, i, adj, r.p.words[adj].Load()) {
				return i
			}
			g.advance(o, c.parts)
		}
		return n
	}
	index, left := g.index, g.left
	words, adjOf, slots := r.p.words, d.adjOf, r.slots[b.row:b.row+n]
	for i := range slots {
		s, adj := &slots[i], adjOf[index]
		word := words[adj].Load()
		if word&stateMask == uint64(AdjacencyResolved)<<macBits {
			s.adj = adj
			if s.word != word {
				s.word = word
				putMAC(r.buffer[(b.row+i)*r.stride:], word)
			}
		} else if !r.destination(b, i, adj, word) {
			return i
		}
		if left--; left == 0 {
			left = o.stride
			if index++; index == uint64(len(adjOf)) {
				index = 0
			}
		}
	}
	return n
}

// addressAll writes one MAC into all slots of a definition, unless they have it.
func (r *Run) addressAll(c *cursor, adj uint32, word uint64) {
	if c.everyWord == word {
		return
	}
	for i := c.slots.first; i < c.slots.ready; i++ {
		r.slots[i].adj, r.slots[i].word = adj, word
		putMAC(r.buffer[i*r.stride:], word)
	}
	c.everyWord = word
}

// destination writes the MAC of a group's frame i. It reports whether the frame may
// leave.
func (r *Run) destination(b *group, i int, adj uint32, word uint64) bool {
	s, mac := &r.slots[b.row+i], word
	switch stateOf(word) {
	case AdjacencyResolved:
		if s.word == word {
			s.adj = adj
			return true // the buffer has it
		}
	case AdjacencyStale, AdjacencyUnconfirmed:
		r.doubtful = true
	default:
		if paused(word) {
			return false
		}
		var ok bool
		if mac, ok = r.fallback(b.d, b.c, i); !ok {
			return false
		}
	}
	s.adj, s.word, b.c.everyWord = adj, word, 0
	putMAC(r.buffer[(b.row+i)*r.stride:], mac)
	return true
}

// fallback returns the MAC of a frame whose next hop has none; ok is false if the policy
// is that such a frame must not leave. i is the frame's distance from the cursor.
func (r *Run) fallback(d *definition, c *cursor, i int) (mac uint64, ok bool) {
	l := &r.p.config.Learning
	switch {
	case l.Policy != traffic.PolicyFallback:
		return 0, false
	case l.HasFallback:
		return l.Fallback.Uint64(), true
	case d.dstModifier < 0:
		return d.dst, true
	}
	o := &d.modifiers[d.dstModifier]
	flow := c.number((c.flow + uint64(i)) % c.flows)
	return o.values.At(flow / o.stride % o.values.Count).Lo, true
}
