package stack

import (
	"glean/stack/header"
)

// segment is one VLAN of a link, or the untagged part of it: the interfaces
// whose frames carry the same VLAN IDs. Everything that comes in is looked up
// in its segment, so the same address in two VLANs never crosses.
type segment struct {
	key        uint32
	interfaces []*Interface // in the order in which they were added
	addresses  ipIndex[address]
	stations   fewMap[header.MAC, *Interface] // the first one with the MAC
	groups     fewMap[uint32, int]            // low 24 bits of our IPv6 addresses, counted
	proxies    ipIndex[Interface]
	lengths    []proxyLength // of proxies, longest first
	watched    map[ip]int    // neighbors by address, counted over all interfaces
}

// proxyKey is a prefix of respond_for.
type proxyKey struct {
	network ip
	bits    int
}

// proxyLength is a prefix length in use.
type proxyLength struct {
	is4  bool
	bits int
	uses int
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

// proxy finds the interface that answers for an address that nobody has.
func (g *segment) proxy(a ip) *Interface {
	for i := range g.lengths {
		if l := &g.lengths[i]; l.is4 == a.is4() {
			if found := g.proxies.get(a.masked(l.bits), l.bits); found != nil {
				return found
			}
		}
	}
	return nil
}

// fullLength is the prefix length under which addresses are in the index.
const fullLength = 128

// own finds one of our addresses, nil if nobody here has it.
func (g *segment) own(a ip) *address { return g.addresses.get(a, fullLength) }

// owner finds the interface that has an address or answers for it. exact:
// the address is the interface's own.
func (g *segment) owner(a ip) (i *Interface, exact bool) {
	if own := g.own(a); own != nil {
		return own.iface, true
	}
	if len(g.lengths) > 0 {
		return g.proxy(a), false
	}
	return nil, false
}

// add makes an interface known; its addresses were checked to be free.
func (g *segment) add(i *Interface) {
	g.interfaces = append(g.interfaces, i)
	if g.stations.get(i.config.MAC) == nil {
		g.stations.set(i.config.MAC, i)
	}
	for _, a := range i.addresses {
		g.addresses.set(a.ip, fullLength, a)
		if !a.ip.is4() {
			g.countGroup(a.ip, 1)
		}
	}
	for _, p := range i.config.RespondFor {
		key := proxyKey{ipFrom(p.Addr()), p.Bits()}
		if g.proxies.get(key.network, key.bits) == nil {
			g.proxies.set(key.network, key.bits, i)
			g.useLength(key, 1)
		}
	}
}

// countGroup counts the addresses in the solicited-node group of one.
func (g *segment) countGroup(a ip, change int) {
	low := uint32(a.lo) & 0xffffff
	if uses := g.groups.get(low) + change; uses == 0 {
		g.groups.delete(low)
	} else {
		g.groups.set(low, uses)
	}
}

// remove is the opposite of add. Ranges and MACs that another interface has
// too pass to the first of those.
func (g *segment) remove(i *Interface) {
	for at, other := range g.interfaces {
		if other == i {
			g.interfaces = append(g.interfaces[:at], g.interfaces[at+1:]...)
			break
		}
	}
	for _, a := range i.addresses {
		g.addresses.delete(a.ip, fullLength)
		if !a.ip.is4() {
			g.countGroup(a.ip, -1)
		}
	}
	if g.stations.get(i.config.MAC) == i {
		g.stations.delete(i.config.MAC)
		for _, other := range g.interfaces {
			if other.config.MAC == i.config.MAC {
				g.stations.set(i.config.MAC, other)
				break
			}
		}
	}
	for _, p := range i.config.RespondFor {
		g.removeProxy(i, proxyKey{ipFrom(p.Addr()), p.Bits()})
	}
}

func (g *segment) removeProxy(i *Interface, key proxyKey) {
	if g.proxies.get(key.network, key.bits) != i {
		return
	}
	g.proxies.delete(key.network, key.bits)
	g.useLength(key, -1)
	for _, other := range g.interfaces {
		for _, p := range other.config.RespondFor {
			if (proxyKey{ipFrom(p.Addr()), p.Bits()}) == key {
				g.proxies.set(key.network, key.bits, other)
				g.useLength(key, 1)
				return
			}
		}
	}
}

// useLength counts the uses of a prefix length and keeps lengths sorted.
func (g *segment) useLength(key proxyKey, change int) {
	is4 := key.network.is4()
	at := 0
	for at < len(g.lengths) && g.lengths[at].bits > key.bits {
		at++
	}
	for k := at; k < len(g.lengths) && g.lengths[k].bits == key.bits; k++ {
		if g.lengths[k].is4 == is4 {
			if g.lengths[k].uses += change; g.lengths[k].uses == 0 {
				g.lengths = append(g.lengths[:k], g.lengths[k+1:]...)
			}
			return
		}
	}
	g.lengths = append(g.lengths, proxyLength{})
	copy(g.lengths[at+1:], g.lengths[at:])
	g.lengths[at] = proxyLength{is4, key.bits, change}
}

// scanAll is how many interfaces a segment may have before it counts its
// neighbors by address.
const scanAll = 8

// watch keeps the count of neighbors with an address, so that a broadcast
// about an address that no interface knows costs one look, not one per
// interface.
func (g *segment) watch(a ip, change int) {
	if g.watched == nil {
		return
	}
	if g.watched[a] += change; g.watched[a] == 0 {
		delete(g.watched, a)
	}
}

// mayKnow tells whether any interface may have a neighbor with the address.
func (g *segment) mayKnow(a ip) bool { return g.watched == nil || g.watched[a] > 0 }
