package stack

import (
	"iter"
	"slices"

	"glean/stack/header"
)

// maxUnindexed is how many interfaces a VLAN may have without a binding index. With the
// index, a broadcast message (a request, a gratuitous ARP) costs a look at the
// interfaces that have its sender as a neighbor, not at 10,000 of which none has.
const maxUnindexed = 8

// A bindingRef is the interfaces of a VLAN that have a neighbor with one address: the
// slot of the only one, or their number if they are several, which are in vlan.shared.
type bindingRef struct{ slot, count uint32 }

// A sharedBinding is the interfaces of a VLAN that have a neighbor with the same
// address, for example a router. Most of its broadcasts repeat the binding that all of
// them have.
type sharedBinding struct {
	slots  []uint32
	common binding // all neighbors have this; zero: they may differ
	heard  uint32  // when it was last heard without updating the neighbors, in ticks
}

// A binding is the MAC and router flag that a message or an entry has for an address.
type binding struct {
	mac    header.MAC
	router bool
}

// addBinding records that an interface has a neighbor with an address.
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

// removeBinding is the opposite of addBinding.
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

// hasBinding reports whether any interface has a neighbor with the address.
func (v *vlan) hasBinding(a ip) bool { return v.bindings[a].count > 0 }

// affected returns the interfaces whose cache a binding for an address may change: those
// that have such a neighbor (in a small VLAN all), or none if all of them have that
// binding already. The loop body must not delete these neighbors.
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

// clearCommon ends the common binding and stores in each neighbor when it was last
// heard.
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

// setCommon records a binding that all neighbors have now.
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

// bindingChanged ends the common binding when the binding of a neighbor changes. It is
// called after every change.
func (s *Stack) bindingChanged(i *Interface, n *neighbor) {
	if len(i.vlan.shared) == 0 {
		return
	}
	a := s.neighbors.address(n)
	if all := i.vlan.shared[a]; all != nil && s.bindingOf(n) != all.common {
		s.clearCommon(all, a)
	}
}

// bindingOf returns the binding of an entry.
func (s *Stack) bindingOf(n *neighbor) binding { return binding{n.mac, n.flags&flagRouter != 0} }
