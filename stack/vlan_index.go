package stack

import "glean/stack/header"

// vlanIndex finds the interfaces of a VLAN by address, MAC, group and range. A VLAN with
// a single interface has none: most stacks have one interface, and simulated networks
// have tens of thousands of stacks.
type vlanIndex struct {
	addresses ipIndex[address]
	stations  smallMap[header.MAC, *Interface] // the first one with the MAC
	groups    smallMap[uint32, int]            // low 24 bits of our IPv6 addresses, counted
	proxies   ipIndex[Interface]
	lengths   []proxyLength // of proxies, longest first
}

// proxyKey is a prefix of RespondFor.
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

// fullLength is the prefix length under which addresses are in the index.
const fullLength = 128

// proxy returns the interface that answers for an address that no interface has.
func (x *vlanIndex) proxy(a ip) *Interface {
	for i := range x.lengths {
		if l := &x.lengths[i]; l.is4 == a.is4() {
			if found := x.proxies.get(a.masked(l.bits), l.bits); found != nil {
				return found
			}
		}
	}
	return nil
}

// add is vlan.add for the index.
func (x *vlanIndex) add(i *Interface) {
	if x.stations.get(i.config.MAC) == nil {
		x.stations.set(i.config.MAC, i)
	}
	for _, a := range i.addresses {
		x.addresses.set(a.ip, fullLength, a)
		if !a.ip.is4() {
			x.countGroup(a.ip.group(), 1)
		}
	}
	for _, p := range i.config.RespondFor {
		key := proxyKey{ipFrom(p.Addr()), p.Bits()}
		if x.proxies.get(key.network, key.bits) == nil {
			x.proxies.set(key.network, key.bits, i)
			x.useLength(key, 1)
		}
	}
}

// countGroup counts the addresses in a solicited-node group.
func (x *vlanIndex) countGroup(group uint32, change int) {
	if uses := x.groups.get(group) + change; uses == 0 {
		x.groups.delete(group)
	} else {
		x.groups.set(group, uses)
	}
}

// remove is vlan.remove for the index; left are the remaining interfaces.
func (x *vlanIndex) remove(i *Interface, left []*Interface) {
	for _, a := range i.addresses {
		x.addresses.delete(a.ip, fullLength)
		if !a.ip.is4() {
			x.countGroup(a.ip.group(), -1)
		}
	}
	if x.stations.get(i.config.MAC) == i {
		x.stations.delete(i.config.MAC)
		for _, other := range left {
			if other.config.MAC == i.config.MAC {
				x.stations.set(i.config.MAC, other)
				break
			}
		}
	}
	for _, p := range i.config.RespondFor {
		x.removeProxy(i, proxyKey{ipFrom(p.Addr()), p.Bits()}, left)
	}
}

func (x *vlanIndex) removeProxy(i *Interface, key proxyKey, left []*Interface) {
	if x.proxies.get(key.network, key.bits) != i {
		return
	}
	x.proxies.delete(key.network, key.bits)
	x.useLength(key, -1)
	for _, other := range left {
		for _, p := range other.config.RespondFor {
			if (proxyKey{ipFrom(p.Addr()), p.Bits()}) == key {
				x.proxies.set(key.network, key.bits, other)
				x.useLength(key, 1)
				return
			}
		}
	}
}

// useLength counts the uses of a prefix length and keeps lengths sorted.
func (x *vlanIndex) useLength(key proxyKey, change int) {
	is4 := key.network.is4()
	at := 0
	for at < len(x.lengths) && x.lengths[at].bits > key.bits {
		at++
	}
	for k := at; k < len(x.lengths) && x.lengths[k].bits == key.bits; k++ {
		if x.lengths[k].is4 == is4 {
			if x.lengths[k].uses += change; x.lengths[k].uses == 0 {
				x.lengths = append(x.lengths[:k], x.lengths[k+1:]...)
			}
			return
		}
	}
	x.lengths = append(x.lengths, proxyLength{})
	copy(x.lengths[at+1:], x.lengths[at:])
	x.lengths[at] = proxyLength{is4, key.bits, change}
}
