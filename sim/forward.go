package sim

import (
	"net/netip"

	"glean/stack"
	"glean/stack/header"
	"glean/stack/loop"
)

// forward handles a packet that is not for the address it came in at (RFC 1812 section
// 5.2, RFC 8200 section 3). It may write into the packet, because a frame belongs to
// the handler that it was delivered to.
func (r *Router) forward(in *stack.Interface, packet []byte) {
	p, ok := parse(packet)
	switch {
	case !ok:
		r.counts.Malformed++
	case r.own[p.dst]:
		r.local(p)
	case !mayForward(p.src) || !mayForward(p.dst):
		r.counts.Refused++
	case p.ttl <= 1:
		r.counts.TTL++
		r.complain(in, p, header.ICMPErrorRepr{Kind: header.ICMPTimeExceeded})
	default:
		r.route(in, p)
	}
}

// transit is a packet on its way through a router.
type transit struct {
	src, dst netip.Addr
	ttl      uint8
	packet   []byte // without padding
	v4       bool
}

// parse reads and validates the header fields that a router must (RFC 1812 section
// 5.2.2). Fragments are forwarded like other packets.
func parse(b []byte) (p transit, ok bool) {
	if b[0]>>4 == 4 {
		ip := header.IPv4(b)
		length, total := ip.HeaderLength(), int(ip.TotalLength())
		if length < header.IPv4Size || total < length || total > len(b) || header.Checksum(b[:length], 0) != 0 {
			return p, false
		}
		src, dst := netip.AddrFrom4(ip.Src()), netip.AddrFrom4(ip.Dst())
		return transit{src, dst, ip.TTL(), b[:total], true}, true
	}
	ip := header.IPv6(b)
	total := header.IPv6Size + int(ip.PayloadLength())
	if total > len(b) {
		return p, false
	}
	src, dst := netip.AddrFrom16(ip.Src()), netip.AddrFrom16(ip.Dst())
	return transit{src, dst, ip.HopLimit(), b[:total], false}, true
}

