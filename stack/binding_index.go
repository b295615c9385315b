package stack

import (
	"iter"
	"slices"

	"glean/stack/header"
)

// maxUnindexed is how many interfaces a segment may have before it keeps who of them
// knows whom. What everybody hears (a request to all, a gratuitous ARP) then costs
// a look at those that know its sender, not at 10,000 of which none does.
const maxUnindexed = 8

// bindingRef is who has a neighbor with an address: one interface, or several, which
// are in vlan.shared.
type bindingRef struct{ slot, count uint32 }

// sharedBinding are the interfaces of a segment that have a neighbor with the same
// address: mostly a router that all of them know. What it says in each of its
// requests they mostly know already.
type sharedBinding struct {
	slots  []uint32
	common binding // all have this; zero: that is not known
	heard  uint32  // when it was heard again and nobody was told, in ticks
}

// binding is what a message says of its sender.
type binding struct {
	mac    header.MAC
	router bool
}

// addBinding notes that an interface has a neighbor with an address.
func (v *vlan) addBinding(a ip, slot uint32) {
	if v.bindings == nil {
		return
	}
	k := v.bindings[a]
	switch k.count++; k.count {
	case 1:
		k.slot = slot
	case 2:
		v.shared[a] = &sharedBinding{slots: []uint32{k.slot, slot}}
	default:
		v.shared[a].slots = append(v.shared[a].slots, slot)
	}
	v.bindings[a] = k
}

// removeBinding is the opposite of know.
func (v *vlan) removeBinding(a ip, slot uint32) {
	if v.bindings == nil {
		return
	}
	k := v.bindings[a]
	if k.count--; k.count == 0 {
		delete(v.bindings, a)
		return
	}
	all := v.shared[a]
	last := len(all.slots) - 1
	all.slots[slices.Index(all.slots, slot)] = all.slots[last]
	all.slots = all.slots[:last]
	if k.count == 1 {
		k.slot = all.slots[0]
		delete(v.shared, a)
	}
	v.bindings[a] = k
}

// hasBinding tells whether any interface has a neighbor with the address.
func (v *vlan) hasBinding(a ip) bool { return v.bindings[a].count > 0 }

// affected gives the interfaces that a claim about an address means something to:
// those that have such a neighbor (in a small segment all), unless all of them know
// that already. They must not forget it meanwhile.
func (s *Stack) affected(v *vlan, a ip, c binding) iter.Seq[*Interface] {
	return func(yield func(*Interface) bool) {
		if v.bindings == nil {
			for _, i := range v.interfaces {
				if !yield(i) {
					return
				}
			}
			return
		}
		k := v.bindings[a]
		if k.count < 2 {
			if k.count == 1 {
				yield(s.interfaces[k.slot])
			}
			return
		}
		all := v.shared[a]
		if !c.mac.IsZero() && c == all.common {
			all.heard = ticks(s.loop.Now())
			return
		}
		s.clearCommon(all, a)
		for _, slot := range all.slots {
			if !yield(s.interfaces[slot]) {
				return
			}
		}
		s.setCommon(all, a, c)
	}
}

// clearCommon gives each neighbor what was heard while none was told.
func (s *Stack) clearCommon(all *sharedBinding, a ip) {
	if all.common.mac.IsZero() {
		return
	}
	for _, slot := range all.slots {
		if n := s.neighbors.at(s.neighbors.find(slot, a)); s.bindingOf(n) == all.common {
			n.heard = all.heard
		}
	}
	all.common = binding{}
}

// setCommon notes a claim that all know now.
func (s *Stack) setCommon(all *sharedBinding, a ip, c binding) {
	if c.mac.IsZero() {
		return
	}
	for _, slot := range all.slots {
		if s.bindingOf(s.neighbors.at(s.neighbors.find(slot, a))) != c {
			return
		}
	}
	all.common, all.heard = c, ticks(s.loop.Now())
}

// bindingChanged is called when a neighbor is, or is changed to, something else than it
// was.
func (s *Stack) bindingChanged(i *Interface, n *neighbor) {
	if len(i.vlan.shared) == 0 {
		return
	}
	a := s.neighbors.address(n)
	if all := i.vlan.shared[a]; all != nil && s.bindingOf(n) != all.common {
		s.clearCommon(all, a)
	}
}

func (s *Stack) bindingOf(n *neighbor) binding { return binding{n.mac, n.flags&flagRouter != 0} }
