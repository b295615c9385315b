package stack

import (
	"encoding/binary"
	"errors"

	"glean/stack/header"
)

// handleIPv4 handles a packet: echo requests to us are answered, the others go to
// Deliver or Forward.
func (s *Stack) handleIPv4(v *vlan, eth *header.EthernetRepr, b []byte) {
	if len(b) < header.IPv4Size || header.IPv4(b).Version() != 4 {
		_, _, err := header.ParseIPv4(b)
		s.malformed(err)
		return
	}
	dst := ipFrom4(header.IPv4(b).Dst())
	i, ours := s.ipRecipient(v, eth, dst, b)
	s.setRecipient(i)
	switch {
	case i == nil:
		return
	case !ours:
		s.forward(i, b)
		return
	}
	r, payload, err := header.ParseIPv4(b)
	if err != nil {
		s.malformed(err)
		return
	}
	if r.Protocol != header.ProtocolICMPv4 {
		s.deliver(i, b[:int(header.IPv4(b).TotalLength())])
		return
	}
	echo, err := header.ParseICMPv4Echo(payload)
	if errors.Is(err, header.ErrICMPType) || err == nil && echo.Reply {
		s.deliver(i, b[:int(header.IPv4(b).TotalLength())])
		return
	}
	if err != nil {
		s.malformed(err)
		return
	}
	switch src := ipFrom4(r.Src); {
	case i.isBroadcast(dst) || dst.isMulticast():
		// RFC 1122 section 3.2.2.6 leaves it open whether an echo request to a
		// broadcast address is answered. It is not: 10,000 hosts would answer one frame.
		s.drop(DropICMP)
	case src.isNotHost() || i.isBroadcast(src):
		s.drop(DropSenderIP) // the answer would go to all hosts, or to no host
	default:
		i.answerEcho4(&r, &echo)
	}
}

// answerEcho4 sends an echo reply.
func (i *Interface) answerEcho4(r *header.IPv4Repr, echo *header.ICMPEchoRepr) {
	const headroom = header.EthernetSize + header.MaxTags*header.VLANSize
	reply := header.ICMPEchoRepr{Reply: true, ID: echo.ID, Seq: echo.Seq, Payload: echo.Payload}
	packet := i.stack.frameBuffer(headroom + header.IPv4Size + reply.Size())[headroom:]
	ip4 := header.IPv4Repr{
		Src: r.Dst, Dst: r.Src, Protocol: header.ProtocolICMPv4, TTL: 64, TOS: r.TOS, PayloadLen: reply.Size(),
	}
	n := ip4.Emit(packet)
	n += reply.EmitICMPv4(packet[n:])
	i.stack.counts().EchoesAnswered++
	i.output(ipFrom4(r.Src), packet[:n], byPeer)
}

// handleIPv6 is handleIPv4 for IPv6; Neighbor Discovery and MLD messages are handled
// here too.
func (s *Stack) handleIPv6(v *vlan, eth *header.EthernetRepr, b []byte) {
	if len(b) < header.IPv6Size || header.IPv6(b).Version() != 6 {
		_, _, err := header.ParseIPv6(b)
		s.malformed(err)
		return
	}
	dst := ipFrom16(header.IPv6(b).Dst())
	i, ours := s.ipRecipient(v, eth, dst, b)
	s.setRecipient(i)
	switch {
	case i == nil:
		return
	case !ours:
		s.forward(i, b)
		return
	}
	var r header.IPv6Repr
	payload, err := r.Parse(b)
	if err != nil {
		s.malformed(err) // fragments too: RFC 6980 section 5 requires it for Neighbor Discovery, and the stack reassembles nothing
		return
	}
	length := header.IPv6Size + int(header.IPv6(b).PayloadLength())
	if r.NextHeader != header.ProtocolICMPv6 || len(payload) == 0 {
		s.deliver(i, b[:length])
		return
	}
	switch payload[0] {
	case header.ICMPv6NeighborSolicitation:
		s.handleSolicitation(v, eth, &r, payload)
	case header.ICMPv6NeighborAdvertisement:
		s.handleAdvert(v, eth, &r, payload)
	case mldQuery:
		s.handleQuery(v, &r, payload)
	case header.ICMPv6RouterSolicitation, header.ICMPv6RouterAdvertisement, header.ICMPv6Redirect:
		s.drop(DropICMP)
	case header.ICMPv6EchoRequest:
		echo, err := header.ParseICMPv6Echo(r, payload)
		switch {
		case err != nil:
			s.malformed(err)
		case dst.isMulticast():
			s.drop(DropICMP)
		default:
			i.answerEcho6(&r, &echo)
		}
	default:
		s.deliver(i, b[:length])
	}
}

