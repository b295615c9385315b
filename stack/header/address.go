package header

import "net/netip"

// AllNodes is ff02::1, the group of all nodes on the link.
var AllNodes = [16]byte{0: 0xff, 1: 0x02, 15: 0x01}

// MulticastMAC is the Ethernet address that carries a multicast IP address:
// 01:00:5e and the low 23 bits of an IPv4 address (RFC 1112 section 6.4), 33:33
// and the low 32 bits of an IPv6 address (RFC 2464 section 7).
func MulticastMAC(group netip.Addr) MAC {
	if group = group.Unmap(); group.Is4() {
		a := group.As4()
		return MAC{0x01, 0x00, 0x5e, a[1] & 0x7f, a[2], a[3]}
	}
	a := group.As16()
	return MAC{0x33, 0x33, a[12], a[13], a[14], a[15]}
}

// SolicitedNode is the multicast address at which the owner of address listens
// for solicitations: ff02::1:ff00:0/104 and its low 24 bits (RFC 4291
// section 2.7.1).
func SolicitedNode(address [16]byte) [16]byte {
	return [16]byte{0: 0xff, 1: 0x02, 11: 0x01, 12: 0xff, 13: address[13], 14: address[14], 15: address[15]}
}

// IsSolicitedNode reports whether address is a solicited-node multicast address.
func IsSolicitedNode(address [16]byte) bool { return address == SolicitedNode(address) }

// LinkLocal is the link-local IPv6 address of a station: fe80::/64 and the
// modified EUI-64 of its MAC (RFC 4291 appendix A).
func LinkLocal(m MAC) [16]byte {
	return [16]byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]}
}
