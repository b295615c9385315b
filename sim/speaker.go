package sim

import (
	"net/netip"

	"glean/stack/header"
)

// speakerRoom holds an ARP message or an advertisement with two tags.
const speakerRoom = 128

// speaker builds the frames that a device sends without a stack of its own, or
// behind its stack's back.
type speaker struct {
	out   func(frames [][]byte) (int, error)
	tags  []header.VLAN
	frame []byte // being built
	one   [1][]byte
}

// ethernet begins a frame and returns where its payload goes.
func (s *speaker) ethernet(src, dst header.MAC, kind header.EtherType) int {
	e := header.EthernetRepr{Dst: dst, Src: src, NumTags: uint8(len(s.tags)), Type: kind}
	copy(e.Tags[:], s.tags)
	if s.frame == nil {
		s.frame = make([]byte, speakerRoom)
	}
	return e.Emit(s.frame)
}

// send sends the frame of that length.
func (s *speaker) send(length int) {
	s.one[0] = s.frame[:length]
	_, _ = s.out(s.one[:]) // a full wire counts the drop
}

// arp sends an ARP message. The frame comes from the sender that it names.
func (s *speaker) arp(dst header.MAC, a header.ARPRepr) {
	at := s.ethernet(a.SenderMAC, dst, header.EtherTypeARP)
	s.send(at + a.Emit(s.frame[at:]))
}

// advertise sends an advertisement that overrides. The frame comes from the
// MAC that it names, the packet from the address that it is about.
func (s *speaker) advertise(dst header.MAC, to [16]byte, na header.NeighborAdvertisement) {
	na.Override, na.HasTargetLink = true, true
	at := s.ethernet(na.TargetLink, dst, header.EtherTypeIPv6)
	ip := header.IPv6Repr{
		Src: na.Target, Dst: to, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size(),
	}
	at += ip.Emit(s.frame[at:])
	s.send(at + na.Emit(s.frame[at:], ip.Src, ip.Dst))
}

// solicit sends a solicitation to the solicited-node group of an address.
func (s *speaker) solicit(mac header.MAC, from, target [16]byte) {
	ns := header.NeighborSolicitation{Target: target, SourceLink: mac, HasSourceLink: true}
	group := header.SolicitedNode(target)
	at := s.ethernet(mac, header.MulticastMAC(netip.AddrFrom16(group)), header.EtherTypeIPv6)
	ip := header.IPv6Repr{Src: from, Dst: group, NextHeader: header.ProtocolICMPv6, HopLimit: header.NeighborHopLimit, PayloadLen: ns.Size()}
	at += ip.Emit(s.frame[at:])
	s.send(at + ns.Emit(s.frame[at:], ip.Src, ip.Dst))
}

// announce announces an address with a MAC: by an ARP announcement (RFC 5227 section
// 2.3), or by an unsolicited advertisement to all nodes that overrides their caches (RFC
// 4861 section 7.2.6).
func (s *speaker) announce(mac header.MAC, a netip.Addr, router bool) {
	if a.Is4() {
		s.arp(header.Broadcast, header.ARPRepr{
			Op: header.ARPRequest, SenderMAC: mac, SenderIP: a.As4(), TargetIP: a.As4(),
		})
		return
	}
	s.advertise(allNodesMAC, header.AllNodes, header.NeighborAdvertisement{
		Router: router, Target: a.As16(), TargetLink: mac,
	})
}

var allNodesMAC = header.MulticastMAC(netip.AddrFrom16(header.AllNodes))
