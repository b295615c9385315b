package scenario

import (
	"net/netip"

	"glean/sim"
	"glean/stack/header"
)

// Kind is what a frame is about.
type Kind uint8

// Kinds of frames.
const (
	KindARPRequest Kind = iota
	KindARPReply
	KindSolicitation
	KindAdvertisement
	KindICMP
	KindTraffic // all other IP
	KindOther
	numKinds
)

var kindWords = [numKinds]string{"arp_request", "arp_reply", "ns", "na", "icmp", "traffic", "other"}

// String gives the word used in reports.
func (k Kind) String() string { return kindWords[k] }

// seen is what a frame says, as far as anything here wants to know.
type seen struct {
	kind     Kind
	vlans    uint32 // IDs of the tags, outermost first, 12 bits each, and a bit for each tag
	src, dst header.MAC
	from, to netip.Addr // ARP: sender and target; ND: source and target; IP: source and destination
	payload  []byte     // of the Ethernet frame
	answer   bool       // an ARP reply or a solicited advertisement
	mac      header.MAC // that the answer tells; zero if it tells none
}

// look reads a frame, which must stay as it is while s is used. It tells
// whether the frame can be read.
func (s *seen) look(frame []byte) bool {
	*s = seen{kind: KindOther}
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return false
	}
	s.vlans, s.src, s.dst, s.payload = vlanKey(eth.Tags[:eth.NumTags]), eth.Src, eth.Dst, payload
	switch eth.Type {
	case header.EtherTypeARP:
		return s.lookARP(payload)
	case header.EtherTypeIPv4:
		return s.lookIPv4(payload)
	case header.EtherTypeIPv6:
		return s.lookIPv6(payload)
	}
	return true
}

func vlanKey(tags []header.VLAN) (key uint32) {
	for _, t := range tags {
		key = key<<12 | uint32(t.ID) | 1<<24
	}
	return key
}

func (s *seen) lookARP(payload []byte) bool {
	a, err := header.ParseARP(payload)
	if err != nil {
		return false
	}
	s.kind = KindARPReply
	if a.Op == header.ARPRequest {
		s.kind = KindARPRequest
	}
	s.from, s.to = netip.AddrFrom4(a.SenderIP), netip.AddrFrom4(a.TargetIP)
	s.answer, s.mac = s.kind == KindARPReply, a.SenderMAC
	return true
}

func (s *seen) lookIPv4(payload []byte) bool {
	if len(payload) < header.IPv4Size {
		return false
	}
	ip := header.IPv4(payload)
	s.kind, s.from, s.to = KindTraffic, netip.AddrFrom4(ip.Src()), netip.AddrFrom4(ip.Dst())
	if ip.Protocol() == header.ProtocolICMPv4 {
		s.kind = KindICMP
	}
	return true
}

// hopByHop is the number of RFC 8200 section 4.3.
const hopByHop header.Protocol = 0

func (s *seen) lookIPv6(payload []byte) bool {
	if len(payload) < header.IPv6Size {
		return false
	}
	b := header.IPv6(payload)
	s.kind, s.from, s.to = KindTraffic, netip.AddrFrom16(b.Src()), netip.AddrFrom16(b.Dst())
	if next := b.NextHeader(); next != header.ProtocolICMPv6 && next != hopByHop {
		return true
	}
	ip, rest, err := header.ParseIPv6(payload) // behind a hop-by-hop header there is MLD
	if err != nil || ip.NextHeader != header.ProtocolICMPv6 || len(rest) == 0 {
		return err == nil
	}
	s.kind = KindICMP
	if ns, err := header.ParseNeighborSolicitation(ip, rest); err == nil {
		s.kind, s.to = KindSolicitation, netip.AddrFrom16(ns.Target)
	} else if na, err := header.ParseNeighborAdvertisement(ip, rest); err == nil {
		s.kind, s.to = KindAdvertisement, netip.AddrFrom16(na.Target)
		s.answer, s.mac = na.Solicited, na.TargetLink
	}
	return true
}

// flowOf gives the flow of an IP packet as sim.Host counts it; ok is false if
// it is of none, or is UDP with a wrong checksum.
func flowOf(packet []byte) (f sim.Flow, ok bool) {
	if len(packet) == 0 {
		return f, false
	}
	if packet[0]>>4 == 4 {
		ip, rest, err := header.ParseIPv4(packet)
		if err != nil || ip.Protocol == header.ProtocolICMPv4 {
			return f, false
		}
		f = sim.Flow{Src: netip.AddrFrom4(ip.Src), Dst: netip.AddrFrom4(ip.Dst), Protocol: ip.Protocol}
		if f.Protocol == header.ProtocolUDP {
			u, _, err := header.ParseUDPv4(ip.Src, ip.Dst, rest)
			f.DstPort = u.DstPort
			return f, err == nil
		}
		return f, true
	}
	ip, rest, err := header.ParseIPv6(packet)
	if err != nil || ip.NextHeader == header.ProtocolICMPv6 {
		return f, false
	}
	f = sim.Flow{Src: netip.AddrFrom16(ip.Src), Dst: netip.AddrFrom16(ip.Dst), Protocol: ip.NextHeader}
	if f.Protocol == header.ProtocolUDP {
		u, _, err := header.ParseUDPv6(ip.Src, ip.Dst, rest)
		f.DstPort = u.DstPort
		return f, err == nil
	}
	return f, true
}

// about is the address that an answer is about.
func (s *seen) about() netip.Addr {
	if s.kind == KindARPReply {
		return s.from
	}
	return s.to
}
