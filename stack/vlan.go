package stack

import (
	"fmt"
	"slices"

	"glean/stack/header"
)

// segment is one VLAN of a link, or the untagged part of it: the interfaces
// whose frames carry the same VLAN IDs. Everything that comes in is looked up
// in its segment, so the same address in two VLANs never crosses.
type segment struct {
	key        uint32
	interfaces []*Interface  // in the order in which they were added
	index      *segmentIndex // nil while the one interface there is answers for itself only
	watched    map[ip]knower // who has a neighbor with an address; nil if there are few interfaces
	shared     map[ip]*knowers
}

// segmentKey packs VLAN IDs. A priority tag (ID 0) names no VLAN, so it does
// not count (IEEE 802.1Q section 6.9); nor do priorities and TPIDs.
func segmentKey(tags []header.VLAN) uint32 {
	key := uint32(0)
	for i := range tags {
		if id := uint32(tags[i].ID); id != 0 {
			key = key<<12 | id
		}
	}
	return key
}

// checkTags returns an error if the interfaces of the segment, which have the
// same VLAN IDs, have other TPIDs. A received frame belongs to a segment by its
// VLAN IDs alone, so frames of two service networks would mix. g may be nil.
func (g *segment) checkTags(tags []header.VLAN) error {
	if g == nil {
		return nil
	}
	other := g.interfaces[0]
	for k := range min(len(tags), len(other.config.Tags)) {
		if own, theirs := tags[k].Type(), other.config.Tags[k].Type(); own != theirs {
			return &ConfigError{"Tags", fmt.Sprintf("tag %d has TPID %v on this port; it cannot have TPID %v as well", tags[k].ID, theirs, own), other}
		}
	}
	return nil
}

// segment finds a segment, nil if no interface is there.
func (s *Stack) segment(key uint32) *segment {
	if s.recent != nil && s.recent.key == key {
		return s.recent
	}
	if g := s.segments.get(key); g != nil {
		s.recent = g
		return g
	}
	return nil
}

// own finds one of our addresses, nil if nobody here has it.
func (g *segment) own(a ip) *address {
	if g.index != nil {
		return g.index.addresses.get(a, fullLength)
	}
	for _, i := range g.interfaces {
		if own := i.own(a); own != nil {
			return own
		}
	}
	return nil
}

// owner finds the interface that has an address or answers for it. exact:
// the address is the interface's own.
func (g *segment) owner(a ip) (i *Interface, exact bool) {
	if own := g.own(a); own != nil {
		return own.iface, true
	}
	if g.index != nil && len(g.index.lengths) > 0 && !a.isNeverAsked() {
		if i := g.index.proxy(a); i != nil && !(a.is4() && i.isBroadcast(a)) {
			return i, false
		}
	}
	return nil, false
}

// station finds the interface with a MAC, the first if there are several.
func (g *segment) station(m header.MAC) *Interface {
	if g.index != nil {
		return g.index.stations.get(m)
	}
	for _, i := range g.interfaces {
		if i.config.MAC == m {
			return i
		}
	}
	return nil
}

// inGroup is how many of our addresses are in the solicited-node group of that
// number.
func (g *segment) inGroup(group uint32) (count int) {
	if g.index != nil {
		return g.index.groups.get(group)
	}
	for _, i := range g.interfaces {
		for _, a := range i.addresses {
			if !a.ip.is4() && a.ip.group() == group {
				count++
			}
		}
	}
	return count
}

// answersForOthers tells whether any interface has RespondFor.
func (g *segment) answersForOthers() bool { return g.index != nil && len(g.index.lengths) > 0 }

// group is the number of an IPv6 address's solicited-node group (RFC 4291
// section 2.7.1).
func (a ip) group() uint32 { return uint32(a.lo) & 0xffffff }

// add makes an interface known; its addresses were checked to be free.
func (g *segment) add(i *Interface) {
	g.interfaces = append(g.interfaces, i)
	if g.index == nil && (len(g.interfaces) > 1 || len(i.config.RespondFor) > 0) {
		g.index = &segmentIndex{}
		for _, other := range g.interfaces[:len(g.interfaces)-1] {
			g.index.add(other)
		}
	}
	if g.index != nil {
		g.index.add(i)
	}
}

// remove is the opposite of add. Ranges and MACs that another interface has
// too pass to the first of those.
func (g *segment) remove(i *Interface) {
	g.interfaces = slices.DeleteFunc(g.interfaces, func(other *Interface) bool { return other == i })
	if g.index != nil {
		g.index.remove(i, g.interfaces)
	}
}
