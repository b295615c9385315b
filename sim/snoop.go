package sim

import (
	"net/netip"
	"slices"

	"glean/stack/header"
)

// Filtered flooding. Without it a solicitation for one of ten thousand hosts would be
// ten thousand frames, all but one of them useless. Real switches avoid that by MLD
// snooping (RFC 4541) and ARP suppression. Here a caller of Listen names the addresses
// behind a port, and solicitations for other addresses are not flooded to that port.
// Answers, announcements, other broadcasts and all unicast are not affected.

// snoop is the state of a switch's filtered flooding.
type snoop struct {
	groups map[[16]byte][]uint32 // ports behind which a group is
	loud   map[uint16][]uint32   // ports of each VLAN that receive every solicitation
	quiet  int                   // number of ports that do not
	heard  []uint32              // scratch
}

// Listen declares that the addresses behind the port are among these and those of
// earlier calls. From the first call on, ARP requests and solicitations for other
// addresses are not flooded to the port, so hosts behind it learn nothing from them.
func (p *SwitchPort) Listen(addresses ...netip.Addr) {
	s := p.sw
	if s.groups == nil {
		s.groups, s.loud = map[[16]byte][]uint32{}, map[uint16][]uint32{}
	}
	if !p.listens {
		p.listens = true
		s.quiet++
		clear(s.loud)
	}
	for _, a := range addresses {
		k := groupOf(a)
		if !slices.Contains(s.groups[k], p.index) {
			s.groups[k] = append(s.groups[k], p.index)
		}
	}
}

// removeListener takes a port that is being removed out of the groups, and moves
// up those behind it.
func (s *Switch) removeListener(p *SwitchPort) {
	if p.listens {
		s.quiet--
	}
	for group, ports := range s.groups {
		ports = slices.DeleteFunc(ports, func(i uint32) bool { return i == p.index })
		for n := range ports {
			if ports[n] > p.index {
				ports[n]--
			}
		}
		if len(ports) == 0 {
			delete(s.groups, group)
		} else {
			s.groups[group] = ports
		}
	}
}

// groupOf returns the group that solicitations for an address are sent to: the
// solicited-node group, or for ARP the address itself.
func groupOf(a netip.Addr) [16]byte {
	if a.Is4() {
		return a.As16()
	}
	return header.SolicitedNode(a.As16())
}

// audience returns the ports to which a frame is flooded; the port it came from may be
// one of them.
func (s *Switch) audience(vlan uint16, dst header.MAC, f []byte) []uint32 {
	all := s.vlanMembers(vlan)
	if s.quiet == 0 || !dst.IsMulticast() {
		return all
	}
	group, ok := solicitedGroup(f)
	if !ok {
		return all
	}
	s.heard = append(s.heard[:0], s.loudMembers(vlan)...)
	for _, i := range s.groups[group] {
		if s.ports[i].member(vlan) {
			s.heard = append(s.heard, i)
		}
	}
	slices.Sort(s.heard) // as without a filter: in the order of the ports
	return s.heard
}

// loudMembers returns the ports of a VLAN that receive every solicitation.
func (s *Switch) loudMembers(vlan uint16) []uint32 {
	if m, known := s.loud[vlan]; known {
		return m
	}
	var m []uint32
	for _, i := range s.vlanMembers(vlan) {
		if !s.ports[i].listens {
			m = append(m, i)
		}
	}
	s.loud[vlan] = m
	return m
}

// solicitedGroup returns the group of an ARP request or solicitation. ok is false for any other
// frame, ARP announcements and probes included, which all stations must receive.
func solicitedGroup(f []byte) (group [16]byte, ok bool) {
	switch kind, payload := peel(f); kind {
	case header.EtherTypeARP:
		a, err := header.ParseARP(payload)
		unowned := a.SenderIP == a.TargetIP || a.SenderIP == [4]byte{}
		return netip.AddrFrom4(a.TargetIP).As16(), err == nil && a.Op == header.ARPRequest && !unowned
	case header.EtherTypeIPv6:
		if len(payload) < header.IPv6Size {
			return group, false
		}
		group = header.IPv6(payload).Dst()
		return group, header.IsSolicitedNode(group)
	}
	return group, false
}