// mayForward reports whether a router may forward packets from or to an address.
func mayForward(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// route sends a packet to its next hop, or an error back.
func (r *Router) route(in *stack.Interface, p transit) {
	h, ok := r.routes.Find(p.dst)
	if !ok {
		r.counts.NoRoute++
		r.complain(in, p, unreachable(p.v4, header.ICMPv4CodeNet, header.ICMPv6CodeNoRoute))
		return
	}
	if p.dst == h.broadcast[0] || p.dst == h.broadcast[1] { // RFC 2644: not into a network from outside
		r.counts.Refused++
		return
	}
	if mtu := h.port.nic.MTU(); len(p.packet) > mtu {
		r.counts.TooBig++
		r.complain(in, p, header.ICMPErrorRepr{Kind: header.ICMPTooBig, MTU: uint32(mtu)})
		return
	}
	next := h.via
	if !next.IsValid() {
		next = p.dst
	}
	if p.v4 {
		header.IPv4(p.packet).DecrementTTL()
	} else {
		header.IPv6(p.packet).SetHopLimit(p.ttl - 1)
	}
	if h.out.Output(next, p.packet) != stack.ReasonNone {
		r.counts.Unreachable++
		r.complain(in, p, unreachable(p.v4, header.ICMPv4CodeHost, header.ICMPv6CodeAddress))
		return
	}
	r.counts.Forwarded++
}

func unreachable(v4 bool, code4, code6 uint8) header.ICMPErrorRepr {
	if v4 {
		return header.ICMPErrorRepr{Kind: header.ICMPUnreachable, Code: code4}
	}
	return header.ICMPErrorRepr{Kind: header.ICMPUnreachable, Code: code6}
}

// errorsPerSecond limits the ICMP errors of a router (RFC 1812 section 4.3.2.8,
// RFC 4443 section 2.4 f).
const errorsPerSecond = 1000

// limited reports whether the errors of this second have reached the limit.
func (r *Router) limited() bool {
	if now := r.world.Now(); now.Sub(r.errorsFrom) >= loop.Second {
		r.errorsFrom, r.errors = now, 0
	}
	r.errors++
	return r.errors > errorsPerSecond
}

// complain sends an ICMP error about a packet that came in at an interface to
// its sender, unless one must not be sent (RFC 1812 section 4.3.2.7, RFC 4443
// section 2.4 e).
func (r *Router) complain(in *stack.Interface, p transit, e header.ICMPErrorRepr) {
	src := in.Source(p.src)
	if !src.IsValid() || isICMPError(p) {
		return
	}
	if r.limited() {
		r.counts.Limited++
		return
	}
	r.counts.Errors++
	e.Original = p.packet
	size := e.SizeICMPv6()
	if p.v4 {
		size = e.SizeICMPv4()
	}
	at := r.begin(src, p.src, size)
	if p.v4 {
		e.EmitICMPv4(r.packet[at:])
	} else {
		e.EmitICMPv6(r.packet[at:], src.As16(), p.src.As16())
	}
	r.originate(p.src)
}

// isICMPError reports whether no error may be sent about a packet: an ICMP error, or a
// fragment other than the first.
func isICMPError(p transit) bool {
	if p.v4 {
		ip := header.IPv4(p.packet)
		if ip.FragmentOffset() > 0 {
			return true
		}
		at := ip.HeaderLength()
		return ip.Protocol() == header.ProtocolICMPv4 && len(p.packet) > at &&
			p.packet[at] != header.ICMPv4EchoRequest && p.packet[at] != header.ICMPv4EchoReply
	}
	const firstInformational = 128 // RFC 4443 section 2.1: errors have types below
	ip, payload, err := header.ParseIPv6(p.packet)
	return err == nil && ip.NextHeader == header.ProtocolICMPv6 && len(payload) > 0 && payload[0] < firstInformational
}

// local answers an echo request to an address of another port than the one it
// came in at.
func (r *Router) local(p transit) {
	r.counts.Local++
	if p.v4 {
		ip, payload, err := header.ParseIPv4(p.packet)
		if err != nil || ip.Protocol != header.ProtocolICMPv4 {
			return
		}
		if echo, ok := isEchoRequest(header.ParseICMPv4Echo(payload)); ok {
			at := r.begin(p.dst, p.src, echo.Size())
			echo.EmitICMPv4(r.packet[at:])
			r.originate(p.src)
		}
		return
	}
	ip, payload, err := header.ParseIPv6(p.packet)
	if err != nil || ip.NextHeader != header.ProtocolICMPv6 {
		return
	}
	if echo, ok := isEchoRequest(header.ParseICMPv6Echo(ip, payload)); ok {
		at := r.begin(p.dst, p.src, echo.Size())
		echo.EmitICMPv6(r.packet[at:], p.dst.As16(), p.src.As16())
		r.originate(p.src)
	}
}

// begin writes the header of an ICMP message of the router into r.packet and
// returns where the message goes.
func (r *Router) begin(src, dst netip.Addr, size int) (at int) {
	if cap(r.packet) < header.IPv6Size+size {
		r.packet = make([]byte, header.IPv6Size+size)
	}
	if dst.Is4() {
		ip := header.IPv4Repr{
			Src: src.As4(), Dst: dst.As4(), Protocol: header.ProtocolICMPv4, TTL: replyTTL, PayloadLen: size,
		}
		r.packet = r.packet[:ip.Size()+size]
		return ip.Emit(r.packet)
	}
	ip := header.IPv6Repr{
		Src: src.As16(), Dst: dst.As16(), NextHeader: header.ProtocolICMPv6, HopLimit: replyTTL, PayloadLen: size,
	}
	r.packet = r.packet[:ip.Size()+size]
	return ip.Emit(r.packet)
}

// originate sends r.packet, which the router made itself, on its way.
func (r *Router) originate(dst netip.Addr) {
	h, ok := r.routes.Find(dst)
	if !ok {
		return
	}
	next := h.via
	if !next.IsValid() {
		next = dst
	}
	h.out.Output(next, r.packet)
}
