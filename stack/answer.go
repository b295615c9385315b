package stack

import "glean/stack/header"

// What is answered to questions, and how, depends on the question and the one
// who answers alone. These functions are the stack's, and those of anybody who
// answers for stations without giving each a stack.

// Station is who answers.
type Station struct {
	MAC      header.MAC
	Tags     []header.VLAN // of its frames, at most 2
	Router   bool          // IsRouter of its adverts
	Override bool          // its adverts override; those of a proxy do not (RFC 4861 section 7.2.4)
}

// emitEthernet writes the header of a frame of the station.
func (a *Station) emitEthernet(frame []byte, dst header.MAC, kind header.EtherType) int {
	return header.EmitEthernet(frame, &dst, &a.MAC, a.Tags, kind)
}

// AnswerSize is the room that an answer takes at most, in octets.
const AnswerSize = header.EthernetSize + header.MaxTags*header.VLANSize +
	header.IPv6Size + header.NeighborSize + header.LinkOptionSize

// AnswerARP writes into frame, which has AnswerSize octets, what a station that
// has the target's address, or is its proxy, answers to an ARP message. It gives the
// length, 0 if there is no answer: to what is no request, to senders that can't be
// stations, and to announcements.
func AnswerARP(frame []byte, r *header.ARPRepr, by *Station) int {
	sender := ipFrom4(r.SenderIP)
	probe := sender.lo == 0 // RFC 5227 section 2.1.1
	if r.Op != header.ARPRequest || isNoStation(r.SenderMAC) || r.SenderMAC == by.MAC ||
		!probe && sender.isNotHost() || r.SenderIP == r.TargetIP {
		return 0
	}
	dst := r.SenderMAC
	if ipFrom4(r.TargetIP).isLinkLocal() {
		dst = header.Broadcast // RFC 3927 section 2.5
	}
	n := by.emitEthernet(frame, dst, header.EtherTypeARP)
	reply := header.ARPRepr{
		Op: header.ARPReply, SenderMAC: by.MAC, SenderIP: r.TargetIP,
		TargetMAC: r.SenderMAC, TargetIP: r.SenderIP,
	}
	return n + reply.EmitTo(frame[n:])
}

// AnswerSolicitation is AnswerARP for a solicitation from src. A solicitation
// without a link-layer address is answered to the MAC to (RFC 4861 section
// 7.2.4), one that checks for duplicates to all nodes (RFC 4862 section 5.4.3).
// There is no answer to senders that can't be stations, nor to one that has the
// target's address or the answerer's MAC.
func AnswerSolicitation(frame []byte, src [16]byte, r *header.NeighborSolicitation, to header.MAC, by *Station) int {
	if r.HasSourceLink {
		to = r.SourceLink
	}
	solicited := src != [16]byte{}
	switch {
	case !solicited:
		src, to = header.AllNodes, groupMAC16(header.AllNodes)
	case isNoStation(to) || to == by.MAC || src == r.Target || ipFrom16(src).isNotHost():
		return 0
	}
	n := by.emitEthernet(frame, to, header.EtherTypeIPv6)
	return n + emitAdvert(frame[n:], src, r.Target, solicited, by)
}

// isNoStation tells of MACs that no station has.
func isNoStation(m header.MAC) bool { return m.IsZero() || m.IsMulticast() }

// emitAdvert writes an IPv6 packet with an advert from its target. RFC 4861 section
// 4.4 wants an address that is assigned to the interface. As a proxy, Linux takes one
// of its own there; but the addresses of RespondFor are the interface's in all but
// the Override flag, packets come from them too, and ndisc6 takes no advert whose
// source is not the target.
func emitAdvert(b []byte, dst, target [16]byte, solicited bool, by *Station) int {
	na := header.NeighborAdvertisement{
		Router: by.Router, Solicited: solicited, Override: by.Override,
		Target: target, TargetLink: by.MAC, HasTargetLink: true,
	}
	return na.EmitPacket(b, &target, &dst)
}