// answerEcho6 sends an echo reply.
func (i *Interface) answerEcho6(r *header.IPv6Repr, echo *header.ICMPEchoRepr) {
	if binary.BigEndian.Uint64(r.Src[:8]) == 0 && binary.BigEndian.Uint64(r.Src[8:]) <= 1 {
		i.stack.drop(DropSenderIP)
		return
	}
	const headroom = header.EthernetSize + header.MaxTags*header.VLANSize
	reply := header.ICMPEchoRepr{Reply: true, ID: echo.ID, Seq: echo.Seq, Payload: echo.Payload}
	packet := i.stack.frameBuffer(headroom + header.IPv6Size + reply.Size())[headroom:]
	ip6 := header.IPv6Repr{
		Src: r.Dst, Dst: r.Src, NextHeader: header.ProtocolICMPv6, HopLimit: 64,
		TrafficClass: r.TrafficClass, PayloadLen: reply.Size(),
	}
	n := ip6.Emit(packet)
	n += reply.EmitICMPv6(packet[n:], ip6.Src, ip6.Dst)
	i.stack.counts().EchoesAnswered++
	i.output(ipFrom16(r.Src), packet[:n], byPeer)
}

// ipRecipient returns the interface that a packet is for. ours means that its
// destination is the interface's address, one that it answers for, or a group of it. A
// nil interface means that the packet was dropped and counted.
//
// A packet to a unicast address in a frame to a group's MAC is dropped (RFC 1122 section
// 3.3.6), except an echo request to an interface's own address: hosts answer it, and
// testers send it. Only one interface has the address, so one frame causes one answer.
func (s *Stack) ipRecipient(v *vlan, eth *header.EthernetRepr, dst ip, packet []byte) (i *Interface, ours bool) {
	if eth.Dst.IsMulticast() {
		if i := v.groupMember(dst); i != nil {
			return i, true
		}
		if own := v.own(dst); own != nil && isEchoRequest(packet) {
			return s.filterRecipient(own.iface, true)
		}
		s.drop(DropGroup)
		return nil, false
	}
	if i, _ := v.owner(dst); i != nil && i.config.MAC == eth.Dst {
		return s.filterRecipient(i, true)
	}
	station := v.station(eth.Dst)
	if station == nil {
		s.drop(DropOtherMAC)
		return nil, false
	}
	return s.filterRecipient(station, false)
}

// isEchoRequest reports whether a packet, which has a whole IP header, may be an echo
// request.
func isEchoRequest(packet []byte) bool {
	if header.IPv4(packet).Version() == 4 {
		at := header.IPv4(packet).HeaderLength()
		return header.Protocol(packet[9]) == header.ProtocolICMPv4 && len(packet) > at && packet[at] == header.ICMPv4EchoRequest
	}
	return header.IPv6(packet).NextHeader() == header.ProtocolICMPv6 && len(packet) > header.IPv6Size && packet[header.IPv6Size] == header.ICMPv6EchoRequest
}

// groupMember returns an interface that listens to a group or broadcast address, nil if
// none does. The IPv6 groups are all-nodes and the solicited-node groups of our
// addresses (RFC 4861 section 7.2.1) and of those that we answer for.
func (v *vlan) groupMember(dst ip) *Interface {
	if dst.is4() {
		for _, i := range v.interfaces {
			if i.ipv4 != nil && i.isBroadcast(dst) && i.passesRxFilter() {
				return i
			}
		}
		return nil
	}
	const linkScope, allNodesLow, solicitedLow = 0xff02 << 48, 1, 0x1_ff00_0000
	switch {
	case dst.hi != linkScope:
		return nil
	case dst.lo == allNodesLow:
		return v.interfaces[0]
	case dst.lo&^0xffffff == solicitedLow && (v.inGroup(dst.group()) > 0 || v.answersForOthers()):
		return v.interfaces[0]
	}
	return nil
}

// deliver passes a packet for us to Deliver.
func (s *Stack) deliver(i *Interface, packet []byte) {
	if s.options.Deliver == nil {
		s.drop(DropICMP)
		return
	}
	s.counts().Delivered++
	s.options.Deliver(i, packet)
}

// forward passes a packet for another host to Forward.
func (s *Stack) forward(i *Interface, packet []byte) {
	if s.options.Forward == nil {
		s.drop(DropForward)
		return
	}
	s.counts().Forwarded++
	s.options.Forward(i, packet)
}
