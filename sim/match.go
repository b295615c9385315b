package sim

import "glean/stack/header"

// Match reports whether a rule concerns a frame.
type Match func(frame []byte) bool

// peel returns the payload behind the Ethernet header and up to two VLAN tags.
func peel(f []byte) (kind header.EtherType, payload []byte) {
	kind, payload = header.Ethernet(f).Type(), f[header.EthernetSize:]
	for tags := 0; tags < header.MaxTags && kind.IsTag() && len(payload) >= header.VLANSize; tags++ {
		kind, payload = header.Dot1Q(payload).Type(), payload[header.VLANSize:]
	}
	return kind, payload
}

// isNeighbor reports whether a frame is ARP with an operation, or Neighbor Discovery
// with a type.
func isNeighbor(f []byte, op header.ARPOp, icmp uint8) bool {
	switch kind, payload := peel(f); kind {
	case header.EtherTypeARP:
		return len(payload) >= header.ARPSize && header.ARP(payload).Op() == op
	case header.EtherTypeIPv6:
		return len(payload) > header.IPv6Size &&
			header.IPv6(payload).NextHeader() == header.ProtocolICMPv6 && payload[header.IPv6Size] == icmp
	}
	return false
}

// Any matches every frame.
func Any(f []byte) bool { return true }

// Solicitations matches ARP requests and neighbor solicitations.
func Solicitations(f []byte) bool {
	return isNeighbor(f, header.ARPRequest, header.ICMPv6NeighborSolicitation)
}

// Answers matches ARP replies and neighbor advertisements.
func Answers(f []byte) bool {
	return isNeighbor(f, header.ARPReply, header.ICMPv6NeighborAdvertisement)
}

// From matches frames with that source.
func From(m header.MAC) Match {
	return func(f []byte) bool { return header.Ethernet(f).Src() == m }
}

// To matches frames with that destination.
func To(m header.MAC) Match {
	return func(f []byte) bool { return header.Ethernet(f).Dst() == m }
}

// All matches frames that all the others match.
func All(matches ...Match) Match {
	return func(f []byte) bool {
		for _, m := range matches {
			if !m(f) {
				return false
			}
		}
		return true
	}
}
