package sim

import (
	"net/netip"

	"glean/stack/header"
)

// What the hosts of a farm say.

// handleARP answers a request for one of the hosts. A farm asks nothing, so
// replies and the senders of requests mean nothing to it.
func (f *Farm) handleARP(eth *header.EthernetRepr, payload []byte) {
	a, err := header.ParseARP(payload)
	n, ours := f.find4(a.TargetIP)
	if err != nil || !ours || a.Op != header.ARPRequest || a.SenderMAC.IsMulticast() || a.SenderIP == a.TargetIP {
		f.counts.Ignored++
		return
	}
	if !f.alive(n, eth.Dst) {
		return
	}
	f.question(n)
	f.counts.ARPAnswered++
	f.sendARP(n, a.SenderMAC, header.ARPRepr{
		Op: header.ARPReply, SenderMAC: f.MAC(n), SenderIP: a.TargetIP,
		TargetMAC: a.SenderMAC, TargetIP: a.SenderIP,
	})
}

func (f *Farm) sendARP(n uint32, dst header.MAC, a header.ARPRepr) {
	at := f.ethernet(n, dst, header.EtherTypeARP)
	f.send(at + a.Emit(f.frame[at:]))
}

// handleIPv4 answers echo requests and counts the rest.
func (f *Farm) handleIPv4(eth *header.EthernetRepr, packet []byte) {
	ip, payload, err := header.ParseIPv4(packet)
	n, ours := f.find4(ip.Dst)
	if err != nil || !ours {
		f.counts.Ignored++
		return
	}
	if !f.alive(n, eth.Dst) {
		return
	}
	if ip.Protocol == header.ProtocolICMPv4 {
		if echo, ok := isEchoRequest(header.ParseICMPv4Echo(payload)); ok {
			f.counts.EchoAnswered++
			at := f.ethernet(n, eth.Src, header.EtherTypeIPv4)
			out := header.IPv4Repr{
				Src: ip.Dst, Dst: ip.Src, Protocol: ip.Protocol, TTL: replyTTL, PayloadLen: echo.Size(),
			}
			at += out.Emit(f.frame[at:])
			f.send(at + echo.EmitICMPv4(f.frame[at:]))
			return
		}
	}
	f.data(n, packet)
}

// replyTTL is the TTL and hop limit of what hosts send.
const replyTTL = 64

// isEchoRequest takes the result of a parser and gives the reply to it.
func isEchoRequest(echo header.ICMPEchoRepr, err error) (reply header.ICMPEchoRepr, ok bool) {
	ok = err == nil && !echo.Reply
	echo.Reply = true
	return echo, ok
}

// handleIPv6 answers solicitations and echo requests and counts the rest.
func (f *Farm) handleIPv6(eth *header.EthernetRepr, packet []byte) {
	ip, payload, err := header.ParseIPv6(packet)
	if err != nil {
		f.counts.Ignored++
		return
	}
	if ip.NextHeader == header.ProtocolICMPv6 && len(payload) > 0 && payload[0] == solicitationType {
		f.handleSolicitation(eth, ip, payload)
		return
	}
	n, ours := f.find6(ip.Dst)
	if !ours {
		f.counts.Ignored++
		return
	}
	if !f.alive(n, eth.Dst) {
		return
	}
	if ip.NextHeader == header.ProtocolICMPv6 {
		if echo, ok := isEchoRequest(header.ParseICMPv6Echo(ip, payload)); ok {
			f.counts.EchoAnswered++
			at := f.ethernet(n, eth.Src, header.EtherTypeIPv6)
			out := header.IPv6Repr{
				Src: ip.Dst, Dst: ip.Src, NextHeader: header.ProtocolICMPv6,
				HopLimit: replyTTL, PayloadLen: echo.Size(),
			}
			at += out.Emit(f.frame[at:])
			f.send(at + echo.EmitICMPv6(f.frame[at:], out.Src, out.Dst))
			return
		}
	}
	f.data(n, packet)
}

// solicitationType is the ICMPv6 type of RFC 4861 section 4.3.
const solicitationType = 135

// handleSolicitation answers as RFC 4861 section 7.2.4 says. The MAC to answer
// to is the one in the solicitation or, since a farm has no cache and does not
// ask back, the one that the frame came from.
func (f *Farm) handleSolicitation(eth *header.EthernetRepr, ip header.IPv6Repr, payload []byte) {
	ns, err := header.ParseNeighborSolicitation(ip, payload)
	n, ours := f.find6(ns.Target)
	if err != nil || !ours {
		f.counts.Ignored++
		return
	}
	if !f.alive(n, eth.Dst) {
		return
	}
	f.question(n)
	f.counts.NDAnswered++
	to, dst := ip.Src, eth.Src
	if ns.HasSourceLink {
		dst = ns.SourceLink
	}
	solicited := to != [16]byte{}
	if !solicited { // somebody checks for duplicates (RFC 4862)
		to, dst = header.AllNodes, header.MulticastMAC(netip.AddrFrom16(header.AllNodes))
	}
	f.advertise(n, dst, ns.Target, to, solicited)
}

// advertise sends an advertisement for an address of host n.
func (f *Farm) advertise(n uint32, dst header.MAC, target, to [16]byte, solicited bool) {
	na := header.NeighborAdvertisement{
		Solicited: solicited, Override: true,
		Target: target, TargetLink: f.MAC(n), HasTargetLink: true,
	}
	at := f.ethernet(n, dst, header.EtherTypeIPv6)
	out := header.IPv6Repr{
		Src: target, Dst: to, NextHeader: header.ProtocolICMPv6,
		HopLimit: header.NeighborHopLimit, PayloadLen: na.Size(),
	}
	at += out.Emit(f.frame[at:])
	f.send(at + na.Emit(f.frame[at:], out.Src, out.Dst))
}

// Announce has host n tell everybody its MAC: a gratuitous ARP request (RFC
// 5227 section 2.3) and an unsolicited advertisement (RFC 4861 section 7.2.6).
func (f *Farm) Announce(n uint32) {
	f.counts.Announced++
	if f.config.IPv4.IsValid() {
		own := Offset(f.config.IPv4, n).As4()
		f.sendARP(n, header.Broadcast, header.ARPRepr{
			Op: header.ARPRequest, SenderMAC: f.MAC(n), SenderIP: own, TargetIP: own,
		})
	}
	if f.config.IPv6.IsValid() {
		all := header.AllNodes
		f.advertise(n, header.MulticastMAC(netip.AddrFrom16(all)), Offset(f.config.IPv6, n).As16(), all, false)
	}
}

// ethernet begins a frame of host n and returns where its payload goes.
func (f *Farm) ethernet(n uint32, dst header.MAC, kind header.EtherType) int {
	e := header.EthernetRepr{Dst: dst, Src: f.MAC(n), NumTags: uint8(len(f.config.Tags)), Type: kind}
	copy(e.Tags[:], f.config.Tags)
	return e.Emit(f.frame)
}

// send gives the frame of that length to the wire.
func (f *Farm) send(length int) {
	f.one[0] = f.frame[:length]
	f.end.Send(f.one[:])
}
