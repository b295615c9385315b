package stack

import "glean/stack/header"

// An answer depends only on the message and on the station that answers. The stack
// uses these functions, and so does code that answers for stations without a stack
// for each.

// Station is the host in whose name a message is answered.
type Station struct {
	MAC      header.MAC
	Tags     []header.VLAN // of its frames, at most 2
	Router   bool          // IsRouter of its adverts
	Override bool          // its adverts override; those of a proxy do not (RFC 4861 section 7.2.4)
}

// emitEthernet writes the Ethernet header of a frame of the station.
func (a *Station) emitEthernet(frame []byte, dst header.MAC, kind header.EtherType) int {
	return header.EmitEthernet(frame, &dst, &a.MAC, a.Tags, kind)
}

// AnswerSize is the longest frame that AnswerARP and AnswerSolicitation write, in
// octets.
const AnswerSize = header.EthernetSize + header.MaxTags*header.VLANSize +
	header.IPv6Size + header.NeighborSize + header.LinkOptionSize

// AnswerARP writes into frame, which has AnswerSize octets, the reply of a station that
// has the target address, or is its proxy, to an ARP message. It returns the length, 0
// if no reply is due: to messages other than requests, to senders that cannot be
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

// AnswerSolicitation is AnswerARP for a solicitation from src. A solicitation without a
// link-layer address is answered to the MAC to (RFC 4861 section 7.2.4), one for
// duplicate address detection to all nodes (RFC 4862 section 5.4.3). Senders that cannot
// be stations, or that have the target's address or the answering station's MAC, get no
// answer.
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

// isNoStation reports whether no station can have the MAC.
func isNoStation(m header.MAC) bool { return m.IsZero() || m.IsMulticast() }

// emitAdvert writes an IPv6 packet with an advert from its target and returns its
// length. RFC 4861 section 4.4 requires a source address that is assigned to the
// interface. As a proxy, Linux uses one of its own. But the addresses of RespondFor are
// the interface's in all but the Override flag, packets come from them too, and ndisc6
// ignores an advert whose source is not the target.
func emitAdvert(b []byte, dst, target [16]byte, solicited bool, by *Station) int {
	na := header.NeighborAdvertisement{
		Router: by.Router, Solicited: solicited, Override: by.Override,
		Target: target, TargetLink: by.MAC, HasTargetLink: true,
	}
	return na.EmitPacket(b, &target, &dst)
}
