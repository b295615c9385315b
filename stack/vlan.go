package stack

import (
	"fmt"
	"slices"

	"glean/stack/header"
)

// A vlan is one VLAN of a link, or its untagged part: the interfaces whose frames carry
// the same VLAN IDs. Every received frame is looked up in its VLAN only, so the same
// address in two VLANs never mixes.
type vlan struct {
	key        uint32
	interfaces []*Interface      // in the order in which they were added
	index      *vlanIndex        // nil while the only interface answers for itself only
	bindings   map[ip]bindingRef // by neighbor address; nil for at most maxUnindexed interfaces
	shared     map[ip]*sharedBinding
}

// vlanKey packs VLAN IDs. A priority tag (ID 0) names no VLAN, so it does not count
// (IEEE 802.1Q section 6.9), nor do priorities and TPIDs.
func vlanKey(tags []header.VLAN) uint32 {
	key := uint32(0)
	for i := range tags {
		if id := uint32(tags[i].ID); id != 0 {
			key = key<<12 | id
		}
	}
	return key
}

// checkTags returns an error if the interfaces of the VLAN, which have the same VLAN
// IDs, have other TPIDs. Received frames are assigned to a VLAN by VLAN IDs alone, so
// frames of two service networks would mix. v may be nil.
func (v *vlan) checkTags(tags []header.VLAN) error {
	if v == nil {
		return nil
	}
	other := v.interfaces[0]
	for k := range min(len(tags), len(other.config.Tags)) {
		if own, theirs := tags[k].Type(), other.config.Tags[k].Type(); own != theirs {
			return &ConfigError{"Tags", fmt.Sprintf("tag %d has TPID %v on this port; it cannot have TPID %v as well", tags[k].ID, theirs, own), other}
		}
	}
	return nil
}

// findVLAN returns a VLAN, nil if it has no interface.
func (s *Stack) findVLAN(key uint32) *vlan {
	if s.recentVLAN != nil && s.recentVLAN.key == key {
		return s.recentVLAN
	}
	if v := s.vlans.get(key); v != nil {
		s.recentVLAN = v
		return v
	}
	return nil
}

// own returns one of our addresses, nil if no interface of the VLAN has it.
func (v *vlan) own(a ip) *address {
	if v.index != nil {
		return v.index.addresses.get(a, fullLength)
	}
	for _, i := range v.interfaces {
		if own := i.own(a); own != nil {
			return own
		}
	}
	return nil
}

// owner returns the interface that has an address or answers for it. exact means that
// the address is the interface's own.
func (v *vlan) owner(a ip) (i *Interface, exact bool) {
	if own := v.own(a); own != nil {
		return own.iface, true
	}
	if v.index != nil && len(v.index.lengths) > 0 && !a.isNotHost() {
		if i := v.index.proxy(a); i != nil && !(a.is4() && i.isBroadcast(a)) {
			return i, false
		}
	}
	return nil, false
}

// station returns the interface with a MAC, the first if several have it.
func (v *vlan) station(m header.MAC) *Interface {
	if v.index != nil {
		return v.index.stations.get(m)
	}
	for _, i := range v.interfaces {
		if i.config.MAC == m {
			return i
		}
	}
	return nil
}

// inGroup returns how many of our addresses are in a solicited-node group.
func (v *vlan) inGroup(group uint32) (count int) {
	if v.index != nil {
		return v.index.groups.get(group)
	}
	for _, i := range v.interfaces {
		for _, a := range i.addresses {
			if !a.ip.is4() && a.ip.group() == group {
				count++
			}
		}
	}
	return count
}

// answersForOthers reports whether any interface has RespondFor.
func (v *vlan) answersForOthers() bool { return v.index != nil && len(v.index.lengths) > 0 }

// group returns the low 24 bits of an IPv6 address, which determine its solicited-node
// group (RFC 4291 section 2.7.1).
func (a ip) group() uint32 { return uint32(a.lo) & 0xffffff }

// add adds an interface whose addresses were checked to be free.
func (v *vlan) add(i *Interface) {
	v.interfaces = append(v.interfaces, i)
	if v.index == nil && (len(v.interfaces) > 1 || len(i.config.RespondFor) > 0) {
		v.index = &vlanIndex{}
		for _, other := range v.interfaces[:len(v.interfaces)-1] {
			v.index.add(other)
		}
	}
	if v.index != nil {
		v.index.add(i)
	}
}

// remove removes an interface. Its ranges and MAC pass to the first other interface that
// has them too.
func (v *vlan) remove(i *Interface) {
	v.interfaces = slices.DeleteFunc(v.interfaces, func(other *Interface) bool { return other == i })
	if v.index != nil {
		v.index.remove(i, v.interfaces)
	}
}
