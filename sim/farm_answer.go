package sim

import (
	"net/netip"

	"glean/stack"
	"glean/stack/header"
)

// The answers of a farm's hosts.

// handleARP answers a request for one of the hosts. A farm sends no requests and keeps
// no cache, so it ignores replies and the senders of requests.
func (f *Farm) handleARP(eth *header.EthernetRepr, payload []byte) {
	a, err := header.ParseARP(payload)
	n, ours := f.find4(a.TargetIP)
	if err != nil || !ours {
		f.counts.Ignored++
		return
	}
	size := stack.AnswerARP(f.frame, &a, f.station(n))
	if f.answers(n, size, eth.Dst) {
		f.counts.ARPAnswered++
		f.send(size)
	}
}

// station returns the station that answers for host n.
func (f *Farm) station(n uint32) *stack.Station {
	return &stack.Station{MAC: f.MAC(n), Tags: f.config.Tags, Override: true}
}

// answers reports whether host n sends the answer of that size to a solicitation in a
// frame to dst, and counts it.
func (f *Farm) answers(n uint32, size int, dst header.MAC) bool {
	if size == 0 {
		f.counts.Ignored++
		return false
	}
	if !f.receives(n, dst) {
		return false
	}
	if h := &f.hosts[n]; h.solicited < 1<<16-1 {
		h.solicited++
	}
	return true
}

// isInvalidSource reports whether no station may send from an address (RFC 1122 section
// 3.2.1.3, RFC 4291 section 2.5).
func isInvalidSource(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() ||
		a.Is4() && (a.As4()[0] == 0 || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
}

// handleIPv4 answers echo requests and counts the rest.
func (f *Farm) handleIPv4(eth *header.EthernetRepr, packet []byte) {
	ip, payload, err := header.ParseIPv4(packet)
	n, ours := f.find4(ip.Dst)
	if err != nil || !ours {
		f.counts.Ignored++
		return
	}
	if !f.reads(n, eth.Dst) {
		return
	}
	if ip.Protocol == header.ProtocolICMPv4 && !isInvalidSource(netip.AddrFrom4(ip.Src)) {
		if echo, ok := isEchoRequest(header.ParseICMPv4Echo(payload)); ok {
			f.counts.EchoAnswered++
			at := f.ethernet(f.MAC(n), eth.Src, header.EtherTypeIPv4)
			out := header.IPv4Repr{
				Src: ip.Dst, Dst: ip.Src, Protocol: ip.Protocol, TTL: replyTTL, TOS: ip.TOS,
				PayloadLen: echo.Size(),
			}
			at += out.Emit(f.frame[at:])
			f.send(at + echo.EmitICMPv4(f.frame[at:]))
			return
		}
	}
	if ip.Protocol == header.ProtocolUDP {
		if _, _, err := header.ParseUDPv4(ip.Src, ip.Dst, payload); err != nil {
			f.counts.Corrupt++
			return
		}
	}
	f.data(n, packet)
}

// replyTTL is the TTL and hop limit of what hosts send.
const replyTTL = 64

// isEchoRequest returns the reply to an echo request, given the result of a parser.
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
	if ip.NextHeader == header.ProtocolICMPv6 && len(payload) > 0 && payload[0] == header.ICMPv6NeighborSolicitation {
		f.handleSolicitation(eth, ip, payload)
		return
	}
	n, ours := f.find6(ip.Dst)
	if !ours {
		f.counts.Ignored++
		return
	}
	if !f.reads(n, eth.Dst) {
		return
	}
	if ip.NextHeader == header.ProtocolICMPv6 && !isInvalidSource(netip.AddrFrom16(ip.Src)) {
		if echo, ok := isEchoRequest(header.ParseICMPv6Echo(ip, payload)); ok {
			f.counts.EchoAnswered++
			at := f.ethernet(f.MAC(n), eth.Src, header.EtherTypeIPv6)
			out := header.IPv6Repr{
				Src: ip.Dst, Dst: ip.Src, NextHeader: header.ProtocolICMPv6,
				HopLimit: replyTTL, TrafficClass: ip.TrafficClass, PayloadLen: echo.Size(),
			}
			at += out.Emit(f.frame[at:])
			f.send(at + echo.EmitICMPv6(f.frame[at:], out.Src, out.Dst))
			return
		}
	}
	if ip.NextHeader == header.ProtocolUDP {
		if _, _, err := header.ParseUDPv6(ip.Src, ip.Dst, payload); err != nil {
			f.counts.Corrupt++
			return
		}
	}
	f.data(n, packet)
}

// handleSolicitation answers as RFC 4861 section 7.2.4 requires. The answer goes to the
// MAC in the solicitation or, because a farm has no cache and sends no solicitations,
// to the source MAC of the frame.
func (f *Farm) handleSolicitation(eth *header.EthernetRepr, ip header.IPv6Repr, payload []byte) {
	ns, err := header.ParseNeighborSolicitation(ip, payload)
	n, ours := f.find6(ns.Target)
	if err != nil || !ours || !f.listens(n, eth.Dst, ip.Dst) {
		f.counts.Ignored++
		return
	}
	size := stack.AnswerSolicitation(f.frame, ip.Src, &ns, eth.Src, f.station(n))
	if f.answers(n, size, eth.Dst) {
		f.counts.NDAnswered++
		f.send(size)
	}
}

// listens reports whether host n reads packets to an IPv6 address in a frame to dst:
// unicast to its own addresses, else to all nodes and to its solicited-node groups
// (RFC 4861 section 7.2.1).
func (f *Farm) listens(n uint32, dst header.MAC, to [16]byte) bool {
	if !dst.IsMulticast() {
		owner, ours := f.find6(to)
		return ours && owner == n
	}
	return to == header.AllNodes || to == header.SolicitedNode(Offset(f.config.IPv6, n).As16()) ||
		to == header.SolicitedNode(header.LinkLocal(MAC(KindFarm, f.config.First+n)))
}

// Announce makes host n announce its addresses.
func (f *Farm) Announce(n uint32) {
	f.counts.Announced++
	for _, first := range [...]netip.Addr{f.config.IPv4, f.config.IPv6} {
		if first.IsValid() {
			f.announce(f.MAC(n), Offset(first, n), false)
		}
	}
}
