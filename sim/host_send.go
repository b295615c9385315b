package sim

import (
	"net/netip"

	"glean/stack"
	"glean/stack/header"
)

// What a host says when it is told to. Packets go through its stack, which
// finds out the MACs.

// Ping sends an echo request from interface number k; the reply is counted in
// HostCounts. The reason tells why it could not be sent.
func (h *Host) Ping(k int, dst netip.Addr, seq uint16) stack.Reason {
	i := h.interfaces[k]
	src := i.Source(dst)
	if !src.IsValid() {
		return stack.NoSourceAddress
	}
	echo := header.ICMPEchoRepr{ID: 1, Seq: seq, Payload: pingPayload}
	packet, at := ipPacket(src, dst, header.ProtocolICMPv4, header.ProtocolICMPv6, echo.Size())
	if dst.Is4() {
		echo.EmitICMPv4(packet[at:])
	} else {
		echo.EmitICMPv6(packet[at:], src.As16(), dst.As16())
	}
	return i.Output(dst, packet)
}

var pingPayload = []byte("how far is it to you?")

// SendUDP sends a datagram with size octets of zeros from interface number k.
// The reason tells why it could not be sent.
func (h *Host) SendUDP(k int, dst netip.Addr, port uint16, size int) stack.Reason {
	i := h.interfaces[k]
	src := i.Source(dst)
	if !src.IsValid() {
		return stack.NoSourceAddress
	}
	u := header.UDPRepr{SrcPort: port, DstPort: port, PayloadLen: size}
	packet, at := ipPacket(src, dst, header.ProtocolUDP, header.ProtocolUDP, u.Size()+size)
	if dst.Is4() {
		u.EmitUDPv4(packet[at:], src.As4(), dst.As4())
	} else {
		u.EmitUDPv6(packet[at:], src.As16(), dst.As16())
	}
	return i.Output(dst, packet)
}

// ipPacket makes an IP packet of either version and returns where its payload
// goes.
func ipPacket(src, dst netip.Addr, v4, v6 header.Protocol, size int) (packet []byte, at int) {
	if dst.Is4() {
		ip := header.IPv4Repr{Src: src.As4(), Dst: dst.As4(), Protocol: v4, TTL: replyTTL, PayloadLen: size}
		packet = make([]byte, ip.Size()+size)
		return packet, ip.Emit(packet)
	}
	ip := header.IPv6Repr{Src: src.As16(), Dst: dst.As16(), NextHeader: v6, HopLimit: replyTTL, PayloadLen: size}
	packet = make([]byte, ip.Size()+size)
	return packet, ip.Emit(packet)
}
