package stack

import (
	"iter"
	"slices"

	"glean/stack/header"
)

// scanAll is how many interfaces a segment may have before it keeps who of them
// knows whom. What everybody hears (a request to all, a gratuitous ARP) then costs
// a look at those that know its sender, not at 10,000 of which none does.
const scanAll = 8

// knower is who has a neighbor with an address: one interface, or several, which
// are in segment.shared.
type knower struct{ slot, count uint32 }

// knowers are the interfaces of a segment that have a neighbor with the same
// address: mostly a router that all of them know. What it says in each of its
// requests they mostly know already.
type knowers struct {
	slots   []uint32
	settled claim  // all have this; zero: that is not known
	told    uint32 // when it was heard again and nobody was told, in ticks
}

// claim is what a message says of its sender.
type claim struct {
	mac    header.MAC
	router bool
}

// know notes that an interface has a neighbor with an address.
func (g *segment) know(a ip, slot uint32) {
	if g.watched == nil {
		return
	}
	k := g.watched[a]
	switch k.count++; k.count {
	case 1:
		k.slot = slot
	case 2:
		g.shared[a] = &knowers{slots: []uint32{k.slot, slot}}
	default:
		g.shared[a].slots = append(g.shared[a].slots, slot)
	}
	g.watched[a] = k
}

// forget is the opposite of know.
func (g *segment) forget(a ip, slot uint32) {
	if g.watched == nil {
		return
	}
	k := g.watched[a]
	if k.count--; k.count == 0 {
		delete(g.watched, a)
		return
	}
	all := g.shared[a]
	last := len(all.slots) - 1
	all.slots[slices.Index(all.slots, slot)] = all.slots[last]
	all.slots = all.slots[:last]
	if k.count == 1 {
		k.slot = all.slots[0]
		delete(g.shared, a)
	}
	g.watched[a] = k
}

// isKnown tells whether any interface has a neighbor with the address.
func (g *segment) isKnown(a ip) bool { return g.watched[a].count > 0 }

// knowers gives the interfaces that a claim about an address means something to:
// those that have such a neighbor (in a small segment all), unless all of them know
// that already. They must not forget it meanwhile.
func (s *Stack) knowers(g *segment, a ip, c claim) iter.Seq[*Interface] {
	return func(yield func(*Interface) bool) {
		if g.watched == nil {
			for _, i := range g.interfaces {
				if !yield(i) {
					return
				}
			}
			return
		}
		k := g.watched[a]
		if k.count < 2 {
			if k.count == 1 {
				yield(s.interfaces[k.slot])
			}
			return
		}
		all := g.shared[a]
		if !c.mac.IsZero() && c == all.settled {
			all.told = ticks(s.loop.Now())
			return
		}
		s.unsettleAll(all, a)
		for _, slot := range all.slots {
			if !yield(s.interfaces[slot]) {
				return
			}
		}
		s.settleAll(all, a, c)
	}
}

// unsettleAll gives each neighbor what was heard while none was told.
func (s *Stack) unsettleAll(all *knowers, a ip) {
	if all.settled.mac.IsZero() {
		return
	}
	for _, slot := range all.slots {
		if n := s.neighbors.at(s.neighbors.find(slot, a)); s.claimOf(n) == all.settled {
			n.told = all.told
		}
	}
	all.settled = claim{}
}

// settleAll notes a claim that all know now.
func (s *Stack) settleAll(all *knowers, a ip, c claim) {
	if c.mac.IsZero() {
		return
	}
	for _, slot := range all.slots {
		if s.claimOf(s.neighbors.at(s.neighbors.find(slot, a))) != c {
			return
		}
	}
	all.settled, all.told = c, ticks(s.loop.Now())
}

// unsettle is called when a neighbor is, or is changed to, something else than it
// was.
func (s *Stack) unsettle(i *Interface, n *neighbor) {
	if len(i.segment.shared) == 0 {
		return
	}
	a := s.neighbors.address(n)
	if all := i.segment.shared[a]; all != nil && s.claimOf(n) != all.settled {
		s.unsettleAll(all, a)
	}
}

func (s *Stack) claimOf(n *neighbor) claim { return claim{n.mac, n.flags&flagRouter != 0} }
